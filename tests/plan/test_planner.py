"""Desired against observed: what is created, changed, replaced, removed, adopted, refused."""

from __future__ import annotations

import pytest

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Form
from iamrbac.model.errors import AwsAuthError
from iamrbac.plan.change import Action, ClusterPlan
from iamrbac.plan.observed import ClusterState, Meta, Observed
from iamrbac.plan.planner import display_key, plan_cluster
from iamrbac.rbac.objects import Role, RoleRef, Subject
from tests.plan import builders as b


def plan(
    desired: ClusterDesired, state: ClusterState, form: Form = "access-entries", adopt: frozenset[str] = frozenset()
) -> ClusterPlan:
    return plan_cluster(desired, state, form, b.INSTANCE, adopt)


def actions(plan: ClusterPlan) -> list[tuple[str, str]]:
    return [(change.action.value, change.key.kind) for change in plan.changes]


def test_an_empty_cluster_gets_everything() -> None:
    made = plan(b.desired(b.role(), b.binding(), b.entry(b.ALICE, b.DEVELOPERS)), b.state())
    assert actions(made) == [("create", "AccessEntry"), ("create", "Role"), ("create", "RoleBinding")]
    assert [(one.principal, one.change, one.role, one.namespace) for one in made.access] == [
        (b.ALICE, "gain", "developer", "payments")
    ]


def test_what_is_there_needs_no_change() -> None:
    items = (b.role(), b.binding(), b.entry(b.ALICE, b.DEVELOPERS))
    made = plan(b.desired(*items), b.state(*(b.observed(item) for item in items)))
    assert made.changes == ()
    assert made.access == ()
    assert made.findings == ()


def test_what_is_ours_and_not_wanted_goes() -> None:
    items = (b.role(), b.binding(), b.entry(b.ALICE, b.DEVELOPERS))
    made = plan(b.desired(), b.state(*(b.observed(item) for item in items)))
    assert actions(made) == [("delete", "AccessEntry"), ("delete", "Role"), ("delete", "RoleBinding")]
    assert [(one.principal, one.change) for one in made.access] == [(b.ALICE, "lose")]


def test_what_is_not_ours_and_not_wanted_stays() -> None:
    role = Role("Role", "payments", "by-hand", (b.READ_PODS,))
    there = b.state(b.foreign((role, {})), b.foreign(b.entry(b.PAT)), b.foreign(b.association(b.PAT)))
    made = plan(b.desired(), there)
    assert made.changes == ()
    assert made.findings == ()


def test_an_association_on_an_entry_of_ours_that_no_policy_wants_goes() -> None:
    entry = b.entry(b.ALICE, b.DEVELOPERS)
    made = plan(b.desired(entry), b.state(b.observed(entry), b.foreign(b.association(b.ALICE))))
    assert actions(made) == [("delete", "AccessPolicyAssociation")]
    assert [(one.role, one.change) for one in made.access] == [("AmazonEKSClusterAdminPolicy", "lose")]


def test_a_subject_added_by_hand_is_drift_and_the_delta_names_who_loses() -> None:
    entries = (b.entry(b.ALICE, b.DEVELOPERS), b.entry(b.BOB))
    changed = b.binding(Subject("Group", b.DEVELOPERS), Subject("User", b.BOB))
    made = plan(
        b.desired(b.role(), b.binding(), *entries),
        b.state(b.observed(b.role()), b.observed(changed), *(b.observed(entry) for entry in entries)),
    )
    assert actions(made) == [("update", "RoleBinding")]
    assert [(one.principal, one.change, one.role) for one in made.access] == [(b.BOB, "lose", "developer")]


def test_rules_that_change_are_in_the_delta_as_rules() -> None:
    entry = b.entry(b.ALICE, b.DEVELOPERS)
    made = plan(
        b.desired(b.role(b.READ_PODS, b.READ_LOGS), b.binding(), entry),
        b.state(b.observed(b.role(b.READ_PODS)), b.observed(b.binding()), b.observed(entry)),
    )
    assert actions(made) == [("update", "Role")]
    assert [(one.change, [rule.resources for rule in one.rules]) for one in made.access] == [("gain", [("pods/log",)])]


def test_another_role_ref_replaces_the_binding() -> None:
    other = b.binding(ref=RoleRef("ClusterRole", "admin"))
    made = plan(b.desired(b.role(), b.binding()), b.state(b.observed(b.role()), b.observed(other)))
    assert actions(made) == [("replace", "RoleBinding")]


def test_labels_of_ours_that_were_stripped_are_not_overlooked() -> None:
    spec, marks = b.role()
    stripped = {key: value for key, value in marks.items() if key != names.SET_LABEL}
    there = Observed(b.key_of(spec), spec, Meta(labels=stripped, version="7"))
    made = plan(b.desired(b.role()), b.state(there))
    assert actions(made) == [("update", "Role")]


