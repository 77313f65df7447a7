"""Nobody may give what they do not have: the API server's check when a role or a binding is written.

Source: Kubernetes' pkg/registry/rbac (policybased storage of roles and bindings, escalation_check.go).

Deleting needs no such check. The exception for writes that only touch ownerReferences and finalizers is the caller's
to make, since these values do not hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.covers import uncovered
from iamrbac.rbac.objects import Binding, Request, Role, RoleKind, Rule, User
from iamrbac.rbac.subjects import MASTERS

RBAC_GROUP = "rbac.authorization.k8s.io"
EVERYTHING = (Rule(("*",), ("*",), ("*",)), Rule(("*",), non_resource_urls=("*",)))
"""What writing an aggregationRule needs, since it can gather anything."""

RoleKey: TypeAlias = tuple[RoleKind, str | None, str]
Ask: TypeAlias = Callable[[User, Request], bool]
"""Another authorizer of the chain, such as EKS's access policies."""

_RESOURCES: Mapping[str, str] = {"Role": "roles", "ClusterRole": "clusterroles"}


class MissingRoleError(LookupError):
    """A binding refers to a role that is not there, and the writer has no `bind` on it: the API answers 404."""


def may_write_role(
    authorizer: Authorizer, user: User, role: Role, *, old: Role | None = None, others: Ask | None = None
) -> tuple[Rule, ...]:
    """Return the rules that `user` would need and lacks to write `role`; () means that the write is allowed.

    `old` is the stored role for an update and None for a create, where a grant of `escalate` by name does not help.
    `others` is the rest of the authorizer chain: it may grant `escalate`, but only RBAC rules count as held.
    """
    escalate = Request(
        verb="escalate",
        api_group=RBAC_GROUP,
        resource=_RESOURCES[role.kind],
        name=role.name if old is not None else "",
        namespace=role.namespace or "",
    )
    if MASTERS in user.groups or _may(authorizer, user, escalate, others):
        return ()
    aggregated = role.aggregation or (old is not None and old.aggregation)
    needed = (*role.rules, *EVERYTHING) if aggregated else role.rules
    return uncovered(authorizer.rules(user, role.namespace or ""), needed)


def may_write_binding(
    authorizer: Authorizer,
    user: User,
    binding: Binding,
    roles: Mapping[RoleKey, Role],
    *,
    others: Ask | None = None,
) -> tuple[Rule, ...]:
    """Return the rules that `user` would need and lacks to create or change `binding`; () means allowed.

    Any change counts, even of subjects only. `others` as in `may_write_role`.
    Raises MissingRoleError when the role is not in `roles` and only its rules could decide.
    """
    ref = binding.role_ref
    bind = Request(
        verb="bind",
        api_group=RBAC_GROUP,
        resource=_RESOURCES.get(ref.kind, ""),
        name=ref.name,
        namespace=binding.namespace or "",
    )
    if MASTERS in user.groups or _may(authorizer, user, bind, others):
        return ()
    role = roles.get((ref.kind, binding.namespace if ref.kind == "Role" else None, ref.name))
    if role is None:
        raise MissingRoleError(f'{_RESOURCES.get(ref.kind, ref.kind)}.{RBAC_GROUP} "{ref.name}" not found')
    return uncovered(authorizer.rules(user, binding.namespace or ""), role.rules)


def _may(authorizer: Authorizer, user: User, request: Request, others: Ask | None) -> bool:
    return authorizer.allowed_by(user, request) is not None or (others is not None and others(user, request))
