"""One principal's way out of a cluster: all of ours as it is, but for what maps that principal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from iamrbac.compile.desired import ClusterDesired, Form, Spec
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.aws_auth import Reading, ReadRow, read
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.mapping.resolve import can_match
from iamrbac.model.arn import Arn, comparable
from iamrbac.plan import ownership
from iamrbac.plan.observed import ClusterState, Target
from iamrbac.plan.planner import ours_of, with_owners

NODES = "REV001"
NO_NEWS = frozenset({"OWN004", "OWN005", "MAP004", "MAP005"})
"""Findings of a plan that say what no policy wants, and what others' mappings hide: here no policy was asked, and all
but one principal stays as it is."""


@dataclass(frozen=True, slots=True)
class Left:
    """What still lets the principal in, and is not ours to remove."""

    cluster: str
    what: str
    """`access entry`, `row of aws-auth`, `account in aws-auth`."""
    name: str
    """Its ARN, or the account."""
    groups: tuple[str, ...]
    """The Kubernetes groups that it gives."""
    owner: str
    """Who keeps it; "" where nothing says so."""
    command: str
    """What removes it."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What becomes of one principal on one cluster."""

    desired: ClusterDesired
    left: tuple[Left, ...]
    spelled: tuple[str, ...]
    """How the cluster writes the principal's ARN, wherever it maps it."""
    findings: tuple[Finding, ...] = ()


def revocation(state: ClusterState, form: Form, instance: str, principal: str) -> Revocation:
    """Return what is wanted without the principal (an ARN of a user or role), and what will still let it in.

    Both mappings are looked at, whatever `form` says. Paths and case do not count: a name is unique in its account.
    Raises AwsAuthError where nobody can tell which rows are ours.
    """
    cluster = state.target.name
    who = who_of(principal)
    ours = ours_of(state, form, instance)
    kept = tuple(sorted((item for item in ours if not _maps(item.spec, who)), key=lambda item: item.key))
    gone = {item.key for item in ours if _maps(item.spec, who)}
    observed, owners = with_owners(state, form, instance)
    found = {key: item for key, item in observed.items() if _maps(item.spec, who)}
    reading = _reading(state)
    mappings = [item.spec for item in found.values()] + list(_rows(reading, who))
    left = [
        _entry_left(state.target, item.spec, owners[key])
        for key, item in found.items()
        if key not in gone and isinstance(item.spec, AccessEntry)
    ]
    owned = {key.name for key in gone if key.kind == "AwsAuthRow"}
    left += _rows_left(cluster, (row for row in _rows(reading, who) if row.arn not in owned))
    left += _account_left(cluster, reading, principal)
    return Revocation(
        ClusterDesired(cluster, kept, (), {}),
        tuple(dict.fromkeys(left)),
        tuple(dict.fromkeys(name for one in mappings if (name := _arn(one)))),
        tuple(_nodes(cluster, mappings, principal)),
    )


def who_of(arn: str) -> tuple[str, str, str] | None:
    """Return account, kind and name (in lower case) of a user or role; None for what is neither."""
    for spelling in (arn, arn.lower()):
        try:
            parsed = Arn.parse(comparable(spelling))
        except ValueError:
            continue
        return (parsed.account, parsed.kind, parsed.name.lower()) if parsed.kind in ("user", "role") else None
    return None


def _arn(spec: Spec | ReadRow) -> str:
    if isinstance(spec, AccessEntry | PolicyAssociation):
        return spec.principal
    return spec.arn if isinstance(spec, AwsAuthRow | ReadRow) else ""


def _maps(spec: Spec | ReadRow, who: tuple[str, str, str] | None) -> bool:
    arn = _arn(spec)
    return bool(arn) and who is not None and who_of(arn) == who


def _reading(state: ClusterState) -> Reading | None:
    if state.aws_auth is None or state.target.authentication_mode == "API":
        return None
    return read(state.aws_auth.data)


def _rows(reading: Reading | None, who: tuple[str, str, str] | None) -> Iterator[ReadRow]:
    return (row for row in (reading.rows if reading is not None else ()) if _maps(row, who))


def _entry_left(target: Target, spec: AccessEntry, owner: ownership.Owner) -> Left:
    command = (
        f"aws eks delete-access-entry --region {target.region} --cluster-name {target.eks_name} "
        f"--principal-arn {spec.principal}"
    )
    kept_by = owner.owner if isinstance(owner, ownership.Foreign) else ""
    return Left(target.name, "access entry", spec.principal, spec.groups, kept_by, command)


def _rows_left(cluster: str, rows: Iterable[ReadRow]) -> Iterator[Left]:
    command = "kubectl -n kube-system edit configmap aws-auth, and take the row out"
    for row in rows:
        if can_match(row.arn):
            yield Left(cluster, "row of aws-auth", row.arn, tuple(sorted(set(row.groups))), "", command)


def _account_left(cluster: str, reading: Reading | None, principal: str) -> Iterator[Left]:
    """An account in mapAccounts lets everybody of it in, under a name of their own and in no group."""
    account = Arn.parse(principal).account
    if reading is not None and account in reading.accounts:
        command = "kubectl -n kube-system edit configmap aws-auth, and take the account out of mapAccounts"
        yield Left(cluster, "account in aws-auth", account, (), "", command)


def _nodes(cluster: str, mappings: Iterable[Spec | ReadRow], principal: str) -> Iterator[Finding]:
    if any(isinstance(one, AccessEntry | AwsAuthRow | ReadRow) and is_system(one) for one in mappings):
        yield Finding(
            id=NODES,
            level=Level.ERROR,
            message=f"{principal} is what nodes or AWS's own services come in with: without it they stop",
            hint="leave it out with --cluster, or change the nodes first",
            cluster=cluster,
            object=principal,
        )