@pytest.mark.parametrize(
    ("marks", "owner"),
    [
        ({names.INSTANCE_LABEL: "other"}, "iamrbac instance other"),
        ({"kapp.k14s.io/app": "x"}, "kapp app x"),
        ({"app.kubernetes.io/managed-by": "Helm"}, "Helm"),
        ({"kustomize.toolkit.fluxcd.io/name": "infra"}, "Flux Kustomization infra"),
    ],
)
def test_another_owner_is_named_and_refused_even_when_adopted(marks: dict[str, str], owner: str) -> None:
    there = b.foreign(b.role(), marks)
    made = plan(b.desired(b.role()), b.state(there), adopt=frozenset({display_key(there.key)}))
    assert made.changes == ()
    assert [finding.id for finding in made.findings] == ["OWN001"]
    assert owner in made.findings[0].message


def test_an_unclaimed_object_of_the_same_name_is_refused_until_it_is_adopted() -> None:
    there = b.foreign(b.entry(b.ALICE))
    wanted = b.desired(b.role(), b.binding(), b.entry(b.ALICE, b.DEVELOPERS))
    refused = plan(wanted, b.state(there))
    assert [finding.id for finding in refused.findings] == ["OWN002"]
    assert f"--adopt 'AccessEntry/{b.ALICE}'" in refused.findings[0].hint
    adopted = plan(wanted, b.state(there), adopt=frozenset({f"AccessEntry/{b.ALICE}"}))
    assert actions(adopted)[0] == ("adopt", "AccessEntry")
    assert adopted.findings == ()


def test_a_node_s_entry_can_never_be_taken_over() -> None:
    there = b.foreign(b.entry(b.NODE, type="EC2_LINUX"))
    made = plan(b.desired(b.entry(b.NODE, b.DEVELOPERS)), b.state(there), adopt=frozenset({f"AccessEntry/{b.NODE}"}))
    assert made.changes == ()
    assert "EKS (nodes" in made.findings[0].message


ROWS = f"- userarn: {b.PAT}\n  username: pat\n  groups: [system:masters]\n"


def test_rows_are_put_beside_what_is_there() -> None:
    wanted = b.desired(b.role(), b.binding(), b.row(b.ALICE, b.DEVELOPERS))
    made = plan(wanted, b.state(mode="CONFIG_MAP", aws_auth=b.config_map(ROWS)), "aws-auth")
    assert ("create", "AwsAuthRow") in actions(made)
    assert made.aws_auth is not None
    assert made.aws_auth["mapUsers"].startswith(ROWS)
    assert [(one.principal, one.change) for one in made.access] == [(b.ALICE, "gain")]


def test_a_row_of_ours_that_is_not_wanted_goes_and_the_rest_stays_byte_for_byte() -> None:
    mine = f"- userarn: {b.ALICE}\n  username: {b.ALICE}\n  groups:\n  - {b.DEVELOPERS}\n"
    there = b.config_map(ROWS + mine, owned=[b.ALICE])
    made = plan(b.desired(), b.state(mode="CONFIG_MAP", aws_auth=there), "aws-auth")
    assert actions(made) == [("delete", "AwsAuthRow")]
    assert made.aws_auth == {"mapUsers": ROWS}


def test_a_foreign_row_for_the_same_principal_is_refused() -> None:
    wanted = b.desired(b.row(b.PAT, b.DEVELOPERS))
    made = plan(wanted, b.state(mode="CONFIG_MAP", aws_auth=b.config_map(ROWS)), "aws-auth")
    assert made.changes == ()
    assert [finding.id for finding in made.findings] == ["OWN002"]


def test_a_row_in_another_spelling_is_refused() -> None:
    other = ROWS.replace("user/pat", "user/Pat")
    made = plan(
        b.desired(b.row(b.PAT, b.DEVELOPERS)), b.state(mode="CONFIG_MAP", aws_auth=b.config_map(other)), "aws-auth"
    )
    assert [finding.id for finding in made.findings] == ["MAP005"]


def test_an_entry_that_would_hide_a_foreign_row_is_refused() -> None:
    made = plan(b.desired(b.entry(b.PAT, b.DEVELOPERS)), b.state(aws_auth=b.config_map(ROWS)))
    assert [finding.id for finding in made.findings] == ["MAP003"]
    assert "system:masters" in made.findings[0].message


def test_a_row_that_a_foreign_entry_hides_is_refused() -> None:
    there = b.foreign(b.entry(b.ALICE))
    made = plan(b.desired(b.row(b.ALICE, b.DEVELOPERS)), b.state(there, aws_auth=b.config_map(ROWS)), "aws-auth")
    assert [finding.id for finding in made.findings] == ["MAP004"]


def test_a_map_that_does_not_parse_stops_the_cluster_when_rows_are_to_be_written() -> None:
    broken = b.config_map("- userarn: {{x}}\n")
    with pytest.raises(AwsAuthError, match="mapUsers"):
        plan(b.desired(b.row(b.ALICE, b.DEVELOPERS)), b.state(mode="CONFIG_MAP", aws_auth=broken), "aws-auth")


