"""A right is held exactly where the authorizer allows it: of any name, of some, in the cluster, in a namespace."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.access.powers import Held, Power
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, RoleRef, Rule, Subject, User
from tests.rbac.strategies import rule_lists

ANN = User("ann")
RIGHTS = st.builds(
    Power,
    st.sampled_from((("get",), ("get", "list"), ("watch",), ("*",), ("deletecollection",))),
    st.sampled_from(("pods", "pods/log", "pods/exec", "secrets", "deployments")),
    st.sampled_from(("", "apps", "batch")),
    st.booleans(),
)


def authorizer(cluster: tuple[Rule, ...], namespace: tuple[Rule, ...]) -> Authorizer:
    roles = (Role("ClusterRole", None, "wide", cluster), Role("Role", "blue", "here", namespace))
    ann = (Subject("User", "ann"),)
    bindings = (
        Binding("ClusterRoleBinding", None, "wide", RoleRef("ClusterRole", "wide"), ann),
        Binding("RoleBinding", "blue", "here", RoleRef("Role", "here"), ann),
    )
    return Authorizer(RbacState(roles, bindings))


@given(rule_lists, rule_lists, RIGHTS)
def test_as_the_authorizer_says(cluster: tuple[Rule, ...], namespace: tuple[Rule, ...], right: Power) -> None:
    judge = authorizer(cluster, namespace)
    where = "blue" if right.namespaced else ""
    resource, _, subresource = right.resource.partition("/")

    def may(name: str) -> bool:
        return any(
            judge.allowed_by(ANN, Request(verb, resource, right.group, subresource, name, where)) is not None
            for verb in right.verbs
            if not (verb == "deletecollection" and name)
        )

    reach = Held(cluster, namespace).reach(right)
    assert (reach is not None) == any(may(name) for name in ("", "a", "b"))
    if reach is not None:
        assert reach.unlimited == may("")
        if right.verbs != ("deletecollection",):
            assert [reach.means(name) for name in ("a", "b", "c")] == [may(name) for name in ("a", "b", "c")]
        assert set(reach.rules) <= {*cluster, *namespace}
    # What holds in the cluster is what holds without the namespace.
    assert Held(cluster, namespace).cluster.reach(right) == Held(cluster).reach(right)


def test_a_name_helps_to_create_only_by_server_side_apply() -> None:
    named = Rule(("create",), ("",), ("pods",), ("web",))
    create = Power(("create",), "pods")
    assert Held([named]).reach(create) is None
    reach = Held([named, Rule(("patch",), ("",), ("pods",))]).reach(create)
    assert reach is not None
    assert (reach.unlimited, set(reach.names)) == (False, {"web"})
    assert Held([named, Rule(("patch",), ("",), ("pods",), ("other",))]).reach(create) is None
    # What is posted to a subresource has its parent's name.
    assert Held([Rule(("create",), ("",), ("pods/exec",), ("web",))]).reach(Power(("create",), "pods/exec")) is not None


def test_a_name_never_helps_to_delete_a_collection() -> None:
    rule = Rule(("deletecollection",), ("",), ("pods",), ("web",))
    assert Held([rule]).reach(Power(("deletecollection",), "pods")) is None


def test_verbs_and_resources_of_two_rules_are_not_mixed() -> None:
    rules = [Rule(("create",), ("",), ("configmaps",)), Rule(("get",), ("",), ("pods",))]
    assert Held(rules).reach(Power(("create",), "pods")) is None


def test_literals_that_only_look_like_wildcards() -> None:
    for resource in ("pods/*", "*/*", "pod", "Pods", "pods "):
        assert Held([Rule(("*",), ("*",), (resource,))]).reach(Power(("create", "get"), "pods/exec")) is None
    assert Held([Rule(("create",), ("",), ("*/exec",))]).reach(Power(("create",), "pods/exec")) is not None
    assert Held([Rule(("create",), ("",), ("pods",))]).reach(Power(("create",), "pods/exec")) is None


def test_another_groups_resource_of_the_same_name_is_another_resource() -> None:
    assert Held([Rule(("*",), ("example.com",), ("secrets", "*"))]).reach(Power(("list",), "secrets")) is None
    assert Held([Rule(("*",), ("core",), ("secrets",))]).reach(Power(("list",), "secrets")) is None
