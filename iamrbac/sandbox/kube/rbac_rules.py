"""Validation of the four RBAC kinds as the API server does it (rbac-semantics 5.5), with its messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from iamrbac.sandbox.kube.kinds import RBAC_GROUP, Kind
from iamrbac.sandbox.kube.names import label_value_faults, name_faults, qualified_name_faults
from iamrbac.sandbox.kube.status import Cause, forbidden_value, invalid_value, required_value, unsupported_value
from iamrbac.sandbox.kube.values import Json

_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")


def rbac_causes(kind: Kind, obj: Json) -> Iterator[Cause]:
    """Everything wrong with a Role, ClusterRole, RoleBinding or ClusterRoleBinding."""
    if "roleRef" in obj:
        yield from _role_ref(obj["roleRef"], ("Role", "ClusterRole") if kind.namespaced else ("ClusterRole",))
        for index, subject in enumerate(obj.get("subjects", ())):
            yield from _subject(subject, kind.namespaced, f"subjects[{index}]")
        return
    for index, rule in enumerate(obj.get("rules") or ()):
        yield from _rule(rule, kind.namespaced, f"rules[{index}]")
    if "aggregationRule" in obj:
        yield from _aggregation(obj["aggregationRule"])


def rbac_update_causes(obj: Json, old: Json) -> Iterator[Cause]:
    """What an update may not change."""
    if obj.get("roleRef") != old.get("roleRef"):
        yield invalid_value("roleRef", obj["roleRef"], "cannot change roleRef")


def _rule(rule: Json, namespaced: bool, path: str) -> Iterator[Cause]:
    if not rule.get("verbs"):
        yield required_value(f"{path}.verbs", "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            why = "namespaced rules cannot apply to non-resource URLs"
            yield invalid_value(f"{path}.nonResourceURLs", urls, why)
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            yield invalid_value(f"{path}.nonResourceURLs", urls, why)
        return
    if not rule.get("apiGroups"):
        yield required_value(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield required_value(f"{path}.resources", "resource rules must supply at least one resource")


def _aggregation(rule: Json) -> Iterator[Cause]:
    path = "aggregationRule.clusterRoleSelectors"
    selectors = rule.get("clusterRoleSelectors")
    if not selectors:
        yield required_value(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for index, selector in enumerate(selectors or ()):
        yield from _selector(selector, f"{path}[{index}]")


def _selector(selector: Json, path: str) -> Iterator[Cause]:
    for key, value in selector.get("matchLabels", {}).items():
        yield from (invalid_value(f"{path}.matchLabels", key, why) for why in qualified_name_faults(key))
        yield from (invalid_value(f"{path}.matchLabels", value, why) for why in label_value_faults(value))
    for index, term in enumerate(selector.get("matchExpressions", ())):
        yield from _term(term, f"{path}.matchExpressions[{index}]")


def _term(term: Json, path: str) -> Iterator[Cause]:
    operator, values = term.get("operator"), term.get("values")
    if operator in ("In", "NotIn") and not values:
        yield required_value(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and values:
        yield forbidden_value(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif operator not in _OPERATORS:
        yield invalid_value(f"{path}.operator", operator, "not a valid selector operator")
    yield from (
        invalid_value(f"{path}.key", term.get("key"), why) for why in qualified_name_faults(term.get("key", ""))
    )


def _role_ref(ref: Json, kinds: tuple[str, ...]) -> Iterator[Cause]:
    if ref.get("apiGroup") != RBAC_GROUP:
        yield unsupported_value("roleRef.apiGroup", ref.get("apiGroup", ""), (RBAC_GROUP,))
    if ref.get("kind") not in kinds:
        yield unsupported_value("roleRef.kind", ref.get("kind", ""), kinds)
    name = ref.get("name", "")
    if not name:
        yield required_value("roleRef.name")
    yield from (invalid_value("roleRef.name", name, why) for why in name_faults(name, "path"))


def _subject(subject: Json, namespaced: bool, path: str) -> Iterator[Cause]:
    name, group = subject.get("name", ""), subject.get("apiGroup", "")
    if not name:
        yield required_value(f"{path}.name")
    match subject.get("kind"):
        case "ServiceAccount":
            faults = name_faults(name, "subdomain") if name else ()
            yield from (invalid_value(f"{path}.name", name, why) for why in faults)
            if group:
                yield unsupported_value(f"{path}.apiGroup", group, ("",))
            if not namespaced and not subject.get("namespace"):
                yield required_value(f"{path}.namespace")
        case "User" | "Group" as kind:
            if not name:
                yield invalid_value(f"{path}.name", name, f"{kind.lower()} name cannot be empty")
            if group != RBAC_GROUP:
                yield unsupported_value(f"{path}.apiGroup", group, (RBAC_GROUP,))
        case other:
            yield _unknown_kind(other, path)


def _unknown_kind(kind: Any, path: str) -> Cause:
    return unsupported_value(f"{path}.kind", kind or "", ("ServiceAccount", "User", "Group"))
