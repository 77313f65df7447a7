from __future__ import annotations

import pytest

from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.escalation import EVERYTHING, MissingRoleError, may_write_binding, may_write_role
from iamrbac.rbac.objects import (
    Binding,
    BindingKind,
    RbacState,
    Request,
    Role,
    RoleKind,
    RoleRef,
    Rule,
    Selector,
    Subject,
    User,
)

RBAC = "rbac.authorization.k8s.io"
PODS = Rule(("get", "list"), ("",), ("pods",))
SECRETS = Rule(("get",), ("",), ("secrets",))
ANN = User("ann")
ROOT = User("root", ("system:masters",))


def holder(*rules: Rule, namespace: str | None = None) -> Authorizer:
    """Return a cluster where ann has `rules`: in a namespace, or everywhere."""
    kind: BindingKind = "RoleBinding" if namespace else "ClusterRoleBinding"
    held = Role("ClusterRole", None, "held", rules)
    bound = Binding(kind, namespace, "held", RoleRef("ClusterRole", "held"), (Subject("User", "ann"),))
    return Authorizer(RbacState((held,), (bound,)))


def role(*rules: Rule, namespace: str | None = "blue", aggregation: tuple[Selector, ...] = ()) -> Role:
    kind: RoleKind = "Role" if namespace else "ClusterRole"
    return Role(kind, namespace, "new", rules, aggregation)


def escalate(resource: str, *names: str) -> Rule:
    return Rule(("escalate",), (RBAC,), (resource,), names)


def bind(resource: str, *names: str) -> Rule:
    return Rule(("bind",), (RBAC,), (resource,), names)


def test_a_role_may_hold_what_its_writer_has() -> None:
    assert may_write_role(holder(PODS), ANN, role(PODS)) == ()
    assert may_write_role(holder(PODS), ANN, role(PODS, SECRETS)) == (SECRETS,)
    assert may_write_role(holder(PODS), User("bob"), role(PODS)) == (PODS,)


def test_rules_of_a_namespace_count_for_a_role_there_only() -> None:
    here = holder(PODS, namespace="blue")
    assert may_write_role(here, ANN, role(PODS)) == ()
    assert may_write_role(here, ANN, role(PODS, namespace="green")) == (PODS,)
    assert may_write_role(here, ANN, role(PODS, namespace=None)) == (PODS,)


def test_system_masters_may_write_all() -> None:
    assert may_write_role(holder(), ROOT, role(*EVERYTHING, namespace=None)) == ()
    assert may_write_binding(holder(), ROOT, binding("blue", "gone"), {}) == ()


def test_escalate_is_asked_for_the_right_kind_namespace_and_name() -> None:
    assert may_write_role(holder(escalate("roles")), ANN, role(SECRETS)) == ()
    assert may_write_role(holder(escalate("clusterroles")), ANN, role(SECRETS)) == (SECRETS,)
    assert may_write_role(holder(escalate("roles"), namespace="blue"), ANN, role(SECRETS)) == ()
    assert may_write_role(holder(escalate("roles"), namespace="green"), ANN, role(SECRETS)) == (SECRETS,)
    assert may_write_role(holder(escalate("clusterroles")), ANN, role(SECRETS, namespace=None)) == ()


def test_escalate_by_name_helps_an_update_but_no_create() -> None:
    named = holder(escalate("roles", "new"))
    assert may_write_role(named, ANN, role(SECRETS)) == (SECRETS,)
    assert may_write_role(named, ANN, role(SECRETS), old=role()) == ()
    assert may_write_role(holder(escalate("roles", "other")), ANN, role(SECRETS), old=role()) == (SECRETS,)


def test_an_update_is_checked_for_all_rules_also_those_it_had() -> None:
    assert may_write_role(holder(PODS), ANN, role(PODS, SECRETS), old=role(PODS, SECRETS)) == (SECRETS,)