def test_a_map_that_does_not_parse_is_told_when_entries_are_written() -> None:
    made = plan(b.desired(b.entry(b.ALICE, b.DEVELOPERS)), b.state(aws_auth=b.config_map("- userarn: {{x}}\n")))
    assert [finding.id for finding in made.findings] == ["MAP002"]
    assert actions(made) == [(Action.CREATE.value, "AccessEntry")]


def test_a_row_of_ours_that_a_foreign_entry_has_hidden_since_is_told_although_it_needs_no_change() -> None:
    text = f"- userarn: {b.ALICE}\n  username: {b.ALICE}\n  groups: [{b.DEVELOPERS}]\n"
    mine = b.config_map(text, owned=[b.ALICE])
    made = plan(
        b.desired(b.row(b.ALICE, b.DEVELOPERS)), b.state(b.foreign(b.entry(b.ALICE)), aws_auth=mine), "aws-auth"
    )
    assert made.changes == ()
    assert [finding.id for finding in made.findings] == ["MAP004"]


def test_a_change_to_an_entry_that_hides_a_row_already_is_not_refused_again() -> None:
    there = b.state(b.observed(b.entry(b.PAT, b.VIEWERS)), aws_auth=b.config_map(ROWS))
    made = plan(b.desired(b.entry(b.PAT, b.DEVELOPERS)), there)
    assert actions(made) == [("update", "AccessEntry")]
    assert made.findings == ()


def test_our_own_entries_become_rows_where_the_mapping_is_changed_and_nobody_loses_anything() -> None:
    rbac = (b.role(), b.binding())
    had = (*rbac, b.entry(b.ALICE, b.DEVELOPERS))
    there = b.state(*(b.observed(item) for item in had), aws_auth=b.config_map(ROWS))
    made = plan(b.desired(*rbac, b.row(b.ALICE, b.DEVELOPERS)), there, "aws-auth")
    assert actions(made) == [("delete", "AccessEntry"), ("create", "AwsAuthRow")]
    assert made.findings == ()
    assert made.access == ()


def test_rows_without_a_config_map_to_put_them_into_stop_the_cluster_before_anything_is_written() -> None:
    with pytest.raises(AwsAuthError, match="aws-auth is not there"):
        plan(b.desired(b.row(b.ALICE, b.DEVELOPERS)), b.state(mode="CONFIG_MAP"), "aws-auth")
    assert plan(b.desired(), b.state(mode="CONFIG_MAP"), "aws-auth").changes == ()


def test_what_maps_nodes_is_never_removed_whatever_mark_it_carries() -> None:
    node = f"- rolearn: {b.NODE}\n  username: system:node:x\n  groups: [system:nodes]\n"
    there = b.state(b.observed(b.entry(b.NODE, type="EC2_LINUX")), aws_auth=b.config_map("", node, owned=[b.NODE]))
    made = plan(b.desired(), there, "aws-auth")
    assert made.changes == ()
    assert [finding.id for finding in made.findings] == ["OWN004", "OWN004"]


def test_what_is_ours_and_marked_by_another_owner_since_is_not_left_in_silence() -> None:
    spec, marks = b.binding()
    taken = Observed(
        b.key_of(spec), spec, Meta(labels=marks, annotations={"argocd.argoproj.io/tracking-id": "app"}, version="7")
    )
    made = plan(b.desired(), b.state(taken))
    assert made.changes == ()
    assert [(finding.id, finding.object) for finding in made.findings] == [("OWN004", display_key(taken.key))]
    assert "Argo CD app keeps it" in made.findings[0].message


def test_a_binding_to_a_cluster_role_that_is_not_there_is_told() -> None:
    there = Role("ClusterRole", None, "view", (b.READ_PODS,))
    wanted = b.desired(b.binding(ref=RoleRef("ClusterRole", "veiw")), b.entry(b.ALICE, b.DEVELOPERS))
    made = plan(wanted, b.state(b.foreign((there, {}))))
    (finding,) = made.findings
    assert (finding.id, finding.object, finding.file) == ("POL106", "ClusterRole/veiw", b.ORIGIN.file)
    right = b.desired(b.binding(ref=RoleRef("ClusterRole", "view")), b.entry(b.ALICE, b.DEVELOPERS))
    assert plan(right, b.state(b.foreign((there, {})))).findings == ()


def test_whoever_loses_an_entry_does_not_fall_back_to_a_foreign_row_unseen() -> None:
    there = b.state(b.observed(b.entry(b.PAT, b.VIEWERS)), aws_auth=b.config_map(ROWS))
    made = plan(b.desired(), there)
    assert [finding.id for finding in made.findings] == ["MAP006"]
    assert "groups system:masters" in made.findings[0].message
    assert [(one.principal, one.role, one.change) for one in made.access] == [(b.PAT, "system:masters", "gain")]
    assert plan(b.desired(), there, adopt=frozenset({f"AwsAuthRow/{b.PAT}"})).findings == ()
