"""IAM as a port: who is in a group, and the full ARN of a user or role by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.errors import aws_call, code_of
from iamrbac.aws.session import CALLS_AT_ONCE, keys
from iamrbac.identity.permission_sets import KEY, PATH, find
from iamrbac.identity.snapshot import Ambiguous, IamName, Identities, Missing, Unreadable, Wanted, Way
from iamrbac.model.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import RoleTypeDef, UserTypeDef

_PAGE: Final = 1000
"""Names a page, the most that IAM gives."""
N = TypeVar("N", IamName, str)
T = TypeVar("T")


class IamPeople:
    """The People port on IAM: each wanted name is asked once, a few at a time, in its own account."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def identities(self, wanted: Wanted) -> Identities:
        """Ask IAM for every wanted name. What IAM did not say is Unreadable with the reason, never absent or empty.

        Of what is named in full only an answer is kept.
        """
        accounts = sorted({name.account for name in wanted.groups | wanted.principals | wanted.full})
        with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE) as pool:
            entered = pool.map(lambda account: self._enter(account, wanted.ways), accounts)
            asking = _Asking(dict(zip(accounts, entered, strict=True)))
            sets = frozenset(name for name in wanted.principals if name.name.startswith(KEY))
            listed = _ask(pool, {name.account for name in sets}, asking.permission_sets)
            groups = _ask(pool, wanted.groups, asking.group)
            found = _ask(pool, (wanted.principals - sets) | wanted.full, asking.principal)
            principals: dict[IamName, str | Missing | Ambiguous | Unreadable] = {
                name: _in_set(name, listed[name.account]()) for name in sets
            }
            principals |= {name: answer() for name, answer in found.items()}
            return Identities(
                {name: answer() for name, answer in groups.items()},
                {
                    name: answer
                    for name, answer in principals.items()
                    if name in wanted.principals or not isinstance(answer, Unreadable)
                },
                asking.created,
            )

    def existing(
        self, kinds: Collection[IamName], ways: Mapping[str, Way], /
    ) -> Mapping[IamName, frozenset[str] | Unreadable]:
        """Return the names of all users, roles or groups of accounts: ListUsers, ListRoles or ListGroups, every page.

        Those of users and roles in lower case, those of groups as they are: GetGroup wants them so.
        """
        accounts = sorted({name.account for name in kinds})
        with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE) as pool:
            entered = pool.map(lambda account: self._enter(account, ways), accounts)
            asking = _Asking(dict(zip(accounts, entered, strict=True)))
            return {name: answer() for name, answer in _ask(pool, kinds, asking.all).items()}

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