def test_an_aggregation_rule_needs_everything_in_the_new_or_the_old_role() -> None:
    gathers = role(namespace=None, aggregation=(Selector(),))
    assert may_write_role(holder(PODS), ANN, gathers) == EVERYTHING
    assert may_write_role(holder(PODS), ANN, role(PODS, namespace=None), old=gathers) == EVERYTHING
    assert may_write_role(holder(EVERYTHING[1]), ANN, gathers) == (EVERYTHING[0],)
    assert may_write_role(holder(*EVERYTHING), ANN, gathers) == ()


def binding(namespace: str | None, ref: str, kind: RoleKind = "ClusterRole") -> Binding:
    own: BindingKind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return Binding(own, namespace, "b", RoleRef(kind, ref), (Subject("Group", "dev"),))


VIEW = Role("ClusterRole", None, "view", (PODS,))
LOCAL = Role("Role", "blue", "local", (SECRETS,))
ROLES: dict[tuple[RoleKind, str | None, str], Role] = {
    ("ClusterRole", None, "view"): VIEW,
    ("Role", "blue", "local"): LOCAL,
}


def test_a_binding_may_give_what_its_writer_has_in_its_scope() -> None:
    here = holder(PODS, namespace="blue")
    assert may_write_binding(here, ANN, binding("blue", "view"), ROLES) == ()
    assert may_write_binding(here, ANN, binding("green", "view"), ROLES) == (PODS,)
    assert may_write_binding(here, ANN, binding(None, "view"), ROLES) == (PODS,)
    assert may_write_binding(here, ANN, binding("blue", "local", "Role"), ROLES) == (SECRETS,)


def test_bind_is_asked_with_the_roles_name_also_for_a_create() -> None:
    assert may_write_binding(holder(bind("clusterroles", "view")), ANN, binding("blue", "view"), ROLES) == ()
    assert may_write_binding(holder(bind("clusterroles", "edit")), ANN, binding("blue", "view"), ROLES) == (PODS,)
    assert may_write_binding(holder(bind("roles", "view")), ANN, binding("blue", "view"), ROLES) == (PODS,)
    assert (
        may_write_binding(holder(bind("roles"), namespace="blue"), ANN, binding("blue", "local", "Role"), ROLES) == ()
    )
    namespaced = holder(bind("clusterroles", "view"), namespace="blue")
    assert may_write_binding(namespaced, ANN, binding("blue", "view"), ROLES) == ()
    assert may_write_binding(namespaced, ANN, binding(None, "view"), ROLES) == (PODS,)


def test_a_missing_role_is_named_unless_bind_allows_it() -> None:
    with pytest.raises(MissingRoleError, match=r'^clusterroles.rbac.authorization.k8s.io "gone" not found$'):
        may_write_binding(holder(PODS), ANN, binding("blue", "gone"), ROLES)
    with pytest.raises(MissingRoleError):
        may_write_binding(holder(PODS), ANN, binding("green", "local", "Role"), ROLES)
    assert may_write_binding(holder(bind("clusterroles")), ANN, binding("blue", "gone"), ROLES) == ()


def test_another_authorizer_may_grant_escalate_and_bind_but_its_rules_are_not_held() -> None:
    asked: list[Request] = []

    def others(user: User, request: Request) -> bool:
        asked.append(request)
        return request.verb in ("escalate", "bind") and request.namespace == "blue"

    assert may_write_role(holder(), ANN, role(SECRETS), others=others) == ()
    assert may_write_role(holder(), ANN, role(SECRETS, namespace="green"), others=others) == (SECRETS,)
    assert may_write_binding(holder(), ANN, binding("blue", "view"), ROLES, others=others) == ()
    assert may_write_binding(holder(), ANN, binding("green", "view"), ROLES, others=others) == (PODS,)
    assert asked[0] == Request("escalate", "roles", RBAC, namespace="blue")
    assert asked[2] == Request("bind", "clusterroles", RBAC, name="view", namespace="blue")
