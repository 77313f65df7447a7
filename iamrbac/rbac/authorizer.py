"""The RBAC authorizer over one cluster's objects, indexed: who is allowed what, and by which binding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, Rule, User
from iamrbac.rbac.subjects import MASTERS, SubjectKey, keys_of, subject_key

_CLUSTER = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Why a request is allowed: the binding, its role and the rule in it. All None for a member of system:masters."""

    binding: Binding | None
    role: Role | None
    rule: Rule | None


class Authorizer:
    """Answers like the API server's privileged-group and RBAC authorizers together
    (Kubernetes: pkg/registry/rbac/validation, DefaultRuleResolver).

    It takes rules as they are stored: for roles with an aggregationRule that no controller filled, hand in
    `aggregate(roles)`. It adds no groups: see `with_authenticated`.

    Building costs one pass over all objects; a question costs only what names its user in its namespace.
    """

    def __init__(self, state: RbacState) -> None:
        self._roles = {(role.kind, role.namespace, role.name): role for role in state.roles}
        self._bindings = state.bindings
        self._index: dict[SubjectKey, dict[str, list[int]]] = {}
        for position, binding in enumerate(state.bindings):
            for key in {subject_key(subject, binding.namespace) for subject in binding.subjects}:
                if key is not None:
                    scopes = self._index.setdefault(key, {})
                    scopes.setdefault(binding.namespace or _CLUSTER, []).append(position)

    def allowed_by(self, user: User, request: Request) -> Allowed | None:
        """Return the first chain that allows `request`, cluster-wide bindings first; None is "no opinion"."""
        if MASTERS in user.groups:
            return Allowed(None, None, None)
        for binding, role in self.bindings_of(user, request.namespace):
            for rule in role.rules if role is not None else ():
                if allows(rule, request):
                    return Allowed(binding, role, rule)
        return None

    def rules(self, user: User, namespace: str) -> tuple[Rule, ...]:
        """Return all rules that RBAC gives `user` in `namespace` ("" is the cluster scope), in order, each once.

        Membership of system:masters is not RBAC and adds nothing here.
        """
        pairs = self.bindings_of(user, namespace)
        return tuple(dict.fromkeys(rule for _, role in pairs if role is not None for rule in role.rules))

    def bindings_of(self, user: User, namespace: str | None = None) -> Iterator[tuple[Binding, Role | None]]:
        """Yield each binding that names `user` with its role (None where the roleRef leads nowhere).

        With a namespace: the ClusterRoleBindings and then the RoleBindings of that namespace, so for "" the
        ClusterRoleBindings only. Without one (None): the bindings of every namespace. In the order of the state.
        """
        for scope in self._scopes(user, namespace):
            for position in self._positions(user, scope):
                binding = self._bindings[position]
                yield binding, self.role_of(binding)

    def role_of(self, binding: Binding) -> Role | None:
        """Return the role that `binding` refers to; None where there is none.

        A Role is looked up in the binding's own namespace, so a ClusterRoleBinding never reaches one.
        """
        ref = binding.role_ref
        return self._roles.get((ref.kind, binding.namespace if ref.kind == "Role" else None, ref.name))

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each binding whose roleRef leads nowhere; it gives nothing, and the others still count."""
        return tuple(_unresolved(binding) for binding in self._bindings if self.role_of(binding) is None)

    def _scopes(self, user: User, namespace: str | None) -> tuple[str, ...]:
        if namespace is not None:
            return (_CLUSTER, namespace) if namespace else (_CLUSTER,)
        named = {scope for key in keys_of(user) for scope in self._index.get(key, {})}
        return tuple(sorted(named))

    def _positions(self, user: User, scope: str) -> list[int]:
        found = [self._index[key].get(scope, []) for key in keys_of(user) if key in self._index]
        found = [positions for positions in found if positions]
        if len(found) == 1:
            return found[0]
        return sorted({position for positions in found for position in positions})


def _unresolved(binding: Binding) -> str:
    ref = binding.role_ref
    name = f"{binding.namespace}/{binding.name}" if binding.namespace else binding.name
    place = f" in namespace {binding.namespace}" if ref.kind == "Role" and binding.namespace else ""
    return f"{binding.kind} {name} gives nothing: there is no {ref.kind} {ref.name}{place}"
