"""Who may do what: RBAC over the live objects, then the webhook (EKS access policies)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from iamrbac.rbac.authorizer import Allowed, Authorizer
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, RoleKind, Rule, User
from iamrbac.rbac.subjects import MASTERS, SERVICE_ACCOUNT
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.kinds import BY_KIND, RBAC_GROUP
from iamrbac.sandbox.kube.status import StatusError, forbidden
from iamrbac.sandbox.kube.store import Store

Webhook: TypeAlias = Callable[[Caller, Request], bool]
_MOST_NAMESPACES: Final = 1000
"""Of how many namespaces an index is kept."""

RoleKey: TypeAlias = tuple[RoleKind, str | None, str]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed, why, and what was wrong on the way (bindings to roles that are not there)."""

    allowed: bool
    reason: str = ""
    problem: str = ""


class Access:
    """The authorizer chain of one cluster."""

    def __init__(self, store: Store, webhook: Webhook | None) -> None:
        self._store = store
        self._webhook = webhook
        self._cache: dict[str, tuple[tuple[int, ...], Authorizer, RbacState]] = {}

    @property
    def has_webhook(self) -> bool:
        """Whether another authorizer stands behind RBAC, whose rules nobody can list."""
        return self._webhook is not None

    def decide(self, caller: Caller, request: Request) -> Decision:
        """Ask RBAC, then the webhook."""
        if MASTERS in caller.user.groups:
            return Decision(True)
        authorizer = self.authorizer(request.namespace)
        allowed = authorizer.allowed_by(caller.user, request)
        if allowed is not None:
            return Decision(True, _because(allowed, caller.user))
        if self._webhook is not None and self._webhook(caller, request):
            return Decision(True, "allowed by an EKS access policy")
        return Decision(False, problem=_unresolved(authorizer, caller.user, request.namespace))

    def require(self, caller: Caller, request: Request) -> None:
        """Raise StatusError 403 unless the request is allowed."""
        decision = self.decide(caller, request)
        if not decision.allowed:
            raise refusal(caller.user, request, decision)

    def others(self, caller: Caller) -> Callable[[User, Request], bool] | None:
        """The rest of the chain after RBAC, for checks of `escalate` and `bind`."""
        webhook = self._webhook
        return None if webhook is None else lambda _, request: webhook(caller, request)

    def authorizer(self, namespace: str) -> Authorizer:
        """RBAC over cluster-wide objects and those of one namespace, indexed anew only when one of them changed."""
        return self._current(namespace)[1]

    def rules(self, caller: Caller, namespace: str) -> tuple[Rule, ...]:
        """All rules that RBAC gives a caller in a namespace."""
        return self.authorizer(namespace).rules(caller.user, namespace)

    def roles(self, namespace: str) -> Mapping[RoleKey, Role]:
        """The roles that a binding in that namespace ("" for cluster-wide) may refer to."""
        state = self._current(namespace)[2]
        return {(role.kind, role.namespace, role.name): role for role in state.roles}

    def _current(self, namespace: str) -> tuple[tuple[int, ...], Authorizer, RbacState]:
        version = self._version(namespace)
        cached = self._cache.get(namespace)
        if cached is not None and cached[0] == version:
            return cached
        with self._store.lock:
            version, state = self._version(namespace), self._state(namespace)
        if len(self._cache) >= _MOST_NAMESPACES:
            self._cache.clear()
        current = self._cache[namespace] = (version, Authorizer(state), state)
        return current

    def _version(self, namespace: str) -> tuple[int, ...]:
        changed = self._store.last_change
        return (
            changed("ClusterRole", ""),
            changed("ClusterRoleBinding", ""),
            changed("Role", namespace),
            changed("RoleBinding", namespace),
        )

    def _state(self, namespace: str) -> RbacState:
        store = self._store
        roles: list[Role] = [stored.role for stored in store.objects(BY_KIND["ClusterRole"], "")]
        bindings: list[Binding] = [stored.binding for stored in store.objects(BY_KIND["ClusterRoleBinding"], "")]
        if namespace:
            roles += [stored.role for stored in store.objects(BY_KIND["Role"], namespace)]
            bindings += [stored.binding for stored in store.objects(BY_KIND["RoleBinding"], namespace)]
        return RbacState(tuple(roles), tuple(bindings))


def refusal(user: User, request: Request, decision: Decision) -> StatusError:
    """403 in the words of the real server."""
    if request.path:
        why = f'User "{user.name}" cannot {request.verb} path "{request.path}"'
    else:
        resource = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
        where = f'in the namespace "{request.namespace}"' if request.namespace else "at the cluster scope"
        why = (
            f'User "{user.name}" cannot {request.verb} resource "{resource}" in API group "{request.api_group}" {where}'
        )
    if decision.problem:
        why += f": {decision.problem}"
    return forbidden(request.api_group, request.resource, request.name, why)


def _because(allowed: Allowed, user: User) -> str:
    binding, role = allowed.binding, allowed.role
    if binding is None or role is None:
        return ""
    name = f"{binding.name}/{binding.namespace}" if binding.namespace else binding.name
    return f'RBAC: allowed by {binding.kind} "{name}" of {role.kind} "{role.name}" to {_subject(binding, user)}'


def _subject(binding: Binding, user: User) -> str:
    for subject in binding.subjects:
        match subject.kind:
            case "User" if subject.name == user.name:
                return f'User "{subject.name}"'
            case "Group" if subject.name in user.groups:
                return f'Group "{subject.name}"'
            case "ServiceAccount":
                namespace = subject.namespace or binding.namespace
                if user.name == f"{SERVICE_ACCOUNT}{namespace}:{subject.name}":
                    return f'ServiceAccount "{subject.name}/{namespace}"'
    return f'User "{user.name}"'


def _unresolved(authorizer: Authorizer, user: User, namespace: str) -> str:
    kinds = {"Role": "role", "ClusterRole": "clusterrole"}
    refs = (binding.role_ref for binding, role in authorizer.bindings_of(user, namespace) if role is None)
    found = errors_text(f'{kinds.get(ref.kind, ref.kind)}.{RBAC_GROUP} "{ref.name}" not found' for ref in refs)
    return found and f"RBAC: {found}"


def errors_text(errors: Iterable[str]) -> str:
    """Several errors as apimachinery writes them: each once, one alone without brackets; "" for none."""
    texts = tuple(dict.fromkeys(errors))
    return f"[{', '.join(texts)}]" if len(texts) > 1 else "".join(texts)
