"""No request changes its answer without a change of access that says so, and none is announced that is not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.access.effective import deltas
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.world import World
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import RbacState, Request, User
from iamrbac.rbac.subjects import AUTHENTICATED, with_authenticated
from iamrbac.roles.builtin import builtin
from tests.access.explained import AT, delta_of, unexplained
from tests.e2e.states import Case, cases
from tests.rbac import strategies

QUESTIONS = 12


@settings(max_examples=100)
@given(
    strategies.states(), strategies.states(), strategies.users, st.lists(strategies.requests, min_size=30, max_size=60)
)
def test_every_changed_answer_is_told_and_no_other(
    before: RbacState, after: RbacState, user: User, requests: list[Request]
) -> None:
    user = with_authenticated(user)
    change = delta_of(before, after, user)
    had, has = Authorizer(before), Authorizer(after)
    for request in requests:
        answers = had.allowed_by(user, request) is not None, has.allowed_by(user, request) is not None
        assert unexplained(change, request, *answers) == "", (request, answers, change)


@settings(max_examples=60)
@given(cases(QUESTIONS), cases(QUESTIONS), st.booleans())
def test_the_same_on_odd_states_with_questions_near_to_them(one: Case, other: Case, part: bool) -> None:
    user = with_authenticated(one.user)
    after = other.state
    if part:
        after = RbacState(one.state.roles, one.state.bindings[: len(one.state.bindings) // 2])
    change = delta_of(one.state, after, user)
    had, has = Authorizer(one.state), Authorizer(after)
    for request in (*one.asked, *other.asked):
        answers = had.allowed_by(user, request) is not None, has.allowed_by(user, request) is not None
        assert unexplained(change, request, *answers) == "", (request, answers, change)


POLICIES = ("AmazonEKSViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSClusterAdminPolicy", "AmazonEKSSecretReaderPolicy")
PRINCIPALS = ("arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:role/dev", "iamGroup dev")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    state = draw(strategies.states())
    entries = [
        AccessEntry(principal, principal, draw(strategies.some(("dev", "ann", "ops"), least=0)))
        for principal in draw(st.lists(st.sampled_from(PRINCIPALS), unique=True))
    ]
    associations = [
        PolicyAssociation(
            entry.principal,
            f"arn:aws:eks::aws:cluster-access-policy/{policy}",
            "namespace" if namespaces else "cluster",
            namespaces,
        )
        for entry in entries
        for policy in draw(st.lists(st.sampled_from(POLICIES), max_size=2, unique=True))
        for namespaces in [draw(st.sampled_from(((), ("blue",), ("b*", "green"))))]
    ]
    base = builtin().rbac
    rbac = RbacState((*state.roles, *base.roles), (*state.bindings, *base.bindings))
    return World(tuple(entries), tuple(associations), rbac=rbac)


@settings(max_examples=40)
@given(worlds(), worlds(), st.lists(strategies.requests, min_size=20, max_size=40))
def test_the_same_for_whoever_a_cluster_maps_with_access_policies(
    before: World, after: World, requests: list[Request]
) -> None:
    had, has = Judge(before), Judge(after)
    told = {one.principal: one for one in deltas("a cluster", had, has, AT)}
    for principal in PRINCIPALS:
        for request in requests:
            answers = _may(had, principal, request), _may(has, principal, request)
            said = unexplained(told.get(principal), request, *answers)
            assert said == "", (principal, request, answers, told.get(principal))


def _may(judge: Judge, principal: str, request: Request) -> bool:
    somebody: Somebody | None = judge.somebody(principal)
    return somebody is not None and any(True for _ in judge.chains(somebody, request))


def test_what_everybody_has_is_part_of_becoming_known() -> None:
    entry = AccessEntry("iamUser ann", "ann", ())
    rbac = builtin().rbac
    (change,) = deltas("a cluster", Judge(World(rbac=rbac)), Judge(World((entry,), rbac=rbac)), AT)
    assert (change.login, change.effects) == ("gain", ())
    assert change.about(Request("get", path="/version"), "gain")
    assert not change.about(Request("get", path="/metrics"), "gain")
    assert AUTHENTICATED in with_authenticated(User("ann")).groups
