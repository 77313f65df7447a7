from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.rbac.authorizer import Allowed, Authorizer
from iamrbac.rbac.objects import Binding, BindingKind, RbacState, Request, Role, RoleKind, RoleRef, Rule, Subject, User
from tests.rbac import oracle
from tests.rbac.strategies import NAMESPACES, requests, states, users

READ = Rule(("get", "list"), ("",), ("pods",))
VIEW = Role("ClusterRole", None, "view", (READ, Rule(("get",), non_resource_urls=("/healthz",))))
LOCAL = Role("Role", "blue", "local", (Rule(("delete",), ("",), ("pods",)),))
ANN = User("ann", ("dev",))


def binding(
    namespace: str | None, ref: str, *subjects: Subject, name: str = "b", kind: RoleKind = "ClusterRole"
) -> Binding:
    own: BindingKind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return Binding(own, namespace, name, RoleRef(kind, ref), subjects)


DEV = Subject("Group", "dev")


def ask(*bindings: Binding, roles: tuple[Role, ...] = (VIEW, LOCAL)) -> Authorizer:
    return Authorizer(RbacState(roles, bindings))


def test_a_role_binding_counts_in_its_own_namespace_only() -> None:
    given_ = binding("blue", "view", DEV)
    authorizer = ask(given_)
    assert authorizer.allowed_by(ANN, Request("get", "pods", namespace="blue")) == Allowed(given_, VIEW, READ)
    assert authorizer.allowed_by(ANN, Request("get", "pods", namespace="green")) is None
    assert authorizer.allowed_by(ANN, Request("list", "pods")) is None


def test_cluster_scoped_rules_of_a_cluster_role_are_inert_in_a_role_binding() -> None:
    authorizer = ask(binding("blue", "view", DEV))
    assert authorizer.allowed_by(ANN, Request("get", path="/healthz")) is None


def test_a_cluster_role_binding_counts_everywhere() -> None:
    authorizer = ask(binding(None, "view", DEV))
    for request in (Request("get", "pods", namespace="blue"), Request("list", "pods"), Request("get", path="/healthz")):
        assert authorizer.allowed_by(ANN, request) is not None
    assert authorizer.allowed_by(User("bob"), Request("get", "pods", namespace="blue")) is None


def test_the_namespace_object_itself_can_be_given_by_a_role_binding() -> None:
    role = Role("Role", "blue", "own", (Rule(("get",), ("",), ("namespaces",)),))
    authorizer = ask(binding("blue", "own", DEV, kind="Role"), roles=(role,))
    assert authorizer.allowed_by(ANN, Request("get", "namespaces", name="blue", namespace="blue")) is not None
    assert authorizer.allowed_by(ANN, Request("list", "namespaces")) is None


def test_system_masters_needs_no_binding_and_no_chain() -> None:
    root = User("x", ("system:masters",))
    assert ask().allowed_by(root, Request("get", path="/x")) == Allowed(None, None, None)
    assert ask().rules(root, "blue") == ()


def test_a_binding_to_nothing_is_a_problem_and_stops_no_other() -> None:
    lost = binding("blue", "gone", DEV, name="lost", kind="Role")
    elsewhere = binding("green", "local", DEV, name="elsewhere", kind="Role")
    cluster = binding(None, "local", DEV, name="cluster", kind="Role")
    good = binding("blue", "view", DEV, name="good")
    authorizer = ask(cluster, lost, elsewhere, good)
    found = authorizer.allowed_by(ANN, Request("get", "pods", namespace="blue"))
    assert found is not None
    assert found.binding == good
    assert authorizer.problems == (
        "ClusterRoleBinding cluster gives nothing: there is no Role local",
        "RoleBinding blue/lost gives nothing: there is no Role gone in namespace blue",
        "RoleBinding green/elsewhere gives nothing: there is no Role local in namespace green",
    )
    assert [role for _, role in authorizer.bindings_of(ANN)] == [None, None, VIEW, None]


def test_rules_come_once_cluster_wide_first() -> None:
    authorizer = ask(
        binding("blue", "local", DEV, kind="Role"), binding(None, "view", DEV), binding("blue", "view", DEV)
    )
    assert authorizer.rules(ANN, "blue") == (*VIEW.rules, *LOCAL.rules)
    assert authorizer.rules(ANN, "") == VIEW.rules
    assert authorizer.rules(User("bob"), "blue") == ()


def test_bindings_of_a_user_by_namespace_and_everywhere() -> None:
    everywhere = binding(None, "view", Subject("User", "ann"), name="c")
    blue = binding("blue", "local", DEV, DEV, Subject("User", "ann"), name="r", kind="Role")
    green = binding("green", "view", DEV, name="g")
    other = binding("blue", "view", Subject("Group", "ops"), name="o")
    authorizer = ask(green, blue, everywhere, other)
    assert list(authorizer.bindings_of(ANN, "")) == [(everywhere, VIEW)]
    assert list(authorizer.bindings_of(ANN, "blue")) == [(everywhere, VIEW), (blue, LOCAL)]
    assert list(authorizer.bindings_of(ANN)) == [(everywhere, VIEW), (blue, LOCAL), (green, VIEW)]
    assert list(authorizer.bindings_of(User("nobody"))) == []


@settings(max_examples=200, deadline=None)
@given(states(), users, st.lists(requests, min_size=5, max_size=5))
def test_agrees_with_the_oracle(state: RbacState, user: User, asked: list[Request]) -> None:
    authorizer = Authorizer(state)
    for request in asked:
        found = authorizer.allowed_by(user, request)
        assert (found is not None) == oracle.allowed(state, user, request)
        if found is not None and found.binding is not None:
            assert found.role is not None
            assert found.rule in found.role.rules
            assert oracle.role_of(state, found.binding) == found.role
            assert oracle.allows(found.rule, request)


@settings(max_examples=200, deadline=None)
@given(states(), users)
def test_bindings_of_agrees_with_the_oracle(state: RbacState, user: User) -> None:
    authorizer = Authorizer(state)
    mine = [one for one in state.bindings if any(oracle.applies(subject, one, user) for subject in one.subjects)]
    everywhere = [binding for binding, _ in authorizer.bindings_of(user)]
    assert sorted(everywhere, key=repr) == sorted(mine, key=repr)
    for namespace in NAMESPACES:
        here = [binding for binding, _ in authorizer.bindings_of(user, namespace)]
        assert sorted(here, key=repr) == sorted((one for one in mine if one.namespace in (None, namespace)), key=repr)
    for found, role in authorizer.bindings_of(user):
        assert role == oracle.role_of(state, found)


@settings(max_examples=200, deadline=None)
@given(states(), users, requests)
def test_order_means_nothing(state: RbacState, user: User, request: Request) -> None:
    shuffled = RbacState(tuple(reversed(state.roles)), tuple(reversed(state.bindings)))
    first, second = Authorizer(state), Authorizer(shuffled)
    assert (first.allowed_by(user, request) is None) == (second.allowed_by(user, request) is None)


def test_a_question_does_not_look_at_other_peoples_bindings() -> None:
    class Looking(Authorizer):
        looked = 0

        def role_of(self, binding: Binding) -> Role | None:
            self.looked += 1
            return super().role_of(binding)

    others = [binding(f"ns{i % 200}", "view", Subject("Group", f"g{i}"), name=f"b{i}") for i in range(1_000)]
    authorizer = Looking(RbacState((VIEW,), (*others, binding("blue", "view", DEV))))
    assert authorizer.allowed_by(ANN, Request("get", "pods", namespace="blue")) is not None
    assert authorizer.looked == 1
