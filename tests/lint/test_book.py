"""Rights in a place: what is judged does not depend on what was judged before, and more of them are never milder."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.findings.finding import Level
from iamrbac.lint.book import Book, Said
from iamrbac.lint.grants import Places, says_readonly
from iamrbac.lint.matter import Rules, Scope, Where
from iamrbac.model.gates import PRIVILEGED
from iamrbac.rbac.objects import Role, Rule
from iamrbac.roles.builtin import builtin
from tests.rbac.strategies import rule_lists

CERTIFICATES = "certificates.k8s.io"
_VERBS = ("create", "get", "list", "patch", "update", "delete", "bind", "escalate", "impersonate", "approve", "*")
_GROUPS = ("", "rbac.authorization.k8s.io", "apps", CERTIFICATES, "admissionregistration.k8s.io", "*")
_RESOURCES = (
    *("pods", "pods/exec", "secrets", "serviceaccounts", "serviceaccounts/token", "users", "groups", "nodes/proxy"),
    *("roles", "clusterroles", "rolebindings", "clusterrolebindings", "deployments", "configmaps", "namespaces"),
    *("nodes", "persistentvolumes", "certificatesigningrequests", "certificatesigningrequests/approval", "signers"),
    *("mutatingwebhookconfigurations", "services", "events", "*"),
)


def _some(values: tuple[str, ...], least: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=3, unique=True).map(tuple)


RULE = st.builds(
    Rule,
    _some(_VERBS),
    _some(_GROUPS),
    _some(_RESOURCES),
    _some(("web", "edit", "aws-auth", "cluster-admin", "system:masters", "kubernetes.io/*"), 0),
)
RULES = st.lists(RULE, min_size=1, max_size=4).map(tuple)
WHERE = st.builds(Where, st.sampled_from(Scope), st.sampled_from(("", "kube-system", "default")), st.booleans()).filter(
    lambda where: (where.namespace != "kube-system") or where.scope is Scope.PRIVILEGED
)
_WEIGHT = {Level.INFO: 1, Level.WARNING: 2, Level.ERROR: 3}


def book() -> Book:
    return Book(builtin().rbac.roles, builtin().catalogue)


def weight(said: Iterable[Said]) -> int:
    return max((_WEIGHT[one.level] for one in said), default=0)


@given(RULES, RULE, WHERE)
def test_more_rights_are_never_milder(rules: Rules, more: Rule, where: Where) -> None:
    assert weight(book().rights(rules, where)) <= weight(book().rights((*rules, more), where))


@given(RULES, st.lists(st.tuples(RULES, WHERE), max_size=4), WHERE)
def test_what_was_judged_before_does_not_matter(rules: Rules, before: list[tuple[Rules, Where]], where: Where) -> None:
    used = book()
    for other, place in before:
        used.rights(other, place)
        used.together((other,), (rules,), place)
    assert used.rights(rules, where) == book().rights(rules, where)


@given(rule_lists, WHERE)
def test_any_rules_are_judged(rules: Iterable[Rule], where: Where) -> None:
    one = book()
    given_ = tuple(rules)
    one.rights(given_, where)
    one.words(given_, where)
    one.place(given_, where)


@given(RULES, WHERE)
def test_rights_by_two_roles_weigh_what_they_weigh_by_one(rules: Rules, where: Where) -> None:
    if where.scope is not Scope.CLUSTER or len(rules) < 2 or where.readonly:
        return
    one = book()
    halves = (rules[:1], rules[1:])
    apart = {said.rule.id for half in halves for said in one.rights(half, where)}
    together = {said.rule.id for said in one.together(halves, (), where)}
    # What only the whole gives is found in the parts together, unless something says more.
    combined = {said.rule.id for said in one.rights(rules, where) if getattr(said.rule.check, "together", False)}
    assert combined <= apart | together


def test_roles_that_bind_each_other() -> None:
    def bind(name: str) -> Rule:
        return Rule(("bind",), ("rbac.authorization.k8s.io",), ("clusterroles",), (name,))

    secrets = Rule(("list",), ("",), ("secrets",))
    one, other, harmless = (bind("other"), secrets), (bind("one"),), (bind("harmless"),)
    rules = {"one": one, "other": other, "harmless": harmless}
    roles = (*builtin().rbac.roles, *(Role("ClusterRole", None, name, given) for name, given in rules.items()))
    for order in ((one, other, harmless), (harmless, other, one)):
        book_ = Book(roles, builtin().catalogue)
        said = {order_: {found.rule.id for found in book_.rights(order_, Where(Scope.CLUSTER))} for order_ in order}
        assert "IAM020" in said[one]
        assert said[other] == {"IAM008"}
        assert said[harmless] == set()


@pytest.mark.parametrize(
    ("role", "reads"),
    [
        ("viewer", True),
        ("clusterRole view", True),
        ("read-only", True),
        ("eksAccessPolicy AmazonEKSAdminViewPolicy", True),
        ("ClusterRole log-reader", True),
        ("developer", False),
        ("reviewer", False),
        ("spreader", False),
    ],
)
def test_a_name_that_says_it_reads(role: str, reads: bool) -> None:
    assert says_readonly(role) is reads


@pytest.mark.parametrize(
    ("namespace", "where"),
    [
        ("", Where(Scope.CLUSTER)),
        ("kube-system", Where(Scope.PRIVILEGED, "kube-system")),
        ("kube-public", Where(Scope.PRIVILEGED)),
        ("argocd", Where(Scope.PRIVILEGED)),
        ("default", Where(Scope.NAMESPACE, "default")),
        ("payments", Where(Scope.NAMESPACE)),
    ],
)
def test_where(namespace: str, where: Where) -> None:
    assert Places(PRIVILEGED).where(namespace, "developer") == where
