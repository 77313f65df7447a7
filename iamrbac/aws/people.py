"""IAM as a port: who is in a group, and the full ARN of a user or role by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import boto3
from botocore.exceptions import ClientError

from iamrbac.aws.errors import aws_call, code_of
from iamrbac.aws.session import CALLS_AT_ONCE, Clients
from iamrbac.identity.snapshot import IamName, Identities, Missing, Unreadable, Wanted
from iamrbac.model.errors import AwsError

T = TypeVar("T")


class IamPeople:
    """The People port on IAM: each wanted name is asked once, a few at a time."""

    def __init__(self, session: boto3.Session) -> None:
        self._clients = Clients(session)
        self._lock = threading.Lock()
        self._account: str | None = None

    def identities(self, wanted: Wanted) -> Identities:
        """Ask IAM for every wanted name. What IAM did not say is Unreadable with the reason, never absent or empty."""
        with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE) as pool:
            groups = _ask(pool, sorted(wanted.groups), self._group)
            principals = _ask(pool, sorted(wanted.principals), self._principal)
            return Identities(
                {name: answer() for name, answer in groups.items()},
                {name: answer() for name, answer in principals.items()},
            )

    def _group(self, name: IamName) -> tuple[str, ...] | Missing | Unreadable:
        return self._answer(name, f"IAM group {name.name}", lambda: tuple(sorted(set(self._members(name.name)))))

    def _principal(self, name: IamName) -> str | Missing | Unreadable:
        kind, _, plain = name.name.partition("/")
        return self._answer(name, f"IAM {kind} {plain}", lambda: self._arn(kind, plain))

    def _answer(self, name: IamName, what: str, ask: Callable[[], T]) -> T | Missing | Unreadable:
        try:
            with aws_call(what, "iam"):
                account = self._own_account()
                if name.account != account:
                    return Unreadable(_elsewhere(what, name.account, account))
                return ask()
        except AwsError as error:
            if isinstance(cause := error.__cause__, ClientError) and code_of(cause) == "NoSuchEntity":
                return Missing()
            return Unreadable(str(error))

    def _members(self, group: str) -> Iterator[str]:
        """Yield the ARNs of a group's users, every page. Raises KeyError when a page is not whole."""
        for page in self._clients.iam().get_paginator("get_group").paginate(GroupName=group):
            # An answer that is none has no users either, and would look like a group with nobody in it.
            if "Group" not in page:
                raise KeyError("Group")
            # botocore's paginator takes such a page for the last one, and the rest of the group would be lost.
            if page.get("IsTruncated") and not page.get("Marker"):
                raise KeyError("Marker of its next page")
            for user in page["Users"]:
                yield user["Arn"]

    def _arn(self, kind: str, name: str) -> str:
        iam = self._clients.iam()
        if kind == "user":
            return iam.get_user(UserName=name)["User"]["Arn"]
        return iam.get_role(RoleName=name)["Role"]["Arn"]

    def _own_account(self) -> str:
        """Return the account that the credentials belong to: IAM answers for no other."""
        with self._lock:
            if self._account is None:
                self._account = self._clients.sts().get_caller_identity()["Account"]
            return self._account


def _ask(
    pool: ThreadPoolExecutor, names: Iterable[IamName], ask: Callable[[IamName], T]
) -> dict[IamName, Callable[[], T]]:
    return {name: pool.submit(ask, name).result for name in names}


def _elsewhere(what: str, wanted: str, own: str) -> str:
    return (
        f"{what} is in account {wanted}, and the credentials are of account {own}: IAM answers only for its own. "
        f"Next: use credentials of account {wanted}, or correct `account` or identity.account"
    )
