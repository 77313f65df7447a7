"""What a run leaves on each cluster that is written directly: the ApplySet's parent, the record, and one event.

Both say before the first write what may come, and after the last one what came: whenever a run is killed, nothing that
it wrote is outside of what they say. None of it is access, so a right that is missing is a warning, not a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, TypeVar

from iamrbac.backup.advance import begun, ended
from iamrbac.backup.applied import Applied, By
from iamrbac.backup.backup import Run
from iamrbac.compile import names
from iamrbac.compile.desired import Key
from iamrbac.gitops.files import KUBERNETES
from iamrbac.model.errors import ConflictError, ExistsError, ForbiddenError, IamrbacError, NoNamespaceError
from iamrbac.plan import ownership
from iamrbac.plan.applyset import Scope, members, scope, settled
from iamrbac.plan.change import Change, ClusterPlan, Plan
from iamrbac.plan.observed import Observed
from iamrbac.plan.planner import with_owners
from iamrbac.usecases.applied import Kept, Shelf, said
from iamrbac.usecases.home import ConfigMap, make_home
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from iamrbac.usecases.parent import parent_name, read_parent, said_by, write_parent
from iamrbac.usecases.pool import Pool
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.summary import summary

CLUSTERS_AT_ONCE: Final = 8
T = TypeVar("T")
Note: TypeAlias = Callable[[Event | Delivered], None]


@dataclass(frozen=True, slots=True)
class Recording:
    """How to leave it."""

    run: Run
    warn: Callable[[str], None]
    """Says what the person should know, and what is no failure."""
    note: Callable[[str], None] = lambda _text: None
    """Says a detail to whoever asked for more."""


@contextmanager
def recording(edges: Edges, plan: Plan, how: Recording | None) -> Iterator[Note]:
    """Leave word of a run around its writes; the caller passes every event to what this gives.

    Clusters where nothing is to change get a record if they have none, or an old one. Without `how` nothing is left.
    Raises ApplySetError, before anything is written, where the parent is somebody else's; KubeError.
    """
    done: dict[str, list[Change]] = {}

    def note(event: Event | Delivered) -> None:
        if isinstance(event, Event) and event.outcome is Outcome.DONE and not event.commit:
            done.setdefault(event.change.key.cluster, []).append(event.change)

    if how is None:
        yield note
        return
    direct = [cluster for cluster in plan.planned if cluster.git is None]
    writers = [_Cluster(edges, plan, cluster, how) for cluster in direct if cluster.changes]
    with Pool(max_workers=CLUSTERS_AT_ONCE) as pool:
        # All are read before the first is written: one that is refused stops the run.
        _all(pool, [one.read for one in writers])
        _all(pool, [one.begin for one in writers])
        if _is_whole(how.run):
            _all(pool, [_Cluster(edges, plan, cluster, how).keep_up for cluster in direct if not cluster.changes])
    try:
        yield note
    finally:
        with Pool(max_workers=CLUSTERS_AT_ONCE) as pool:
            _all(pool, [partial(one.end, done.get(one.cluster.name, ())) for one in writers])


def _is_whole(run: Run) -> bool:
    """Say whether a run compares all of a cluster with what the policies want."""
    return run.doing in ("apply", "sync")


def _all(pool: Pool, work: Sequence[Callable[[], None]]) -> None:
    for future in [pool.submit(one) for one in work]:
        future.result()


class _Cluster:
    """One cluster's parent, record and event during a run."""

    def __init__(self, edges: Edges, plan: Plan, cluster: ClusterPlan, how: Recording) -> None:
        self.cluster = cluster
        self._kube = edges.kube(cluster.state.target)
        self._home = plan.home
        self._instance = plan.instance
        self._how = how
        self._by = By(plan.instance, how.run.at, how.run.id)
        self._shelf = Shelf(self._kube, cluster.name, plan.home, plan.instance)
        self._members = members(cluster.state.objects, plan.instance, plan.home)
        self._parent: ConfigMap | None = None
        self._kept: Kept | None = None
        """None where there can be none."""
        self._parented = True
        """A parent may be written."""
        self._asked = False
        """It was said which right is missing."""

    def read(self) -> None:
        """Read parent and record. Raises ApplySetError, KubeError."""
        try:
            self._parent = read_parent(self._kube, self.cluster.name, self._home, self._instance)
        except ForbiddenError as error:
            self._no_parent(error)
        try:
            self._kept = self._shelf.read()
        except ForbiddenError as error:
            self._no_record(error)
            return
        if self._kept.applied is None and not _is_whole(self._how.run):
            # How the rest of the cluster should be is not known: the next apply begins the record.
            self._kept = None
        elif self._kept.broken:
            why = self._kept.broken
            self._how.warn(f"{self.cluster.name}: the record of what was applied is made anew; it was broken: {why}")

    def begin(self) -> None:
        """Let both say what may come. Raises ApplySetError, KubeError."""
        if self._parented:
            will = {key for key, member in self._changed().items() if member}
            try:
                self._say(said_by(self._parent) | scope(self._members | will))
            except ForbiddenError as error:
                self._no_parent(error)
        kept = self._kept
        if kept is not None:
            try:
                self._kept = self._at_home(lambda: self._shelf.advance(kept, self._begun))
            except ForbiddenError as error:
                self._no_record(error)

    def keep_up(self) -> None:
        """Bring the record of a cluster up to date where nothing is to change; any failure is told and no more.

        There is no lock then: where somebody writes meanwhile, it is theirs to say.
        """
        try:
            kept = self._shelf.read()
        except IamrbacError as error:
            self._no_record(error)
            return
        if kept.applied is None:
            try:
                self._parent = read_parent(self._kube, self.cluster.name, self._home, self._instance)
                self._say(said_by(self._parent) | scope(self._members))
            except IamrbacError as error:
                self._no_parent(error)
        try:
            self._at_home(lambda: self._shelf.write(kept, self._begun(kept.applied)))
        except (ConflictError, ExistsError):
            return
        except IamrbacError as error:
            self._no_record(error)

    def end(self, done: Sequence[Change]) -> None:
        """Let both say what came, and tell it in an event; any failure is told and no more."""
        run, kept = self._how.run, self._kept
        if kept is not None:
            try:
                self._shelf.advance(kept, lambda now: ended(now or self._begun(None), done, self._by))
            except IamrbacError as error:
                self._no_record(error)
        if not self._parented or self._parent is None:
            return
        try:
            self._say(scope(settled(self._members, self._changed(), [change.key for change in done])))
        except IamrbacError as error:
            self._no_parent(error)
        try:
            self._kube.notify(self._home, summary(run, self._parent, len(self.cluster.changes), done))
        except IamrbacError as error:
            self._how.note(f"{self.cluster.name}: no event tells of this run: {said(error)}")

    def _say(self, where: Scope) -> None:
        """Write the parent."""
        self._parent = self._at_home(
            lambda: write_parent(self._kube, self.cluster.name, self._home, self._instance, self._parent, where)
        )

    def _begun(self, now: Applied | None) -> Applied:
        return begun(now, self._ours(), self.cluster.changes, self._by, whole=_is_whole(self._how.run))

    def _ours(self) -> Mapping[Key, Observed]:
        observed, owners = with_owners(self.cluster.state, self.cluster.form, self._instance)
        return {key: item for key, item in observed.items() if isinstance(owners[key], ownership.Ours)}

    def _changed(self) -> Mapping[Key, bool]:
        """Return the RBAC objects that the run is to write, and whether each is a member then."""
        part_of = names.applyset_id(self._instance, self._home)
        return {
            change.key: change.after is not None and change.after.labels.get(names.PART_OF_LABEL) == part_of
            for change in self.cluster.changes
            if change.key.kind in KUBERNETES and change.key.kind != "Namespace"
        }

    def _at_home(self, write: Callable[[], T]) -> T:
        """Write there; where the namespace is missing it is made first."""
        try:
            return write()
        except NoNamespaceError:
            make_home(self._kube.create, self.cluster.name, self._home)
            return write()

    def _no_parent(self, error: IamrbacError) -> None:
        self._parented = False
        self._left(f"the ApplySet's parent {parent_name(self._instance)} is not kept up to date", error)

    def _no_record(self, error: IamrbacError) -> None:
        self._kept = None
        self._left("what was applied is not recorded, so that `iamrbac drift` does not know it", error)

    def _left(self, what: str, error: IamrbacError) -> None:
        """Warn; a right that is missing is asked for once."""
        forbidden = isinstance(error, ForbiddenError)
        if forbidden and self._asked:
            return
        self._asked = self._asked or forbidden
        right = f"let the caller get, create and update configmaps in namespace {self._home}"
        text = f"{error.message}. Next: {right}" if forbidden else said(error)
        self._how.warn(f"{self.cluster.name}: {what}: {text}")
