"""Change a fleet: wave after wave, the canaries of each first, until all is done or too many clusters failed.

Each cluster is applied by `apply_plan` as `iamrbac apply` would: with its lock, backup, record and events of its own.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias

from iamrbac.compile.desired import Key
from iamrbac.fleet.result import FINISHED, Became, Result, Stop, stops
from iamrbac.fleet.waves import Wave
from iamrbac.model.errors import FleetStateError, IamrbacError, StalePlanError
from iamrbac.plan.change import ClusterPlan, FailedCluster, Plan
from iamrbac.plan.document import plan_json
from iamrbac.plan.planner import adoptable
from iamrbac.plan.stale import differences
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.crew import Crew, Ended
from iamrbac.usecases.fence import FencedEdges, Fences
from iamrbac.usecases.fleet import FleetPlan, reader, refusal
from iamrbac.usecases.fleet_outcome import Heard, late, result_of
from iamrbac.usecases.fleet_state import FleetState, FleetStore
from iamrbac.usecases.iam import Gate, IamWriter
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from iamrbac.usecases.plan import plan_loaded
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.saved import some

FRESH: Final = 600.0
"""Seconds after which the clusters of a wave are read again before the first write to them."""
GRACE: Final = 60.0
"""Seconds that whoever is at work gets after an interruption: no request lasts longer."""
CHANGED: Final = "it is no longer as it was when the plan was shown"
PLAN_AGAIN: Final = "run the same command again and look at what it says"


@dataclass(frozen=True, slots=True)
class WaveBegun:
    """A wave's first cluster is about to be changed."""

    wave: Wave
    canaries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pausing:
    """Nothing is done for a while, before the next wave."""

    seconds: float
    wave: Wave
    """The next one."""


FleetEvent: TypeAlias = WaveBegun | Pausing | Event | Delivered | Result


@dataclass(frozen=True, slots=True)
class FleetApplying:
    """How to apply to a fleet, beside the plan."""

    each: Applying
    """How to apply to each cluster; it waits for no Git sync."""
    store: FleetStore
    fences: Fences
    now: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class _Unit:
    """Clusters that are applied together: one, or all of a step that are delivered by Git, which share a commit."""

    clusters: tuple[ClusterPlan, ...]

    @property
    def name(self) -> str:
        return ", ".join(cluster.name for cluster in self.clusters)


