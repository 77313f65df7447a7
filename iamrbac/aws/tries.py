"""What only trying says: which roles somebody may assume, and which clusters a region has."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import ClientError

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.errors import DENIED, aws_call, code_of
from iamrbac.model.arn import partition_of

SHORTEST_SESSION = 900
"""Seconds that STS gives a session at least: the credentials are thrown away."""


class Tries:
    """Used from several threads."""

    def __init__(self, accounts: Accounts, session_name: Callable[[str], str]) -> None:
        """Take whose credentials try, and how a session is called that somebody's ARN makes."""
        self._accounts = accounts
        self._session_name = session_name

    def may_assume(self, role: str, region: str) -> bool:
        """Say whether AWS lets the caller assume a role; asked in the region, or the session's if it is as near.

        A role that is not there is denied as one that is. Raises AwsError for every other answer, and for none.
        """
        name = self._session_name(self._accounts.caller().arn)
        own = self._accounts.own.session.region_name
        near = own if own is not None and partition_of(own) == partition_of(region) else region
        with aws_call(role, "sts"):
            try:
                self._accounts.own.sts(near).assume_role(
                    RoleArn=role, RoleSessionName=name, DurationSeconds=SHORTEST_SESSION
                )
            except ClientError as error:
                if code_of(error) in DENIED:
                    return False
                raise
        return True

    def clusters(self, region: str) -> tuple[str, ...]:
        """Return the names of a region's clusters, every page. Raises AwsError."""
        with aws_call(region, "eks"):
            pages = self._accounts.own.eks(region).get_paginator("list_clusters").paginate()
            return tuple(name for page in pages for name in page["clusters"])
