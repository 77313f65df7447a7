"""IAM as a port: roles of ours and policies of groups that let people assume them, read whole and changed one by one.

IAM has no versions, so what is changed or deleted is read again just before and compared with what the plan saw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

from botocore.exceptions import ClientError

from iamrbac.aws import iam_users
from iamrbac.aws.accounts import Accounts
from iamrbac.aws.errors import aws_call, code_of
from iamrbac.aws.session import CALLS_AT_ONCE
from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.identity.assumable import PATH, AssumableRole, GroupPolicy, canonical
from iamrbac.identity.assume import IamUserRights
from iamrbac.identity.snapshot import Unreadable, Way
from iamrbac.model.errors import AwsError, ConflictError, ExistsError
from iamrbac.plan.accounts import AccountState
from iamrbac.plan.observed import Meta, Observed

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import RoleTypeDef, TagTypeDef

T = TypeVar("T")


class IamApi:
    """The Iam port. An account is written by the same credentials that it was read by."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._entered: dict[str, IAMClient] = {}

    def account(
        self,
        account: str,
        instance: str,
        roles: Collection[str],
        groups: Collection[str],
        *,
        known: Collection[str],
        way: Way | None = None,
    ) -> AccountState:
        """Read what is ours in an account, and what has the name of a role that is wanted. Raises AwsError.

        Of an account without roles below our path, and where none are wanted, nothing more is asked. Groups in `known`
        are not asked who is in them.
        """
        where = f"IAM of account {account}"
        with aws_call(where, "iam"):
            asking = _Account(self._enter(account, where, way), account)
            with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE) as pool:
                found = [one for one in pool.map(asking.role, asking.names_below(PATH)) if one is not None]
                there = {one.key.name.lower() for one in found}
                missing = sorted(name for name in roles if name.lower() not in there)
                found += [one for one in pool.map(asking.role, missing) if one is not None]
                if not found and not roles:
                    return AccountState(account)
                users = pool.submit(asking.users)
                policies = asking.policies(pool, names.group_policy_prefix(instance))
                asked = {_group(one) for one in policies} | set(groups)
                members = asking.members(pool, sorted(asked - set(known)))
                return AccountState(
                    account,
                    tuple(sorted(found, key=lambda one: one.key)),
                    tuple(sorted(policies, key=lambda one: one.key)),
                    members,
                    users.result(),
                )

    def create(self, desired: Desired) -> None:
        """Create a role with its tags, or put a policy into a group. Raises ExistsError, AwsError."""
        spec, at = desired.spec, self._account(desired.key)
        with _call(desired.key):
            if isinstance(spec, AssumableRole):
                tags = _tags(desired.labels.items())
                try:
                    at.iam.create_role(
                        RoleName=desired.key.name, Path=PATH, AssumeRolePolicyDocument=spec.trust, Tags=tags
                    )
                except ClientError as error:
                    if code_of(error) == "EntityAlreadyExists":
                        raise _exists(desired.key) from error
                    raise
            elif isinstance(spec, GroupPolicy):
                # PutGroupPolicy would silently replace one that is there.
                if at.policy(spec.group, spec.name) is not None:
                    raise _exists(desired.key)
                at.iam.put_group_policy(GroupName=spec.group, PolicyName=spec.name, PolicyDocument=spec.document)

    def update(self, observed: Observed, desired: Desired) -> None:
        """Change a role's trust and tags, or a group's policy (only what differs). Raises ConflictError, AwsError."""
        spec, at, name = desired.spec, self._account(desired.key), desired.key.name
        with _call(desired.key):
            at.check_unchanged(observed)
            if isinstance(spec, AssumableRole):
                missing = desired.labels.items() - observed.meta.labels.items()
                if missing:
                    # First: if the next call fails, the role is already ours and the same command goes on from there.
                    at.iam.tag_role(RoleName=name, Tags=_tags(missing))
                if observed.spec != spec:
                    at.iam.update_assume_role_policy(RoleName=name, PolicyDocument=spec.trust)
            elif isinstance(spec, GroupPolicy):
                at.iam.put_group_policy(GroupName=spec.group, PolicyName=spec.name, PolicyDocument=spec.document)

    def delete(self, observed: Observed) -> None:
        """Delete a role or a group's policy; already gone is fine. Raises ConflictError, AwsError.

        A role that somebody gave policies of its own is not deleted: IAM refuses, and so it is said.
        """
        spec, at = observed.spec, self._account(observed.key)
        with _call(observed.key):
            try:
                if isinstance(spec, AssumableRole):
                    if at.role(observed.key.name) is None:
                        return
                    at.check_unchanged(observed)
                    at.iam.delete_role(RoleName=observed.key.name)
                elif isinstance(spec, GroupPolicy):
                    if at.policy(spec.group, spec.name) is None:
                        return
                    at.check_unchanged(observed)
                    at.iam.delete_group_policy(GroupName=spec.group, PolicyName=spec.name)
            except ClientError as error:
                if code_of(error) != "NoSuchEntity":
                    raise

    def _account(self, key: Key) -> _Account:
        # Without a read there is nothing that was planned, and nothing to write.
        return _Account(self._entered[key.account], key.account)

    def _enter(self, account: str, where: str, way: Way | None) -> IAMClient:
        if way is not None:
            client = self._accounts.clients(way.role, way.region).iam()
        else:
            own = self._accounts.caller().account
            if own != account:
                raise AwsError(
                    f"the credentials are of account {own}, and IAM answers only for its own",
                    where=where,
                    hint=f"use credentials of account {account}, set identity.assumeRole, or correct `account`",
                )
            client = self._accounts.own.iam()
        self._entered[account] = client
        return client


