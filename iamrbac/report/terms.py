"""What the documents say about time and exceptions: temporary grants, waivers, suspended principals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from iamrbac.compile.documents import Documents, Sourced
from iamrbac.identity.members import describe
from iamrbac.model.arn import comparable
from iamrbac.model.documents import (
    Access,
    Cluster,
    ClusterRoleRef,
    EksAccessPolicy,
    RoleChoice,
    TemplateRole,
    TemporaryGrant,
)
from iamrbac.model.gates import Gate
from iamrbac.model.origin import Origin
from iamrbac.model.selection import selects
from iamrbac.model.waivers import Waivers, WaiverScope

State: TypeAlias = Literal["soon", "later", "ended"]
"""It ends within the days that were asked about, after them, or has ended and gives nothing any more."""


@dataclass(frozen=True, slots=True)
class Temporary:
    """A temporary grant."""

    name: str
    team: str
    owners: tuple[str, ...]
    """Who answers for the team's policy; () where it names nobody, or has none."""
    members: tuple[str, ...]
    gives: tuple[str, ...]
    """Role and namespaces in words, a line each."""
    clusters: tuple[str, ...]
    not_after: str
    reason: str
    state: State
    origin: Origin


@dataclass(frozen=True, slots=True)
class WaiverTerm:
    """A waiver."""

    rule: str
    scope: str
    reason: str
    not_after: str
    state: State
    findings: int
    """How many findings of this report it accepts."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class Suspension:
    """A principal that gets nothing, whatever the policies say."""

    arn: str
    origin: Origin
    still: tuple[str, ...] = ()
    """The clusters where it holds something all the same: until the next run, or by somebody else."""


def temporary(
    documents: Documents, clusters: Sequence[Cluster], at: datetime, within: timedelta
) -> tuple[Temporary, ...]:
    """Return the temporary grants that are about some clusters: by their end, those that have ended last."""
    owners = {one.document.metadata.name: one.document.spec.owners for one in documents.policies}
    found = (_temporary(one, clusters, owners, at, within) for one in documents.grants)
    return tuple(sorted((one for one in found if one.clusters), key=_by_end))


def waivers(
    documents: Iterable[Sourced[Waivers]], used: Mapping[tuple[str, str, str], int], at: datetime, within: timedelta
) -> tuple[WaiverTerm, ...]:
    """Return the waivers by their end, ended ones last; `used` is how many findings (rule, reason, end) accepts."""
    found = (
        WaiverTerm(
            one.rule,
            scope_text(one.scope),
            one.reason,
            one.not_after,
            state_of(one.not_after, at, within),
            used.get((one.rule, one.reason, one.not_after), 0),
            Origin(sourced.file, ("waivers", index)),
        )
        for sourced in documents
        for index, one in enumerate(sourced.document.waivers)
    )
    return tuple(sorted(found, key=_by_end))


def suspended(documents: Documents, holding: Mapping[str, Collection[str]]) -> tuple[Suspension, ...]:
    """Return whom the config suspends, in its order; `holding` is who holds something, by cluster."""
    found = {cluster: {comparable(one) for one in some if one.startswith("arn:")} for cluster, some in holding.items()}
    config = documents.config
    return tuple(
        Suspension(
            arn,
            Origin(config.file, ("suspended", index)),
            tuple(cluster for cluster, some in found.items() if comparable(arn) in some),
        )
        for index, arn in enumerate(config.document.suspended)
    )


def state_of(not_after: str, at: datetime, within: timedelta) -> State:
    """Say how near an end is."""
    end = datetime.fromisoformat(not_after)
    return "ended" if end <= at else "soon" if end - at <= within else "later"


def role_text(role: RoleChoice) -> str:
    """Return a role as a policy calls it."""
    match role:
        case TemplateRole():
            return role.template
        case ClusterRoleRef():
            return f"clusterRole {role.cluster_role}"
        case EksAccessPolicy():
            return f"eksAccessPolicy {role.eks_access_policy}"
        case _:
            return role


def scope_text(scope: WaiverScope) -> str:
    """Return what a waiver is about."""
    parts = [f"{name} {value}" for name, value in (("team", scope.team), ("role", scope.role)) if value is not None]
    if scope.clusters is not None:
        parts.append(f"clusters {selector_text(scope.clusters)}")
    if scope.namespaces is not None:
        parts.append(f"namespaces {', '.join(scope.namespaces)}")
    return "; ".join(parts)


def selector_text(selector: Sequence[str] | Mapping[str, str]) -> str:
    """Return how clusters are chosen: names and patterns, or labels."""
    if isinstance(selector, Mapping):
        return ", ".join(f"{key}={value}" for key, value in selector.items())
    return ", ".join(selector)


def gates(found: Iterable[Gate]) -> dict[str, str]:
    """Return what each gate of the config refuses, by name."""
    return {one.name: _gate(one) for one in found}


def _gate(gate: Gate) -> str:
    if gate.max_days is not None:
        said = f"a temporary grant of more than {gate.max_days} days"
    else:
        unless = f" without {' or '.join(gate.unless)}" if gate.unless else ""
        said = f"a {gate.refuse}{unless}"
    where = [f"clusters {selector_text(gate.clusters)}"] if gate.clusters is not None else []
    where += [f"namespaces {', '.join(gate.namespaces)}"] if gate.namespaces is not None else []
    return f"refuses {said}" + (f" on {'; '.join(where)}" if where else "")


def _temporary(
    sourced: Sourced[TemporaryGrant],
    clusters: Sequence[Cluster],
    owners: Mapping[str, tuple[str, ...]],
    at: datetime,
    within: timedelta,
) -> Temporary:
    grant = sourced.document
    spec = grant.spec
    return Temporary(
        grant.metadata.name,
        spec.team,
        tuple(owners.get(spec.team, ())),
        tuple(describe(member) for member in spec.members),
        tuple(_lines(spec.access)),
        tuple(one.name for one in clusters if any(selects(line.clusters, one) for line in spec.access)),
        spec.not_after,
        spec.reason,
        state_of(spec.not_after, at, within),
        Origin(sourced.file, ("spec", "notAfter")),
    )


def _lines(access: Iterable[Access]) -> Iterator[str]:
    for line in access:
        where = ", ".join(line.namespaces) if line.namespaces is not None else "the whole cluster"
        yield f"{role_text(line.role)} in {where}"


def _by_end(one: Temporary | WaiverTerm) -> tuple[bool, datetime, str, str]:
    name = one.name if isinstance(one, Temporary) else one.rule
    return one.state == "ended", datetime.fromisoformat(one.not_after), name, one.origin.file
