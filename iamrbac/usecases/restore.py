"""Undo a run on clusters that are written directly: a plan like any other, from what was kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from iamrbac.access.principals import Names
from iamrbac.backup.backup import Record, Run
from iamrbac.backup.restore import BY_HAND, Today, WayBack, last_change, restore
from iamrbac.compile import names
from iamrbac.compile.desired import Key
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.files import KUBERNETES
from iamrbac.identity.suspended import Suspended
from iamrbac.model.arn import comparable
from iamrbac.model.backups import Backups
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import IamrbacError, UsageError
from iamrbac.model.parse import CONFIG_FILE
from iamrbac.plan.change import ClusterPlan, FailedCluster, Plan
from iamrbac.plan.form import choose
from iamrbac.plan.interruption import interruptions
from iamrbac.plan.observed import ClusterState
from iamrbac.plan.planner import display_key, plan_cluster
from iamrbac.plan.revoke import NO_NEWS
from iamrbac.usecases.backups import BackupStore, Places
from iamrbac.usecases.load import load
from iamrbac.usecases.plan import PlanRequest, digest, guarded
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.read import read_cluster
from iamrbac.usecases.records import Copies, records_of
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, count, failed

COME_BACK = "BCK006"
_OTHERS_HIDE = frozenset({"MAP004", "MAP005"})


@dataclass(frozen=True, slots=True)
class Restored:
    """A plan that goes back, or (with `plan` None) what is wrong with iamrbac.yaml."""

    plan: Plan | None
    findings: tuple[Finding, ...] = ()
    run: str = ""
    """The run's id: before it is where this goes back to."""
    runs: tuple[Run, ...] = ()
    """All runs that have not been then, the newest first."""
    by_git: tuple[str, ...] = ()
    """Clusters that this is not about, since they are delivered by Git."""


def make_restore(edges: Edges, request: PlanRequest, run: str | None, places: Places, progress: Progress) -> Restored:
    """Plan the way back to before `run`, an id or its beginning; without one before the last that changed something.

    Only iamrbac.yaml must be valid: what it suspends, and temporary grants that are over, do not come back. A cluster
    that cannot be read, or whose backups cannot, is a FailedCluster. Raises UsageError for a run that nobody knows and
    for clusters that are delivered by Git; RepositoryError, AwsError.
    """
    loaded = load(edges.repository, edges.roles.names())
    wrong = tuple(one for one in loaded.findings if one.level is Level.ERROR and one.file == CONFIG_FILE)
    if loaded.readable is None or wrong:
        return Restored(None, wrong or loaded.findings)
    documents = loaded.readable
    config = documents.config.document
    selected, by_git = _selected(config, request)
    who = edges.aws.caller()
    caller = who.arn
    copies = partial(_copies, config.keeping, places, who.account)
    progress.step(f"Reading {count(len(selected), 'cluster')} and what was kept of earlier runs as {caller}")
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        read = dict(
            zip(
                (one.name for one in selected),
                pool.map(lambda one: _read(edges, config, one, copies, progress), selected),
                strict=True,
            )
        )
    kept = [record for one in read.values() if not isinstance(one, FailedCluster) for record in one[1]]
    chosen = _run(kept, run)
    today = Today(Suspended(config.suspended), _running(documents, request.at))
    plans = {one.name: _one(edges, config, one, read[one.name], chosen, today) for one in selected}
    plan = Plan(
        config.metadata.name,
        tuple(one if isinstance(one, FailedCluster) else one[0] for one in plans.values()),
        (),
        digest(documents),
        config.home.namespace,
        config.keeping,
    )
    runs = {each.id: each for one in plans.values() if not isinstance(one, FailedCluster) for each in one[1].runs}
    plan = guarded(plan, documents, caller, request)
    return Restored(plan, (), chosen, tuple(runs[id_] for id_ in sorted(runs, reverse=True)), by_git)


def _copies(keeping: Backups, places: Places, account: str, instance: str, cluster: str) -> Sequence[BackupStore]:
    """Return where backups are kept beside a cluster itself. Raises BackupError."""
    bucket = [places.bucket(keeping.s3, keeping.account or account, instance, cluster)] if keeping.s3 else []
    return [places.local(instance, cluster), *bucket]


def _selected(config: Config, request: PlanRequest) -> tuple[Sequence[Cluster], tuple[str, ...]]:
    named = select(config.clusters, request.clusters)
    by_git = tuple(one.name for one in named if one.delivery == "gitops")
    direct = [one for one in named if one.delivery != "gitops"]
    if not direct or (request.clusters and by_git):
        raise UsageError(
            f"delivered by Git: {', '.join(by_git)}; there a commit is gone back to, and no run undone",
            hint="iamrbac rollback --to REV",
        )
    return direct, by_git


