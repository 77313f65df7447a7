"""From a cluster as the policies mean it, or from manifests, to grants: which role somebody has in which place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from iamrbac.access.judge import Judge
from iamrbac.access.world import ObjectId, shown_role
from iamrbac.lint.matter import DEFAULT, KUBE_SYSTEM, Grant, Scope, Sourced, Spot, Where
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.model.selection import matches
from iamrbac.rbac.objects import Binding, Role
from iamrbac.rbac.subjects import SERVICE_ACCOUNT, SubjectKey, subject_key

_WORDS = re.compile(r"[A-Z]?[a-z]+")
_READS = frozenset({"view", "viewer", "read", "reader", "readonly", "audit", "auditor"})


class Places:
    """Says what kind of place a namespace is."""

    def __init__(self, privileged: Sequence[str]) -> None:
        self._privileged = tuple(privileged)
        self._known: dict[tuple[str, str], Where] = {}

    def where(self, namespace: str, role: str) -> Where:
        """Return the place of a role in a namespace, "" being the whole cluster."""
        key = (namespace, role)
        if key not in self._known:
            named = namespace if namespace in (KUBE_SYSTEM, DEFAULT) else ""
            self._known[key] = Where(self._scope(namespace), named, says_readonly(role))
        return self._known[key]

    def _scope(self, namespace: str) -> Scope:
        if not namespace:
            return Scope.CLUSTER
        privileged = any(matches(pattern, namespace) for pattern in self._privileged)
        return Scope.PRIVILEGED if privileged else Scope.NAMESPACE


def says_readonly(role: str) -> bool:
    """Say whether a role's name says that it only reads: viewer, read-only, AmazonEKSAdminViewPolicy."""
    return not _READS.isdisjoint(word.lower() for word in _WORDS.findall(role))


def policy_grants(cluster: str, judge: Judge, places: Places) -> Iterator[Grant]:
    """Yield everything that the policies give on a cluster."""
    world = judge.world
    rendered = {name for _, _, name in world.display}
    teams: dict[str, str] = {}
    spots: dict[tuple[Origin, ...], tuple[Spot, ...]] = {}
    for binding in world.rbac.bindings:
        origins = judge.origins(binding)
        if not origins:
            continue
        role, shown = judge.authorizer.role_of(binding), shown_role(world, binding)
        namespace, group = binding.namespace or "", binding.subjects[0].name
        yield Grant(
            cluster,
            namespace,
            places.where(namespace, shown),
            shown,
            role.rules if role is not None else None,
            spots.get(origins) or spots.setdefault(origins, _spots(origins)),
            (SubjectKey("Group", group),),
            teams.get(group) or teams.setdefault(group, _team(group)),
            binding.role_ref.name in rendered,
            binding,
        )
    for group, policies in world.policies.items():
        for policy in policies:
            shown = f"eksAccessPolicy {policy.policy}"
            rules = judge.policy_rules(PolicyAssociation("", policy.policy, "cluster"))
            for namespace in policy.namespaces or ("",):
                where = places.where(namespace, shown)
                given = _spots(policy.origins)
                holder = (SubjectKey("Group", group),)
                yield Grant(cluster, namespace, where, shown, rules, given, holder, _team(group), policy=policy.policy)


def manifest_grants(sourced: Sequence[Sourced], judge: Judge, places: Places) -> Iterator[Grant]:
    """Yield what bindings of some manifests give, and each role of theirs that none of them binds."""
    roles: dict[ObjectId, Sourced] = {_id(one.item): one for one in sourced if isinstance(one.item, Role)}
    bound: set[ObjectId] = set()
    for one in sourced:
        binding = one.item
        if not isinstance(binding, Binding):
            continue
        ref = binding.role_ref
        given: ObjectId = (ref.kind, binding.namespace if ref.kind == "Role" else None, ref.name)
        bound.add(given)
        role, namespace = judge.authorizer.role_of(binding), binding.namespace or ""
        shown = shown_role(judge.world, binding)
        subjects = (subject_key(subject, binding.namespace) for subject in binding.subjects)
        yield Grant(
            "",
            namespace,
            places.where(namespace, shown),
            shown,
            role.rules if role is not None else None,
            (one.spot,),
            tuple(dict.fromkeys(key for key in subjects if key is not None)),
            own=given in roles,
            binding=binding,
            object=called(binding),
        )
    for role_id, one in roles.items():
        if isinstance(one.item, Role) and role_id not in bound and not one.item.aggregation:
            namespace, shown = one.item.namespace or "", f"{one.item.kind} {one.item.name}"
            where = places.where(namespace, shown)
            yield Grant("", namespace, where, shown, one.item.rules, (one.spot,), (), own=True, object=called(one.item))


def _id(item: Role | Binding) -> ObjectId:
    return item.kind, item.namespace, item.name


def called(item: Role | Binding) -> str:
    """Return what a manifest is called: RoleBinding payments/ci."""
    return f"{item.kind} {item.namespace}/{item.name}" if item.namespace else f"{item.kind} {item.name}"


def holder_text(key: SubjectKey) -> str:
    """Return who holds something, in words."""
    if key.name.startswith(SERVICE_ACCOUNT) and key.kind == "User":
        return f"ServiceAccount {key.name.removeprefix(SERVICE_ACCOUNT).replace(':', '/')}"
    return f"{key.kind} {key.name}"


def _team(group: str) -> str:
    """Return the team of a set's Kubernetes group, iamrbac:INSTANCE:TEAM:SET."""
    return group.split(":")[2]


def _spots(origins: Iterable[Origin]) -> tuple[Spot, ...]:
    return tuple(Spot(origin.file, (*origin.path, "role")) for origin in origins)
