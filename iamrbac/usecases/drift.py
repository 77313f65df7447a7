"""What differs on the clusters from what we last applied, and who did it. Reads, compiles nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from iamrbac.backup.applied import Applied
from iamrbac.backup.drifted import Drift, Drifted, drifted
from iamrbac.findings.finding import Finding
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import IamrbacError, RecordError
from iamrbac.plan.change import ClusterPlan
from iamrbac.plan.drift import FieldManager, last_writer
from iamrbac.plan.observed import ClusterState, Observed
from iamrbac.plan.planner import with_owners
from iamrbac.usecases.applied import Shelf
from iamrbac.usecases.load import load
from iamrbac.usecases.ports import Edges, Kube, Progress
from iamrbac.usecases.read import read_mappings_and_state
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, failed

MOST_ASKED: Final = 20
"""Objects of a cluster that are asked who changed them."""
_LOOKS: Final = 3


class Standing(StrEnum):
    """How a cluster stands."""

    AS_APPLIED = "as-applied"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    GIT = "git"
    """It is delivered by Git, which `status` compares."""


class Witness(StrEnum):
    """Who knows who did it, where no field manager is named."""

    AUDIT_LOG = "audit-log"
    """The API server's audit log: nothing in the cluster keeps who removes something."""
    CLOUDTRAIL = "cloudtrail"
    NOT_ASKED = "not-asked"
    """Only the first MOST_ASKED are asked for."""


@dataclass(frozen=True, slots=True)
class Told:
    """One object that drifted, and who did it."""

    drifted: Drifted
    by: FieldManager | None = None
    """The field manager that wrote the parts which differ last."""
    witness: Witness | None = None
    """Who else knows; None where `by` says it, or `unread` why not."""
    modified: str = ""
    """When EKS says that it changed last."""
    unread: str = ""
    """Why nobody could be asked."""


