"""What holds of dangers whatever anybody is given."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.access.escalation import PATH, dangers, leads_on
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.world import World
from iamrbac.rbac.objects import RbacState, Rule, Subject
from tests.access.test_escalation import ADMISSION, ANN, CERTIFICATES, RBAC, bound

_VERBS = ("create", "get", "list", "patch", "update", "bind", "escalate", "impersonate", "approve", "*")
_GROUPS = ("", RBAC, "apps", CERTIFICATES, ADMISSION, "*")
_RESOURCES = (
    *("pods", "pods/exec", "secrets", "serviceaccounts", "serviceaccounts/token", "users", "groups", "nodes/proxy"),
    *("roles", "clusterroles", "rolebindings", "clusterrolebindings", "deployments", "configmaps", "namespaces"),
    *("persistentvolumes", "certificatesigningrequests", "certificatesigningrequests/approval", "signers", "*"),
)


def _some(values: tuple[str, ...], least: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=4, unique=True).map(tuple)


_RULES = st.builds(
    Rule,
    _some(_VERBS),
    _some(_GROUPS),
    _some(_RESOURCES),
    _some(("web", "edit", "aws-auth", "cluster-admin", "system:masters", "kubernetes.io/*"), 0),
)
_GRANTS = st.tuples(
    st.sampled_from(("", "pay", "shop", "kube-system")),
    st.sampled_from(("ann", "system:serviceaccount:pay:web", "system:serviceaccount:shop:cart")),
    _RULES,
)


def _world(grants: list[tuple[str, str, Rule]]) -> Judge:
    """A cluster with nothing but these."""
    pairs = [bound(f"r{n}", Subject("User", user), where, one) for n, (where, user, one) in enumerate(grants)]
    return Judge(World(rbac=RbacState(tuple(role for role, _ in pairs), tuple(binding for _, binding in pairs))))


@given(st.lists(_GRANTS, max_size=5), _GRANTS)
def test_more_rights_never_mean_fewer_dangers(grants: list[Any], more: Any) -> None:
    before, after = (set(dangers(_world(some), Somebody("", ANN))) for some in (grants, [*grants, more]))
    assert before <= after


@given(st.lists(_GRANTS, max_size=5))
def test_whoever_holds_nothing_becomes_nobody(grants: list[Any]) -> None:
    assert dangers(_world([one for one in grants if one[1] != "ann"]), Somebody("", ANN)) == ()


@given(st.lists(_GRANTS, min_size=1, max_size=5), st.randoms())
def test_the_order_of_bindings_means_nothing(grants: list[Any], random: Any) -> None:
    shuffled = list(grants)
    random.shuffle(shuffled)
    assert dangers(_world(grants), Somebody("", ANN)) == dangers(_world(shuffled), Somebody("", ANN))


@given(st.lists(_GRANTS, max_size=5))
def test_where_nothing_leads_on_there_is_no_path(grants: list[Any]) -> None:
    scopes: dict[str, list[tuple[Rule, ...]]] = {}
    for where, who, one in grants:
        if who == "ann":
            scopes.setdefault(where, []).append((one,))
    judge = _world(grants)
    if not leads_on(judge, scopes):
        assert [one for one in dangers(judge, Somebody("", ANN)) if one.rule == PATH] == []
