"""What a removal that fails stops: whatever would give too much without it, and nothing else."""

from __future__ import annotations

from pathlib import Path

from iamrbac.model.errors import AwsError, KubeError
from iamrbac.usecases.outcome import Event, Outcome
from tests.usecases.world import ALICE, BOB, CAROL, POLICY, Company, company


def outcomes(events: list[Event], cluster: str) -> set[tuple[str, str, str]]:
    return {
        (event.change.key.kind, event.change.action.value, event.outcome.value)
        for event in events
        if event.change.key.cluster == cluster
    }


def refusing(made: Company, beginning: str, containing: str = "") -> None:
    """From now on AWS and the clusters refuse such writes."""
    made.faults.fail = lambda _number, what: (
        KubeError("forbidden (403)") if what.startswith(beginning) and containing in what else None
    )


def settled(made: Company) -> bool:
    """What failed may be done now; say whether the same command converges."""
    made.faults.fail = lambda _number, _what: None
    made.apply()
    return made.plan().changes == ()


def test_a_person_who_cannot_be_taken_out_does_not_keep_the_others_in(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.people.groups["payments-developers"] = ()
    made.policy(
        POLICY.replace(
            "    - {to: [oncall], clusters: [staging], namespaces: [payments], role: {clusterRole: edit}}\n", ""
        )
    )
    made.faults.fail = lambda _number, what: AwsError("denied") if what == f"delete AccessEntry {ALICE}" else None
    events = made.apply()
    assert {event.change.key.name for event in events if event.outcome is not Outcome.DONE} == {ALICE}
    assert ("RoleBinding", "delete", "done") in outcomes(events, "staging")
    assert settled(made)


def test_a_group_does_not_grow_before_those_are_out_who_leave_it(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.people.groups["payments-developers"] = (BOB,)
    made.policy(POLICY.replace("role: viewer", "role: developer"))
    refusing(made, "delete AccessEntry")
    assert outcomes(made.apply(), "staging") == {
        ("AccessEntry", "delete", "failed"),
        ("Role", "create", "skipped"),
        ("RoleBinding", "create", "skipped"),
        ("RoleBinding", "delete", "skipped"),
        ("Role", "delete", "skipped"),
    }
    assert settled(made)


def test_nobody_joins_a_group_that_still_has_its_old_binding(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.people.groups["payments-oncall"] = (CAROL, BOB)
    made.policy(POLICY.replace("{clusterRole: edit}", "{clusterRole: view}"))
    refusing(made, "delete RoleBinding", "oncall-edit")
    assert outcomes(made.apply(), "staging") == {
        ("RoleBinding", "create", "done"),
        ("RoleBinding", "delete", "failed"),
        ("AccessEntry", "update", "skipped"),
    }
    assert settled(made)


def swapped(made: Company) -> None:
    """Alice and Carol swap groups, and what both groups have changes as well."""
    made.policy(POLICY.replace("{clusterRole: edit}", "developer"))
    made.apply()
    made.people.groups |= {"payments-developers": (CAROL, BOB), "payments-oncall": (ALICE,)}
    made.policy(POLICY.replace("role: viewer", "role: developer").replace("{clusterRole: edit}", "viewer"))


def test_two_who_swap_groups_that_change_are_told_of_once_and_converge(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    swapped(made)
    plan = made.plan()
    events = made.apply(plan)
    assert {event.outcome for event in events} == {Outcome.DONE}
    assert sorted(event.change.key for event in events) == sorted(change.key for change in plan.changes)
    assert all(event.change in plan.changes for event in events)
    assert made.plan().changes == ()


def test_the_plan_says_who_is_without_access_for_a_while(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    swapped(made)
    told = [finding for finding in made.plan().all_findings if finding.id == "ORD001"]
    assert {(finding.cluster, finding.object) for finding in told} >= {("staging", ALICE), ("staging", CAROL)}
    message = told[0].message
    assert message.startswith(
        f"{ALICE} keeps its access, and is without some of it for a while, or somebody would have too much in between: "
        "get, list, watch "
    )
    assert message.endswith("; from step 1 (people leave groups) to step 5 (people join groups) of 6")


def test_who_cannot_be_taken_out_first_is_not_moved_either(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    swapped(made)
    refusing(made, f"update AccessEntry {ALICE}")
    found = [
        event for event in made.apply() if event.change.key.name == ALICE and event.change.key.cluster == "staging"
    ]
    assert [event.outcome for event in found] == [Outcome.FAILED]
    assert settled(made)


def of(events: list[Event], cluster: str, kind: str) -> set[tuple[str, str]]:
    """Return the names, as far as they tell the set, and outcomes of one kind."""
    return {
        (event.change.key.name.split("-")[2], event.outcome.value)
        for event in events
        if (event.change.key.cluster, event.change.key.kind) == (cluster, kind)
        and event.change.action.value == "delete"
    }


def test_a_grant_that_fails_holds_only_the_removals_that_it_was_to_replace(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.policy(POLICY.replace("{clusterRole: edit}", "operator"))
    made.apply()
    made.policy(POLICY.replace("role: viewer", "role: developer").replace("{clusterRole: edit}", "developer"))
    refusing(made, "create Role ", "developers-developer")
    events = made.apply()
    # The developers keep what they have; on-call has its new role, so that its old one goes.
    assert of(events, "staging", "RoleBinding") == {("developers", "skipped"), ("oncall", "done")}
    assert of(events, "staging", "Role") == {("developers", "skipped"), ("oncall", "done")}
    waiting = [event for event in events if event.outcome is Outcome.SKIPPED and event.change.action.value == "delete"]
    assert {event.reason for event in waiting} == {"what was to take its place was not granted, and this waits for it"}
    assert settled(made)


def test_who_is_in_two_sets_keeps_both_until_the_new_grant_is_there(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.people.groups["payments-oncall"] = (CAROL, BOB)
    made.policy(POLICY.replace("{clusterRole: edit}", "operator"))
    made.apply()
    made.policy(POLICY.replace("role: viewer", "role: developer").replace("{clusterRole: edit}", "developer"))
    refusing(made, "create Role ", "developers-developer")
    # Bob is a developer too, and on-call's old role may be what the other was to replace.
    assert of(made.apply(), "staging", "RoleBinding") == {("developers", "skipped"), ("oncall", "skipped")}
    assert settled(made)


def test_nobody_moves_into_a_group_whose_grant_failed(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.people.groups["payments-developers"] = (ALICE,)
    made.people.groups["payments-oncall"] = (CAROL, BOB)
    made.policy(POLICY.replace("{clusterRole: edit}", "developer"))
    refusing(made, "create Role ", "oncall-developer")
    events = [event for event in made.apply() if event.change.key.cluster == "staging"]
    assert [event.outcome for event in events if event.change.key.name == BOB] == [Outcome.SKIPPED]
    assert settled(made)


def test_offboarding_waits_for_no_grant(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.people.groups["payments-developers"] = (BOB,)
    made.policy(POLICY.replace("role: viewer", "role: developer"))
    refusing(made, "create Role")
    events = [event for event in made.apply() if event.change.key.cluster == "staging"]
    assert [event.outcome for event in events if event.change.key.name == ALICE] == [Outcome.DONE]
    assert settled(made)
