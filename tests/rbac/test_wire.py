from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from iamrbac.rbac.objects import Binding, RbacState, Requirement, Role, RoleRef, Rule, Selector, Subject
from iamrbac.rbac.wire import (
    binding_from_json,
    binding_to_json,
    role_from_json,
    role_to_json,
    rule_from_json,
    rule_to_json,
)
from tests.rbac.strategies import rules, states

ROLE: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "developer", "namespace": "payments", "labels": {"a": "1", "b": "2"}},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["db"], "verbs": ["get"]}],
}
BINDING: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "b"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "dev"},
        {"kind": "ServiceAccount", "name": "bot", "namespace": "ci"},
    ],
}
AGGREGATED: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "view"},
    "aggregationRule": {
        "clusterRoleSelectors": [
            {"matchLabels": {"to": "view"}},
            {
                "matchExpressions": [
                    {"key": "k", "operator": "In", "values": ["a", "b"]},
                    {"key": "k", "operator": "Exists"},
                ]
            },
        ]
    },
}


def test_a_role() -> None:
    role = Role("Role", "payments", "developer", (Rule(("get",), ("",), ("pods",), ("db",)),), (), {"b": "2", "a": "1"})
    assert role_from_json(ROLE) == role
    assert role_from_json(ROLE).labels == {"a": "1", "b": "2"}
    assert role_to_json(role) == ROLE
    assert list(role_to_json(role)["metadata"]["labels"]) == ["a", "b"]


def test_a_binding() -> None:
    subjects = (Subject("Group", "dev"), Subject("ServiceAccount", "bot", "ci"))
    binding = Binding("ClusterRoleBinding", None, "b", RoleRef("ClusterRole", "view"), subjects)
    assert binding_from_json(BINDING) == binding
    assert binding_to_json(binding) == BINDING


def test_an_aggregated_role_is_written_without_the_rules_that_the_controller_owns() -> None:
    terms = (Requirement("k", "In", ("a", "b")), Requirement("k", "Exists"))
    selectors = (Selector((("to", "view"),)), Selector((), terms))
    role = Role("ClusterRole", None, "view", (Rule(("get",), ("",), ("pods",)),), selectors)
    assert role_to_json(role) == AGGREGATED
    read = role_from_json({**AGGREGATED, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]})
    assert read == role


def test_a_url_rule() -> None:
    rule = Rule(("get",), non_resource_urls=("/healthz",))
    assert rule_to_json(rule) == {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}
    assert rule_from_json(rule_to_json(rule)) == rule


def test_what_is_absent_or_null_is_empty() -> None:
    assert rule_from_json({"verbs": None, "resources": None}) == Rule(())
    assert role_from_json({"kind": "ClusterRole", "metadata": {"name": "x"}, "rules": None}).rules == ()
    assert role_from_json({"kind": "ClusterRole", "metadata": {"name": "x"}, "aggregationRule": None}).aggregation == ()
    assert binding_from_json({**BINDING, "subjects": None}).subjects == ()


@settings(max_examples=200, deadline=None)
@given(rules)
def test_rules_survive_a_round_trip(rule: Rule) -> None:
    assert rule_from_json(rule_to_json(rule)) == rule


@settings(max_examples=100, deadline=None)
@given(states())
def test_objects_survive_a_round_trip(state: RbacState) -> None:
    for role in state.roles:
        assert role_from_json(role_to_json(role)) == role
    for binding in state.bindings:
        assert binding_from_json(binding_to_json(binding)) == binding


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"kind": "Pod"}, "kind: expected Role or ClusterRole, found 'Pod'"),
        ({**ROLE, "rules": {}}, "rules: expected a list, found an object"),
        ({**ROLE, "rules": ["x"]}, "rules[0]: expected an object, found a string"),
        ({**ROLE, "rules": [{"verbs": "get"}]}, "rules[0].verbs: expected a list, found a string"),
        ({**ROLE, "rules": [{"verbs": ["get", 5]}]}, "rules[0].verbs[1]: expected a string, found a number"),
        ({**ROLE, "rules": [{"verbs": [True]}]}, "rules[0].verbs[0]: expected a string, found a boolean"),
        ({**ROLE, "metadata": []}, "metadata: expected an object, found a list"),
        ({**ROLE, "metadata": {"name": 5}}, "metadata.name: expected a string, found a number"),
        ({**ROLE, "metadata": {"labels": {"a": None}}}, "metadata.labels.a: expected a string, found null"),
        (
            {"kind": "ClusterRole", "aggregationRule": {"clusterRoleSelectors": [[]]}},
            "aggregationRule.clusterRoleSelectors[0]: expected an object, found a list",
        ),
    ],
)
def test_wrong_types_are_named(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        role_from_json(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({**BINDING, "kind": "Role"}, "kind: expected RoleBinding or ClusterRoleBinding, found 'Role'"),
        ({**BINDING, "roleRef": None}, "roleRef: expected an object, found null"),
        ({**BINDING, "subjects": [5]}, "subjects[0]: expected an object, found a number"),
        ({**BINDING, "subjects": [{"kind": []}]}, "subjects[0].kind: expected a string, found a list"),
    ],
)
def test_wrong_types_of_bindings_are_named(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        binding_from_json(value)
    assert str(caught.value) == message