@dataclass(frozen=True, slots=True)
class ClusterDrift:
    """One cluster."""

    name: str
    standing: Standing
    code: str = ""
    reason: str = ""
    """Why it is unknown."""
    hint: str = ""
    at: str = ""
    """When the last apply that changed something here began."""
    run: str = ""
    objects: int = 0
    """How many the record has."""
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All selected clusters."""

    instance: str
    clusters: tuple[ClusterDrift, ...]

    def exit_code(self) -> int:
        """Return 0 for no drift, 1 where it is not known, 2 for drift (as `plan --detailed-exitcode` has it)."""
        found = {one.standing for one in self.clusters}
        if Standing.UNKNOWN in found:
            return 1
        return 2 if Standing.DRIFTED in found else 0


def find_drift(
    edges: Edges, names: Collection[str], progress: Progress
) -> tuple[DriftReport | None, tuple[Finding, ...]]:
    """Compare the selected clusters with their records; None, with findings, where the config means nothing.

    Policies play no part, so that broken ones are no hindrance. Raises UsageError, RepositoryError.
    """
    loaded = load(edges.repository)
    if loaded.readable is None:
        return None, loaded.findings
    config = loaded.readable.config.document
    selected = select(config.clusters, names)
    direct = sum(one.delivery != "gitops" for one in selected)
    progress.step(f"Reading {direct} cluster{'' if direct == 1 else 's'}")
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        found = pool.map(lambda one: _cluster(edges, config, one), selected)
        return DriftReport(config.metadata.name, tuple(found)), ()


def drift_of(edges: Edges, plan: ClusterPlan, home: str, instance: str) -> int | None:
    """Count what on a planned cluster is not as the last apply left it; None where that is not known.

    The plan has read the cluster already: one GET more, for the record.
    """
    if plan.git is not None:
        return None
    try:
        applied = Shelf(edges.kube(plan.state.target), plan.name, home, instance).need()
        return len(_compared(applied, plan.state, instance))
    except IamrbacError:
        return None


def _cluster(edges: Edges, config: Config, cluster: Cluster) -> ClusterDrift:
    if cluster.delivery == "gitops":
        return ClusterDrift(cluster.name, Standing.GIT)
    instance = config.metadata.name
    try:
        target = edges.aws.target(cluster)
        kube = edges.kube(target)
        shelf = Shelf(kube, cluster.name, config.home.namespace, instance)
        applied, state = _read(shelf, lambda: read_mappings_and_state(target, edges.aws, kube))
        found = _compared(applied, state, instance)
    except IamrbacError as error:
        why = failed(cluster.name, error)
        return ClusterDrift(cluster.name, Standing.UNKNOWN, why.code, why.message, why.hint)
    return ClusterDrift(
        cluster.name,
        Standing.DRIFTED if found else Standing.AS_APPLIED,
        at=applied.at,
        run=applied.run,
        objects=len(applied.objects),
        told=_told(kube, found),
    )


def _read(shelf: Shelf, state: Callable[[], ClusterState]) -> tuple[Applied, ClusterState]:
    """Return record and cluster as they were at one time. Raises RecordError when an apply keeps writing."""
    before = shelf.need()
    for _ in range(_LOOKS):
        found = state()
        after = shelf.need()
        if after == before:
            return after, found
        before = after
    raise RecordError("an apply is writing to it just now", where=shelf.cluster, hint="try again when it is done")


def _compared(applied: Applied, state: ClusterState, instance: str) -> tuple[Drifted, ...]:
    """Raises AwsAuthError where rows were applied and the map cannot be read."""
    rows = any(key.kind == "AwsAuthRow" for key in applied.objects)
    observed, owners = with_owners(state, "aws-auth" if rows else "access-entries", instance)
    if state.target.authentication_mode == "API":
        # EKS reads no aws-auth there, and neither do we: rows map nobody, whether they are there or not.
        applied = _without_rows(applied)
    return drifted(applied, observed, owners)


def _without_rows(applied: Applied) -> Applied:
    return Applied(
        applied.at,
        applied.run,
        {key: one for key, one in applied.objects.items() if key.kind != "AwsAuthRow"},
        {key: some for key, some in applied.pending.items() if key.kind != "AwsAuthRow"},
    )


def _told(kube: Kube, found: Sequence[Drifted]) -> tuple[Told, ...]:
    asked = [one for one in found if _askable(one)]
    rows = next((one for one in asked if one.key.kind == "AwsAuthRow"), None)
    # All rows are one ConfigMap, which is asked once.
    some = [one for one in asked if one.key.kind != "AwsAuthRow"][:MOST_ASKED]
    some += [rows] if rows is not None else []
    answers: dict[str, tuple[FieldManager, ...] | IamrbacError] = {}
    with ThreadPoolExecutor(max_workers=MOST_ASKED) as pool:
        for one, answer in zip(some, pool.map(lambda one: _managers(kube, one), some), strict=True):
            answers[_asked_as(one)] = answer
    return tuple(_who(one, answers) for one in found)


def _askable(one: Drifted) -> bool:
    return one.key.kind == "AwsAuthRow" or (
        one.live is not None and one.key.kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    )


def _asked_as(one: Drifted) -> str:
    key = one.key
    return key.kind if key.kind == "AwsAuthRow" else f"{key.kind}/{key.namespace}/{key.name}"


def _managers(kube: Kube, one: Drifted) -> tuple[FieldManager, ...] | IamrbacError:
    try:
        return kube.managers(one.key)
    except IamrbacError as error:
        return error


def _who(one: Drifted, answers: Mapping[str, tuple[FieldManager, ...] | IamrbacError]) -> Told:
    if one.key.kind in ("AccessEntry", "AccessPolicyAssociation"):
        return Told(one, witness=Witness.CLOUDTRAIL, modified=_modified(one.live))
    if not _askable(one):
        return Told(one, witness=Witness.AUDIT_LOG)
    answer = answers.get(_asked_as(one))
    if answer is None:
        return Told(one, witness=Witness.NOT_ASKED)
    if isinstance(answer, IamrbacError):
        return Told(one, unread=answer.message)
    by = last_writer(_parts(one), answer)
    return Told(one, by, None if by is not None else Witness.AUDIT_LOG)


def _parts(one: Drifted) -> Collection[str]:
    """Return the fields whose manager is asked for, by the API's names."""
    if one.key.kind == "AwsAuthRow":
        return ("data",)
    return one.parts or (() if one.drift is Drift.CLAIMED else ("rules", "aggregationRule", "roleRef", "subjects"))


def _modified(live: Observed | None) -> str:
    return live.meta.modified if live is not None else ""