@dataclass(frozen=True, slots=True)
class _Account:
    """One account's IAM: the single questions."""

    iam: IAMClient
    account: str

    def check_unchanged(self, observed: Observed) -> None:
        """Raises ConflictError when something is no longer as the plan saw it."""
        spec = observed.spec
        if isinstance(spec, GroupPolicy):
            now: object = self.policy(spec.group, spec.name)
            was: object = spec.document
        else:
            found = self.role(observed.key.name)
            now = (found.spec, dict(found.meta.labels)) if found is not None else None
            was = (spec, dict(observed.meta.labels))
        if now != was:
            raise ConflictError(
                f"{observed.key.kind} {observed.key.name} changed since it was read",
                where=f"IAM of account {observed.key.account}",
                hint="run the same command again",
            )

    def names_below(self, path: str) -> list[str]:
        pages = self.iam.get_paginator("list_roles").paginate(PathPrefix=path)
        return [role["RoleName"] for page in _whole(pages, "Roles") for role in page["Roles"]]

    def role(self, name: str) -> Observed | None:
        """GetRole, which unlike ListRoles says the tags; None where there is none of this name."""
        return _unless_gone(lambda: _observed(self.iam.get_role(RoleName=name)["Role"]))

    def policies(self, pool: ThreadPoolExecutor, prefix: str) -> list[Observed]:
        """Return the inline policies of all groups whose names begin with a prefix: one List for each group."""
        pages = self.iam.get_paginator("list_groups").paginate()
        groups = [group["GroupName"] for page in _whole(pages, "Groups") for group in page["Groups"]]

        def of(group: str) -> list[str]:
            # A group that went since the listing has no policies.
            return _unless_gone(lambda: _policy_names(self.iam, group)) or []

        named = [
            (group, name)
            for group, some in zip(groups, pool.map(of, groups), strict=True)
            for name in some
            if name.startswith(prefix)
        ]
        texts = pool.map(lambda one: self.policy(*one), named)
        return [
            Observed(Key("", "IamGroupPolicy", "", f"{group}/{name}", self.account), GroupPolicy(group, name, text))
            for (group, name), text in zip(named, texts, strict=True)
            if text is not None
        ]

    def policy(self, group: str, name: str) -> str | None:
        def ask() -> str:
            answer = self.iam.get_group_policy(GroupName=group, PolicyName=name)
            return document_text(answer["PolicyDocument"])

        return _unless_gone(ask)

    def members(self, pool: ThreadPoolExecutor, groups: Collection[str]) -> Mapping[str, tuple[str, ...] | Unreadable]:
        """Return who is in each group; one that cannot be read hides nobody's access, only whose it is."""

        def of(group: str) -> tuple[str, ...] | Unreadable:
            try:
                with aws_call(f"IAM group {group}", "iam"):
                    pages = self.iam.get_paginator("get_group").paginate(GroupName=group)
                    return tuple(sorted({user["Arn"] for page in _whole(pages, "Users") for user in page["Users"]}))
            except AwsError as error:
                return Unreadable(str(error))

        return dict(zip(groups, pool.map(of, groups), strict=True))

    def users(self) -> tuple[IamUserRights, ...] | Unreadable:
        try:
            with aws_call(f"IAM of account {self.account}", "iam"):
                return iam_users.read(self.iam)
        except AwsError as error:
            return Unreadable(str(error))


def _call(key: Key) -> AbstractContextManager[None]:
    return aws_call(f"IAM of account {key.account}", "iam")


def document_text(document: object) -> str:
    """Return a policy document as botocore gives it (a value, or text with percent signs) in one spelling."""
    return canonical(unquote(document) if isinstance(document, str) else json.dumps(document))


def _tags(pairs: Iterable[tuple[str, str]]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in sorted(pairs)]


def _observed(role: RoleTypeDef) -> Observed:
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
    spec = AssumableRole(role["Arn"], document_text(role["AssumeRolePolicyDocument"]))
    account = role["Arn"].split(":")[4]
    return Observed(Key("", "IamRole", "", role["RoleName"], account), spec, Meta(labels=tags))


def _policy_names(iam: IAMClient, group: str) -> list[str]:
    pages = iam.get_paginator("list_group_policies").paginate(GroupName=group)
    return [name for page in _whole(pages, "PolicyNames") for name in page["PolicyNames"]]


def _whole(pages: Iterable[T], key: str) -> Iterator[T]:
    """Yield pages that are whole. Raises KeyError for one that is not: it would look like the last, or like nothing."""
    for page in pages:
        if not isinstance(page, dict) or key not in page:
            raise KeyError(key)
        if page.get("IsTruncated") and not page.get("Marker"):
            raise KeyError("Marker of its next page")
        yield page


def _unless_gone(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        return None


def _group(policy: Observed) -> str:
    return policy.spec.group if isinstance(policy.spec, GroupPolicy) else ""


def _exists(key: Key) -> ExistsError:
    return ExistsError(
        f"{key.kind} {key.name} is there already",
        where=f"IAM of account {key.account}",
        hint="run the plan again: it was made since",
    )