def _read(
    edges: Edges, config: Config, cluster: Cluster, copies: Copies, progress: Progress
) -> tuple[ClusterState, tuple[Record, ...]] | FailedCluster:
    try:
        state = read_cluster(cluster, edges.aws, edges.kube)
        kube = edges.kube(state.target)
        return state, records_of(kube, cluster.name, config.metadata.name, config.home.namespace, copies, progress)
    except IamrbacError as error:
        return failed(cluster.name, error)


def _run(records: Sequence[Record], asked: str | None) -> str:
    """Return the id that is meant. Raises UsageError where there is none, or more than one."""
    if asked is None:
        last = last_change(records)
        if last is None:
            raise UsageError("no run that changed something is kept", hint="`iamrbac history` lists what is kept")
        return last
    found = sorted({one.backup.run.id for one in records if one.backup.run.id.startswith(asked)})
    if len(found) != 1:
        what = f"{len(found)} runs begin with {asked!r}" if found and asked else f"no run {asked!r} is kept"
        raise UsageError(what, hint="`iamrbac history` lists what is kept")
    return found[0]


def _running(documents: Documents, at: datetime) -> frozenset[str]:
    """Return the groups of the temporary grants that have begun or will, and are not over."""
    instance = documents.config.document.metadata.name
    return frozenset(
        names.group_name(instance, one.document.spec.team, names.temporary_set(one.document.metadata.name))
        for one in documents.grants
        if datetime.fromisoformat(one.document.spec.not_after) > at
    )


def _one(
    edges: Edges,
    config: Config,
    cluster: Cluster,
    read: tuple[ClusterState, tuple[Record, ...]] | FailedCluster,
    run: str,
    today: Today,
) -> tuple[ClusterPlan, WayBack] | FailedCluster:
    if isinstance(read, FailedCluster):
        return read
    state, records = read
    instance = config.metadata.name
    form = choose(cluster, state, instance)
    if isinstance(form, Finding):
        return FailedCluster(cluster.name, form.id, form.message, form.hint)
    try:
        way = restore(records, run, state, form, instance, today)
        plan = plan_cluster(way.desired, state, form, instance, way.adopt)
    except IamrbacError as error:
        return failed(cluster.name, error)
    said = (*way.findings, *_by_hand(edges, state, way), *_come_back(plan), *interruptions(plan), *_news(plan))
    # No policy has changed that would excuse a loss.
    return replace(plan, findings=said, groups=frozenset()), way


def _by_hand(edges: Edges, state: ClusterState, way: WayBack) -> Iterable[Finding]:
    for key in way.by_hand:
        who = _who(edges, state, key)
        yield Finding(
            id=BY_HAND,
            level=Level.WARNING,
            message=f"{display_key(key)} is as none of these runs left it: somebody changed it since{who}; "
            "it goes back nevertheless",
            hint="look at what the plan says of it",
            cluster=key.cluster,
            object=display_key(key),
        )


def _who(edges: Edges, state: ClusterState, key: Key) -> str:
    """Return who wrote an object last, as far as Kubernetes says it; a plan does not fail for that."""
    if key.kind not in KUBERNETES:
        return ""
    try:
        last = max(edges.kube(state.target).managers(key), key=lambda one: one.at, default=None)
    except IamrbacError:
        return ""
    return f" ({last.name}{f', {last.at}' if last.at else ''})" if last is not None else ""


def _come_back(plan: ClusterPlan) -> Iterable[Finding]:
    """Somebody may have left an IAM group since; a run of long ago knows nothing of that."""
    who = sorted({change.principal for change in plan.access if change.change == "gain"})
    if who:
        short = Names(who)
        yield Finding(
            id=COME_BACK,
            level=Level.WARNING,
            message=f"these get access by it, whether they are still in their IAM groups or not: "
            f"{', '.join(short.short(one) for one in who)}",
            hint="suspend in iamrbac.yaml who must not; the next `iamrbac apply` asks IAM",
            cluster=plan.name,
        )


def _news(plan: ClusterPlan) -> Iterable[Finding]:
    """Yield a plan's own findings, without what is no news: what no policy wants, and how untouched mappings hide."""
    touched = {comparable(change.key.name.split("#", 1)[0]) for change in plan.changes}
    for finding in plan.findings:
        about = comparable((finding.object or "").partition("/")[2])
        if finding.id not in NO_NEWS or (finding.id in _OTHERS_HIDE and about in touched):
            yield finding
