"""Role templates that give what cluster-admin gives: refused unless the config names them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.access.admin_like import like_cluster_admin
from iamrbac.compile import names
from iamrbac.findings.finding import Finding
from iamrbac.model.documents import Guards
from iamrbac.plan import guards
from iamrbac.plan.guards import Allowances, Leavers, Stakes
from iamrbac.plan.planner import plan_cluster
from iamrbac.rbac.objects import Binding, Role, RoleRef, Rule, Subject
from tests.plan import builders as b
from tests.rbac.strategies import rules as any_rules

ALL = Rule(("*",), ("*",), ("*",))
RBAC = "rbac.authorization.k8s.io"
MARKS = b.labels(role="break-glass")
NAME = b.object_name(role="break-glass")


def role(*rules: Rule, namespace: str | None = None) -> b.Item:
    return Role("Role" if namespace else "ClusterRole", namespace, NAME, rules, (), MARKS), MARKS


def binding(role_name: str = NAME) -> b.Item:
    group = Subject("Group", b.DEVELOPERS)
    return Binding("ClusterRoleBinding", None, NAME, RoleRef("ClusterRole", role_name), (group,), MARKS), MARKS


def check(had: tuple[b.Item, ...], has: tuple[b.Item, ...], *allowed: str) -> list[Finding]:
    plan = plan_cluster(b.desired(*has), b.state(*map(b.observed, had)), "access-entries", b.INSTANCE)
    found = guards.check([Stakes(plan)], Guards(admin_templates=allowed), None, Leavers(), Allowances(), {})
    return [finding for finding in found if finding.id == "GRD008"]


def test_a_template_that_gives_everything_is_refused_until_the_config_names_it() -> None:
    (finding,) = check((), (role(ALL), binding()))
    assert (finding.cluster, finding.object) == ("staging", "template break-glass")
    assert finding.message == (
        "the role template break-glass gives what cluster-admin gives, and guards.adminTemplates does not name it: "
        "whoever gets it may do everything with everything, in the whole cluster"
    )
    assert finding.hint == "take it out; if it is meant, have the config say guards.adminTemplates: [break-glass]"
    assert check((), (role(ALL), binding()), "break-glass") == []
    assert len(check((), (role(ALL), binding()), "developer")) == 1


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Rule(("*",), ("*",), ("*",)), "may do everything with everything"),
        (Rule(("escalate",), (RBAC,), ("clusterroles",)), "may escalate any ClusterRole"),
        (Rule(("bind",), ("*",), ("*",)), "may bind any ClusterRole"),
        (Rule(("bind",), (RBAC,), ("clusterroles",), ("cluster-admin",)), "may bind the ClusterRole cluster-admin"),
        (Rule(("impersonate",), ("",), ("users",)), "may impersonate any user"),
        (Rule(("impersonate",), ("",), ("groups",), ("system:masters",)), "may impersonate system:masters"),
        (Rule(("*",), (RBAC,), ("roles",)), "may escalate any Role"),
    ],
)
def test_what_leads_there_at_once_is_refused_too(rule: Rule, says: str) -> None:
    (finding,) = check((), (role(b.READ_PODS, rule), binding()))
    assert says in finding.message


@pytest.mark.parametrize(
    "rule",
    [
        Rule(("*",), ("",), ("pods",)),
        Rule(("get", "list", "watch"), ("*",), ("*",)),
        Rule(("*",), ("*",), ("*",), ("one",)),
        Rule(("bind",), (RBAC,), ("clusterroles",), ("view", "edit")),
        Rule(("impersonate",), ("",), ("users",), ("alice",)),
    ],
)
def test_what_is_merely_much_is_lint_s(rule: Rule) -> None:
    assert check((), (role(rule), binding())) == []


def test_a_namespace_s_everything_counts_and_what_a_namespace_cannot_give_does_not() -> None:
    (finding,) = check((), (role(ALL, namespace="payments"),))
    assert finding.message.endswith("in payments")
    assert check((), (role(Rule(("impersonate",), ("",), ("users",)), namespace="payments"),)) == []


def test_what_is_there_already_and_stays_refuses_nothing() -> None:
    there = (role(ALL), binding())
    assert check(there, there) == []
    assert check(there, (*there, b.entry(b.ALICE, b.DEVELOPERS))) == []
    assert check(there, ()) == []
    assert check((role(ALL),), there) != []
    assert check((role(b.READ_PODS), binding()), there) != []
    other = {**MARKS, names.SET_LABEL: "old"}
    spec = there[0][0]
    assert isinstance(spec, Role)
    assert check(((Role(spec.kind, None, NAME, spec.rules, (), other), other), binding()), there) == []


def test_a_policy_that_says_cluster_admin_is_left_to_lint() -> None:
    assert check((), (binding("cluster-admin"),)) == []


@given(st.lists(any_rules, max_size=3).map(tuple), st.lists(any_rules, max_size=2).map(tuple))
def test_more_rules_never_give_fewer_reasons(some: tuple[Rule, ...], more: tuple[Rule, ...]) -> None:
    def like(*rules: Rule) -> tuple[str, ...]:
        return like_cluster_admin(Role("ClusterRole", None, "one", rules))

    reasons, all_ = like(*some), like(*some, *more)
    assert not reasons or all_
