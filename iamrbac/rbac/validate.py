"""What the API server refuses to store, in its own words: field, kind of error, detail.

Source: Kubernetes' pkg/apis/rbac/validation and apimachinery's label validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from iamrbac.rbac.objects import Binding, Requirement, Role, Rule, Selector, Subject
from iamrbac.rbac.wire import API_GROUP, binding_from_json, role_from_json

_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def problems(item: Role | Binding) -> tuple[str, ...]:
    """Return one line for everything that the API server would refuse in `item`; () when it would be stored."""
    return tuple(_role(item) if isinstance(item, Role) else _binding(item))


def manifest_problems(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the problems of a manifest of one of the four kinds, with those that only its JSON can show.

    These are API groups and an aggregationRule without selectors. Raises ValueError when a field has the wrong type.
    """
    if manifest.get("kind") in ("Role", "ClusterRole"):
        return (*_empty_aggregation(manifest), *problems(role_from_json(manifest)))
    binding = binding_from_json(manifest)
    return (*_groups(manifest), *problems(binding))


def rule_problems(rule: Rule, where: str, *, namespaced: bool) -> Iterator[str]:
    """Yield what the API server would refuse in one rule of a Role (`namespaced`) or ClusterRole, at field `where`."""
    if not rule.verbs:
        yield f"{where}.verbs: Required value: verbs must contain at least one value"
    if rule.non_resource_urls:
        if namespaced:
            yield f"{where}.nonResourceURLs: Invalid value: namespaced rules cannot apply to non-resource URLs"
        if rule.api_groups or rule.resources or rule.resource_names:
            yield (
                f"{where}.nonResourceURLs: Invalid value: "
                "rules cannot apply to both regular resources and non-resource URLs"
            )
        return
    if not rule.api_groups:
        yield f"{where}.apiGroups: Required value: resource rules must supply at least one api group"
    if not rule.resources:
        yield f"{where}.resources: Required value: resource rules must supply at least one resource"


def _role(role: Role) -> Iterator[str]:
    namespaced = role.kind == "Role"
    yield from _metadata(role.namespace, role.name, namespaced)
    for index, rule in enumerate(role.rules):
        yield from rule_problems(rule, f"rules[{index}]", namespaced=namespaced)
    if namespaced and role.aggregation:
        yield "aggregationRule: Forbidden: only a ClusterRole may have an aggregationRule"
    for index, selector in enumerate(role.aggregation):
        yield from _selector(selector, f"aggregationRule.clusterRoleSelectors[{index}]")


def _binding(binding: Binding) -> Iterator[str]:
    namespaced = binding.kind == "RoleBinding"
    yield from _metadata(binding.namespace, binding.name, namespaced)
    kinds = ("ClusterRole", "Role") if namespaced else ("ClusterRole",)
    if binding.role_ref.kind not in kinds:
        yield f"roleRef.kind: {_unsupported(binding.role_ref.kind, kinds)}"
    if not binding.role_ref.name:
        yield "roleRef.name: Required value"
    else:
        yield from (f"roleRef.name: {fault}" for fault in _segment(binding.role_ref.name))
    for index, subject in enumerate(binding.subjects):
        yield from _subject(subject, f"subjects[{index}]", namespaced)


def _subject(subject: Subject, where: str, namespaced: bool) -> Iterator[str]:
    if not subject.name:
        yield f"{where}.name: Required value"
    if subject.kind == "ServiceAccount":
        if subject.name and (len(subject.name) > 253 or not _DNS_NAME.fullmatch(subject.name)):
            yield f'{where}.name: Invalid value: "{subject.name}": must be a DNS subdomain of at most 253 characters'
        if not namespaced and not subject.namespace:
            yield f"{where}.namespace: Required value"
    elif subject.kind not in ("User", "Group"):
        yield f"{where}.kind: {_unsupported(subject.kind, ('ServiceAccount', 'User', 'Group'))}"


def _metadata(namespace: str | None, name: str, namespaced: bool) -> Iterator[str]:
    if not name:
        yield "metadata.name: Required value: name or generateName is required"
    yield from (f"metadata.name: {fault}" for fault in _segment(name))
    if namespaced and not namespace:
        yield "metadata.namespace: Required value"
    if not namespaced and namespace:
        yield "metadata.namespace: Forbidden: not allowed on this type"


def _segment(name: str) -> Iterator[str]:
    """A name is one segment of a URL's path; colons, blanks and upper case are allowed."""
    if name in (".", ".."):
        yield f"Invalid value: \"{name}\": may not be '{name}'"
    for character in "/%":
        if character in name:
            yield f"Invalid value: \"{name}\": may not contain '{character}'"


def _selector(selector: Selector, where: str) -> Iterator[str]:
    for key, value in selector.match_labels:
        yield from _label_key(key, f"{where}.matchLabels")
        yield from _label_value(value, f"{where}.matchLabels")
    for index, term in enumerate(selector.match_expressions):
        yield from _requirement(term, f"{where}.matchExpressions[{index}]")


def _requirement(term: Requirement, where: str) -> Iterator[str]:
    yield from _label_key(term.key, f"{where}.key")
    if term.operator in ("In", "NotIn"):
        if not term.values:
            yield f"{where}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
    elif term.operator in ("Exists", "DoesNotExist"):
        if term.values:
            yield f"{where}.values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
    else:
        yield f'{where}.operator: Invalid value: "{term.operator}": not a valid selector operator'
    for index, value in enumerate(term.values):
        yield from _label_value(value, f"{where}.values[{index}]")


def _label_key(key: str, where: str) -> Iterator[str]:
    prefix, slash, name = key.rpartition("/")
    named = len(name) <= 63 and _LABEL_NAME.fullmatch(name)
    prefixed = not slash or (len(prefix) <= 253 and _DNS_NAME.fullmatch(prefix))
    if not (named and prefixed):
        yield f'{where}: Invalid value: "{key}": a label key is an optional DNS prefix, a slash and up to 63 characters'


def _label_value(value: str, where: str) -> Iterator[str]:
    if len(value) > 63 or not _LABEL_VALUE.fullmatch(value):
        yield f'{where}: Invalid value: "{value}": a label value is up to 63 letters, digits, dashes, dots, underscores'


def _empty_aggregation(manifest: Mapping[str, Any]) -> Iterator[str]:
    rule = manifest.get("aggregationRule")
    if manifest["kind"] == "ClusterRole" and isinstance(rule, Mapping) and not rule.get("clusterRoleSelectors"):
        yield (
            "aggregationRule.clusterRoleSelectors: Required value: "
            "at least one clusterRoleSelector required if aggregationRule is non-nil"
        )


def _groups(manifest: Mapping[str, Any]) -> Iterator[str]:
    """An apiGroup that is left out is defaulted, so only a wrong one is refused."""
    group = manifest["roleRef"].get("apiGroup") or API_GROUP
    if group != API_GROUP:
        yield f"roleRef.apiGroup: {_unsupported(group, (API_GROUP,))}"
    for index, subject in enumerate(manifest.get("subjects") or ()):
        expected = "" if subject.get("kind") == "ServiceAccount" else API_GROUP
        group = subject.get("apiGroup") or expected
        if group != expected and subject.get("kind") in ("ServiceAccount", "User", "Group"):
            yield f"subjects[{index}].apiGroup: {_unsupported(group, (expected,))}"


def _unsupported(value: str, supported: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{one}"' for one in supported)
    return f'Unsupported value: "{value}": supported values: {listed}'
