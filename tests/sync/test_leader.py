"""Leader election on a lease with a clock of its own: one writes, the other stands by, and takes over what is left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.model.errors import ConflictError, ExistsError, KubeError
from iamrbac.usecases.leader import COMMIT, DEADLINE, DURATION, NAME, Electing, Elector
from iamrbac.usecases.lease import Lease


@dataclass
class World:
    """An API with one lease, and a clock."""

    at: float = 0.0
    kept: Lease | None = None
    down: bool = False
    lost_answer: bool = False
    version: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)

    def lease(self, namespace: str, name: str) -> Lease | None:
        assert (namespace, name) == ("home", NAME)
        if self.down:
            raise KubeError("no answer")
        return self.kept

    def write_lease(self, namespace: str, name: str, wanted: Lease) -> Lease:
        if self.down:
            raise KubeError("no answer")
        if self.kept is None and wanted.version:
            raise ConflictError("gone")
        if self.kept is not None and wanted.version != self.kept.version:
            raise ConflictError("stale") if wanted.version else ExistsError("there")
        self.version += 1
        self.kept = replace(wanted, version=str(self.version))
        if self.lost_answer:
            raise KubeError("the connection broke off")
        return self.kept

    def elector(self, who: str) -> Elector:
        began = datetime(2026, 6, 1, tzinfo=UTC)

        def now() -> datetime:
            return began + timedelta(seconds=self.at)

        def told(event: str, _text: str) -> None:
            self.told.append((who, event))

        return Elector(Electing(self, "home", who, now, lambda: self.at, told))


def test_the_first_leads_and_the_second_stands_by() -> None:
    world = World()
    one, two = world.elector("one"), world.elector("two")
    for _ in range(20):
        one.step()
        two.step()
        world.at += 2
    assert (one.leads(), two.leads()) == (True, False)
    assert (one.stands_by(), two.stands_by()) == (False, True)
    assert world.told == [("one", "leader"), ("two", "standby")]


def test_one_that_is_killed_is_followed_when_its_lease_has_run_out() -> None:
    world = World()
    one, two = world.elector("one"), world.elector("two")
    one.step()
    seen = []
    while not two.leads():
        two.step()
        seen.append(world.at)
        world.at += 1
    assert seen[-1] == DURATION
    assert not one.leads()
    one.step()
    assert world.told[-1] == ("one", "lost")
    assert not one.leads()


def test_one_that_ends_gives_the_lease_back_at_once() -> None:
    world = World()
    one, two = world.elector("one"), world.elector("two")
    one.step()
    two.step()
    one.release()
    two.step()
    assert (one.leads(), two.leads()) == (False, True)


def test_one_that_cannot_renew_stops_by_itself_before_another_may_begin() -> None:
    world = World()
    one, two = world.elector("one"), world.elector("two")
    one.step()
    two.step()
    world.down = True
    world.at = DEADLINE
    assert not one.leads()
    one.step()
    assert not one.stands_by()
    world.down = False
    world.at = DURATION
    two.step()
    assert (one.leads(), two.leads()) == (False, True)


def test_a_lease_whose_answer_got_lost_is_ours() -> None:
    world = World(lost_answer=True)
    one = world.elector("one")
    one.step()
    assert not one.leads()
    world.lost_answer = False
    one.step()
    assert one.leads()


def test_a_label_that_somebody_sets_costs_nobody_the_lead() -> None:
    world = World()
    one = world.elector("one")
    one.step()
    assert world.kept is not None
    world.kept = replace(world.kept, version="label")
    one.step()
    assert one.leads()


def test_a_lease_that_somebody_removes_is_lost() -> None:
    world = World()
    one = world.elector("one")
    one.step()
    world.kept = None
    one.step()
    assert not one.leads()
    one.step()
    assert one.leads()


def test_whoever_follows_knows_what_was_worked_on_last() -> None:
    world = World()
    one, two = world.elector("one"), world.elector("two")
    one.step()
    assert one.commit() == ""
    one.worked_on("3fa2b1c")
    one.step()
    assert world.kept is not None
    world.kept = replace(world.kept, metadata={**world.kept.metadata, "labels": {"theirs": "kept"}}, version="label")
    one.step()
    one.release()
    two.step()
    assert two.leads()
    assert two.commit() == "3fa2b1c"
    assert world.kept.metadata == {"annotations": {COMMIT: "3fa2b1c"}, "labels": {"theirs": "kept"}}


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(["one", "two", "down", "up", "lose", "find"]), st.floats(0, 20)), max_size=60)
)
def test_never_two_at_once(steps: list[tuple[str, float]]) -> None:
    world = World()
    both = {who: world.elector(who) for who in ("one", "two")}
    for step, wait in steps:
        if step in both:
            both[step].step()
        world.down = {"down": True, "up": False}.get(step, world.down)
        world.lost_answer = {"lose": True, "find": False}.get(step, world.lost_answer)
        assert not (both["one"].leads() and both["two"].leads())
        world.at += wait
        assert not (both["one"].leads() and both["two"].leads())
