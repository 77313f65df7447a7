"""What the guard says of grants above the caller's own rights (GRD005), and what the API server does with them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from iamrbac.access.world import World
from iamrbac.compile.desired import Desired, Key
from iamrbac.mapping.objects import AccessEntry
from iamrbac.plan.change import Action, Change, ClusterPlan
from iamrbac.plan.escalation import escalations
from iamrbac.plan.observed import ClusterState, Meta, Observed
from iamrbac.rbac.objects import Binding, RbacState, Role, User
from iamrbac.rbac.validate import problems
from tests.conformance.conftest import Target
from tests.conformance.http import Client
from tests.e2e.servers import Server
from tests.e2e.states import WRITERS, Case, cases
from tests.e2e.tally import Tally, examples
from tests.plan import builders as b

WRITES = 4
_COUNT = itertools.count(1)
_TALLY = Tally("Grants above the caller's rights, the guard and a real API server, no difference")


@pytest.fixture(scope="module")
def server(real_target: Target) -> Iterator[Server]:
    """The real one."""
    client = Client(real_target.url, real_target.ca_pem, real_target.tokens["admin"], patient=True)
    yield Server(client)
    client.close()
    _TALLY.tell()


@settings(
    max_examples=examples(150, WRITES),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases(1))
def test_the_guard_refuses_what_the_server_refuses_and_nothing_else(server: Server, case: Case) -> None:
    case = case.renamed(f"-above-{next(_COUNT)}")
    state = server.fill(case.state)
    caller = User(case.user.name, (*case.user.groups, WRITERS))
    everything = RbacState((*state.roles, *server.others.roles), (*state.bindings, *server.others.bindings))
    entry = AccessEntry(b.PAT, caller.name, caller.groups)
    for item in case.writes:
        change = _change(state, item)
        if change is None:
            continue
        plan = ClusterPlan(
            ClusterState(b.target(), frozenset(), (), None), "access-entries", (change,), (), (), 1, frozenset()
        )
        refused = bool(escalations(plan, World((entry,), rbac=everything), b.PAT))
        code, message = server.write(caller, item, update=change.action is Action.UPDATE)
        _TALLY.add("refused" if refused else "let through")
        # A role that a binding names and that is not there is a refusal too, of another code.
        assert refused == (code in (403, 404)), (caller, item, code, message)
        assert code in (200, 201, 403, 404), (item, code, message)


def _change(state: RbacState, item: Role | Binding) -> Change | None:
    """Return the write as a plan has it; None where no plan would write it: not valid, or another roleRef."""
    items: list[Role | Binding] = [*state.roles, *state.bindings]
    old = next((one for one in items if _id(one) == _id(item)), None)
    if problems(item):
        return None
    if isinstance(item, Binding) and isinstance(old, Binding) and old.role_ref != item.role_ref:
        return None
    key = Key("staging", item.kind, item.namespace or "", item.name)
    before = Observed(key, old, Meta()) if old is not None else None
    return Change(key, Action.CREATE if before is None else Action.UPDATE, before, Desired(key, item))


def _id(item: Role | Binding) -> tuple[str, str | None, str]:
    return item.kind, item.namespace, item.name
