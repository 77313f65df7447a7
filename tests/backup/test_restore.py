"""The way back: any run, cut anywhere, undone; and what must not come back with it."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.backup.backup import Record, Result
from iamrbac.backup.restore import (
    BY_HAND,
    GONE,
    NOT_OURS,
    OVER,
    SUSPENDED,
    Today,
    WayBack,
    changed_something,
    last_change,
    restore,
)
from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Form, Key
from iamrbac.findings.finding import Level
from iamrbac.identity.suspended import Suspended
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AwsAuthRow
from iamrbac.plan.change import Action, ClusterPlan
from iamrbac.plan.observed import AwsAuth, ClusterState, Meta
from iamrbac.plan.planner import plan_cluster
from iamrbac.rbac.objects import Subject
from tests.backup.world import content, record, write, written
from tests.plan import builders as b
from tests.plan.test_order_property import Case, cases, sides

EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "60"))
FIRST, SECOND, THIRD = "20261126-120000-aaaaaa", "20261126-130000-bbbbbb", "20261126-140000-cccccc"
TEMPORARY = names.group_name(b.INSTANCE, "payments", names.temporary_set("inc-1"))


def cluster(case: Case) -> ClusterState:
    rows = [spec for spec, _ in case.old.rows if isinstance(spec, AwsAuthRow)]
    config_map = AwsAuth(edit({}, rows, ()), b.config_map(owned=[row.arn for row in rows]).annotations, "1")
    objects = [b.observed(item) for item in (*case.old.rbac, *case.old.entries)]
    return b.state(*objects, *(b.foreign(item) for item in case.theirs), aws_auth=config_map)


def form_of(desired: ClusterDesired) -> Form:
    return "aws-auth" if any(item.key.kind == "AwsAuthRow" for item in desired.objects) else "access-entries"


def planned(desired: ClusterDesired, state: ClusterState, adopt: frozenset[str] = frozenset()) -> ClusterPlan:
    return plan_cluster(desired, state, form_of(desired), b.INSTANCE, adopt)


def back(state: ClusterState, records: list[Record], run: str, today: Today | None = None) -> WayBack:
    return restore(records, run, state, "access-entries", b.INSTANCE, today or Today())


def undone(state: ClusterState, way: WayBack) -> tuple[ClusterState, ClusterPlan]:
    plan = planned(way.desired, state, way.adopt)
    return write(state, written(plan)), plan


@settings(max_examples=EXAMPLES)
@given(cases(), sides(st.sampled_from(["entry", "row", "none"])), st.data())
def test_whatever_two_runs_did_and_wherever_they_were_killed_it_goes_back(
    case: Case, third: object, data: st.DataObject
) -> None:
    start = cluster(case)
    first = planned(b.desired(*case.new.rbac, *case.new.entries, *case.new.rows), start)
    steps = written(first)
    middle = write(start, steps[: data.draw(st.integers(0, len(steps)))])
    records = [record(first, FIRST)]
    assert isinstance(third, type(case.new))
    second = planned(b.desired(*third.rbac, *third.entries, *third.rows), middle)
    steps = written(second)
    end = write(middle, steps[: data.draw(st.integers(0, len(steps)))])
    records.insert(0, record(second, SECOND))
    for run, then in ((SECOND, middle), (FIRST, start)):
        way = back(end, records, run)
        assert way.findings == ()
        assert way.by_hand == ()
        restored, plan = undone(end, way)
        assert content(restored) == content(then)
        assert not undone(restored, back(restored, [record(plan, THIRD), *records], run))[1].changes
        # A rollback is a run like any other, and can be undone: also one that was killed.
        steps = written(plan)
        cut = write(end, steps[: data.draw(st.integers(0, len(steps)))])
        for state in (restored, cut):
            again, _ = undone(state, back(state, [record(plan, THIRD), *records], THIRD))
            assert content(again) == content(end)


def one_run(before: ClusterState, *items: b.Item, adopt: tuple[str, ...] = ()) -> tuple[ClusterState, Record]:
    plan = planned(b.desired(*items), before, frozenset(adopt))
    assert all(finding.level is not Level.ERROR for finding in plan.findings), plan.findings
    return write(before, written(plan)), record(plan, FIRST)


def ids(way: WayBack) -> set[str]:
    return {finding.id for finding in way.findings}


def test_what_was_adopted_is_given_back_and_a_second_rollback_takes_it_again() -> None:
    theirs = [b.foreign(item, {"team": "x"}) for item in (b.role(b.READ_LOGS), b.entry(b.ALICE, "old"))]
    rows = "- userarn: arn:aws:iam::111122223333:user/bob # hand\n  username: bob\n  groups: [old]\n"
    start = b.state(*theirs, aws_auth=b.config_map(rows))
    entry, role = f"AccessEntry/{b.ALICE}", f"Role/payments/{b.object_name()}"
    row: b.Item = (AwsAuthRow("mapUsers", b.BOB, b.BOB, (b.DEVELOPERS,)), {})
    end, kept = one_run(
        start, b.role(), b.entry(b.ALICE, b.DEVELOPERS), row, adopt=(entry, role, f"AwsAuthRow/{b.BOB}")
    )
    assert {change.action for change in kept.backup.changes} == {Action.ADOPT}
    restored, plan = undone(end, back(end, [kept], FIRST))
    assert {change.action for change in plan.changes} == {Action.UPDATE}
    assert content(restored) == content(start)
    undo = record(plan, SECOND)
    way = back(restored, [undo, kept], SECOND)
    assert way.adopt == {entry, role} | {f"AwsAuthRow/{b.BOB}"}
    again, plan = undone(restored, way)
    assert {change.action for change in plan.changes} == {Action.ADOPT}
    assert content(again) == content(end)


def test_what_nobody_of_these_runs_touched_stays() -> None:
    start = b.state(b.observed(b.entry(b.BOB, b.VIEWERS)))
    end, kept = one_run(start, b.entry(b.BOB, b.VIEWERS), b.entry(b.ALICE, b.DEVELOPERS))
    later = write(end, written(planned(b.desired(b.entry(b.BOB, b.DEVELOPERS), b.entry(b.ALICE, b.DEVELOPERS)), end)))
    restored, _ = undone(later, back(later, [kept], FIRST))
    assert {item.key.name for item in restored.objects} == {b.BOB}
    assert restored.objects[0] == next(item for item in later.objects if item.key.name == b.BOB)


def test_what_was_changed_by_hand_since_goes_back_and_is_told() -> None:
    start = b.state(b.observed(b.role(b.READ_PODS)), b.observed(b.binding()))
    end, kept = one_run(start, b.role(b.READ_LOGS), b.binding())
    by_hand = replace(
        end,
        objects=tuple(
            replace(item, spec=b.role(b.READ_PODS, b.READ_LOGS)[0]) if item.key.kind == "Role" else item
            for item in end.objects
        ),
    )
    way = back(by_hand, [kept], FIRST)
    assert [key.kind for key in way.by_hand] == ["Role"]
    restored, _ = undone(by_hand, way)
    assert content(restored) == content(start)


def test_what_somebody_else_has_by_now_stays() -> None:
    end, kept = one_run(b.state(), b.role(), b.binding())
    marks = {"kustomize.toolkit.fluxcd.io/name": "apps"}
    taken = replace(
        end,
        objects=tuple(
            replace(item, meta=Meta(marks if item.key.kind == "Role" else {}, version="9")) for item in end.objects
        ),
    )
    way = back(taken, [kept], FIRST)
    assert ids(way) == {NOT_OURS}
    assert len(way.findings) == 2
    assert not undone(taken, way)[1].changes


def test_who_is_suspended_does_not_come_back() -> None:
    start = b.state(b.observed(b.entry(b.ALICE, b.DEVELOPERS)), b.observed(b.association(b.ALICE)))
    end, kept = one_run(start, b.entry(b.BOB, b.DEVELOPERS))
    way = back(end, [kept], FIRST, Today(Suspended(("arn:aws:iam::111122223333:user/alice",))))
    assert ids(way) == {SUSPENDED}
    restored, _ = undone(end, way)
    assert restored.objects == ()


def test_temporary_access_that_is_over_does_not_come_back() -> None:
    marks = b.labels("temporary.inc-1")
    temporary = [b.role(set_name="temporary.inc-1"), b.binding(set_name="temporary.inc-1")]
    assert temporary[0][1] == marks
    start = b.state(
        *map(b.observed, temporary),
        b.observed(b.entry(b.ALICE, b.DEVELOPERS, TEMPORARY)),
        b.observed(b.entry(b.BOB, TEMPORARY)),
    )
    end, kept = one_run(start, b.entry(b.ALICE, b.DEVELOPERS))
    way = back(end, [kept], FIRST)
    assert ids(way) == {OVER}
    assert content(undone(end, way)[0]) == content(end)
    assert content(undone(end, back(end, [kept], FIRST, Today(running=frozenset({TEMPORARY}))))[0]) == content(start)


def test_a_namespace_stays_and_what_was_in_one_that_is_gone_does_not_come_back() -> None:
    start = b.state(b.observed(b.role()), b.observed(b.binding()))
    end, kept = one_run(start)
    way = back(replace(end, namespaces=frozenset()), [kept], FIRST)
    assert ids(way) == {GONE}
    assert way.desired.objects == ()


def test_rows_and_entries_of_a_mode_that_is_no_more_do_not_come_back() -> None:
    start = b.state(b.observed(b.entry(b.ALICE, b.DEVELOPERS)), b.observed(b.association(b.ALICE)))
    end, kept = one_run(start)
    mode = replace(end, target=b.target(mode="CONFIG_MAP"))
    assert ids(back(mode, [kept], FIRST)) == {GONE}
    row: b.Item = (AwsAuthRow("mapUsers", b.BOB, b.BOB, (b.DEVELOPERS,)), {})
    rows = b.config_map(f"- userarn: {b.BOB}\n  username: {b.BOB}\n  groups: [{b.DEVELOPERS}]\n", owned=[b.BOB])
    start = b.state(aws_auth=rows)
    assert isinstance(row[0], AwsAuthRow)
    plan = plan_cluster(b.desired(), start, "aws-auth", b.INSTANCE)
    mode = replace(write(start, written(plan)), target=b.target(mode="API"))
    assert ids(back(mode, [record(plan, FIRST)], FIRST)) == {GONE}


def test_records_of_another_cluster_or_instance_do_not_count() -> None:
    end, kept = one_run(b.state(), b.entry(b.ALICE, b.DEVELOPERS))
    for backup in (replace(kept.backup, instance="other"), replace(kept.backup, arn="arn:aws:eks:x:1:cluster/staging")):
        way = back(end, [replace(kept, backup=backup)], FIRST)
        assert way.runs == ()
        assert not undone(end, way)[1].changes


def test_a_cluster_that_was_renamed_is_the_same() -> None:
    end, kept = one_run(b.state(), b.entry(b.ALICE, b.DEVELOPERS))
    old = tuple(replace(one, key=replace(one.key, cluster="old")) for one in kept.backup.changes)
    way = back(end, [replace(kept, backup=replace(kept.backup, changes=old))], FIRST)
    assert way.desired.objects == ()


def test_which_run_is_the_last_that_changed_something() -> None:
    plan = planned(b.desired(b.entry(b.ALICE, b.DEVELOPERS)), b.state())
    key = Key("staging", "AccessEntry", "", b.ALICE)
    done = record(plan, FIRST, results=(Result(key, "done"),))
    failed = record(plan, SECOND, results=(Result(key, "failed"), Result(key, "skipped")))
    killed = record(plan, THIRD)
    assert [changed_something(one) for one in (done, failed, killed)] == [True, False, True]
    assert last_change([failed, done]) == FIRST
    assert last_change([killed, failed, done]) == THIRD
    assert last_change([failed]) is None


def test_a_subject_of_others_is_no_reason_to_say_anything() -> None:
    start = b.state(b.observed(b.role()), b.observed(b.binding(Subject("Group", "x"))))
    end, kept = one_run(start, b.role(), b.binding())
    way = back(end, [kept], FIRST)
    assert (way.findings, [run.id for run in way.runs]) == ((), [FIRST])
    assert BY_HAND not in ids(way)
    assert content(undone(end, way)[0]) == content(start)
