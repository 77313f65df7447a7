"""One round of `sync`: plan all clusters with the guards of every plan, then apply what nothing refuses.

What is not known is left as it is, and what is refused waits for a person: there is no way here to allow anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from iamrbac.findings.finding import Level
from iamrbac.fleet.part import Part
from iamrbac.fleet.steps import steps
from iamrbac.fleet.waves import Wave, only, waves_of
from iamrbac.model.errors import EndedError, IamrbacError, StalePlanError
from iamrbac.model.fleet import Fleet
from iamrbac.plan.change import Action, Change, ClusterPlan, FailedCluster, Plan
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.bounds import Bounds, Limits, bounded
from iamrbac.usecases.drift import drift_of
from iamrbac.usecases.load import load
from iamrbac.usecases.outcome import Delivered, Event
from iamrbac.usecases.plan import PlanRequest, make_plan
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.run import commit_of
from iamrbac.usecases.select import select_part
from iamrbac.usecases.sync_report import ClusterRound, Result, Round, Taken, Trouble, refusals, trouble_of
from iamrbac.usecases.sync_tally import IAM, Tally

CLUSTERS_AT_ONCE: Final = 8
HELD: Final = "SYN004"
HELD_NEXT: Final = "look at that cluster; the next round begins with it again"
_BAD: Final = frozenset({Result.PARTLY, Result.FAILED})
UNREAD: Final = "MAP102"
"""What compiling says of somebody whom IAM could not tell: unknown, and no finding about the documents."""


@dataclass(frozen=True, slots=True)
class Syncing:
    """How to make rounds."""

    take: Callable[[], Taken]
    """Fetches the access repository, or looks at it where it is. Raises IamrbacError."""
    edges: Callable[[Taken], Edges]
    """Opens it, and everything else."""
    applying: Callable[[Edges, Plan, Callable[[], None], Callable[[float], None]], Applying]
    """How to apply a plan: with a lock, `recheck` after a wait for it, and a pause that may be cut short."""
    clusters: tuple[str, ...]
    timeout: float
    """Seconds that one cluster may keep a round."""
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], bool]
    """Waits for some seconds; True when it is to end."""
    progress: Progress
    ended: Callable[[], str] = lambda: ""
    """Why nothing more is to be done; asked before each write."""
    told: Callable[[Event | Delivered], None] = lambda _event: None
    known: Callable[[], Collection[str]] = tuple
    """The clusters of the round before, for one that comes to none."""
    part: Part = field(default_factory=Part)
    """Which of these clusters: a shard, or some waves."""

    def limits(self) -> Limits:
        """Return how long each cluster may take for what comes now."""
        return Limits(self.timeout, self.monotonic, self.ended)


def sync_round(how: Syncing) -> Round:
    """Make one round. Nothing that can be told of it is raised."""
    began, at = how.monotonic(), how.now()
    try:
        made = _begun(how, at)
    except IamrbacError as error:
        made = not_begun(at, error, how.known())
    return replace(made, seconds=how.monotonic() - began)


def not_begun(at: datetime, error: IamrbacError, clusters: Iterable[str] = ()) -> Round:
    """Return the round in which nothing could be begun on any cluster."""
    result = Result.ENDED if isinstance(error, EndedError) else Result.FAILED
    trouble = (trouble_of(error),)
    return Round(at, tuple(ClusterRound(one, result, trouble) for one in clusters), troubles=trouble, result=result)


def _begun(how: Syncing, at: datetime) -> Round:
    taken = how.limits().now().read("the access repository", how.take)
    if taken.refusals:
        refused = paused(at, taken.refusals, how.known())
        return replace(refused, commit=taken.commit, signer=taken.signer)
    edges = how.edges(taken)
    made = _made(how, at, edges)
    return replace(
        made,
        commit=taken.commit or commit_of(edges),
        signer=taken.signer,
        people_at=taken.people_at if made.people_at is not None and taken.people_at is not None else made.people_at,
    )


def _made(how: Syncing, at: datetime, edges: Edges) -> Round:
    began = how.monotonic()
    loaded = load(edges.repository, edges.roles.names())
    names = [one.name for one in loaded.readable.config.document.clusters] if loaded.readable is not None else []
    errors = [finding for finding in loaded.findings if finding.level is Level.ERROR]
    if loaded.documents is None or errors:
        return paused(at, refusals(errors), names)
    try:
        names = [one.name for one in select_part(loaded.documents.config.document, how.clusters, how.part)]
        planned = make_plan(bounded(edges, how.limits()), PlanRequest(at, how.clusters, part=how.part), how.progress)
    except IamrbacError as error:
        return not_begun(at, error, names)
    if planned.plan is None:
        return paused(at, refusals(planned.findings), names)
    ends = [datetime.fromisoformat(one.document.spec.not_after) for one in loaded.documents.grants]
    plan, read = planned.plan, how.monotonic() - began
    config = loaded.documents.config.document
    order = config.fleet if "fleet" in config.model_fields_set else None
    waves = waves_of(order.order, config.clusters) if order is not None else ()
    clusters, iam = _Round(how, edges, at, plan, waves, order).run()
    clusters = tuple(replace(one, seconds=read + one.seconds) for one in clusters)
    still = tuple(sorted(end for end in ends if end > at))
    return Round(at, clusters, iam, people_at=at, ends=still, instance=plan.instance, home=plan.home)


def paused(at: datetime, why: tuple[Trouble, ...], clusters: Iterable[str] = ()) -> Round:
    """Return the round in which something refuses all clusters."""
    made = tuple(ClusterRound(one, Result.PAUSED, why) for one in clusters)
    return Round(at, made, troubles=why, result=Result.PAUSED)


@dataclass(slots=True)
class _Round:
    how: Syncing
    edges: Edges
    at: datetime
    plan: Plan
    waves: tuple[Wave, ...]
    fleet: Fleet | None
    """What the config says of the order; None: all at once."""
    _done: dict[str, ClusterRound] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> tuple[tuple[ClusterRound, ...], ClusterRound | None]:
        """Apply what may be, and return what became of each cluster, and of IAM."""
        plan = self.plan
        drift = self._drift()
        general = refusals((*plan.findings, *(one for some in plan.planned_accounts for one in some.findings)))
        free: list[ClusterPlan] = []
        for one in plan.clusters:
            if isinstance(one, FailedCluster):
                self._done[one.name] = not_planned(one)
            elif why := (*general, *refusals(one.findings)):
                self._done[one.name] = ClusterRound(one.name, Result.PAUSED, why)
            else:
                free.append(one)
        iam = self._iam(general)
        in_iam = not general and any(one.changes for one in plan.planned_accounts)
        if in_iam:
            iam = self._together([one.name for one in free], whole=len(free) == len(plan.clusters)) or iam
        else:
            self._apart(free)
        targets = {one.name: one.state.target for one in plan.planned}
        return tuple(
            replace(self._done[one.name], drift=drift.get(one.name), target=targets.get(one.name))
            for one in plan.clusters
        ), iam

    def _iam(self, general: tuple[Trouble, ...]) -> ClusterRound | None:
        failed = self.plan.failed_accounts
        if failed:
            return ClusterRound(IAM, Result.FAILED, tuple(Trouble(one.code, one.message, one.hint) for one in failed))
        if general and any(one.changes for one in self.plan.planned_accounts):
            return ClusterRound(IAM, Result.PAUSED, general)
        return None

    def _drift(self) -> Mapping[str, int | None]:
        edges = bounded(self.edges, self.how.limits())
        with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
            planned = self.plan.planned
            found = pool.map(lambda one: drift_of(edges, one, self.plan.home, self.plan.instance), planned)
            return {one.name: count for one, count in zip(planned, found, strict=True)}

    def _apart(self, free: Sequence[ClusterPlan]) -> None:
        """Apply each cluster by itself, so that none waits for another but for those that go before it (`fleet:`).

        What failed to be written holds up who would gain something after it; what only takes away is held up by nobody.
        """
        if self.fleet is None:
            self._at_once(free)
            return
        plans = {one.name: one for one in free}
        changed = {one.name for one in free if one.changed}
        why = ""
        for step in steps(only(self.waves, plans), changed, self.fleet.canary):
            now = [plans[name] for name in step.clusters]
            for one in (one for one in now if why and _gains(one)):
                self._done[one.name] = ClusterRound(one.name, Result.HELD, (Trouble(HELD, why, HELD_NEXT),))
            self._at_once([one for one in now if one.name not in self._done])
            bad = [name for name in plans if name in self._done and self._done[name].result in _BAD]
            if step.canary and (failed := [name for name in step.clusters if name in bad]):
                why = why or f"{failed[0]} goes first in the wave {step.wave}, and was not done"
            elif len(bad) >= self.fleet.stop_after:
                why = why or f"{', '.join(bad)} of the waves before {'was' if len(bad) == 1 else 'were'} not done"

    def _at_once(self, free: Sequence[ClusterPlan]) -> None:
        """Apply these; those of Git together, in one commit."""
        groups = [[one] for one in free if one.git is None]
        by_git = [one for one in free if one.git is not None]
        groups += [by_git] if by_git else []
        if not groups:
            return
        with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
            # What is not foreseen is raised here.
            tuple(pool.map(self._group, groups))

    def _group(self, clusters: Sequence[ClusterPlan]) -> None:
        plan = replace(self.plan, clusters=tuple(clusters), accounts=(), findings=())
        self._tried(plan, lambda names: replace(plan, clusters=tuple(one for one in clusters if one.name in names)))

    def _together(self, names: Collection[str], *, whole: bool) -> ClusterRound | None:
        """Apply clusters with IAM in between, whose order binds them; nothing goes from IAM unless all take part."""
        plan = self.plan if whole else self._again(names)
        if plan is None:
            return None
        return self._tried(plan, self._again).get(IAM)

    def _again(self, names: Collection[str]) -> Plan | None:
        """Plan only some clusters anew; None where that says something else of them than before."""
        if not names:
            return None
        edges = bounded(self.edges, self.how.limits())
        try:
            plan = make_plan(edges, PlanRequest(self.at, tuple(names), part=self.how.part), self.how.progress).plan
        except IamrbacError as error:
            self._failed(names, error)
            return None
        if plan is None or plan.failed or refusals(plan.all_findings):
            self._failed(names, StalePlanError("it is not as it was when the round began", hint="see the next round"))
            return None
        return plan

    def _tried(self, plan: Plan, without: Callable[[Collection[str]], Plan | None]) -> Mapping[str, ClusterRound]:
        """Apply a plan; where one of its clusters cannot be begun, nothing was written: again without that one."""
        names = [one.name for one in plan.planned]
        rest: Plan | None = plan
        while rest is not None:
            tally, began, limits = Tally(rest), self.how.monotonic(), self.how.limits()
            edges = bounded(self.edges, limits)
            try:
                self._apply(edges, rest, limits.now(), tally)
            except IamrbacError as error:
                if not tally.events and error.where in names and len(names) > 1:
                    self._failed([error.where], error)
                    names.remove(error.where)
                    rest = without(names)
                    continue
                tally.fault = error
            seconds = self.how.monotonic() - began
            told = {name: replace(one, seconds=seconds) for name, one in tally.rounds().items()}
            with self._lock:
                self._done.update({name: one for name, one in told.items() if name in names})
            return told
        return {}

    def _apply(self, edges: Edges, plan: Plan, bounds: Bounds, tally: Tally) -> None:
        def recheck() -> None:
            again = make_plan(edges, PlanRequest(self.at, tuple(names), part=self.how.part), self.how.progress).plan
            if again is None or refusals(again.all_findings) or _changes(again) != _changes(plan):
                raise StalePlanError(
                    "it changed while its lock was waited for", where=where, hint="the next round plans it anew"
                )

        names = [one.name for one in plan.planned]
        where = ", ".join(names)
        applying = self.how.applying(edges, plan, recheck, lambda seconds: bounds.pause(where, self.how.sleep, seconds))
        with closing(apply_plan(edges, plan, applying)) as events:
            for event in events:
                tally.events.append(event)
                self.how.told(event)
                if self.how.ended():
                    # Closing it lets nothing new begin, and waits for the write in hand.
                    raise EndedError(self.how.ended(), where=where)

    def _failed(self, names: Iterable[str], error: IamrbacError) -> None:
        result = Result.ENDED if isinstance(error, EndedError) else Result.FAILED
        with self._lock:
            for name in names:
                self._done[name] = ClusterRound(name, result, (trouble_of(error),))


def not_planned(one: FailedCluster) -> ClusterRound:
    """Return what became of a cluster without a plan: what its documents say refuses it, else it is not known."""
    unknown = one.code.startswith("ERR") or one.code == UNREAD
    result = Result.FAILED if unknown else Result.PAUSED
    if one.code == EndedError.code:
        result = Result.ENDED
    return ClusterRound(one.name, result, (Trouble(one.code, one.message, one.hint),))


def _gains(plan: ClusterPlan) -> bool:
    """Say whether anybody would gain anything, or something new would be made."""
    return any(one.change == "gain" for one in plan.access) or any(one.action is Action.CREATE for one in plan.changes)


def _changes(plan: Plan) -> Mapping[str, tuple[Change, ...]]:
    return {one.name: one.changes for one in plan.planned}