@dataclass(frozen=True, slots=True)
class _Asking:
    """The single questions, and on the way when each user and role was made."""

    entered: Mapping[str, IAMClient | _Closed]
    created: dict[str, datetime] = field(default_factory=dict)

    def group(self, name: IamName) -> tuple[str, ...] | Missing | Unreadable:
        """GetGroup, every page: the ARNs of its users, sorted."""
        return self._answer(
            name.account, f"IAM group {name.name}", lambda iam: tuple(sorted(set(self._members(iam, name.name))))
        )

    def principal(self, name: IamName) -> str | Missing | Unreadable:
        """GetUser or GetRole: the ARN."""
        kind, _, plain = name.name.partition("/")
        return self._answer(name.account, f"IAM {kind} {plain}", lambda iam: self._arn(iam, kind, plain))

    def permission_sets(self, account: str) -> tuple[str, ...] | Missing | Unreadable:
        """ListRoles below Identity Center's path, every page: the ARNs of all permission sets' roles."""
        return self._answer(account, "the roles of permission sets", lambda iam: tuple(self._reserved(iam)))

    def all(self, kind: IamName) -> frozenset[str] | Unreadable:
        """ListUsers, ListRoles or ListGroups: the names of all of them; users and roles in lower case."""
        what = f"the {kind.name}s of account {kind.account}"
        found = self._answer(kind.account, what, lambda iam: frozenset(_names(iam, kind.name)))
        return Unreadable(f"{what}: IAM answered that there is no such list") if isinstance(found, Missing) else found

    def _answer(self, account: str, what: str, ask: Callable[[IAMClient], T]) -> T | Missing | Unreadable:
        iam = self.entered[account]
        if isinstance(iam, _Closed):
            return Unreadable(_elsewhere(what, account, iam.why) if iam.elsewhere else f"{what}: {iam.why}")
        try:
            with aws_call(what, "iam"):
                return ask(iam)
        except AwsError as error:
            if isinstance(cause := error.__cause__, ClientError) and code_of(cause) == "NoSuchEntity":
                return Missing()
            return Unreadable(str(error))

    def _members(self, iam: IAMClient, group: str) -> Iterator[str]:
        for page in iam.get_paginator("get_group").paginate(GroupName=group):
            # An answer that is none has no users either, and would look like a group with nobody in it.
            if "Group" not in page:
                raise KeyError("Group")
            _check_whole(page)
            yield from map(self._made, page["Users"])

    def _reserved(self, iam: IAMClient) -> Iterator[str]:
        for page in iam.get_paginator("list_roles").paginate(PathPrefix=PATH):
            _check_whole(page)
            yield from map(self._made, page["Roles"])

    def _arn(self, iam: IAMClient, kind: str, name: str) -> str:
        if kind == "user":
            return self._made(iam.get_user(UserName=name)["User"])
        return self._made(iam.get_role(RoleName=name)["Role"])

    def _made(self, one: UserTypeDef | RoleTypeDef) -> str:
        """Return the ARN; note when it was made. The same one gives the same date, so threads do not matter."""
        if "CreateDate" in one:
            # IAM knows whole seconds; what stands in for it may not.
            self.created[one["Arn"]] = one["CreateDate"].replace(microsecond=0)
        return one["Arn"]


def _names(iam: IAMClient, kind: str) -> Iterator[str]:
    if kind == "user":
        for users in iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": _PAGE}):
            _check_whole(users)
            yield from (user["UserName"].lower() for user in users["Users"])
        return
    if kind == "group":
        for groups in iam.get_paginator("list_groups").paginate(PaginationConfig={"PageSize": _PAGE}):
            _check_whole(groups)
            yield from (group["GroupName"] for group in groups["Groups"])
        return
    for roles in iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": _PAGE}):
        _check_whole(roles)
        yield from (role["RoleName"].lower() for role in roles["Roles"])


def _check_whole(page: Mapping[str, Any]) -> None:
    """Raise KeyError for a page that botocore's paginator takes for the last one, while the rest would be lost."""
    if page.get("IsTruncated") and not page.get("Marker"):
        raise KeyError("Marker of its next page")


def _in_set(name: IamName, listed: tuple[str, ...] | Missing | Unreadable) -> str | Missing | Ambiguous | Unreadable:
    """Find a permission set in what its account has. A list is never missing; an answer that says so is none."""
    if isinstance(listed, Missing):
        return Unreadable("the roles of permission sets: IAM answered that there is no such thing as a list of roles")
    return listed if isinstance(listed, Unreadable) else find(name.name.removeprefix(KEY), listed)


def _ask(pool: ThreadPoolExecutor, names: Iterable[N], ask: Callable[[N], T]) -> dict[N, Callable[[], T]]:
    return {name: pool.submit(ask, name).result for name in sorted(names)}


def _elsewhere(what: str, wanted: str, own: str) -> str:
    return (
        f"{what} is in account {wanted}, and the credentials are of account {own}: IAM answers only for its own. "
        f"Next: write assumeRole for account {wanted} in iamrbac.yaml (identity, or a cluster there), use credentials "
        f"of it, or correct `account` or identity.account"
    )