@dataclass
class FleetRun:
    """One run over a fleet. The caller has made sure that nothing refuses all of it (`fleet.refusals`)."""

    edges: Edges
    planned: FleetPlan
    how: FleetApplying
    results: list[Result] = field(default_factory=list)
    """What became of the clusters so far, in the order in which they ended."""
    iam: list[Event] = field(default_factory=list)
    """What became of the changes in IAM."""

    def __post_init__(self) -> None:
        """Nothing is read or written before `events` is iterated."""
        self._fenced = FencedEdges(self.edges, self.how.fences)
        self._crew: Crew[Event | Delivered, Heard] = Crew(
            self.planned.settings.concurrency, self.planned.settings.timeout_seconds, self._late, self.how.clock
        )
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._planned_at = self.how.clock()
        self._plans = dict(self.planned.by_name)
        self._heard: dict[str, Heard] = {}
        self._units: dict[str, _Unit] = {}
        self._done: dict[str, str] = {}
        self._kept = True
        self._writer = IamWriter(self.edges.iam, self.planned.plan, {})
        self._gate = Gate()
        self.interrupted = False
        self.stopped = Stop()

    def interrupt(self) -> None:
        """Begin nothing more, and let whoever is at work come to an end. May be called from a signal handler."""
        self.interrupted = True
        self._crew.hurry(GRACE)
        self._woken.put(None)

    def events(self) -> Generator[FleetEvent]:
        """Apply; yield what happens as it happens, and one Result for every cluster of every wave."""
        self._done = dict.fromkeys(self.planned.earlier, Became.DONE.value)
        self._keep()
        yield from self._iam(self._writer.first())
        # IAM's failures alone hold up what follows; what becomes of a cluster is no other cluster's affair.
        self._gate = Gate(set(self._writer.gate.roles), set(self._writer.gate.groups))
        begun = False
        for wave in self.planned.waves:
            if begun and self._goes_on and wave.clusters:
                yield from self._pause(wave)
            before = len(self.results)
            yield from self._wave(wave)
            begun = begun or any(one.done for one in self.results[before:])
        if not self.interrupted:
            yield from self._iam(self._writer.then())

    @property
    def _goes_on(self) -> bool:
        return not self.stopped and not self.interrupted

    def _wave(self, wave: Wave) -> Generator[FleetEvent]:
        earlier = [name for name in wave.clusters if name in self.planned.earlier]
        yield from (self._ended(Result(name, wave.number, Became.EARLIER)) for name in earlier)
        left = [name for name in wave.clusters if name not in self.planned.earlier]
        if self._goes_on and left:
            first = self.planned.canaries(wave)
            yield WaveBegun(wave, first)
            yield from self._not_able(wave, left)
            yield from self._read_again(wave, left)
            canaries, others = [n for n in left if n in first], [n for n in left if n not in first]
            yield from self._step(wave, canaries, canary=True)
            bad = [one.cluster for one in self.results if one.canary and one.became not in FINISHED]
            if bad and self._goes_on:
                self.stopped = Stop(f"canary {bad[0]} was not done")
            yield from self._step(wave, others)
        over = {one.cluster for one in self.results}
        for name in left:
            if name not in over:
                yield from self._not_begun(wave, name)

    def _not_able(self, wave: Wave, names: Iterable[str]) -> Generator[FleetEvent]:
        """Tell what is known before the first write of a wave: it counts as what fails later does."""
        for name in names:
            plan = self._plans[name]
            if isinstance(plan, FailedCluster):
                yield self._ended(
                    Result(name, wave.number, Became.NOT_PLANNED, reason=plan.message, hint=plan.hint, code=plan.code)
                )
            elif (found := refusal(plan)) is not None:
                size = len(plan.changes)
                yield self._ended(
                    Result(name, wave.number, Became.REFUSED, False, 0, size, found.message, found.hint, found.id)
                )
                self._skip(name, "the cluster is refused")

    def _step(self, wave: Wave, names: Sequence[str], *, canary: bool = False) -> Generator[FleetEvent]:
        over = {one.cluster for one in self.results}
        able = [plan for name in names if name not in over and isinstance(plan := self._plans[name], ClusterPlan)]
        if not self._goes_on or not able:
            return
        git = tuple(one for one in able if one.git is not None)
        units = [_Unit((one,)) for one in able if one.git is None] + ([_Unit(git)] if git else [])
        self._units = {unit.name: unit for unit in units}
        work = ((name, partial(self._apply, unit)) for name, unit in self._units.items())
        crew = self._crew.run(work, lambda: self._goes_on)
        drained = False
        try:
            for one in crew:
                if isinstance(one, Ended):
                    yield from self._over(wave, self._units[one.name], one.value, canary=canary)
                else:
                    self._see(one.what)
                    yield one.what
            drained = True
        finally:
            if not drained:
                # Nobody listens any more: whoever is at work comes to an end, and begins no other write.
                self.interrupt()
                deque(crew, maxlen=0)

    def _apply(self, unit: _Unit, tell: Callable[[Event | Delivered], None]) -> Heard:
        """Apply one unit; runs in a thread of its own, and may be left behind."""
        heard = self._heard[unit.name] = Heard()
        muted = partial(self._muted, unit)
        each = self.how.each
        how = replace(
            each,
            gate=self._gate,
            locking=each.locking and replace(each.locking, recheck=lambda: self._recheck(unit)),
            recording=each.recording and replace(each.recording, warn=muted(each.recording.warn)),
            keeping=each.keeping and replace(each.keeping, warn=muted(each.keeping.warn)),
        )
        try:
            with closing(apply_plan(self._fenced.edges, self._only(unit.clusters), how)) as events:
                for event in events:
                    heard.events.append(event)
                    tell(event)
                    if self.interrupted:
                        break
        except StalePlanError as error:
            heard.stale, heard.error = True, error
        except IamrbacError as error:
            heard.error = error
        for cluster in unit.clusters:
            self._fenced.close(cluster.name)
        return heard

    def _over(self, wave: Wave, unit: _Unit, heard: Heard | None, *, canary: bool) -> Generator[FleetEvent]:
        said = heard or self._heard.get(unit.name, Heard())
        told = {event.change.key for event in list(said.events) if isinstance(event, Event)}
        for cluster in unit.clusters:
            if heard is None:
                why = self.how.fences.why(cluster.name)
                result = late(cluster, wave.number, said, why, interrupted=self.interrupted)
            else:
                result = result_of(cluster, wave.number, heard, interrupted=self.interrupted)
            yield self._ended(replace(result, canary=canary))
            if result.became not in FINISHED:
                self._skip(cluster.name, result.reason or "it was not come to", told)

    def _ended(self, result: Result) -> Result:
        self.results.append(result)
        if result.became in FINISHED and result.became is not Became.EARLIER:
            self._done[result.cluster] = result.became.value
            self._keep()
        if not self.stopped:
            self.stopped = stops(self.results, self.planned.settings.stop_after)
        return result

    def _not_begun(self, wave: Wave, name: str) -> Generator[FleetEvent]:
        plan = self._plans[name]
        why = self.stopped.reason or "the run was interrupted"
        size = len(plan.changes) if isinstance(plan, ClusterPlan) else 0
        yield self._ended(Result(name, wave.number, Became.NOT_BEGUN, changes=size, reason=why))
        self._skip(name, why)

    def _skip(self, name: str, why: str, told: Collection[Key] = ()) -> None:
        """Let IAM's part see what was not done on a cluster: nothing that it still uses goes, nobody is let in."""
        plan = self._plans[name]
        for change in plan.changes if isinstance(plan, ClusterPlan) else ():
            if change.key not in told:
                self._writer.saw(Event(change, Outcome.SKIPPED, why))

    def _see(self, event: Event | Delivered) -> None:
        if isinstance(event, Event):
            self._writer.saw(event)

    def _iam(self, events: Iterable[Event]) -> Generator[FleetEvent]:
        for event in events:
            self.iam.append(event)
            yield event

    def _pause(self, wave: Wave) -> Generator[FleetEvent]:
        seconds = self.planned.settings.pause_seconds
        if not seconds:
            return
        yield Pausing(seconds, wave)
        try:
            self._woken.get(timeout=seconds)
        except queue.Empty:
            return

    def _late(self, name: str) -> None:
        why = "it was interrupted, and did not come to an end"
        if not self.interrupted:
            why = f"it took longer than {self.planned.settings.timeout}; perhaps a part of it is written"
        for cluster in self._units[name].clusters:
            self.how.fences.shut(cluster.name, why)

    def _muted(self, unit: _Unit, warn: Callable[[str], None]) -> Callable[[str], None]:
        """Return what says nothing once a unit was left behind: what became of it is told already."""
        return lambda text: None if any(self.how.fences.why(one.name) for one in unit.clusters) else warn(text)

    def _only(self, clusters: tuple[ClusterPlan | FailedCluster, ...]) -> Plan:
        return replace(self.planned.plan, clusters=clusters, accounts=(), findings=())

    def _read_again(self, wave: Wave, names: Sequence[str]) -> Generator[FleetEvent]:
        """Read clusters again where the plan is old. Those that changed are refused; the others go by what is now."""
        over = {one.cluster for one in self.results}
        names = [name for name in names if name not in over]
        if not names or self.how.clock() - self._planned_at < FRESH:
            return
        self.how.each.progress.step(f"Reading wave {wave.number} again: the plan is {FRESH / 60:.0f} minutes old")
        again = self._planned_again(names)
        for name in names:
            changed = self._differences(self._plans[name], again.get(name))
            self._plans[name] = again.get(name, self._plans[name])
            if changed:
                reason = f"{CHANGED}: {'; '.join(some(changed))}"
                yield self._ended(Result(name, wave.number, Became.REFUSED, reason=reason, hint=PLAN_AGAIN))
                self._skip(name, reason)

    def _planned_again(self, names: Sequence[str]) -> Mapping[str, ClusterPlan | FailedCluster]:
        """Plan clusters again by the same documents, as of now."""
        plans = [one for name in names if isinstance(one := self._plans[name], ClusterPlan)]
        adopt = self.planned.request.adopt & {key for one in plans for key in adoptable(one.state)}
        request = replace(self.planned.request, at=self.how.now(), clusters=tuple(names), adopt=adopt)
        read = reader(self.planned.settings, self.how.fences)
        try:
            again = plan_loaded(self.edges, self.planned.loaded, request, self.how.each.progress, read).plan
        except IamrbacError as error:
            # AWS does not know the caller any more, or what was to be adopted is gone: nothing of it goes on.
            return {name: FailedCluster(name, error.code, error.message, error.hint) for name in names}
        return {one.name: one for one in again.clusters} if again is not None else {}

    def _recheck(self, unit: _Unit) -> None:
        """After a wait for the lock: somebody else may have written. Raises StalePlanError."""
        again = self._planned_again([one.name for one in unit.clusters])
        changed = [line for one in unit.clusters for line in self._differences(one, again.get(one.name))]
        if changed:
            raise StalePlanError(f"{CHANGED}: {'; '.join(some(changed))}", hint=PLAN_AGAIN)

    def _differences(
        self, old: ClusterPlan | FailedCluster, new: ClusterPlan | FailedCluster | None
    ) -> tuple[str, ...]:
        if new is None:
            return ("it could not be planned again",)
        return differences(plan_json(self._only((old,)), lambda origin: origin.file), self._only((new,)))

    def _keep(self) -> None:
        """Keep how far it came; where that fails, it is said once: the clusters themselves know it too."""
        if not self._kept:
            return
        try:
            self.how.store.save(FleetState(self.planned.key, dict(self._done)))
        except FleetStateError as error:
            self._kept = False
            self.how.each.progress.step(f"How far this run came is not kept, so that --resume reads all: {error}")
