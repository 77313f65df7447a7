"""Our authorizer, rule lists, aggregation, validation and escalation checks against the API server's own.

And what is built on them: who can do a thing, and who gains and who loses it between two states.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from iamrbac.access.effective import deltas
from iamrbac.access.judge import Judge
from iamrbac.access.world import World
from iamrbac.mapping.objects import AccessEntry
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.escalation import MissingRoleError, may_write_binding, may_write_role
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, User
from iamrbac.rbac.subjects import with_authenticated
from iamrbac.rbac.validate import problems
from tests.conformance.conftest import Target
from tests.conformance.http import Client
from tests.e2e.servers import Server
from tests.e2e.states import MEMBERS, NAMESPACES, USERS, WRITERS, Case, cases
from tests.e2e.tally import Tally, examples

QUESTIONS = 10
FEW = 2
"""Questions about each of two states, which are put for everybody before and after."""
AT = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE = tuple(
    AccessEntry(f"arn:aws:iam::111122223333:user/p{number}", name, groups)
    for number, (name, groups) in enumerate(zip(USERS, [(), MEMBERS[:1], MEMBERS[1:3], MEMBERS[:2]], strict=True))
)
_COUNT = itertools.count(1)
_TALLY = Tally("The authorizer on two servers, no difference")


@pytest.fixture(scope="module")
def servers(real_target: Target, embedded_target: Target) -> Iterator[tuple[Server, Server]]:
    """The real one and the embedded one."""
    real, embedded = (
        Client(one.url, one.ca_pem, one.tokens["admin"], patient=one.real) for one in (real_target, embedded_target)
    )
    yield Server(real), Server(embedded)
    real.close()
    embedded.close()
    _TALLY.tell()


@settings(
    max_examples=examples(500, QUESTIONS),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases(QUESTIONS))
def test_the_servers_answer_as_our_functions(servers: tuple[Server, Server], case: Case) -> None:
    case = case.renamed(f"-{next(_COUNT)}")
    state, taken = (server.fill(case.state) for server in servers)
    assert taken == state
    writer = User(case.user.name, (*case.user.groups, WRITERS))
    for server in servers:
        authorizer = Authorizer(_with(state, server.others))
        for request in case.asked:
            ours = authorizer.allowed_by(case.user, request) is not None
            _TALLY.add("questions allowed" if ours else "questions denied")
            assert server.allowed(case.user, request) == ours, (case.user, request)
        for namespace in NAMESPACES:
            rules = frozenset(authorizer.rules(with_authenticated(writer), namespace))
            assert server.rules(writer, namespace) == rules, (writer, namespace)
            _TALLY.add("rule lists")
    for item in case.writes:
        _write(servers, state, writer, item)


@settings(
    max_examples=examples(200, 2 * 2 * FEW * len(PEOPLE)),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases(FEW), cases(FEW))
def test_who_can_and_who_gains_and_loses(servers: tuple[Server, Server], first: Case, second: Case) -> None:
    server, asked = servers[0], (*first.asked, *second.asked)
    before, could = _asked(server, first, asked)
    after, can = _asked(server, second, asked)
    changes = {one.principal: one for one in deltas("real", before, after, AT)}
    for request in asked:
        for entry in PEOPLE:
            then, now = (entry.principal, request) in could, (entry.principal, request) in can
            change = changes.get(entry.principal)
            gains, loses = (change is not None and change.about(request, way) for way in ("gain", "lose"))
            _TALLY.add("gained" if now and not then else "lost" if then and not now else "the same before and after")
            # A part of a gain may have been allowed before by several rules together; what is denied is in none.
            assert gains if now and not then else now or not gains, (entry, request, change)
            assert loses if then and not now else then or not loses, (entry, request, change)


def _asked(server: Server, case: Case, asked: tuple[Request, ...]) -> tuple[Judge, set[tuple[str, Request]]]:
    """Fill the server with a state, and return it, and who can do what there, as it says itself."""
    state = server.fill(case.renamed(f"-{next(_COUNT)}").state)
    judge = Judge(World(PEOPLE, rbac=_with(state, server.others)))
    can = {
        (entry.principal, request)
        for request in asked
        for entry in PEOPLE
        if server.allowed(with_authenticated(User(entry.username, entry.groups)), request)
    }
    for request in asked:
        able = {chain.somebody.principal for chain in judge.who_can(request)} - {""}
        assert able == {entry.principal for entry in PEOPLE if (entry.principal, request) in can}, request
        _TALLY.add("answers of who-can", len(PEOPLE))
    return judge, can


def _write(servers: tuple[Server, Server], state: RbacState, writer: User, item: Role | Binding) -> None:
    """Who may give what: tried for real, as a dry run."""
    items: list[Role | Binding] = [*state.roles, *state.bindings]
    there = {(one.kind, one.namespace, one.name): one for one in items}
    old = there.get((item.kind, item.namespace, item.name))
    if problems(item) or (isinstance(item, Binding) and isinstance(old, Binding) and old.role_ref != item.role_ref):
        return
    expected = _expected(_with(state, servers[0].others), with_authenticated(writer), item, old)
    _TALLY.add(f"writes answered {expected}")
    answers = [server.write(writer, item, update=old is not None) for server in servers]
    (code, _), _ = answers
    assert _unordered(answers[0]) == _unordered(answers[1]), (item, old)
    assert (200 if code == 201 else code) == expected, (item, old, answers)


def _unordered(answer: tuple[int, str]) -> tuple[int, str, list[str]]:
    """An answer with the bindings that lead nowhere, which upstream finds in no order, sorted."""
    code, message = answer
    text, _, errors = message.partition("; resolution errors: ")
    return code, text, sorted(errors.strip("[]").split(", "))


def _expected(state: RbacState, person: User, item: Role | Binding, old: Role | Binding | None) -> int:
    authorizer = Authorizer(state)
    if isinstance(item, Role):
        return 403 if may_write_role(authorizer, person, item, old=old if isinstance(old, Role) else None) else 200
    roles = {(one.kind, one.namespace, one.name): one for one in state.roles}
    try:
        return 403 if may_write_binding(authorizer, person, item, roles) else 200
    except MissingRoleError:
        return 404


def _with(state: RbacState, others: RbacState) -> RbacState:
    return RbacState((*state.roles, *others.roles), (*state.bindings, *others.bindings))
