"""From a policy to clusters in memory: convergence, faults at every write, what a failed read does."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iamrbac.identity.snapshot import Unreadable
from iamrbac.model.errors import AwsError, KubeError, UsageError
from iamrbac.plan.change import FailedCluster
from iamrbac.plan.document import fingerprint, summary
from iamrbac.usecases.apply import Applying, apply_plan, refused
from iamrbac.usecases.outcome import Outcome
from tests.usecases.fakes import Killed, Silent
from tests.usecases.world import ALICE, BOB, CAROL, CONFIG, NODES, POLICY, Company, company, dying_at


def everything(made: Company) -> object:
    """All that the clusters hold, without versions."""
    return (
        {name: {key: one.spec for key, one in kube.objects.items()} for name, kube in made.kubes.items()},
        {name: dict(kube.map.data) for name, kube in made.kubes.items() if kube.map},
        {name: {key: one.spec for key, one in entries.items()} for name, entries in made.aws.entries.items()},
    )


def test_apply_does_what_the_plan_says_and_then_there_is_nothing_to_do(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    plan = made.plan()
    assert not refused(plan)
    assert not plan.failed
    gains = {(one.principal, one.role, one.namespace, one.cluster) for c in plan.planned for one in c.access}
    assert gains == {
        (ALICE, "viewer", "payments", "staging"),
        (ALICE, "viewer", "payments", "production"),
        (BOB, "viewer", "payments", "staging"),
        (BOB, "viewer", "payments", "production"),
        (CAROL, "clusterRole edit", "payments", "staging"),
        (CAROL, "operator", "payments", "production"),
        (CAROL, "operator", "payments-batch", "production"),
    }
    events = made.apply(plan)
    assert {event.outcome for event in events} == {Outcome.DONE}
    assert len(events) == len(plan.changes)
    again = made.plan()
    assert again.changes == ()
    assert all(cluster.access == () for cluster in again.planned)


def test_rows_of_others_stay_byte_for_byte(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    map_ = made.kubes["production"].map
    assert map_ is not None
    assert map_.data["mapRoles"] == NODES
    assert made.kubes["staging"].map is not None
    assert made.kubes["staging"].map.data == {"mapRoles": NODES}


def test_iam_is_asked_once_whatever_the_number_of_clusters(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.plan()
    assert made.people.asked == 1


def test_who_leaves_the_iam_group_loses_and_nobody_else(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.people.groups["payments-developers"] = (BOB,)
    plan = made.plan()
    assert {(one.principal, one.change) for c in plan.planned for one in c.access} == {(ALICE, "lose")}
    assert summary(plan)["delete"] == 2
    made.apply(plan)
    assert made.plan().changes == ()


def test_an_emptied_group_revokes_and_an_unreadable_one_changes_nothing(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.people.groups["payments-oncall"] = Unreadable("iam:GetGroup was denied")
    blind = made.plan()
    assert [cluster.name for cluster in blind.failed] == ["staging", "production"]
    assert blind.changes == ()
    assert "iam:GetGroup was denied" in blind.failed[0].message
    made.people.groups["payments-oncall"] = ()
    emptied = made.plan()
    assert {one.principal for c in emptied.planned for one in c.access if one.change == "lose"} == {CAROL}


def test_a_group_that_does_not_exist_is_not_an_empty_group(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    del made.people.groups["payments-oncall"]
    plan = made.plan()
    assert plan.changes == ()
    assert all("IAM has no iamGroup payments-oncall" in cluster.message for cluster in plan.failed)


def test_a_cluster_that_does_not_answer_stops_itself_and_nobody_else(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.kubes["production"].unreadable = KubeError("cannot list roles: 403", where="production", hint="ask for list")
    plan = made.plan()
    assert plan.failed == (FailedCluster("production", "ERR202", "cannot list roles: 403", "ask for list"),)
    assert {change.key.cluster for change in plan.changes} == {"staging"}
    made.apply(plan)
    assert made.kubes["production"].objects == {}


def test_an_unknown_cluster_on_the_command_line_is_a_usage_error(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.request = type(made.request)(made.request.at, ("stagin",))
    with pytest.raises(UsageError, match="stagin"):
        made.plan()


def test_invalid_documents_plan_nothing_and_all_problems_are_told(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.policy(POLICY.replace("developers]", "develpers]").replace("[production]", "[prodution]"))
    planned = made.planned()
    assert planned.plan is None
    text = " ".join(finding.message for finding in planned.findings)
    assert "develpers" in text
    assert "prodution" in text
    assert all(finding.line for finding in planned.findings)


def test_killed_before_every_single_write_and_run_again_converges(tmp_path: Path) -> None:
    whole = company(tmp_path / "whole")
    whole.apply()
    writes = whole.faults.writes
    assert writes > 10
    for number in range(1, writes + 1):
        made = company(tmp_path / f"killed{number}")
        made.faults.fail = dying_at(number)
        with pytest.raises(Killed):
            made.apply()
        made.faults.fail = lambda _number, _what: None
        assert {event.outcome for event in made.apply()} <= {Outcome.DONE}
        assert everything(made) == everything(whole), number
        assert made.plan().changes == ()


def test_a_failed_role_leaves_its_binding_and_the_removals_of_that_cluster_undone(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.policy(POLICY.replace("role: viewer", "role: developer"))

    def no_roles(_number: int, what: str) -> KubeError | None:
        refused = what.startswith("create Role ") and "developer" in what
        return KubeError("forbidden (403)", where="staging", hint="ask") if refused else None

    made.faults.fail = no_roles
    events = made.apply()
    outcomes = {(event.change.key.kind, event.change.action.value, event.outcome.value) for event in events}
    assert outcomes == {
        ("Role", "create", "failed"),
        ("RoleBinding", "create", "skipped"),
        ("RoleBinding", "delete", "skipped"),
        ("Role", "delete", "skipped"),
    }
    made.faults.fail = lambda _number, _what: None
    made.apply()
    assert made.plan().changes == ()


def test_a_failure_on_one_cluster_does_not_stop_another(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.faults.fail = lambda _number, what: AwsError("throttled") if "AccessEntry" in what else None
    events = made.apply()
    assert {event.change.key.cluster for event in events if event.outcome is Outcome.FAILED} == {"staging"}
    assert {event.outcome for event in events if event.change.key.cluster == "production"} == {Outcome.DONE}


def test_nothing_is_written_by_a_plan(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.plan()
    assert made.faults.writes == 0


def test_the_fingerprint_follows_the_policy_the_people_and_the_clusters(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    first = fingerprint(made.plan())
    assert fingerprint(made.plan()) == first
    made.people.groups["payments-developers"] = (ALICE,)
    second = fingerprint(made.plan())
    made.policy(POLICY.replace("role: viewer", "role: developer"))
    third = fingerprint(made.plan())
    assert len({first, second, third}) == 3
    made.policy(POLICY + "# a comment means nothing\n")
    made.people.groups["payments-developers"] = (ALICE, BOB)
    assert fingerprint(made.plan()) == first


def test_guards_refuse_and_name_the_override(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.apply()
    made.config(CONFIG.replace("count: 100", "count: 1"))
    made.policy(POLICY.replace('    - {to: [developers], clusters: ["*"], namespaces: [payments], role: viewer}\n', ""))
    plan = made.plan()
    assert refused(plan)
    assert any("--allow-removals 4" in finding.hint for finding in plan.all_findings)
    assert plan.changes


def test_whoever_stops_reading_stops_the_writers(tmp_path: Path) -> None:
    whole = company(tmp_path / "whole")
    whole.apply()
    made = company(tmp_path / "repo")
    made.faults.fail = lambda _number, _what: time.sleep(0.05)
    events = apply_plan(made.edges, made.plan(), Applying(Silent(), made.pause))
    next(events)
    events.close()
    assert made.faults.writes < whole.faults.writes
    made.faults.fail = lambda _number, _what: None
    assert made.apply()
    assert made.plan().changes == ()


TEMPORARY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: TemporaryGrant
metadata: {name: launch}
spec:
  team: payments
  members: [{iamGroup: contractors}]
  access: [{clusters: [staging], namespaces: [payments], role: viewer}]
  notAfter: "2026-12-01T00:00:00Z"
  reason: launch
"""


