"""RBAC objects between the API's JSON (rbac.authorization.k8s.io/v1) and values.

Reading takes what the API server sends and is strict about shapes: a wrong type is a ValueError with the field's path.
What a well-shaped object may say is judged in `validate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from iamrbac.rbac.objects import (
    NO_LABELS,
    Binding,
    BindingKind,
    Requirement,
    Role,
    RoleKind,
    RoleRef,
    Rule,
    Selector,
    Subject,
)

API_GROUP = "rbac.authorization.k8s.io"
API_VERSION = f"{API_GROUP}/v1"

Json = Mapping[str, Any]
T = TypeVar("T")


def rule_from_json(value: Json, where: str = "rule") -> Rule:
    """Read one PolicyRule; an absent or null list is empty. Raises ValueError naming `where` and the field."""
    _mapping(value, where)
    return Rule(
        verbs=_strings(value, "verbs", where),
        api_groups=_strings(value, "apiGroups", where),
        resources=_strings(value, "resources", where),
        resource_names=_strings(value, "resourceNames", where),
        non_resource_urls=_strings(value, "nonResourceURLs", where),
    )


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """Write one PolicyRule; empty lists are left out, except verbs."""
    parts = {
        "apiGroups": rule.api_groups,
        "resources": rule.resources,
        "resourceNames": rule.resource_names,
        "nonResourceURLs": rule.non_resource_urls,
    }
    return {**{key: list(values) for key, values in parts.items() if values}, "verbs": list(rule.verbs)}


def role_from_json(value: Json) -> Role:
    """Read a Role or a ClusterRole. Raises ValueError when it is neither or a field has the wrong type."""
    kind = _kind(value, "Role", "ClusterRole")
    namespace, name, labels = _metadata(value)
    rules = tuple(rule_from_json(rule, f"rules[{i}]") for i, rule in enumerate(_items(value, "rules", "")))
    gathers = _optional(value.get("aggregationRule"), "aggregationRule") if kind == "ClusterRole" else {}
    selectors = _items(gathers, "clusterRoleSelectors", "aggregationRule.")
    aggregation = tuple(
        _selector(item, f"aggregationRule.clusterRoleSelectors[{i}]") for i, item in enumerate(selectors)
    )
    return Role(cast(RoleKind, kind), namespace, name, rules, aggregation, labels)


def role_to_json(role: Role) -> dict[str, Any]:
    """Write a full manifest. An aggregated role has no `rules` in it: the API server's controller owns them."""
    manifest = _manifest(role.kind, role.namespace, role.name, role.labels)
    if role.aggregation:
        manifest["aggregationRule"] = {"clusterRoleSelectors": [_selector_to_json(one) for one in role.aggregation]}
    else:
        manifest["rules"] = [rule_to_json(rule) for rule in role.rules]
    return manifest


def binding_from_json(value: Json) -> Binding:
    """Read a RoleBinding or a ClusterRoleBinding. Raises ValueError as `role_from_json` does."""
    kind = _kind(value, "RoleBinding", "ClusterRoleBinding")
    namespace, name, labels = _metadata(value)
    ref = _mapping(value.get("roleRef"), "roleRef")
    role_ref = RoleRef(cast(RoleKind, _string(ref, "kind", "roleRef")), _string(ref, "name", "roleRef"))
    subjects = tuple(_subject(item, f"subjects[{i}]") for i, item in enumerate(_items(value, "subjects", "")))
    return Binding(cast(BindingKind, kind), namespace, name, role_ref, subjects, labels)


def binding_to_json(binding: Binding) -> dict[str, Any]:
    """Write a full manifest, with every apiGroup written out (an omitted one is defaulted, which is a GitOps diff)."""
    return {
        **_manifest(binding.kind, binding.namespace, binding.name, binding.labels),
        "roleRef": {"apiGroup": API_GROUP, "kind": binding.role_ref.kind, "name": binding.role_ref.name},
        "subjects": [_subject_to_json(subject) for subject in binding.subjects],
    }


def _manifest(kind: str, namespace: str | None, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(sorted(labels.items()))
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata}


def _subject_to_json(subject: Subject) -> dict[str, Any]:
    value: dict[str, Any] = {} if subject.kind == "ServiceAccount" else {"apiGroup": API_GROUP}
    value |= {"kind": subject.kind, "name": subject.name}
    return value if subject.namespace is None else {**value, "namespace": subject.namespace}


def _selector_to_json(selector: Selector) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if selector.match_labels:
        value["matchLabels"] = dict(selector.match_labels)
    if selector.match_expressions:
        value["matchExpressions"] = [
            {"key": term.key, "operator": term.operator, **({"values": list(term.values)} if term.values else {})}
            for term in selector.match_expressions
        ]
    return value


def _selector(value: object, where: str) -> Selector:
    selector = _mapping(value, where)
    labels = _string_map(selector.get("matchLabels"), f"{where}.matchLabels")
    terms = [
        _requirement(item, f"{where}.matchExpressions[{i}]")
        for i, item in enumerate(_items(selector, "matchExpressions", f"{where}."))
    ]
    return Selector(tuple(sorted(labels.items())), tuple(terms))


def _requirement(value: object, where: str) -> Requirement:
    term = _mapping(value, where)
    operator = _string(term, "operator", where)
    # An operator that the API does not know stays as it is, for `validate` to name.
    return Requirement(_string(term, "key", where), cast(Any, operator), _strings(term, "values", where))


def _subject(value: object, where: str) -> Subject:
    subject = _mapping(value, where)
    namespace = _string(subject, "namespace", where) or None
    return Subject(_string(subject, "kind", where), _string(subject, "name", where), namespace)


def _metadata(value: Json) -> tuple[str | None, str, Mapping[str, str]]:
    metadata = _optional(value.get("metadata"), "metadata")
    labels = _string_map(metadata.get("labels"), "metadata.labels")
    return (
        _string(metadata, "namespace", "metadata") or None,
        _string(metadata, "name", "metadata"),
        labels or NO_LABELS,
    )


def _kind(value: Json, *kinds: str) -> str:
    kind = _mapping(value, "object").get("kind")
    if kind not in kinds:
        raise ValueError(f"kind: expected {' or '.join(kinds)}, found {kind!r}")
    return str(kind)


def _mapping(value: object, where: str) -> Json:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: expected an object, found {_type(value)}")
    return value


def _optional(value: object, where: str) -> Json:
    return {} if value is None else _mapping(value, where)


def _items(value: Json, key: str, prefix: str) -> Iterable[Any]:
    items = value.get(key)
    if items is None:
        return ()
    if not isinstance(items, list | tuple):
        raise ValueError(f"{prefix}{key}: expected a list, found {_type(items)}")
    return items


def _strings(value: Json, key: str, where: str) -> tuple[str, ...]:
    items = tuple(_items(value, key, f"{where}."))
    for index, item in enumerate(items):
        if not isinstance(item, str):
            raise ValueError(f"{where}.{key}[{index}]: expected a string, found {_type(item)}")
    return items


def _string(value: Json, key: str, where: str) -> str:
    text = value.get(key)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ValueError(f"{where}.{key}: expected a string, found {_type(text)}")
    return text


def _string_map(value: object, where: str) -> dict[str, str]:
    items = _optional(value, where)
    for key, text in items.items():
        if not isinstance(text, str):
            raise ValueError(f"{where}.{key}: expected a string, found {_type(text)}")
    return dict(items)


def _type(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
