"""A change of access against what API servers answer before and after: every answer that changes is told, no other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iamrbac.rbac.objects import RbacState, User
from iamrbac.rbac.subjects import with_authenticated
from tests.access.explained import delta_of, unexplained
from tests.conformance.conftest import Target
from tests.conformance.http import Client
from tests.e2e.servers import Server
from tests.e2e.states import Case, cases
from tests.e2e.tally import Tally, examples

QUESTIONS = 10
_COUNT = itertools.count(1)
_TALLY = Tally("Changes of access on two servers, no difference")


@pytest.fixture(scope="module")
def servers(real_target: Target, embedded_target: Target) -> Iterator[tuple[Server, Server]]:
    """The real one and the embedded one."""
    clients = [
        Client(one.url, one.ca_pem, one.tokens["admin"], patient=one.real) for one in (real_target, embedded_target)
    ]
    yield Server(clients[0]), Server(clients[1])
    for client in clients:
        client.close()
    _TALLY.tell()


@settings(
    max_examples=examples(200, QUESTIONS),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases(QUESTIONS // 2), cases(QUESTIONS // 2), st.booleans())
def test_what_changes_is_what_the_servers_answer_otherwise(
    servers: tuple[Server, Server], one: Case, other: Case, part: bool
) -> None:
    """The second state is another one, or the first with half of its bindings."""
    if part:
        half = one.state.bindings[: len(one.state.bindings) // 2]
        other = replace(other, state=replace(one.state, bindings=half))
    before, after = (case.renamed(f"-d{next(_COUNT)}").state for case in (one, other))
    # In the groups of both, so that both states give something.
    user = with_authenticated(User(one.user.name, tuple(dict.fromkeys((*one.user.groups, *other.user.groups)))))
    asked = (*one.asked, *other.asked)
    for server in servers:
        had = server.fill(before)
        old = [server.allowed(user, request) for request in asked]
        has = server.fill(after)
        new = [server.allowed(user, request) for request in asked]
        change = delta_of(_with(had, server.others), _with(has, server.others), user)
        for request, *answers in zip(asked, old, new, strict=True):
            _TALLY.add("answers that changed" if answers[0] != answers[1] else "answers that stayed")
            assert unexplained(change, request, *answers) == "", (user, request, answers, change)


def _with(state: RbacState, others: RbacState) -> RbacState:
    return RbacState((*state.roles, *others.roles), (*state.bindings, *others.bindings))