def test_who_leaves_the_iam_group_of_a_temporary_grant_is_no_mistake(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(CONFIG.replace("count: 100", "count: 0"))
    (made.root / "policies" / "launch.yaml").write_text(TEMPORARY)
    zoe = ALICE.replace("alice", "zoe")
    made.people.groups["contractors"] = (zoe,)
    made.apply()
    made.people.groups["contractors"] = ()
    plan = made.plan()
    assert {(one.principal, one.change) for c in plan.planned for one in c.access} == {(zoe, "lose")}
    assert not refused(plan)


def test_a_temporary_grant_that_is_over_goes_without_a_question(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(CONFIG.replace("count: 100", "count: 0"))
    (made.root / "policies" / "launch.yaml").write_text(TEMPORARY)
    made.people.groups["contractors"] = (ALICE,)
    made.apply()
    made.request = type(made.request)(datetime(2026, 12, 1, tzinfo=UTC))
    plan = made.plan()
    assert [change.key.kind for change in plan.changes] == ["AccessEntry", "Role", "RoleBinding"]
    assert not refused(plan)


def test_a_plan_judges_namespaces_by_the_cluster_and_not_by_the_catalogue(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    catalogue = "labels: {env: staging}, namespaces: [payments]}"
    made.config(CONFIG.replace("labels: {env: staging}}", catalogue))
    line = "[staging], namespaces: [search, nowhere], role: viewer}"
    made.policy(POLICY.replace("[staging], namespaces: [payments], role: {clusterRole: edit}}", line))
    plan = made.plan()
    assert [(finding.id, finding.cluster) for finding in plan.all_findings] == [("POL102", "staging")]
    assert (CAROL, "search") in {(one.principal, one.namespace) for c in plan.planned for one in c.access}


def test_an_adopt_key_that_names_nothing_is_a_usage_error(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.request = replace(made.request, adopt=frozenset({"Role/payments/rolle"}))
    with pytest.raises(UsageError, match="Role/payments/rolle"):
        made.plan()
    made.request = replace(made.request, adopt=frozenset({"AwsAuthRow/arn:aws:iam::111122223333:role/nodes"}))
    assert made.plan().changes
