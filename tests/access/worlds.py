"""Small worlds for property tests: entries, rows, access policies and RBAC that often meet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from iamrbac.access.judge import Judge
from iamrbac.access.world import World
from iamrbac.compile.desired import PolicyGrant
from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.rbac.objects import RbacState, Request, Rule, Subject, User
from iamrbac.roles.builtin import builtin
from tests.rbac import strategies as rbac

BUILTIN = builtin().rbac
ACCOUNT = "111122223333"
PEOPLE = tuple(f"arn:aws:iam::{ACCOUNT}:{name}" for name in ("user/ann", "user/staff/bob", "role/ci/robot"))
SET = "iamrbac:acme:team:set"
PLACES = ("", *rbac.NAMESPACES, "greenhouse")
POLICIES = (
    "AmazonEKSViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSNobodyKnowsPolicy",
)
_GROUPS = ("dev", "ops", SET, "system:masters")
_NAMES = ("ann", "bob", PEOPLE[0], f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/{{{{SessionName}}}}")


def policy_arn(name: str) -> str:
    return f"arn:aws:eks::aws:cluster-access-policy/{name}"


_groups = st.lists(st.sampled_from(_GROUPS), max_size=2, unique=True).map(lambda some: tuple(sorted(some)))
_entries = st.lists(
    st.builds(AccessEntry, st.sampled_from(PEOPLE), st.sampled_from(_NAMES), _groups),
    max_size=3,
    unique_by=lambda entry: entry.principal,
).map(tuple)
_places = st.lists(st.sampled_from((*rbac.NAMESPACES, "green*")), min_size=1, max_size=2, unique=True)
_associations = st.lists(
    st.one_of(
        st.builds(
            PolicyAssociation, st.sampled_from(PEOPLE), st.sampled_from(POLICIES).map(policy_arn), st.just("cluster")
        ),
        st.builds(
            PolicyAssociation,
            st.sampled_from(PEOPLE),
            st.sampled_from(POLICIES).map(policy_arn),
            st.just("namespace"),
            _places.map(lambda some: tuple(sorted(some))),
        ),
    ),
    max_size=2,
    unique_by=lambda one: (one.principal, one.policy),
).map(tuple)
_grants = st.builds(
    PolicyGrant, st.sampled_from(POLICIES), st.one_of(st.none(), st.sampled_from((("blue",), ("blue", "green"))))
)
_more_subjects = st.lists(
    st.sampled_from(
        (
            Subject("Group", SET),
            Subject("Group", "system:authenticated"),
            Subject("Group", "system:masters"),
            Subject("User", PEOPLE[1]),
            Subject("User", f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/alice"),
        )
    ),
    max_size=1,
)


@st.composite
def states(draw: st.DrawFn) -> RbacState:
    """RBAC that names more of those who are mapped."""
    state = draw(rbac.states())
    return replace(
        state,
        bindings=tuple(
            replace(binding, subjects=(*binding.subjects, *draw(_more_subjects))) for binding in state.bindings
        ),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A cluster that reads aws-auth or not, with Kubernetes' own roles or without."""
    text = "".join(f"- {{userarn: {PEOPLE[1]}, username: {name}, groups: [dev]}}\n" for name in draw(_row_names))
    accounts = draw(st.sampled_from(("", f'- "{ACCOUNT}"\n')))
    reading = draw(st.sampled_from((None, read({"mapUsers": text, "mapAccounts": accounts}))))
    state = draw(states())
    own = draw(st.sampled_from((RbacState(), BUILTIN)))
    policies = draw(st.dictionaries(st.just(SET), st.lists(_grants, min_size=1, max_size=2).map(tuple), max_size=1))
    return World(
        draw(_entries),
        draw(_associations),
        reading,
        RbacState((*state.roles, *own.roles), (*state.bindings, *own.bindings)),
        policies=policies,
    )


_row_names = st.lists(st.sampled_from(("ann", "bob")), max_size=1)
judges = worlds().map(lambda world: Judge(world, BUILTIN.roles))
users = st.one_of(
    rbac.users,
    st.builds(
        User,
        st.sampled_from((*_NAMES, "system:anonymous")),
        st.lists(st.sampled_from((*_GROUPS, "system:authenticated")), max_size=2).map(tuple),
    ),
)


@dataclass(frozen=True)
class Case:
    """A cluster, and a question that is often about what somebody has there."""

    judge: Judge
    request: Request


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A world and a question: any, or what some rule of it is about, a part of it maybe otherwise."""
    judge = draw(judges)
    request = draw(rbac.requests)
    state = judge.world.rbac
    found: list[tuple[str, Rule]] = [
        (binding.namespace or "", rule)
        for binding in state.bindings[:5]
        if (role := judge.authorizer.role_of(binding)) is not None
        for rule in role.rules
    ]
    for association in judge.world.associations:
        places = association.namespaces or ("",)
        given = (judge.policy_rules(association) or ())[:6]
        found += [(place.replace("*", "house"), rule) for place in places for rule in given]
    if found and draw(st.integers(0, 3)) > 0:
        place, rule = draw(st.sampled_from(found))
        request = _about(draw, rule, place or draw(st.sampled_from(PLACES)))
    return Case(judge, request)


def _about(draw: st.DrawFn, rule: Rule, namespace: str) -> Request:
    verb = draw(st.sampled_from((*rule.verbs[:3], "get"))).replace("*", "get")
    if rule.non_resource_urls:
        return Request(verb, path=rule.non_resource_urls[0].replace("*", "x"))
    resource, _, subresource = draw(st.sampled_from((*rule.resources[:4], "pods"))).replace("*", "pods").partition("/")
    group = draw(st.sampled_from((*rule.api_groups, "apps"))).replace("*", "")
    name = draw(st.sampled_from((*rule.resource_names, "a", ""))) if rule.resource_names else ""
    return Request(verb, resource, group, subresource, name, namespace)
