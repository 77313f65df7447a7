"""Desired objects as Kubernetes manifests, in YAML text or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.compile.desired import ClusterDesired, Desired, Namespace, Principals
from iamrbac.compile.manifest import manifest_json
from iamrbac.gitops.files import KUBERNETES
from iamrbac.gitops.yaml_text import scalar, yaml_text
from iamrbac.model.documents import API_VERSION
from iamrbac.rbac import wire
from iamrbac.rbac.objects import NO_LABELS, Binding, Role, Rule

__all__ = ["KUBERNETES", "Manifests", "principals_json"]


class Manifests:
    """Writes manifests; rules, labels and annotations that many objects share are written once.

    Shared means the same object in memory, which compile sees to: comparing rules would cost more than it saves.
    """

    def __init__(self) -> None:
        self._rules: dict[int, tuple[tuple[Rule, ...], str]] = {}
        self._maps: dict[tuple[str, int], tuple[Mapping[str, str], str]] = {}

    def text(self, item: Desired, annotations: Mapping[str, str] = NO_LABELS) -> str:
        """Return the object's YAML, ended by a newline. Raises TypeError for what is not a Kubernetes object."""
        spec = item.spec
        if isinstance(spec, Role) and not spec.aggregation:
            return f"{self._head(item, wire.API_VERSION, annotations)}{self._rules_text(spec.rules)}"
        if isinstance(spec, Binding):
            return f"{self._head(item, wire.API_VERSION, annotations)}{_binding_text(spec)}"
        if isinstance(spec, Namespace):
            return self._head(item, "v1", annotations)
        manifest = manifest_json(item)
        if annotations:
            manifest["metadata"]["annotations"] = dict(sorted(annotations.items()))
        return yaml_text(manifest)

    def _head(self, item: Desired, api_version: str, annotations: Mapping[str, str]) -> str:
        key = item.key
        namespace = f"  namespace: {scalar(key.namespace)}\n" if key.namespace else ""
        return (
            f"apiVersion: {api_version}\nkind: {key.kind}\nmetadata:\n  name: {scalar(key.name)}\n"
            f"{namespace}{self._map_text('labels', item.labels)}{self._map_text('annotations', annotations)}"
        )

    def _map_text(self, key: str, texts: Mapping[str, str]) -> str:
        known = self._maps.get((key, id(texts)))
        if known is None:
            # The mapping is kept, so that its id stays its own.
            # Thousands of objects have labels of their own: two lines here are half the time that yaml_text would take.
            lines = "".join(f"    {scalar(name)}: {scalar(value)}\n" for name, value in sorted(texts.items()))
            text = f"  {key}:\n{lines}" if texts else ""
            known = self._maps[key, id(texts)] = (texts, text)
        return known[1]

    def _rules_text(self, rules: tuple[Rule, ...]) -> str:
        known = self._rules.get(id(rules))
        if known is None:
            text = yaml_text({"rules": [wire.rule_to_json(rule) for rule in rules]})
            known = self._rules[id(rules)] = (rules, text)
        return known[1]


def principals_json(desired: ClusterDesired) -> dict[str, Any]:
    """Return who carries which group on a cluster, neutral of mapping; no Kubernetes object."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Principals",
        "metadata": {"name": desired.cluster},
        "groups": [_group_json(group) for group in desired.principals],
    }


def _group_json(group: Principals) -> dict[str, Any]:
    value: dict[str, Any] = {"name": group.group, "members": list(group.members)}
    if group.policies:
        value["eksAccessPolicies"] = [
            {"name": grant.policy, "scope": "cluster"}
            if grant.namespaces is None
            else {"name": grant.policy, "scope": "namespace", "namespaces": list(grant.namespaces)}
            for grant in group.policies
        ]
    return value


def _binding_text(binding: Binding) -> str:
    ref = binding.role_ref
    subjects = "".join(
        f"- apiGroup: {wire.API_GROUP}\n  kind: {scalar(subject.kind)}\n  name: {scalar(subject.name)}\n"
        if subject.kind != "ServiceAccount"
        else f"- kind: ServiceAccount\n  name: {scalar(subject.name)}\n  namespace: {scalar(subject.namespace or '')}\n"
        for subject in binding.subjects
    )
    return f"roleRef:\n  apiGroup: {wire.API_GROUP}\n  kind: {ref.kind}\n  name: {scalar(ref.name)}\n" + (
        f"subjects:\n{subjects}" if subjects else "subjects: []\n"
    )
