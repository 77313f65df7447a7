"""What the policies give on one cluster, as `iamrbac whoami` names it, with the rules behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iamrbac.access.eks_policies import matches_star
from iamrbac.access.judge import Judge
from iamrbac.access.world import ObjectId, shown_role
from iamrbac.compile.names import team_of
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Request, Rule


@dataclass(frozen=True, slots=True)
class SetGrant:
    """A role that a set has in a namespace ("" for the whole cluster)."""

    group: str
    """The set's Kubernetes group, iamrbac:INSTANCE:TEAM:SET."""
    namespace: str
    """An access policy's may be a pattern: dev-*."""
    role: str
    """As the policy calls it: `developer`, `clusterRole view`, `eksAccessPolicy AmazonEKSViewPolicy`."""
    rules: tuple[Rule, ...] | None
    """None: not known from here. The ClusterRole is the cluster's own, or AWS does not document the access policy."""
    origins: tuple[Origin, ...] = ()
    binding: ObjectId | None = None
    """None for an access policy."""

    def allows(self, request: Request) -> Rule | None:
        """Return the rule that allows a request, one without names where there is one."""
        if self.namespace and not (
            self.namespace == request.namespace
            if self.binding is not None
            else bool(request.namespace) and matches_star(self.namespace, request.namespace)
        ):
            return None
        found = [rule for rule in self.rules or () if allows(rule, request)]
        return min(found, key=lambda rule: bool(rule.resource_names), default=None)


def grants_of(judge: Judge) -> tuple[SetGrant, ...]:
    """Return every grant of every set, by set, namespace and role."""
    found = {*_bound(judge), *_policies(judge)}
    return tuple(sorted(found, key=lambda one: (one.group, one.namespace, one.role, one.origins, one.binding or ())))


def _bound(judge: Judge) -> Iterator[SetGrant]:
    for binding in judge.world.rbac.bindings:
        origins = judge.origins(binding)
        role = judge.authorizer.role_of(binding)
        key = (binding.kind, binding.namespace, binding.name)
        for subject in binding.subjects if origins else ():
            if subject.kind == "Group" and team_of(subject.name):
                rules = role.rules if role is not None else None
                shown = shown_role(judge.world, binding)
                yield SetGrant(subject.name, binding.namespace or "", shown, rules, origins, key)


def _policies(judge: Judge) -> Iterator[SetGrant]:
    for group, given in judge.world.policies.items():
        for one in given:
            rules = judge.policy_rules(PolicyAssociation("", one.policy, "cluster", ()))
            for namespace in one.namespaces or ("",):
                yield SetGrant(group, namespace, f"eksAccessPolicy {one.policy}", rules, one.origins)
