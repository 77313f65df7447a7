from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from iamrbac.rbac.objects import Binding, Requirement, Role, RoleRef, Rule, Selector, Subject
from iamrbac.rbac.validate import manifest_problems, problems
from iamrbac.rbac.wire import role_to_json
from tests.rbac.strategies import rule_lists
from tests.rbac.test_wire import AGGREGATED, BINDING, ROLE

GOOD = Rule(("get",), ("",), ("pods",))


def role(*rules: Rule, name: str = "r", namespace: str | None = "blue") -> Role:
    return Role("Role" if namespace else "ClusterRole", namespace, name, rules)


def cluster_role(*selectors: Selector) -> Role:
    return Role("ClusterRole", None, "r", (), selectors)


LOCAL = RoleRef("Role", "r")


def binding(*subjects: Subject, ref: RoleRef = LOCAL, namespace: str | None = "blue") -> Binding:
    return Binding("RoleBinding" if namespace else "ClusterRoleBinding", namespace, "b", ref, subjects)


CASES: list[tuple[Role | Binding, tuple[str, ...]]] = [
    (role(GOOD), ()),
    (role(), ()),
    (role(GOOD, name="Team:A b"), ()),
    (role(Rule((), ("",), ("pods",))), ("rules[0].verbs: Required value: verbs must contain at least one value",)),
    (
        role(GOOD, Rule(("get",))),
        (
            "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
            "rules[1].resources: Required value: resource rules must supply at least one resource",
        ),
    ),
    (
        role(Rule(("get",), non_resource_urls=("/x",))),
        ("rules[0].nonResourceURLs: Invalid value: namespaced rules cannot apply to non-resource URLs",),
    ),
    (role(Rule(("get",), non_resource_urls=("/x",)), namespace=None), ()),
    (
        role(Rule(("get",), (), ("pods",), (), ("/x",)), namespace=None),
        (
            "rules[0].nonResourceURLs: Invalid value: "
            "rules cannot apply to both regular resources and non-resource URLs",
        ),
    ),
    (role(name=""), ("metadata.name: Required value: name or generateName is required",)),
    (role(name=".."), ("metadata.name: Invalid value: \"..\": may not be '..'",)),
    (
        role(name="a/b%c"),
        (
            "metadata.name: Invalid value: \"a/b%c\": may not contain '/'",
            "metadata.name: Invalid value: \"a/b%c\": may not contain '%'",
        ),
    ),
    (Role("Role", None, "r", ()), ("metadata.namespace: Required value",)),
    (Role("ClusterRole", "blue", "r", ()), ("metadata.namespace: Forbidden: not allowed on this type",)),
    (
        Role("Role", "blue", "r", (), (Selector(),)),
        ("aggregationRule: Forbidden: only a ClusterRole may have an aggregationRule",),
    ),
    (cluster_role(Selector((("example.com/to", "view"),), (Requirement("k", "In", ("a",)),))), ()),
    (
        cluster_role(Selector((("a b", "c d"),))),
        (
            'aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value: "a b": '
            "a label key is an optional DNS prefix, a slash and up to 63 characters",
            'aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value: "c d": '
            "a label value is up to 63 letters, digits, dashes, dots, underscores",
        ),
    ),
    (
        cluster_role(Selector((), (Requirement("k", "In"), Requirement("k", "Exists", ("a",))))),
        (
            "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values: Required value: "
            "must be specified when `operator` is 'In' or 'NotIn'",
            "aggregationRule.clusterRoleSelectors[0].matchExpressions[1].values: Forbidden: "
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
    ),
    (binding(), ()),
    (binding(Subject("User", "any name/at all"), Subject("Group", "g"), Subject("ServiceAccount", "bot")), ()),
    (binding(ref=RoleRef("ClusterRole", "system:view")), ()),
    (
        binding(ref=RoleRef("Role", ""), namespace=None),
        (
            'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
            "roleRef.name: Required value",
        ),
    ),
    (binding(ref=RoleRef("Role", "a/b")), ("roleRef.name: Invalid value: \"a/b\": may not contain '/'",)),
    (
        binding(Subject("User", ""), Subject("Robot", "x"), Subject("ServiceAccount", "Bot", "blue")),
        (
            "subjects[0].name: Required value",
            'subjects[1].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
            'subjects[2].name: Invalid value: "Bot": must be a DNS subdomain of at most 253 characters',
        ),
    ),
    (
        binding(Subject("ServiceAccount", "bot"), ref=RoleRef("ClusterRole", "r"), namespace=None),
        ("subjects[0].namespace: Required value",),
    ),
]


@pytest.mark.parametrize(("item", "expected"), CASES)
def test_problems(item: Role | Binding, expected: tuple[str, ...]) -> None:
    assert problems(item) == expected


def changed(manifest: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**manifest, **parts}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (ROLE, ()),
        (BINDING, ()),
        (AGGREGATED, ()),
        (changed(BINDING, roleRef={"kind": "ClusterRole", "name": "view"}), ()),
        (
            changed(AGGREGATED, aggregationRule={}),
            (
                "aggregationRule.clusterRoleSelectors: Required value: "
                "at least one clusterRoleSelector required if aggregationRule is non-nil",
            ),
        ),
        (
            changed(
                BINDING,
                roleRef={"apiGroup": "v1", "kind": "ClusterRole", "name": "view"},
                subjects=[
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "ServiceAccount", "name": "x", "namespace": "y"},
                    {"apiGroup": "iam", "kind": "User", "name": "x"},
                    {"kind": "Group", "name": "x"},
                ],
            ),
            (
                'roleRef.apiGroup: Unsupported value: "v1": supported values: "rbac.authorization.k8s.io"',
                'subjects[0].apiGroup: Unsupported value: "rbac.authorization.k8s.io": supported values: ""',
                'subjects[1].apiGroup: Unsupported value: "iam": supported values: "rbac.authorization.k8s.io"',
            ),
        ),
    ],
)
def test_manifest_problems(manifest: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert manifest_problems(manifest) == expected


@pytest.mark.parametrize("manifest", [{"kind": "Pod"}, {"kind": "Role", "rules": "x"}, {"kind": "RoleBinding"}])
def test_a_wrong_shape_is_a_value_error(manifest: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        manifest_problems(manifest)


@settings(max_examples=100, deadline=None)
@given(rule_lists)
def test_what_the_other_tests_use_is_valid(rules: tuple[Rule, ...]) -> None:
    item = role(*rules, namespace=None)
    assert problems(item) == ()
    assert manifest_problems(role_to_json(item)) == ()
