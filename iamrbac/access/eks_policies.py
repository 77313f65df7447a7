"""What the EKS access policies that AWS documents give, as rules.

Source: EKS user guide, "Review access policy permissions". View, Edit and Admin are Kubernetes' own view, edit and
admin less leases, evictions, service account tokens and dynamic resource allocation; nothing that a cluster aggregates
to these roles (custom resources) is in them. EKS judges access policies in a webhook of its own, in addition to RBAC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.rbac.aggregate import aggregate
from iamrbac.rbac.objects import Role, Rule

_READ = ("get", "list", "watch")
_FIXED: Mapping[str, tuple[Rule, ...]] = {
    "AmazonEKSClusterAdminPolicy": (Rule(("*",), ("*",), ("*",)), Rule(("*",), non_resource_urls=("*",))),
    "AmazonEKSAdminViewPolicy": (Rule(_READ, ("*",), ("*",)),),
    "AmazonEKSSecretReaderPolicy": (Rule(_READ, ("",), ("secrets",)),),
}
_LIKE_BUILTIN = {"AmazonEKSViewPolicy": "view", "AmazonEKSEditPolicy": "edit", "AmazonEKSAdminPolicy": "admin"}
_GROUPS = frozenset(
    {
        "",
        "apps",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "discovery.k8s.io",
        "extensions",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
    }
)
"""The API groups in the documented tables: not coordination.k8s.io (leases), not resource.k8s.io, no custom ones."""
_LEFT_OUT = frozenset({"pods/eviction", "serviceaccounts/token"})


def rules(policy_name: str, builtin: Mapping[str, Role]) -> tuple[Rule, ...] | None:
    """Return what an access policy gives in its scope, by its name (the end of its ARN).

    `builtin` holds Kubernetes' default ClusterRoles by name, filled or with the roles that they aggregate.
    None is "unknown", not "nothing": AWS does not document the policy's rules, or `builtin` lacks the role they follow.
    """
    fixed = _FIXED.get(policy_name)
    if fixed is not None:
        return fixed
    role = builtin.get(_LIKE_BUILTIN.get(policy_name, ""))
    if role is None:
        return None
    return tuple(kept for rule in _filled(role, builtin) if (kept := _documented(rule)) is not None)


def reaches(association: PolicyAssociation, namespace: str) -> bool:
    """Return whether an association's scope has a namespace ("" is the cluster scope) in it."""
    if association.scope == "cluster":
        return True
    return bool(namespace) and any(matches_star(pattern, namespace) for pattern in association.namespaces)


def matches_star(pattern: str, namespace: str) -> bool:
    """Return whether a namespace of an association means this one: only the star means anything (dev-*)."""
    return pattern == namespace or (
        "*" in pattern and bool(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), namespace))
    )


def _filled(role: Role, builtin: Mapping[str, Role]) -> tuple[Rule, ...]:
    if role.rules or not role.aggregation:
        return role.rules
    return next(one.rules for one in aggregate(builtin.values()) if one.name == role.name)


def _documented(rule: Rule) -> Rule | None:
    groups = tuple(group for group in rule.api_groups if group in _GROUPS)
    resources = tuple(resource for resource in rule.resources if resource not in _LEFT_OUT)
    return replace(rule, api_groups=groups, resources=resources) if groups and resources else None
