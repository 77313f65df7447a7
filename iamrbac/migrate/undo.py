"""The way back, while the rows are there: what migrate made goes, and each row counts again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iamrbac.compile import names
from iamrbac.compile.desired import Desired
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.mapping.resolve import identity, shadows
from iamrbac.migrate import bridge
from iamrbac.migrate.migration import reading_of
from iamrbac.migrate.translate import Said, translate
from iamrbac.plan.change import Action, Change
from iamrbac.plan.observed import ClusterState, Observed

GONE = "MIG017"


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoing does on one cluster, or what stands against it."""

    state: ClusterState
    remove: tuple[Change, ...]
    blockers: tuple[Finding, ...]
    rebridge: tuple[Change, ...] = ()
    """Administrators' entries that get the bridge's group first: an entry's policy ends before its row counts again."""
    bridge: Observed | None = None
    """The bridge's binding, where it is there."""

    @property
    def cluster(self) -> str:
        """The cluster's name in the config."""
        return self.state.target.name


def undo(state: ClusterState, instance: str) -> Undo:
    """Return what takes migrate's entries back; an entry whose row is gone or says something else stands against it."""
    reading = reading_of(state)
    hidden = {(one.hidden.section, one.hidden.index) for one in shadows((), reading)}
    rows = {identity(row.arn): row for row in reading.rows if (row.section, row.index) not in hidden}
    policies = [item.spec for item in state.objects if isinstance(item.spec, PolicyAssociation)]
    remove: list[Change] = []
    blockers: list[Finding] = []
    for item in state.objects:
        spec = item.spec
        if not isinstance(spec, AccessEntry) or item.meta.labels.get(names.MIGRATED_TAG) != instance:
            continue
        why = _why_not(spec, rows.get(identity(spec.principal)), policies, state, instance)
        if why:
            blockers.append(_blocked(state, spec, why))
        else:
            remove.append(Change(item.key, Action.DELETE, item, None))
    again = tuple(_rebridged(remove, policies, instance))
    return Undo(state, tuple(remove), tuple(blockers), again, bridge.standing(state, instance))


def _rebridged(remove: list[Change], policies: list[PolicyAssociation], instance: str) -> Iterator[Change]:
    admins = {one.principal for one in policies}
    for change in remove:
        before = change.before
        if before is None or not isinstance(before.spec, AccessEntry) or before.spec.principal not in admins:
            continue
        after = bridge.bridged(before.spec, instance)
        if after != before.spec:
            yield Change(change.key, Action.UPDATE, before, Desired(change.key, after, before.meta.labels))


def _why_not(
    spec: AccessEntry, row: ReadRow | None, policies: list[PolicyAssociation], state: ClusterState, instance: str
) -> str:
    if state.target.authentication_mode == "API":
        return "the mode is API, in which EKS reads no row"
    if row is None:
        return "its row is gone"
    if spec.type != "STANDARD":
        return "" if is_system(row) else "its row is not one of nodes any more"
    said = translate(row, spec.principal, state.target.partition)
    if not isinstance(said, Said):
        return f"its row says something else by now ({said.why})"
    own = [one for one in policies if one.principal == spec.principal]
    # Of one that was killed half-way the policy may be missing; one more is what the row never gave.
    more = [one for one in own if one != said.policy]
    if bridge.crossed(spec, instance) != said.entry or more:
        return "its row and it say different things by now"
    return ""


def _blocked(state: ClusterState, spec: AccessEntry, why: str) -> Finding:
    command = f"aws eks delete-access-entry --cluster-name {state.target.eks_name} --principal-arn {spec.principal}"
    return Finding(
        GONE,
        Level.ERROR,
        f"the access entry {spec.principal} cannot be taken back: {why}",
        f"put the row back first (`iamrbac rollback`), or remove it by hand: {command}",
        cluster=state.target.name,
        object=f"AccessEntry/{spec.principal}",
    )
