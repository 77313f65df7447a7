"""Lines together, places in words, and what is Kubernetes' own."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.waivers import Judged
from iamrbac.lint.merge import merged
from iamrbac.lint.rule import documents
from iamrbac.rbac.objects import Binding, RbacState, Role, RoleRef, Rule, Subject
from iamrbac.roles.builtin import builtin
from iamrbac.usecases.lint import lint_manifests
from tests.lint.examples import lint

POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    developers: [{iamGroup: payments-developers}]
    oncall: [{iamGroup: payments-oncall}]
  access:
    - {to: [developers], clusters: [production], namespaces: [payments], role: maker}
    - {to: [developers], clusters: [production], WHERE, role: reader-of-one, reason: it reads}
"""
MAKER = 'rules:\n  - {apiGroups: [""], resources: [secrets], verbs: [create]}\n'
READER = 'rules:\n  - {apiGroups: [""], resources: [secrets], verbs: [get]}\n'


def found(root: Path, policy: str) -> list[Finding]:
    """What lint says of a policy with two templates."""
    (root / "templates" / "roles").mkdir(parents=True)
    (root / "templates" / "roles" / "maker.yaml.j2").write_text(MAKER)
    (root / "templates" / "roles" / "reader-of-one.yaml.j2").write_text(READER)
    return list(lint(root, documents(policy)))


@pytest.mark.parametrize("where", ["namespaces: [payments]", "scope: cluster"])
def test_two_lines_of_one_set_give_what_neither_does(where: str, tmp_path: Path) -> None:
    mints = [one for one in found(tmp_path, POLICY.replace("WHERE", where)) if one.id == "IAM022"]
    assert [one.line for one in mints] == [9, 10]
    assert all(one.message.endswith("with other lines of access") for one in mints)


def test_lines_elsewhere_or_of_others_do_not_count(tmp_path: Path) -> None:
    policy = POLICY.replace("WHERE", "namespaces: [payments]")
    elsewhere = policy.replace("namespaces: [payments], role: maker", "namespaces: [search], role: maker")
    others = policy.replace("to: [developers]", "to: [oncall]", 1)
    for number, changed in enumerate((elsewhere, others)):
        assert changed != policy
        (tmp_path / str(number)).mkdir()
        assert [one for one in found(tmp_path / str(number), changed) if one.id == "IAM022"] == []


def judged(namespace: str, cluster: str, role: str = "developer") -> Judged:
    finding = Finding("IAM034", Level.WARNING, "may look", "do", "a.yaml", ("x",), cluster=cluster)
    return Judged("IAM034", finding, "payments", role, cluster, namespace)


@pytest.mark.parametrize(
    ("places", "message", "cluster"),
    [
        ([("a", "x")], "developer in a (x) may look", "x"),
        ([("b", "x"), ("a", "x")], "developer in a, b (x) may look", "x"),
        ([("a", "x"), ("a", "y")], "developer in a (x, y) may look", None),
        ([(name, "x") for name in "dcba"], "developer in a, b and 2 more (x) may look", "x"),
        ([("", "x")], "developer in the whole cluster (x) may look", "x"),
        ([("", "x"), ("a", "x")], "developer in the whole cluster and in a (x) may look", "x"),
        ([("a", "")], "developer in a may look", None),
    ],
)
def test_places_of_one_line_in_words(places: list[tuple[str, str]], message: str, cluster: str | None) -> None:
    (one,) = merged(judged(*place) for place in places)
    assert (one.message, one.cluster) == (message, cluster)


def test_what_differs_is_not_merged() -> None:
    assert len(merged([judged("a", "x"), judged("a", "x", "operator")])) == 2


def manifests(*items: Role | Binding) -> list[str]:
    own = builtin()
    placed = [(item, "m.yaml", line + 1) for line, item in enumerate(items)]
    return [f"{one.line} {one.id}" for one in lint_manifests(placed, (), own.rbac, own.catalogue).findings]


def test_kubernetes_own_is_passed_over_word_for_word_only() -> None:
    own: RbacState = builtin().rbac
    assert manifests(*own.roles, *own.bindings) == []
    admin = next(one for one in own.bindings if one.name == "cluster-admin")
    more = Binding(
        admin.kind, None, admin.name, admin.role_ref, (*admin.subjects, Subject("Group", "everybody")), admin.labels
    )
    assert "1 IAM001" in manifests(more)


def test_a_built_in_role_that_was_changed_is_judged_as_it_is() -> None:
    view = Role("ClusterRole", None, "view", (Rule(("get", "list", "watch"), ("",), ("secrets",)),))
    binding = Binding("RoleBinding", "payments", "b", RoleRef("ClusterRole", "view"), (Subject("Group", "staff"),))
    assert manifests(binding) == []
    assert "2 IAM043" in manifests(view, binding)


def test_a_misspelt_word_stands_at_the_role_and_once() -> None:
    role = Role("ClusterRole", None, "r", (Rule(("get",), ("",), ("pod", "nodes")),))
    bindings = [
        Binding("RoleBinding", place, "b", RoleRef("ClusterRole", "r"), (Subject("Group", "staff"),))
        for place in ("payments", "search")
    ]
    # What means nothing in a namespace depends on the binding.
    assert manifests(role, *bindings) == ["1 IAM093", "2 IAM090", "3 IAM090"]
