"""Runs over a fleet in memory: order, canaries, stopping, and faults at each place."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from iamrbac.fleet.part import Part
from iamrbac.fleet.result import Became, Result, exit_code
from iamrbac.fleet.shards import Shard, shard_of
from iamrbac.model.errors import AwsError, KubeError
from iamrbac.usecases.fleet import refusals
from iamrbac.usecases.fleet_run import WaveBegun
from iamrbac.usecases.lease import NAME, renewed
from iamrbac.usecases.outcome import Event, Outcome
from tests.fleet.world import NAMES, POLICY, FleetWorld, became, config, fleet
from tests.usecases.test_lock import HOME, Clock, hold, lease_of
from tests.usecases.world import BOB

TWO = "{order: [{env: development}, {env: production}]}"


@pytest.fixture
def world(tmp_path: Path) -> FleetWorld:
    return fleet(tmp_path, NAMES)


def test_wave_after_wave_with_the_canaries_first(world: FleetWorld) -> None:
    run = world.run()
    events = list(run.events())
    assert [event.wave.name for event in events if isinstance(event, WaveBegun)] == [
        "env=development",
        "env=staging",
        "env=production",
        "the rest",
    ]
    order = [event.cluster for event in events if isinstance(event, Result)]
    assert (order[0], order[2], order[4]) == ("dev-1", "stage-1", "prod-1")
    assert order[1] == "dev-2" and order[3] == "stage-2" and set(order[5:7]) == {"prod-2", "prod-3"}
    assert order[7:] == ["x-1"]
    assert [one.cluster for one in run.results if one.canary] == ["dev-1", "stage-1", "prod-1"]
    assert set(became(run).values()) == {"done"}
    assert exit_code(run.results) == 0
    assert set(world.apply().values()) == {"unchanged"}


def test_nothing_of_a_wave_is_written_before_the_one_before_is_done(world: FleetWorld) -> None:
    events = list(world.run().events())
    waves = {
        name: number
        for number, some in enumerate(("dev", "stage", "prod", "x"))
        for name in NAMES
        if name.startswith(some)
    }
    written = [waves[event.change.key.cluster] for event in events if isinstance(event, Event)]
    assert written == sorted(written) and set(written) == {0, 1, 2, 3}


def test_iam_is_asked_once_for_all_of_them(world: FleetWorld) -> None:
    world.apply()
    assert world.company.people.asked == 1


def test_each_cluster_is_opened_once_to_read_and_once_to_write(world: FleetWorld) -> None:
    world.apply()
    assert sorted(world.opened) == sorted([*NAMES, *NAMES])


def test_a_canary_that_fails_stops_the_fleet_whatever_the_limit(world: FleetWorld) -> None:
    world.settings = {"stop_after": 100}
    world.fail("stage-1")
    run = world.run()
    list(run.events())
    assert became(run) == {
        "dev-1": "done",
        "dev-2": "done",
        "stage-1": "failed",
        **dict.fromkeys(["stage-2", "prod-1", "prod-2", "prod-3", "x-1"], "notBegun"),
    }
    assert run.stopped.reason == "canary stage-1 was not done"
    assert exit_code(run.results) == 6
    assert all(not world.company.kubes[name].leases for name in ("stage-2", "prod-1", "x-1"))


def test_it_stops_after_so_many_failures(world: FleetWorld) -> None:
    world.settings = {"stop_after": 2, "canary": 0, "concurrency": 1}
    for name in ("dev-1", "stage-1", "stage-2"):
        world.fail(name)
    assert world.apply() == {
        "dev-1": "failed",
        "dev-2": "done",
        "stage-1": "failed",
        "stage-2": "notBegun",
        **dict.fromkeys(["prod-1", "prod-2", "prod-3", "x-1"], "notBegun"),
    }


def test_what_is_begun_when_the_limit_is_reached_comes_to_its_end(world: FleetWorld) -> None:
    world.settings = {"canary": 0, "concurrency": 8}
    world.fail("prod-2")
    found = world.apply()
    assert found["prod-2"] == "failed" and found["x-1"] == "notBegun"
    assert {found["prod-1"], found["prod-3"]} <= {"done", "notBegun"}


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_cluster_that_cannot_be_read_counts_when_its_wave_comes(world: FleetWorld, stop_after: int) -> None:
    world.company.kubes["stage-2"].unreadable = KubeError("no route to host", where="stage-2")
    world.settings = {"stop_after": stop_after}
    run = world.run()
    list(run.events())
    found = became(run)
    assert found["stage-2"] == "notPlanned" and found["dev-1"] == "done"
    assert found["stage-1"] == found["prod-1"] == ("notBegun" if stop_after == 1 else "done")
    assert exit_code(run.results) == (6 if stop_after == 1 else 1)


def test_a_finding_about_one_cluster_refuses_that_one(world: FleetWorld) -> None:
    world.apply()
    world.company.config(
        config(NAMES, guards="{maxRemovals: {count: 1000, fraction: 1.0, perCluster: {count: 0, fraction: 0}}}")
    )
    world.company.policy(POLICY.replace('["*"]', '["dev-*", "stage-*", prod-1, prod-2]'))
    world.settings = {"stop_after": 2}
    plan = world.plan()
    assert refusals(plan.plan) == ()
    found = world.apply(plan)
    assert found == {
        **dict.fromkeys(["dev-1", "dev-2", "stage-1", "stage-2", "prod-1", "prod-2"], "unchanged"),
        "prod-3": "refused",
        "x-1": "refused",
    }


def test_what_is_refused_on_one_cluster_holds_up_no_other(world: FleetWorld) -> None:
    """The same sets lose on one cluster, which is refused, and gain on the others."""
    world.apply()
    guards = "{maxRemovals: {count: 1000, fraction: 1.0, perCluster: {count: 1, fraction: 1.0}}}"
    world.company.config(config(NAMES, guards=guards))
    others = "    - {clusters: [dev-2, stage-1, prod-1, prod-2], namespaces: [payments], role: operator}\n"
    world.company.policy(POLICY.replace('["*"]', '["dev-2", "stage-*", "prod-*"]') + others)
    world.settings = {"stop_after": 3}
    found = world.apply()
    assert {name for name, one in found.items() if one == "refused"} == {"dev-1", "x-1"}
    assert {found[name] for name in ("dev-2", "stage-1", "prod-1", "prod-2")} == {"done"}


def test_the_guards_count_over_all_clusters_before_the_first_write(world: FleetWorld) -> None:
    world.apply()
    world.company.config(config(NAMES, guards="{maxRemovals: {count: 5, fraction: 1.0}}"))
    world.company.policy(POLICY.replace('["*"]', '["dev-*", "stage-*"]'))
    assert [one.id for one in refusals(world.plan().plan)] == ["GRD001"]
    (finding,) = refusals(world.plan().plan)
    assert finding.message.startswith("8 principals × clusters would lose access")


def lost(at: int, count: int, _what: str) -> KubeError | None:
    return KubeError("lost") if count == at else None


def test_a_fault_at_every_write_leaves_what_the_next_run_goes_on_from(tmp_path: Path) -> None:
    names = ["dev-1", "dev-2", "prod-1"]
    total = 0
    for number in range(1, 40):
        world = fleet(tmp_path / str(number), names, fleet=TWO)
        world.company.faults.fail = partial(lost, number)
        first = world.apply()
        total = world.company.faults.writes
        world.company.faults.fail = lambda _count, _what: None
        world.resume = True
        again = world.apply()
        assert set(again.values()) <= {"done", "unchanged", "earlier"}, (number, first, again)
        assert {name for name, one in first.items() if one == "done"} == {
            n for n, one in again.items() if one == "earlier"
        }
        world.resume = False
        assert set(world.apply().values()) == {"unchanged"}
        if number > total:
            break
    assert 5 < total < 40


def test_a_plan_that_is_old_is_made_again_before_a_wave(world: FleetWorld) -> None:
    ticks = [0.0]
    world.clock = lambda: ticks[0]
    run = world.run()
    events = run.events()
    for event in events:
        if isinstance(event, WaveBegun) and event.wave.number == 2:
            ticks[0] = 3600.0
            # Somebody else grants by hand what was to be granted on one of them.
            source = world.company.kubes["dev-1"]
            there = next(one for key, one in source.objects.items() if key.kind == "RoleBinding")
            key = replace(there.key, cluster="prod-2")
            world.company.kubes["prod-2"].objects[key] = replace(there, key=key)
    found = became(run)
    assert found["stage-1"] == found["stage-2"] == "done"
    assert found["prod-2"] == "refused"
    (refused,) = [one for one in run.results if one.became is Became.REFUSED]
    assert refused.reason.startswith("it is no longer as it was when the plan was shown: prod-2: RoleBinding/")
    assert found["prod-1"] == "notBegun"


def test_who_left_a_group_meanwhile_is_not_given_access(world: FleetWorld) -> None:
    ticks = [0.0]
    world.clock = lambda: ticks[0]
    run = world.run()
    for event in run.events():
        if isinstance(event, WaveBegun) and event.wave.number == 2:
            ticks[0] = 3600.0
            members = world.company.people.groups["payments-developers"]
            assert isinstance(members, tuple)
            world.company.people.groups["payments-developers"] = tuple(one for one in members if one != BOB)
    assert became(run)["stage-1"] == became(run)["stage-2"] == "done" or became(run)["stage-1"] == "refused"
    for name in ("prod-1", "prod-2", "prod-3", "x-1"):
        assert not any(BOB in key.name for key in world.company.aws.entries[name])


def test_a_young_plan_is_not_made_again(world: FleetWorld) -> None:
    world.apply()
    assert world.opened.count("prod-1") == 2


def test_a_shard_has_its_clusters_and_only_the_first_with_any_has_iam(world: FleetWorld) -> None:
    found: list[str] = []
    for index in range(3):
        world.request = replace(world.request, part=Part(shard=Shard(index, 3)))
        applied = world.apply()
        assert {shard_of(name, 3) for name in applied} <= {index}
        found += applied
    assert sorted(found) == sorted(NAMES)


def test_a_shard_without_clusters_is_done(world: FleetWorld) -> None:
    empty = next(index for index in range(50) if not any(shard_of(name, 50) == index for name in NAMES))
    world.request = replace(world.request, part=Part(shard=Shard(empty, 50)))
    run = world.run()
    assert list(run.events()) == [] and exit_code(run.results) == 0


def test_one_wave_alone(world: FleetWorld) -> None:
    world.request = replace(world.request, part=Part(("env=staging",)))
    assert world.apply() == {"stage-1": "done", "stage-2": "done"}


def test_an_interruption_begins_nothing_more_and_says_what_became_of_all(world: FleetWorld) -> None:
    run = world.run()
    for event in run.events():
        if isinstance(event, Result) and event.cluster == "dev-2":
            run.interrupt()
    assert became(run) == {
        "dev-1": "done",
        "dev-2": "done",
        **dict.fromkeys([name for name in NAMES if not name.startswith("dev")], "notBegun"),
    }
    assert exit_code(run.results, interrupted=run.interrupted) == 130
    world.resume = True
    assert list(world.apply().values()).count("earlier") == 2


def test_an_interruption_within_a_cluster_stops_between_two_writes(world: FleetWorld) -> None:
    run = world.run()
    seen = 0
    for event in run.events():
        if isinstance(event, Event):
            seen += 1
            if seen == 1:
                run.interrupt()
    (first, *others) = run.results
    assert first.cluster == "dev-1" and first.became in (Became.INTERRUPTED, Became.DONE)
    assert {one.became for one in others} == {Became.NOT_BEGUN}
    assert not world.company.kubes["dev-1"].leases or all(
        not one.holder for one in world.company.kubes["dev-1"].leases.values()
    )


def test_whoever_stops_listening_stops_the_writers(world: FleetWorld) -> None:
    run = world.run()
    events = run.events()
    for event in events:
        if isinstance(event, Event):
            break
    events.close()
    assert run.interrupted
    written = world.company.faults.writes
    assert not any(world.company.kubes[name].objects for name in ("stage-1", "prod-1"))
    assert world.company.faults.writes == written


def test_a_role_that_a_cluster_still_maps_stays_in_iam(tmp_path: Path) -> None:
    world = fleet(tmp_path, ["dev-1", "prod-1"], fleet=TWO)
    world.company.policy(POLICY.replace("iamGroup: payments-developers", "iamGroup: payments-developers, via: role"))
    first = world.run()
    list(first.events())
    assert [(one.change.key.kind, one.outcome) for one in first.iam] == [
        ("IamRole", Outcome.DONE),
        ("IamGroupPolicy", Outcome.DONE),
    ]
    world.company.policy(POLICY)
    world.company.faults.fail = lambda _, what: AwsError("no") if what.startswith("delete AccessEntry") else None
    stopped = world.run()
    list(stopped.events())
    assert became(stopped) == {"dev-1": "failed", "prod-1": "notBegun"}
    assert [one.change.key.kind for one in stopped.iam if one.outcome is Outcome.DONE] == ["IamGroupPolicy"]
    assert world.company.iam.there
    world.company.faults.fail = lambda _number, _what: None
    again = world.run()
    list(again.events())
    assert set(became(again).values()) == {"done"}
    assert not world.company.iam.there


def test_a_cluster_that_somebody_else_writes_to_fails_and_the_others_hold_their_leases(world: FleetWorld) -> None:
    clock = Clock()
    world.company.locking = clock.locking()
    kube = world.company.kubes["stage-2"]
    hold(kube)
    clock.meanwhile = lambda: kube.leases.update({(HOME, NAME): renewed(lease_of(kube), clock.now())})
    world.settings = {"stop_after": 2}
    run = world.run()
    list(run.events())
    assert became(run) == {**dict.fromkeys(NAMES, "done"), "stage-2": "failed"}
    (failed,) = [one for one in run.results if one.became is Became.FAILED]
    assert (failed.code, failed.done) == ("ERR213", 0)
    assert "another apply is writing to it" in failed.reason
    assert all(lease_of(world.company.kubes[name]).holder == "" for name in NAMES if name != "stage-2")


def test_what_changed_while_a_lock_was_waited_for_is_refused(world: FleetWorld) -> None:
    clock = Clock()
    world.company.locking = clock.locking(timeout=600)
    kube = world.company.kubes["dev-1"]
    hold(kube)

    def give_back() -> None:
        """Somebody else ends, and has taken the namespace away that was to be granted on."""
        kube.leases.clear()
        kube.namespaces -= {"payments"}

    clock.meanwhile = give_back
    run = world.run()
    list(run.events())
    first = run.results[0]
    assert (first.cluster, first.became, first.done) == ("dev-1", Became.REFUSED, 0)
    assert first.reason.startswith("it is no longer as it was when the plan was shown: dev-1: ")
    assert run.stopped.reason == "dev-1 failed, and the fleet stops after 1"
