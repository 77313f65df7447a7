"""`revoke` on fakes: one principal goes everywhere, no policy comes along, and what guards it."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.findings.finding import Level
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.errors import KubeError, UsageError
from iamrbac.plan.change import Plan
from iamrbac.plan.guards import Allowances
from iamrbac.plan.observed import AwsAuth
from iamrbac.plan.revoke import NODES
from iamrbac.render.plan import plan_text
from iamrbac.usecases.apply import Applying, apply_plan, refused
from iamrbac.usecases.outcome import Event, Outcome
from iamrbac.usecases.plan import PlanRequest
from iamrbac.usecases.revoke import ENTRIES_BY_GIT, Revoked, make_revocation
from tests.usecases.fakes import ACCOUNT, PAT, Silent
from tests.usecases.test_delivery import ACK, BY_GIT
from tests.usecases.test_plan_apply import everything
from tests.usecases.world import ALICE, AT, BOB, CAROL, CONFIG, POLICY, Company, company
from tests.usecases.world import NODES as NODE_ROWS


@pytest.fixture
def made(tmp_path: Path) -> Company:
    """Everything applied."""
    made = company(tmp_path / "repo")
    made.apply()
    return made


def revoke(made: Company, whom: str, *clusters: str, lockout_of: str = "") -> Revoked:
    allowed = Allowances(0, frozenset({lockout_of} - {""}))
    return make_revocation(made.edges, PlanRequest(AT, clusters, frozenset(), allowed), whom, Silent())


def plan_of(revoked: Revoked) -> Plan:
    assert revoked.plan is not None, revoked.findings
    return revoked.plan


def written(made: Company, revoked: Revoked) -> list[Event]:
    told = apply_plan(made.edges, plan_of(revoked), Applying(Silent(), made.pause))
    return [event for event in told if isinstance(event, Event)]


def mapped(made: Company) -> dict[str, set[str]]:
    """Everybody who is mapped, by cluster."""
    entries = {
        name: {one.spec.principal for one in some.values() if isinstance(one.spec, AccessEntry)}
        for name, some in made.aws.entries.items()
    }
    rows = {name: kube.map.data.get("mapUsers", "") if kube.map else "" for name, kube in made.kubes.items()}
    return {name: some | {arn for arn in (ALICE, BOB, CAROL) if arn in rows[name]} for name, some in entries.items()}


def test_one_principal_goes_on_all_clusters_and_in_both_forms(made: Company) -> None:
    revoked = revoke(made, "alice")
    assert revoked.principal == ALICE
    assert not refused(plan_of(revoked))
    assert {one.principal for cluster in plan_of(revoked).planned for one in cluster.access} == {ALICE}
    assert {event.outcome for event in written(made, revoked)} == {Outcome.DONE}
    assert mapped(made) == {"staging": {BOB, CAROL}, "production": {BOB, CAROL}}
    assert not plan_of(revoke(made, ALICE)).changed


def test_only_the_clusters_that_are_named(made: Company) -> None:
    written(made, revoke(made, "alice", "production"))
    assert mapped(made) == {"staging": {ALICE, BOB, CAROL}, "production": {BOB, CAROL}}


def test_a_waiting_change_of_the_policies_does_not_come_along(made: Company) -> None:
    made.policy(POLICY.replace("role: viewer", "role: operator").replace("{clusterRole: edit}", "viewer"))
    changes = plan_of(revoke(made, "alice")).changes
    assert {change.key.kind for change in changes} == {"AccessEntry", "AwsAuthRow"}
    assert {change.key.name for change in changes} == {ALICE}


@pytest.mark.parametrize(
    "text", ["kind: [", "kind: AccessPolicy\n", "apiVersion: iamrbac.dev/v1alpha1\nkind: Nothing\n"]
)
def test_an_invalid_policy_stops_nothing(made: Company, text: str) -> None:
    made.policy(text)
    assert {event.outcome for event in written(made, revoke(made, "alice"))} == {Outcome.DONE}


def test_an_unreadable_config_does(made: Company) -> None:
    made.config("kind: [")
    revoked = revoke(made, "alice")
    assert revoked.plan is None
    assert {finding.level for finding in revoked.findings} == {Level.ERROR}


def test_no_removal_counts_since_the_person_is_named(made: Company) -> None:
    made.config(CONFIG.replace("count: 100, fraction: 1.0", "count: 0, fraction: 0.0"))
    assert not refused(plan_of(revoke(made, "alice")))


def test_a_protected_principal_has_to_be_allowed_by_name(made: Company) -> None:
    made.config(CONFIG.replace("guards: {", f"guards: {{protectedPrincipals: ['{ALICE}'], "))
    assert refused(plan_of(revoke(made, "alice")))
    assert not refused(plan_of(revoke(made, "bob")))
    assert not refused(plan_of(revoke(made, "alice", lockout_of=ALICE)))


def test_ones_own_access_has_to_be_allowed_by_name(made: Company) -> None:
    made.people.groups["payments-developers"] = (ALICE, BOB, PAT)
    made.apply()
    assert {finding.id for finding in plan_of(revoke(made, "pat")).all_findings} == {"GRD003"}
    assert not refused(plan_of(revoke(made, "pat", lockout_of=PAT)))


def test_a_cluster_that_cannot_be_read_is_told_and_the_others_go_on(made: Company) -> None:
    made.kubes["staging"].unreadable = KubeError("no answer", where="staging")
    revoked = revoke(made, "alice")
    assert [one.name for one in plan_of(revoked).failed] == ["staging"]
    written(made, revoked)
    assert mapped(made) == {"staging": {ALICE, BOB, CAROL}, "production": {BOB, CAROL}}


def test_entries_that_go_through_git_are_refused_by_name_with_the_way_to_do_it(made: Company) -> None:
    made.config(ACK)
    failed = {one.name: one for one in plan_of(revoke(made, "alice")).failed}
    assert failed
    for name, one in failed.items():
        assert (one.code, f"iamrbac apply --cluster {name}" in one.hint) == (ENTRIES_BY_GIT, True)


def test_entries_that_are_written_directly_go_directly_where_the_rest_goes_through_git(made: Company) -> None:
    made.config(BY_GIT)
    revoked = revoke(made, "alice")
    assert not plan_of(revoked).failed
    text = plan_text(plan_of(revoked), str, lambda text, _style: text)
    assert "by Git" not in text
    assert "first, directly: 1 change that only take away" in text
    before = made.kubes["staging"].objects
    assert {event.outcome for event in written(made, revoked)} == {Outcome.DONE}
    assert mapped(made) == {"staging": {BOB, CAROL}, "production": {BOB, CAROL}}
    assert made.kubes["staging"].objects == before
    assert made.git.repositories == {}
    assert all(not kube.leases for kube in made.kubes.values())


def test_what_is_not_ours_stays_and_is_named(made: Company) -> None:
    row = f"- userarn: {ALICE}\n  username: alice\n  groups: [system:masters]\n"
    made.kubes["staging"].map = AwsAuth({"mapRoles": NODE_ROWS, "mapUsers": row}, {}, "9")
    before = made.kubes["staging"].map
    revoked = revoke(made, "alice")
    assert [(one.cluster, one.what, one.groups) for one in revoked.left] == [
        ("staging", "row of aws-auth", ("system:masters",))
    ]
    # It would come to light and give more than there was.
    (finding,) = [one for one in plan_of(revoked).all_findings if one.level is Level.ERROR]
    assert (finding.id, finding.hint.startswith("remove the row first: kubectl")) == ("MAP006", True)
    assert made.kubes["staging"].map == before


def test_a_row_that_gives_no_more_than_the_entry_did_does_not_refuse(made: Company) -> None:
    row = f"- userarn: {ALICE}\n  username: alice\n  groups: []\n"
    made.kubes["staging"].map = AwsAuth({"mapRoles": NODE_ROWS, "mapUsers": row}, {}, "9")
    revoked = revoke(made, "alice")
    assert not refused(plan_of(revoked))
    assert len(revoked.left) == 1
    assert {event.outcome for event in written(made, revoked)} == {Outcome.DONE}


def test_the_nodes_role_is_refused(made: Company) -> None:
    plan = plan_of(revoke(made, f"arn:aws:iam::{ACCOUNT}:role/nodes"))
    assert {finding.id for finding in plan.all_findings} == {NODES}
    assert refused(plan)


def test_a_name_is_that_of_a_user(made: Company) -> None:
    before = everything(made)
    assert not plan_of(revoke(made, "nodes")).changed
    assert everything(made) == before


@pytest.mark.parametrize("line", [ALICE, ALICE.replace("user/", "user/staff/")])
def test_it_is_known_whether_the_config_suspends_already(made: Company, line: str) -> None:
    assert not revoke(made, "alice").suspended
    made.config(f"{CONFIG}suspended: ['{line}']\n")
    assert revoke(made, "alice").suspended


def test_what_is_neither_a_user_nor_a_role(made: Company) -> None:
    with pytest.raises(UsageError):
        revoke(made, f"arn:aws:iam::{ACCOUNT}:root")


def test_a_cluster_whose_mode_and_mapping_do_not_fit_is_not_left_out(made: Company) -> None:
    made.config(
        CONFIG.replace("region: eu-west-1, labels: {env: production}", "region: eu-west-1, mapping: access-entries")
    )
    plan = plan_of(revoke(made, "alice"))
    assert plan.failed == ()
    assert {change.key.cluster for change in plan.changes} == {"staging", "production"}
