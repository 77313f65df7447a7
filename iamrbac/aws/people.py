"""IAM as a port: who is in a group, and the full ARN of a user or role by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.errors import aws_call, code_of
from iamrbac.aws.session import CALLS_AT_ONCE, keys
from iamrbac.identity.snapshot import IamName, Identities, Missing, Unreadable, Wanted, Way
from iamrbac.model.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

T = TypeVar("T")


class IamPeople:
    """The People port on IAM: each wanted name is asked once, a few at a time, in its own account."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def identities(self, wanted: Wanted) -> Identities:
        """Ask IAM for every wanted name. What IAM did not say is Unreadable with the reason, never absent or empty."""
        names = wanted.groups | wanted.principals
        with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE) as pool:
            accounts = sorted({name.account for name in names})
            entered = dict(zip(accounts, pool.map(lambda one: self._enter(one, wanted.ways), accounts), strict=True))
            groups = _ask(pool, wanted.groups, lambda name: _group(entered[name.account], name))
            principals = _ask(pool, wanted.principals, lambda name: _principal(entered[name.account], name))
            return Identities(
                {name: answer() for name, answer in groups.items()},
                {name: answer() for name, answer in principals.items()},
            )

    def _enter(self, account: str, ways: Mapping[str, Way]) -> IAMClient | _Closed:
        """Return an account's IAM, or why nobody can ask it; a role that cannot be assumed is tried once."""
        try:
            way = ways.get(account)
            if way is not None:
                clients = self._accounts.clients(way.role, way.region)
                keys(clients.session)
                return clients.iam()
            own = self._accounts.caller().account
        except AwsError as error:
            return _Closed(str(error), elsewhere=False)
        return self._accounts.own.iam() if account == own else _Closed(own, elsewhere=True)


@dataclass(frozen=True, slots=True)
class _Closed:
    """An account that cannot be asked."""

    why: str
    """An error as one line, or the account that the credentials are of."""
    elsewhere: bool


def _group(iam: IAMClient | _Closed, name: IamName) -> tuple[str, ...] | Missing | Unreadable:
    return _answer(iam, name, f"IAM group {name.name}", lambda asked: tuple(sorted(set(_members(asked, name.name)))))


def _principal(iam: IAMClient | _Closed, name: IamName) -> str | Missing | Unreadable:
    kind, _, plain = name.name.partition("/")
    return _answer(iam, name, f"IAM {kind} {plain}", lambda asked: _arn(asked, kind, plain))


def _answer(
    iam: IAMClient | _Closed, name: IamName, what: str, ask: Callable[[IAMClient], T]
) -> T | Missing | Unreadable:
    if isinstance(iam, _Closed):
        return Unreadable(_elsewhere(what, name.account, iam.why) if iam.elsewhere else f"{what}: {iam.why}")
    try:
        with aws_call(what, "iam"):
            return ask(iam)
    except AwsError as error:
        if isinstance(cause := error.__cause__, ClientError) and code_of(cause) == "NoSuchEntity":
            return Missing()
        return Unreadable(str(error))


def _members(iam: IAMClient, group: str) -> Iterator[str]:
    """Yield the ARNs of a group's users, every page. Raises KeyError when a page is not whole."""
    for page in iam.get_paginator("get_group").paginate(GroupName=group):
        # An answer that is none has no users either, and would look like a group with nobody in it.
        if "Group" not in page:
            raise KeyError("Group")
        # botocore's paginator takes such a page for the last one, and the rest of the group would be lost.
        if page.get("IsTruncated") and not page.get("Marker"):
            raise KeyError("Marker of its next page")
        for user in page["Users"]:
            yield user["Arn"]


def _arn(iam: IAMClient, kind: str, name: str) -> str:
    if kind == "user":
        return iam.get_user(UserName=name)["User"]["Arn"]
    return iam.get_role(RoleName=name)["Role"]["Arn"]


def _ask(
    pool: ThreadPoolExecutor, names: Iterable[IamName], ask: Callable[[IamName], T]
) -> dict[IamName, Callable[[], T]]:
    return {name: pool.submit(ask, name).result for name in sorted(names)}


def _elsewhere(what: str, wanted: str, own: str) -> str:
    return (
        f"{what} is in account {wanted}, and the credentials are of account {own}: IAM answers only for its own. "
        f"Next: write assumeRole for account {wanted} in iamrbac.yaml (identity, or a cluster there), use credentials "
        f"of it, or correct `account` or identity.account"
    )
