"""Small worlds of RBAC for property tests: few names, so that rules, requests and bindings often meet."""

from __future__ import annotations

from hypothesis import strategies as st

from iamrbac.rbac.objects import Binding, BindingKind, RbacState, Request, Role, RoleKind, RoleRef, Rule, Subject, User

VERBS = ("get", "list", "*")
GROUPS = ("", "apps", "*")
RESOURCES = ("pods", "pods/log", "*/log", "*", "pods/*", "secrets")
NAMES = ("a", "b")
URLS = ("/healthz", "/healthz/*", "/api*", "*", "/a*b", "/api/**")
PATHS = ("/healthz", "/healthz/x", "/api", "/apis/x", "/a*b", "/axb")
NAMESPACES = ("blue", "green")


def some(values: tuple[str, ...], *, least: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=True).map(tuple)


resource_rules = st.builds(
    Rule,
    verbs=some(VERBS),
    api_groups=some(GROUPS),
    resources=some(RESOURCES),
    resource_names=some(NAMES, least=0),
)
url_rules = st.builds(Rule, verbs=some(VERBS), non_resource_urls=some(URLS))
rules = st.one_of(resource_rules, url_rules)
rule_lists = st.lists(rules, max_size=4).map(tuple)
requests = st.one_of(
    st.builds(
        Request,
        verb=st.sampled_from(("get", "list", "watch", "*")),
        resource=st.sampled_from(("pods", "secrets", "*", "nodes")),
        api_group=st.sampled_from(("", "apps", "batch")),
        subresource=st.sampled_from(("", "log", "exec", "*")),
        name=st.sampled_from(("", "a", "c")),
        namespace=st.sampled_from(("", *NAMESPACES)),
    ),
    st.builds(Request, verb=st.sampled_from(("get", "put")), path=st.sampled_from(PATHS)),
)

_role_kinds: st.SearchStrategy[RoleKind] = st.sampled_from(("Role", "ClusterRole"))
_binding_kinds: st.SearchStrategy[BindingKind] = st.sampled_from(("RoleBinding", "ClusterRoleBinding"))
subjects = st.builds(
    Subject,
    kind=st.sampled_from(("User", "Group", "ServiceAccount", "Robot")),
    name=st.sampled_from(("ann", "dev", "system:serviceaccount:blue:ann")),
    namespace=st.sampled_from((None, "blue", "green")),
)
users = st.builds(
    User,
    name=st.sampled_from(("ann", "bob", "system:serviceaccount:blue:ann", "system:serviceaccount:green:dev")),
    groups=st.lists(st.sampled_from(("dev", "ann", "ops")), max_size=2).map(tuple),
)


@st.composite
def states(draw: st.DrawFn) -> RbacState:
    roles: dict[tuple[RoleKind, str | None, str], Role] = {}
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(_role_kinds)
        namespace = draw(st.sampled_from(NAMESPACES)) if kind == "Role" else None
        name = draw(st.sampled_from(("r1", "r2")))
        roles[kind, namespace, name] = Role(kind, namespace, name, draw(rule_lists))
    bindings = []
    for number in range(draw(st.integers(0, 5))):
        binding = draw(_binding_kinds)
        namespace = draw(st.sampled_from(NAMESPACES)) if binding == "RoleBinding" else None
        ref = RoleRef(draw(_role_kinds), draw(st.sampled_from(("r1", "r2"))))
        named = tuple(draw(st.lists(subjects, max_size=3)))
        bindings.append(Binding(binding, namespace, f"b{number}", ref, named))
    return RbacState(tuple(roles.values()), tuple(bindings))
