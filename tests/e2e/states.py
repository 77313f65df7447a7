"""Whole states of RBAC, large and odd, with people, questions and writes that are about what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from iamrbac.rbac.aggregate import aggregate
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import (
    Binding,
    BindingKind,
    RbacState,
    Request,
    Requirement,
    Role,
    RoleKind,
    RoleRef,
    Rule,
    Selector,
    Subject,
    User,
)
from tests.rbac.strategies import some

RBAC_GROUP = "rbac.authorization.k8s.io"
NAMESPACES = ("fz-blue", "fz-green")
MARK = {"fz": "1"}
"""On every object here, so that all of them can be found."""
PLAIN = {"fz-plain": "1"}
"""On every ClusterRole that gathers no others."""
WRITERS = "fz-writers"
VERBS = ("get", "list", "create", "*", "Get", "use")
GROUPS = ("", "apps", "batch", "*", RBAC_GROUP)
RESOURCES = (
    "pods",
    "pods/log",
    "pods/exec",
    "*/log",
    "*/scale",
    "deployments",
    "deployments/scale",
    "*",
    "pods/*",
    "*/*",
)
NAMES = ("a", "b", "*", "fz-r1")
URLS = ("/healthz", "/healthz/*", "/api*", "*", "/a*b", "/api/**", "/")
PATHS = ("/healthz", "/healthz/x", "/api", "/apis/x", "/a*b", "/axb", "/", "")
GATHERS = "fz-all-"
ROLE_NAMES = ("fz-r1", "fz-R:2", "fz r3")
ACCOUNT = "system:serviceaccount:"
USERS = ("fz-ann", "fz-bob@example.com", "arn:aws:iam::111122223333:user/fz/ann", f"{ACCOUNT}fz-blue:fz-robot")
MEMBERS = ("fz-dev", "fz:ops", "fz-ann", "system:authenticated")


@dataclass(frozen=True)
class Case:
    """A state, who asks, what, and what they would write."""

    state: RbacState
    user: User
    asked: tuple[Request, ...]
    writes: tuple[Role | Binding, ...]

    def renamed(self, suffix: str) -> Case:
        """The same with other names for the roles that gather others.

        Upstream's aggregation applies its rules, and so makes a role anew that was deleted meanwhile: no two states of
        one server have the same.
        """
        state = RbacState(
            tuple(_role_renamed(role, suffix) for role in self.state.roles),
            tuple(_binding_renamed(binding, suffix) for binding in self.state.bindings),
        )
        # A role that is written has one of the other names.
        writes = (item if isinstance(item, Role) else _binding_renamed(item, suffix) for item in self.writes)
        return replace(self, state=state, writes=tuple(writes))


def _role_renamed(role: Role, suffix: str) -> Role:
    return replace(role, name=role.name + suffix) if role.name.startswith(GATHERS) else role


def _binding_renamed(binding: Binding, suffix: str) -> Binding:
    ref = binding.role_ref
    return replace(binding, role_ref=replace(ref, name=ref.name + suffix)) if ref.name.startswith(GATHERS) else binding


_resource_rules = st.builds(
    Rule, some(VERBS), some(GROUPS), some(RESOURCES), st.one_of(st.just(()), st.just(()), some(NAMES))
)
_url_rules = st.builds(Rule, some(VERBS), non_resource_urls=some(URLS))
# What lets somebody give more than they have, by name or not.
_powers = st.builds(
    Rule,
    some(("bind", "escalate", "*")),
    some((RBAC_GROUP, "*", "")),
    some(("roles", "clusterroles", "*")),
    st.one_of(st.just(()), some(ROLE_NAMES)),
)
# What the API server refuses to store.
_wrong = st.sampled_from(
    (
        Rule(()),
        Rule(("get",)),
        Rule(("get",), ("",)),
        Rule(("get",), ("",), ("pods",), (), ("/x",)),
        Rule((), ("",), ("x",)),
    )
)
_good_rules = st.one_of(_resource_rules, _resource_rules, _resource_rules, _url_rules, _powers)
_cluster_rules = st.lists(st.one_of(*[_good_rules] * 30, _wrong), max_size=4).map(tuple)
_namespace_rules = st.lists(
    st.one_of(*[st.one_of(_resource_rules, _resource_rules, _powers)] * 10, _url_rules, _wrong), max_size=4
).map(tuple)
_subjects = st.one_of(
    st.builds(Subject, st.just("User"), st.sampled_from(USERS)),
    st.builds(Subject, st.just("Group"), st.sampled_from(MEMBERS)),
    st.builds(Subject, st.just("Group"), st.sampled_from(MEMBERS)),
    st.builds(Subject, st.just("ServiceAccount"), st.just("fz-robot"), st.sampled_from((*NAMESPACES, None))),
    st.builds(
        Subject,
        st.sampled_from(("User", "Group", "ServiceAccount", "Robot")),
        st.sampled_from((*USERS, "", "fz_robot", "Fz", "fz-robot")),
        st.sampled_from((None, "fz-blue")),
    ),
)


@st.composite
def _roles(draw: st.DrawFn) -> list[Role]:
    found: dict[tuple[str, str | None, str], Role] = {}
    for _ in range(draw(st.integers(1, 4))):
        name, namespace = draw(st.sampled_from(ROLE_NAMES)), draw(st.sampled_from((None, None, *NAMESPACES)))
        if namespace is None:
            labels = {**MARK, **PLAIN, **draw(_labels(("1", "2", "3")))}
            found["ClusterRole", None, name] = Role("ClusterRole", None, name, draw(_cluster_rules), (), labels)
        else:
            found["Role", namespace, name] = Role("Role", namespace, name, draw(_namespace_rules), (), MARK)
    # One that gathers is gathered by earlier ones only: in a circle upstream need not settle.
    for number in range(1, draw(st.integers(0, 3)) + 1):
        name = f"{GATHERS}{number}"
        labels = {**MARK, **draw(_labels(tuple(str(one) for one in range(1, number))))}
        own = draw(st.one_of(st.just(()), _cluster_rules))
        gathers = tuple(draw(st.lists(_selectors(str(number)), min_size=1, max_size=2)))
        found["ClusterRole", None, name] = Role("ClusterRole", None, name, own, gathers, labels)
    return list(found.values())


def _labels(values: Sequence[str]) -> st.SearchStrategy[dict[str, str]]:
    if not values:
        return st.just({})
    return st.one_of(st.just({}), st.sampled_from(tuple(values)).map(lambda value: {"fz-to": value}))


def _selectors(value: str) -> st.SearchStrategy[Selector]:
    here = tuple(PLAIN.items())
    return st.one_of(
        st.just(Selector((("fz-to", value),))),
        st.just(Selector((("fz-to", value),))),
        st.sampled_from(
            (
                Selector(here, (Requirement("fz-to", "In", (value, "3")),)),
                Selector(here, (Requirement("fz-to", "NotIn", (value,)),)),
                Selector(here, (Requirement("fz-to", "Exists"),)),
                Selector(here, (Requirement("fz-to", "DoesNotExist"), Requirement("fz", "Exists"))),
                Selector((("fz-to", "nobody"),)),
            )
        ),
    )


@st.composite
def _bindings(draw: st.DrawFn, roles: Sequence[Role]) -> Binding:
    """A binding, which mostly leads to one of the roles."""
    number = draw(st.integers(0, 9))
    subjects = tuple(draw(st.lists(_subjects, max_size=3)))
    near = [role for role in roles if role.rules or role.aggregation]
    if near and draw(st.integers(0, 5)) > 0:
        role = draw(st.sampled_from(near))
        places = (None, *NAMESPACES) if role.kind == "ClusterRole" else (role.namespace,)
        namespace = draw(st.sampled_from(places))
        ref = RoleRef(role.kind, role.name)
    else:
        namespace = draw(st.sampled_from((None, *NAMESPACES)))
        kinds: tuple[RoleKind, ...] = ("Role", "ClusterRole")
        ref = RoleRef(draw(st.sampled_from(kinds)), draw(st.sampled_from((*ROLE_NAMES, "fz-gone"))))
    kind: BindingKind = "ClusterRoleBinding" if namespace is None else "RoleBinding"
    return Binding(kind, namespace, f"fz-b{number}", ref, subjects, MARK)


@st.composite
def states(draw: st.DrawFn) -> RbacState:
    """A state, as it is asked for: some of it is not valid, and roles that gather are not filled."""
    roles = draw(_roles())
    bindings = {(one.namespace, one.name): one for one in draw(st.lists(_bindings(roles), min_size=1, max_size=6))}
    return RbacState(tuple(roles), tuple(bindings.values()))


@st.composite
def cases(draw: st.DrawFn, questions: int) -> Case:
    """A state and what somebody in it asks and writes, most of it near to what they may."""
    state = draw(states())
    filled = RbacState(tuple(aggregate(state.roles)), state.bindings)
    user = User(draw(st.sampled_from(USERS)), tuple(draw(st.lists(st.sampled_from(MEMBERS), max_size=2, unique=True))))
    named = [subject for binding in state.bindings for subject in binding.subjects if subject.name]
    if named and draw(st.integers(0, 5)) > 0:
        user = _named_by(draw(st.sampled_from(named)), user)
    if not draw(st.integers(0, 40)):
        user = replace(user, groups=(*user.groups, "system:masters"))
    chains = [(one, role) for one, role in Authorizer(filled).bindings_of(user) if role is not None and role.rules]
    near = st.just(None) if not chains else st.sampled_from(chains).flatmap(lambda chain: _about(*chain))
    asked = [draw(near) or draw(_requests) for _ in range(questions)]
    asked = [_shifted(draw, one) if draw(st.integers(0, 2)) == 0 else one for one in asked]
    held = tuple(rule for _, role in chains for rule in role.rules)
    writes = tuple(draw(_writes(state.roles, held)) for _ in range(2))
    return Case(state, user, tuple(asked), writes)


_requests = st.one_of(
    st.builds(
        Request,
        st.sampled_from(("get", "list", "create", "*", "use")),
        st.sampled_from(("pods", "deployments", "*", "secrets", "roles")),
        st.sampled_from(("", "apps", "batch", RBAC_GROUP)),
        st.sampled_from(("", "", "log", "scale", "*")),
        st.sampled_from(("", "a", "c")),
        st.sampled_from(("", *NAMESPACES)),
    ),
    st.builds(Request, st.sampled_from(("get", "put")), path=st.sampled_from(PATHS[:-1])),
)


def _named_by(subject: Subject, other: User) -> User:
    if subject.kind == "Group":
        return replace(other, groups=tuple(dict.fromkeys((*other.groups, subject.name))))
    if subject.kind == "ServiceAccount":
        return replace(other, name=f"{ACCOUNT}{subject.namespace or 'fz-green'}:{subject.name}")
    return replace(other, name=subject.name)


@st.composite
def _about(draw: st.DrawFn, binding: Binding, role: Role) -> Request:
    """A question that a rule of the role answers with yes, where the binding is."""
    rule = draw(st.sampled_from(role.rules))
    verb = draw(st.sampled_from(rule.verbs or ("get",))).replace("*", "get")
    if rule.non_resource_urls:
        return Request(verb, path=draw(st.sampled_from(rule.non_resource_urls)).replace("*", "x"))
    resource, _, subresource = draw(st.sampled_from(rule.resources or ("pods",))).partition("/")
    if resource == "*" and not subresource:
        resource, subresource = draw(st.sampled_from((("pods", ""), ("secrets", ""), ("pods", "exec"), ("x", "y"))))
    name = draw(st.sampled_from(rule.resource_names)) if rule.resource_names else draw(st.sampled_from(("", "a")))
    group = draw(st.sampled_from(rule.api_groups or ("",))).replace("*", "batch")
    places = ("", *NAMESPACES) if binding.namespace is None else (binding.namespace,)
    return Request(verb, resource.replace("*", "pods"), group, subresource, name, draw(st.sampled_from(places)))


def _shifted(draw: st.DrawFn, request: Request) -> Request:
    """The same question, but for one word."""
    if request.path:
        return replace(request, path=draw(st.sampled_from(PATHS[:-1])))
    field, values = draw(
        st.sampled_from(
            (
                ("verb", ("get", "list", "delete")),
                ("resource", ("pods", "secrets", "deployments")),
                ("api_group", ("", "apps")),
                ("subresource", ("", "log", "scale", "exec")),
                ("name", ("", "a", "b")),
                ("namespace", ("", *NAMESPACES)),
            )
        )
    )
    return replace(request, **{field: draw(st.sampled_from(values))})


@st.composite
def _writes(draw: st.DrawFn, roles: Sequence[Role], held: Sequence[Rule]) -> Role | Binding:
    """A role or a binding that somebody would write, often of no more than they hold."""
    if draw(st.booleans()):
        return draw(_bindings(roles))
    namespace = draw(st.sampled_from((None, *NAMESPACES)))
    kind: RoleKind = "ClusterRole" if namespace is None else "Role"
    mine = [rule for rule in held if namespace is None or not rule.non_resource_urls]
    rules = (
        draw(st.lists(st.sampled_from(mine), min_size=1, max_size=3)) if mine and draw(st.integers(0, 1)) > 0 else []
    )
    rules = [_narrowed(draw, rule) for rule in rules]
    if not rules or not draw(st.integers(0, 2)):
        rules += draw(_namespace_rules)
    gathers: tuple[Selector, ...] = ()
    if namespace is None and not draw(st.integers(0, 7)):
        gathers = (Selector((("fz-to", "1"),)),)
    return Role(kind, namespace, draw(st.sampled_from(ROLE_NAMES)), tuple(rules), gathers, MARK)


def _narrowed(draw: st.DrawFn, rule: Rule) -> Rule:
    if rule.non_resource_urls or not draw(st.booleans()):
        return rule
    if draw(st.booleans()):
        return replace(rule, verbs=rule.verbs[:1])
    return replace(rule, resource_names=rule.resource_names[:1] or ("a",))
