"""The steps of a migration. Each looks at the cluster anew, so that a run that was stopped goes on where it was.

Mode, entries (with the bridge for administrators), verify, the bridge away, rows: nothing is taken away before what
takes its place is known to count.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Final

from iamrbac.compile.desired import Desired
from iamrbac.mapping.objects import AccessEntry
from iamrbac.migrate import bridge
from iamrbac.migrate.types import Migration
from iamrbac.migrate.undo import Undo
from iamrbac.model.errors import MigrateError, ModeError
from iamrbac.plan.change import Change
from iamrbac.plan.observed import AuthenticationMode, ClusterState, Target
from iamrbac.plan.simulate import before
from iamrbac.usecases.lock import locked
from iamrbac.usecases.migrate_how import How, Step, Told
from iamrbac.usecases.migrate_ports import MigrateEdges
from iamrbac.usecases.migrate_probes import LOOK_SECONDS, Watch, watch
from iamrbac.usecases.migrate_writes import Writes, plan_of

POLL_SECONDS: Final = 5.0
FIRST_POLL_SECONDS: Final = 0.25
"""Between two looks at what EKS does; the first ones are quicker."""
BRIDGE_SECONDS: Final = 2.0
"""How long a binding may take to be known to every API server."""
PROBE_SECONDS: Final = 60.0
"""How long probes may be wrong after a change: entries take seconds."""
LOOKS: Final = 3
"""How often the probes have to be right once the rows are gone."""


class Work:
    """One cluster's way. `look` reads the cluster and says what is left; it raises IamrbacError."""

    def __init__(self, edges: MigrateEdges, look: Callable[[], Migration | Undo], how: How) -> None:
        self._edges = edges
        self._look = look
        self._how = how
        self._writes = Writes(edges.edges, how, "", None)

    def migrate(self, planned: Migration) -> Generator[Told]:
        """Go all the way. Raises IamrbacError where it stops; then the same again goes on."""
        with locked(self._edges.edges, self._how.home, [plan_of(planned.state)], self._how.locking) as held:
            self._writes = Writes(self._edges.edges, self._how, planned.cluster, held.get(planned.cluster))
            now = self._agreed()
            probes = self._watch(now.state)
            if now.switches:
                yield from self._switch(now.state.target, "API_AND_CONFIG_MAP")
                now = self._agreed()
                probes = yield from self._watch_again(now.state, probes)
            yield from self._entries(now)
            now = yield from self._verified(probes)
            yield from self._cross(now, probes)
            if not self._how.keep_rows:
                yield from self._rows(self._agreed(), probes)

    def final(self, planned: Migration) -> Generator[Told]:
        """Set the mode API, where nothing that counts is left in aws-auth. Raises IamrbacError."""
        with locked(self._edges.edges, self._how.home, [plan_of(planned.state)], self._how.locking) as held:
            self._writes = Writes(self._edges.edges, self._how, planned.cluster, held.get(planned.cluster))
            now = self._agreed()
            if now.leftover or not now.done(keep_rows=False):
                raise self._writes.stopped("something in aws-auth counts again")
            probes = self._watch(now.state)
            yield from self._switch(now.state.target, "API")
            yield from self._right(probes, "verify", "in the mode API")

    def undo(self, planned: Undo) -> Generator[Told]:
        """Take back what migrate made. Raises IamrbacError."""
        with locked(self._edges.edges, self._how.home, [plan_of(planned.state)], self._how.locking) as held:
            self._writes = Writes(self._edges.edges, self._how, planned.cluster, held.get(planned.cluster))
            now = self._undoable()
            probes = self._watch(now.state)
            if now.rebridge:
                yield from self._bridge(now.state)
                yield from self._writes.at_eks("undo", now.state, [(one,) for one in now.rebridge])
                self._rest(self._how.settle, now.cluster)
                now = self._undoable()
            yield from self._writes.at_eks("undo", now.state, [(one,) for one in now.remove], "migrate --undo")
            yield from self._right(probes, "verify", "by their rows again")
            if now.bridge is not None:
                self._rest(self._how.settle if now.remove else 0, now.cluster)
                self._writes.check_lock()
                self._edges.edges.kube(now.state.target).delete(now.bridge)

    def _undoable(self) -> Undo:
        now = self._look()
        if not isinstance(now, Undo) or now.blockers:
            raise self._writes.stopped("it cannot be undone any more")
        return now

    def _agreed(self) -> Migration:
        """Look again; what stands against it by now stops it."""
        now = self._look()
        if not isinstance(now, Migration) or not now.may:
            said = "; ".join(one.message for one in now.blockers)
            raise self._writes.stopped(f"something stands against it by now: {said}")
        return now

    def _watch(self, state: ClusterState) -> Watch:
        return watch(state.target, before(state), self._how.instance, self._edges.probes)

    def _watch_again(self, state: ClusterState, before: Watch) -> Generator[Told, None, Watch]:
        """With the mode come entries that EKS makes itself, such as its creator's: whoever has one is that now."""
        began = self._how.monotonic()
        while True:
            try:
                now = self._watch(state)
                break
            except MigrateError:
                if self._how.monotonic() - began >= min(self._how.timeout, PROBE_SECONDS):
                    raise
            self._how.pause(LOOK_SECONDS)
        for (probe, was), (_, right) in zip(before.probes, now.probes, strict=True):
            if was != right:
                yield Told(state.target.name, "mode", f"{probe.name} is {right.name} now, by an entry that EKS made")
        return now

    def _switch(self, target: Target, mode: AuthenticationMode) -> Generator[Told]:
        self._writes.check_lock()
        update = self._edges.modes.change_mode(target, mode)
        began = told = self._how.monotonic()
        rest = FIRST_POLL_SECONDS
        self._how.progress.step(f"{target.name}: waiting for the mode {mode}")
        while True:
            seen = self._edges.modes.seen_mode(target, update)
            if seen.failed:
                hint = "look at `aws eks describe-update`, then run the same command again"
                raise ModeError(f"EKS did not change the mode to {mode}: {seen.failed}", where=target.name, hint=hint)
            if seen.mode == mode and not seen.busy:
                break
            now = self._how.monotonic()
            if now - began >= self._how.timeout:
                hint = "EKS goes on with it: run the same command again, with a longer --timeout"
                raise ModeError(f"the mode is not {mode} after {now - began:.0f} seconds", where=target.name, hint=hint)
            if now - told >= 3 * POLL_SECONDS:
                told = now
                self._how.progress.step(f"{target.name}: still {seen.mode} after {now - began:.0f} seconds")
            self._how.pause(rest)
            rest = min(2 * rest, POLL_SECONDS)
            if not update and not seen.busy:
                # What was under way was something else.
                update = self._edges.modes.change_mode(target, mode)
        yield Told(target.name, "final" if mode == "API" else "mode", f"the mode is {mode}")

    def _entries(self, now: Migration) -> Generator[Told]:
        """Make entries, each with its policy at once; administrators' behind the bridge."""
        if not now.create:
            return
        instance = self._how.instance
        admins = {pair[-1].key.name.partition("#")[0] for pair in now.create if _associates(pair)}
        if admins:
            yield from self._bridge(now.state)
        pairs = [tuple(_bridged(one, instance, admins) for one in pair) for pair in now.create]
        yield from self._writes.at_eks("entries", now.state, pairs, "migrate (entries)")

    def _bridge(self, state: ClusterState) -> Generator[Told]:
        """Make the bridge's binding where it is missing, and give it its time."""
        if bridge.standing(state, self._how.instance) is not None:
            return
        self._writes.check_lock()
        wanted = bridge.binding(state.target.name, self._how.instance)
        self._edges.edges.kube(state.target).create(wanted)
        yield Told(state.target.name, "entries", f"+ ClusterRoleBinding {wanted.key.name}, for the time being")
        self._how.pause(BRIDGE_SECONDS)

    def _verified(self, probes: Watch) -> Generator[Told, None, Migration]:
        """Read every entry back, and ask the probes, until all is as it has to be."""
        began, rest = self._how.monotonic(), FIRST_POLL_SECONDS
        while (now := self._agreed()).create:
            if self._how.monotonic() - began >= self._how.timeout:
                raise self._writes.stopped(f"{len(now.create)} access entries cannot be read back")
            self._how.pause(rest)
            rest = min(2 * rest, POLL_SECONDS)
        yield from self._right(probes, "verify", "with entries beside rows")
        return now

    def _cross(self, now: Migration, probes: Watch) -> Generator[Told]:
        """Take the bridge away once the policies have had their time; put it back where a probe is not right then."""
        standing = bridge.standing(now.state, self._how.instance)
        if now.unbridge:
            self._wait_for(now)
            yield from self._writes.at_eks("policies", now.state, [(one,) for one in now.unbridge])
            wrong = self._wrong(probes)
            if wrong:
                back = self._look().state
                self._bridge_again(back, {one.key.name for one in now.unbridge})
                raise self._writes.stopped(
                    f"{wrong}; everybody is an administrator by {bridge.group(self._how.instance)}"
                )
            yield Told(now.cluster, "policies", "administrators by AmazonEKSClusterAdminPolicy alone")
        if standing is not None:
            self._writes.check_lock()
            self._edges.edges.kube(now.state.target).delete(standing)

    def _bridge_again(self, state: ClusterState, names_: set[str]) -> None:
        for item in state.objects:
            if isinstance(item.spec, AccessEntry) and item.key.name in names_:
                wanted = bridge.bridged(item.spec, self._how.instance)
                self._edges.edges.aws.update(state.target, item, Desired(item.key, wanted, item.meta.labels))

    def _rows(self, now: Migration, probes: Watch) -> Generator[Told]:
        """Take the rows out in one write; put them back where a probe is not right then."""
        if not now.remove:
            return
        self._wait_for(now)
        left = self._writes.rows(now.state, now.remove, "migrate (rows)")
        yield from (Told(now.cluster, "rows", f"- {one.key.name}") for one in now.remove)
        for look in range(LOOKS):
            self._how.pause(LOOK_SECONDS * bool(look))
            wrong = probes.wrong()
            if wrong:
                self._writes.rows_back(now.state, now.remove, left)
                raise self._writes.stopped(f"without the rows {wrong}: they are back")
        yield Told(now.cluster, "verify", f"{_count(probes)} right without the rows")

    def _wait_for(self, now: Migration) -> None:
        """Give entries that are young the time that EKS may take for them."""
        wanted = {one.entry.principal for one in now.rows if one.entry is not None}
        young = [
            self._how.settle - (self._how.now() - item.meta.created).total_seconds()
            for item in now.state.objects
            if item.key.kind == "AccessEntry" and item.key.name in wanted and item.meta.created is not None
        ]
        if self._writes.last is not None:
            young.append(self._how.settle - (self._how.now() - self._writes.last).total_seconds())
        left = max((*young, 0.0))
        self._rest(min(left, self._how.settle), now.cluster)

    def _rest(self, seconds: float, cluster: str) -> None:
        if seconds > 0:
            self._how.progress.step(f"{cluster}: {seconds:.0f} seconds for the entries to count everywhere")
            self._how.pause(seconds)

    def _right(self, probes: Watch, step: Step, when: str) -> Generator[Told]:
        wrong = self._wrong(probes)
        if wrong:
            raise self._writes.stopped(f"{wrong} ({when})")
        yield Told(probes.target.name, step, f"{_count(probes)} right {when}")

    def _wrong(self, probes: Watch) -> str:
        return probes.until_right(min(self._how.timeout, PROBE_SECONDS), self._how.monotonic, self._how.pause)


def _associates(pair: Sequence[Change]) -> bool:
    return pair[-1].key.kind == "AccessPolicyAssociation"


def _bridged(change: Change, instance: str, admins: set[str]) -> Change:
    after = change.after
    if after is None or not isinstance(after.spec, AccessEntry) or change.key.name not in admins:
        return change
    return replace(change, after=replace(after, spec=bridge.bridged(after.spec, instance)))


def _count(probes: Watch) -> str:
    many = len(probes.probes)
    return f"{many} probe{'' if many == 1 else 's'} {'is' if many == 1 else 'are'}"
