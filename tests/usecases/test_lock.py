"""One writer per cluster: taken before the first write, kept, lost and given back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iamrbac.model.errors import ConflictError, ForbiddenError, KubeError, LockError, StalePlanError
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.lease import DEADLINE, DURATION, NAME, Lease, micro_time, renewed, taken
from iamrbac.usecases.lock import Held, Locking, locked
from iamrbac.usecases.outcome import Event, Outcome
from tests.usecases.fakes import PAT, FakeKube, Silent
from tests.usecases.world import Company, company

HOME = "iamrbac-system"
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
ME = f"{PAT}@laptop/1"
THEM = "arn:aws:iam::111122223333:user/erin@runner/2"


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    at: float = 1000.0
    meanwhile: Callable[[], None] = lambda: None

    def pause(self, seconds: float) -> None:
        self.at += seconds
        self.meanwhile()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.at - 1000)

    def locking(self, timeout: float = 0, recheck: Callable[[], None] = lambda: None) -> Locking:
        return Locking(timeout, "laptop/1", self.now, lambda: self.at, self.pause, Silent(), recheck)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(tmp_path: Path, clock: Clock) -> Company:
    founded = company(tmp_path)
    founded.locking = clock.locking()
    return founded


def lease_of(kube: FakeKube) -> Lease:
    return kube.leases[HOME, NAME]


def hold(kube: FakeKube, holder: str = THEM, duration: int = DURATION) -> Lease:
    """Let somebody else hold the lease."""
    kube.namespaces |= {HOME}
    kube.leases.pop((HOME, NAME), None)
    return kube.write_lease(HOME, NAME, replace(taken(None, holder, START), duration=duration))


def held(made: Company, clock: Clock, cluster: str = "production") -> Held:
    kube = made.kubes[cluster]
    return Held(kube, cluster, HOME, hold(kube, ME), clock.at, clock.locking())


def test_it_is_held_while_writing_and_given_back(made: Company) -> None:
    during: list[str] = []
    production = made.kubes["production"]

    def look(_count: int, what: str) -> None:
        if not what.startswith("create Namespace"):
            during.extend(lease_of(kube).holder for kube in made.kubes.values())

    made.faults.fail = look
    events = made.apply()
    assert {event.outcome for event in events} == {Outcome.DONE}
    assert during and set(during) == {ME}
    assert production.leases.keys() == {(HOME, NAME)}
    assert (lease_of(production).holder, lease_of(production).transitions) == ("", 0)
    assert made.plan().changes == ()


def test_the_home_namespace_is_made_once_and_labelled_as_ours(made: Company) -> None:
    made.apply()
    assert made.faults.log.count(f"create Namespace /{HOME}") == 2
    assert all(HOME in kube.namespaces for kube in made.kubes.values())
    made.faults.log.clear()
    made.kubes["production"].objects.popitem()
    made.apply()
    assert not any("Namespace" in what for what in made.faults.log)


def test_clusters_without_changes_and_no_locking_take_none(made: Company) -> None:
    made.apply()
    made.kubes["staging"].leases.clear()
    made.kubes["production"].objects.popitem()
    made.apply()
    assert (made.kubes["staging"].leases, lease_of(made.kubes["production"]).transitions) == ({}, 1)
    made.kubes["production"].leases.clear()
    made.kubes["production"].objects.popitem()
    made.locking = None
    made.apply()
    assert made.kubes["production"].leases == {}


def test_a_live_holder_is_named_and_nothing_is_written_anywhere(made: Company, clock: Clock) -> None:
    kube = made.kubes["production"]
    theirs = hold(kube)

    def renew() -> None:
        kube.write_lease(HOME, NAME, renewed(lease_of(kube), clock.now()))

    clock.meanwhile = renew
    with pytest.raises(LockError) as caught:
        made.apply()
    assert caught.value.where == "production"
    assert THEM in caught.value.message
    assert theirs.acquired in caught.value.message
    assert "--lock-timeout" in caught.value.hint
    assert clock.at - 1000 <= 5
    assert made.faults.log == []
    assert lease_of(kube).holder == THEM
    assert made.kubes["staging"].leases.get((HOME, NAME)) is None


def test_what_was_taken_already_is_given_back_when_another_cannot_be_had(made: Company, clock: Clock) -> None:
    kube = made.kubes["staging"]
    hold(kube)
    clock.meanwhile = lambda: (kube.write_lease(HOME, NAME, renewed(lease_of(kube), clock.now())), None)[1]
    with pytest.raises(LockError):
        made.apply()
    assert lease_of(made.kubes["production"]).holder == ""
    assert lease_of(kube).holder == THEM


def test_a_dead_holder_is_watched_for_its_duration_and_then_succeeded(made: Company, clock: Clock) -> None:
    hold(made.kubes["production"])
    events = made.apply()
    assert {event.outcome for event in events} == {Outcome.DONE}
    assert DURATION <= clock.at - 1000 <= DURATION + 2
    assert lease_of(made.kubes["production"]).transitions == 1


def test_a_dead_holder_that_wanted_to_hold_it_for_a_day_is_not_waited_for(made: Company, clock: Clock) -> None:
    hold(made.kubes["production"], duration=86_400)
    with pytest.raises(LockError, match="holds the lock since"):
        made.apply()
    assert clock.at - 1000 <= DURATION + 2


def test_a_live_holder_is_waited_for_as_long_as_asked_and_the_plan_is_checked_after(
    made: Company, clock: Clock
) -> None:
    kube = made.kubes["production"]
    hold(kube)
    checked: list[float] = []

    def work() -> None:
        lease = renewed(lease_of(kube), clock.now())
        kube.write_lease(HOME, NAME, replace(lease, holder="") if clock.at > 1300 else lease)

    clock.meanwhile = work
    made.locking = clock.locking(600, lambda: checked.append(clock.at))
    assert {event.outcome for event in made.apply()} == {Outcome.DONE}
    assert checked and 1300 < checked[0] < 1310


def test_a_plan_that_is_stale_after_the_wait_changes_nothing_and_gives_back(made: Company, clock: Clock) -> None:
    hold(made.kubes["production"])

    def stale() -> None:
        raise StalePlanError("it changed")

    made.locking = clock.locking(0, stale)
    with pytest.raises(StalePlanError):
        made.apply()
    assert made.faults.log == [f"create Namespace /{HOME}"]
    assert {lease_of(kube).holder for kube in made.kubes.values()} == {""}


@pytest.mark.parametrize("doing", ["get", "create"])
def test_without_the_right_to_leases_the_rule_to_add_is_named(made: Company, doing: str) -> None:
    error = ForbiddenError("cannot get lease: leases is forbidden (403)", where="production")
    made.kubes["production"].lease_fault = lambda asked: error if asked == doing else None
    with pytest.raises(LockError) as caught:
        made.apply()
    assert "forbidden" in caught.value.message
    assert "leases (coordination.k8s.io)" in caught.value.hint
    assert "--no-lock" in caught.value.hint
    assert made.faults.log == []


def test_without_the_right_to_make_the_namespace_who_does_is_named(made: Company) -> None:
    made.faults.fail = lambda _count, what: ForbiddenError("no") if what.startswith("create Namespace") else None
    with pytest.raises(LockError) as caught:
        made.apply()
    assert f"kubectl create namespace {HOME}" in caught.value.hint
    assert "--no-lock" in caught.value.hint


def test_the_answer_to_taking_it_gets_lost(made: Company, clock: Clock) -> None:
    kube = made.kubes["production"]
    kube.namespaces |= {HOME}

    def answer_lost(doing: str) -> KubeError | None:
        if doing != "create" or kube.leases:
            return None
        kube.leases[HOME, NAME] = replace(taken(None, ME, START), version="5")
        return KubeError("no answer in time")

    kube.lease_fault = answer_lost
    assert {event.outcome for event in made.apply()} == {Outcome.DONE}
    assert (lease_of(kube).holder, clock.at) == ("", 1000)


def test_somebody_is_quicker_and_is_waited_for(made: Company) -> None:
    kube = made.kubes["production"]
    kube.namespaces |= {HOME}
    taken_before: list[str] = []

    def quicker(doing: str) -> KubeError | None:
        if doing == "create" and not taken_before:
            taken_before.append(doing)
            hold(kube)
        return None

    kube.lease_fault = quicker
    made.apply()
    assert lease_of(kube).transitions == 1


def test_a_lease_that_cannot_be_renewed_stops_the_writing(made: Company, clock: Clock) -> None:
    plan = made.plan()
    written: list[str] = []

    def late(_count: int, what: str) -> None:
        if what.startswith("create Namespace"):
            return
        written.append(what)
        if len(written) == 3:
            clock.at += DEADLINE

    made.faults.fail = late
    events = made.apply(plan)
    assert len(events) == len(plan.changes)
    outcomes = {outcome: [one for one in events if one.outcome is outcome] for outcome in Outcome}
    # Writes that had been begun are told as they ended.
    assert 3 <= len(outcomes[Outcome.DONE]) < len(events)
    assert outcomes[Outcome.SKIPPED]
    assert not outcomes[Outcome.FAILED]
    assert any("could not be renewed for 20 seconds" in one.reason for one in outcomes[Outcome.SKIPPED])
    clock.at += DURATION
    made.faults.fail = lambda _count, _what: None
    assert {event.outcome for event in made.apply()} == {Outcome.DONE}
    assert made.plan().changes == ()


def test_renewing(made: Company, clock: Clock) -> None:
    ours = held(made, clock)
    kube = made.kubes["production"]
    clock.at += 15
    assert ours.lost() == ""
    ours.renew()
    clock.at += 15
    assert ours.lost() == ""
    assert lease_of(kube).renewed == micro_time(START + timedelta(seconds=15))
    clock.at += 5
    assert "20 seconds" in ours.lost()
    kube.lease_fault = lambda _doing: None
    ours.renew()
    assert "20 seconds" in ours.lost(), "what is lost once stays lost"


def test_a_fault_that_passes_and_a_label_of_somebody_lose_nothing(made: Company, clock: Clock) -> None:
    ours = held(made, clock)
    kube = made.kubes["production"]
    kube.lease_fault = lambda _doing: KubeError("overloaded")
    clock.at += 10
    ours.renew()
    kube.lease_fault = lambda _doing: None
    labelled = replace(lease_of(kube), metadata={"labels": {"a": "b"}})
    kube.write_lease(HOME, NAME, labelled)
    ours.renew()
    clock.at += 15
    assert ours.lost() == ""
    assert lease_of(kube).metadata == {"labels": {"a": "b"}}


def test_a_lease_that_somebody_took_or_removed_is_lost_at_once(made: Company, clock: Clock) -> None:
    ours = held(made, clock)
    kube = made.kubes["production"]
    hold(kube)
    ours.renew()
    assert THEM in ours.lost()
    ours.release()
    assert lease_of(kube).holder == THEM
    other = held(made, clock)
    kube.leases.clear()
    kube.lease_fault = lambda doing: ConflictError("gone") if doing == "update" else None
    other.renew()
    assert other.lost() == "somebody removed the lock"


def test_it_is_given_back_when_nobody_reads_on_and_after_an_error(made: Company, clock: Clock) -> None:
    how = Applying(Silent(), clock.pause, locking=clock.locking())
    with closing(apply_plan(made.edges, made.plan(), how)) as written:
        assert isinstance(next(written), Event)
        assert lease_of(made.kubes["production"]).holder == ME
    assert {lease_of(kube).holder for kube in made.kubes.values()} == {""}
    plan = made.plan()
    with pytest.raises(KeyboardInterrupt), locked(made.edges, HOME, plan.planned, clock.locking()):
        raise KeyboardInterrupt
    assert {lease_of(kube).holder for kube in made.kubes.values()} == {""}
