"""What the API server would refuse the caller is said before, and never where nothing is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamrbac.compile import names
from iamrbac.compile.desired import Form
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.documents import Guards
from iamrbac.plan import guards
from iamrbac.plan.change import ClusterPlan, GitHalf
from iamrbac.plan.guards import Allowances, Leavers, Stakes
from iamrbac.plan.observed import ClusterState, Observed
from iamrbac.plan.planner import plan_cluster
from iamrbac.rbac.objects import Binding, BindingKind, Role, RoleKind, RoleRef, Rule, Subject
from tests.gitops.forms.entries import delivery_to
from tests.plan import builders as b

APPLIERS = "appliers"
WIDE = b.role(b.READ_PODS, b.READ_LOGS)
WANTED = (WIDE, b.binding())
RBAC = "rbac.authorization.k8s.io"
ESCALATE = Rule(("escalate",), (RBAC,), ("roles", "clusterroles"))
WRITE = Rule(("create", "update"), (RBAC,), ("roles", "rolebindings", "clusterroles", "clusterrolebindings"))
BIND = Rule(("bind",), (RBAC,), ("roles", "clusterroles"))
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


def held(*rules: Rule, namespace: str | None = "payments") -> tuple[Observed, Observed]:
    """Return a role of others that the appliers have, and its binding."""
    kind: RoleKind = "Role" if namespace else "ClusterRole"
    bound: BindingKind = "RoleBinding" if namespace else "ClusterRoleBinding"
    role = Role(kind, namespace, "appliers", (WRITE, *rules))
    binding = Binding(bound, namespace, "appliers", RoleRef(kind, "appliers"), (Subject("Group", APPLIERS),))
    return b.foreign((role, {})), b.foreign((binding, {}))


def planned(*there: Observed, wanted: tuple[b.Item, ...] = WANTED, form: Form = "access-entries") -> ClusterPlan:
    return plan_cluster(b.desired(*wanted), b.state(*there), form, b.INSTANCE)


def check(plan: ClusterPlan, caller: str | None = b.PAT) -> list[Finding]:
    found = guards.check([Stakes(plan)], Guards(), caller, Leavers(), Allowances(), {"staging": 0})
    return [finding for finding in found if finding.id == "GRD005"]


PAT_APPLIES = b.foreign(b.entry(b.PAT, APPLIERS))


def test_what_the_caller_does_not_hold_is_refused_with_numbers_and_rules() -> None:
    (finding,) = check(planned(PAT_APPLIES, *held(b.READ_PODS)))
    assert finding.level is Level.ERROR
    assert (finding.cluster, finding.object) == ("staging", b.PAT)
    assert finding.message == (
        "Kubernetes would refuse 2 of 2 roles and bindings to write on staging: "
        f"they give what {b.PAT} does not hold there, get on pods/log in payments"
    )
    assert "`escalate`" in finding.hint


def test_whoever_may_write_none_of_it_is_warned_and_not_refused_their_plan() -> None:
    (finding,) = check(planned(PAT_APPLIES))
    assert finding.level is Level.WARNING
    assert finding.message == (
        f"{b.PAT} may not write 2 of 2 roles and bindings to write on staging, and whoever applies must hold what "
        "they give: get, list on pods in payments, get on pods/log in payments"
    )
    assert "`escalate`" in finding.hint


def test_the_role_that_is_assumed_for_the_cluster_is_who_writes() -> None:
    role = "arn:aws:iam::111122223333:role/ops/iamrbac"
    plan = planned(b.foreign(b.entry(role, APPLIERS)), *held(b.READ_PODS))
    assert check(plan) == []
    target = replace(plan.state.target, role=AssumeRole(role_arn=role))
    (finding,) = check(replace(plan, state=replace(plan.state, target=target)))
    assert (finding.cluster, finding.object) == ("staging", role.replace("/ops", ""))
    assert check(replace(plan, state=replace(plan.state, target=target)), None) == []


def test_whoever_holds_all_of_it_may_give_it() -> None:
    assert check(planned(PAT_APPLIES, *held(b.READ_PODS, b.READ_LOGS))) == []


def test_what_is_held_in_another_namespace_does_not_count() -> None:
    (finding,) = check(planned(PAT_APPLIES, *held(b.READ_PODS, b.READ_LOGS, namespace="search")))
    assert "get, list on pods in payments, get on pods/log in payments" in finding.message


def test_escalate_lets_a_role_through_and_bind_a_binding() -> None:
    (finding,) = check(planned(PAT_APPLIES, *held(ESCALATE, namespace=None)))
    assert "refuse 1 of 2" in finding.message
    (finding,) = check(planned(PAT_APPLIES, *held(BIND, namespace=None)))
    assert "refuse 1 of 2" in finding.message
    assert check(planned(PAT_APPLIES, *held(BIND, ESCALATE, namespace=None))) == []


def test_escalate_by_name_helps_an_update_and_not_a_create() -> None:
    named = replace(ESCALATE, resource_names=(b.object_name(),))
    there = b.observed(b.role(b.READ_PODS)), b.observed(b.binding())
    assert "refuse 2 of 2" in check(planned(PAT_APPLIES, *held(named)))[0].message
    assert check(planned(PAT_APPLIES, *there, *held(named))) == []


def test_masters_and_cluster_admins_by_access_policy_may_give_all() -> None:
    assert check(planned(b.foreign(b.entry(b.PAT, "system:masters")))) == []
    assert check(planned(b.foreign(b.entry(b.PAT)), b.foreign(b.association(b.PAT)))) == []


def test_what_an_access_policy_gives_is_not_held_for_this_check() -> None:
    """The API server looks at RBAC alone (aws/containers-roadmap#2682)."""
    view = b.foreign((Role("ClusterRole", None, "view", (b.READ_PODS, b.READ_LOGS)), {}))
    writer = b.foreign(b.entry(b.PAT, APPLIERS))
    (finding,) = check(planned(writer, *held(), b.foreign(b.association(b.PAT, VIEW)), view))
    assert "refuse 2 of 2" in finding.message


def test_an_access_policy_whose_rules_are_not_known_is_no_refusal() -> None:
    unknown = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy"
    assert check(planned(b.foreign(b.entry(b.PAT)), b.foreign(b.association(b.PAT, unknown)))) == []


@pytest.mark.parametrize("caller", [None, b.BOB, "arn:aws:iam::111122223333:root", "not an arn"])
def test_a_caller_whom_nothing_maps_that_we_see_is_no_refusal(caller: str | None) -> None:
    assert check(planned(PAT_APPLIES), caller) == []


def test_a_session_is_judged_as_its_role_and_a_row_as_an_entry() -> None:
    session = "arn:aws:sts::111122223333:assumed-role/deployer/run-7"
    role = "arn:aws:iam::111122223333:role/ci/deployer"
    assert len(check(planned(b.foreign(b.entry(role, APPLIERS))), session)) == 1
    row = "- rolearn: arn:aws:iam::111122223333:role/deployer\n  username: ci\n  groups: [appliers]\n"
    there = b.state(*held(b.READ_PODS), mode="CONFIG_MAP", aws_auth=b.config_map("", row))
    plan = plan_cluster(b.desired(*WANTED), there, "aws-auth", b.INSTANCE)
    assert "get on pods/log" in check(plan, session)[0].message


def test_whom_map_accounts_lets_in_may_be_the_creator_of_the_cluster() -> None:
    aws_auth = replace(b.config_map(), data={"mapAccounts": '- "111122223333"\n'})
    plan = plan_cluster(b.desired(*WANTED), b.state(aws_auth=aws_auth), "access-entries", b.INSTANCE)
    assert check(plan) == []


def test_a_user_name_that_a_template_hides_is_no_refusal() -> None:
    hidden = b.foreign((AccessEntry(b.PAT, "key-{{AccessKeyID}}", (APPLIERS,)), {}))
    assert check(planned(hidden)) == []


def test_a_binding_to_a_cluster_role_that_is_not_there_needs_bind() -> None:
    binding = b.binding(ref=RoleRef("ClusterRole", "view"))
    (finding,) = check(planned(PAT_APPLIES, wanted=(binding,)))
    assert "bind on clusterroles (rbac.authorization.k8s.io) named view in payments" in finding.message
    there = b.foreign((Role("ClusterRole", None, "view", (b.READ_PODS,)), {}))
    assert check(planned(PAT_APPLIES, there, *held(b.READ_PODS), wanted=(binding,))) == []


def test_what_goes_needs_no_rights_and_what_git_writes_neither() -> None:
    plan = planned(PAT_APPLIES, b.observed(WIDE), b.observed(b.binding()), wanted=())
    assert len(plan.changes) == 2
    assert check(plan) == []
    by_git = replace(planned(PAT_APPLIES), git=GitHalf(delivery_to("direct"), None, (), entries=False))
    assert check(by_git) == []


def test_a_cluster_that_was_read_in_part_is_no_refusal() -> None:
    plan = planned(PAT_APPLIES)
    partial: ClusterState = replace(plan.state, partial=True)
    assert check(replace(plan, state=partial)) == []


def test_a_wide_plan_says_few_of_the_rules_that_are_missing() -> None:
    many = tuple(Rule(("get",), (f"g{number}.example.com",), (f"r{number}",)) for number in range(9))
    (finding,) = check(planned(PAT_APPLIES, wanted=(b.role(*many),)))
    assert "get on r0 (g0.example.com) in payments" in finding.message
    assert finding.message.endswith("and 6 more")


def test_an_update_of_labels_alone_is_checked_too() -> None:
    spec, marks = WIDE
    bare = {key: value for key, value in marks.items() if key != names.SET_LABEL}
    plan = planned(PAT_APPLIES, *held(), b.observed((spec, bare)), b.observed(b.binding()))
    assert "refuse 1 of 1" in check(plan)[0].message
