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
