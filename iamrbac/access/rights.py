"""What somebody may do on one cluster, right by right: rules in a place, who gives them, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from iamrbac.access.eks_policies import matches_star
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.world import policy_name, shown_role
from iamrbac.model.origin import Origin
from iamrbac.rbac.escalation import EVERYTHING
from iamrbac.rbac.objects import Binding, Role, Rule, User
from iamrbac.rbac.subjects import AUTHENTICATED, MASTERS, SubjectKey, keys_of, subject_key, with_authenticated


@dataclass(frozen=True, slots=True)
class Right:
    """Rules that somebody has in a place by one binding or access policy."""

    namespace: str
    """"" is the whole cluster; a pattern where an access policy has one."""
    rules: tuple[Rule, ...] | None
    """None is "unknown", not "nothing": AWS does not document what the access policy gives."""
    role: str
    """As a policy calls it."""
    group: str = ""
    """The Kubernetes group that carries it; system:authenticated for what everybody has who logs in."""
    origins: tuple[Origin, ...] = ()
    """The policy lines that give it."""
    ends: datetime | None = None
    """When it ends by itself."""

    def reaches(self, namespace: str) -> bool:
        """Say whether it counts in a namespace, "" for what is in none."""
        return not self.namespace or matches_star(self.namespace, namespace)


def rights(judge: Judge, somebody: Somebody) -> tuple[Right, ...]:
    """Return all that somebody has, also what everybody has who logs in."""
    user = with_authenticated(somebody.user)
    masters = (Right("", EVERYTHING, MASTERS, MASTERS),) if MASTERS in user.groups else ()
    names = frozenset(keys_of(user))
    bound = (_bound(judge, user, names, *pair) for pair in judge.authorizer.bindings_of(user))
    return (*masters, *(right for right in bound if right.rules), *_associated(judge, somebody))


def _bound(judge: Judge, user: User, names: frozenset[SubjectKey], binding: Binding, role: Role | None) -> Right:
    found = {subject_key(subject, binding.namespace) for subject in binding.subjects} & names
    groups = [group for group in dict.fromkeys(user.groups) if SubjectKey("Group", group) in found]
    return Right(
        binding.namespace or "",
        _rules(role, binding),
        shown_role(judge.world, binding),
        groups[0] if groups else "",
        judge.origins(binding),
        # What one carries for good does not end with the other.
        _ends(judge, groups) if len(groups) == len(found) else None,
    )


def _rules(role: Role | None, binding: Binding) -> tuple[Rule, ...]:
    """Return what a role gives by a binding: no URL is in a namespace."""
    rules = role.rules if role is not None else ()
    if binding.namespace is None or not any(rule.non_resource_urls for rule in rules):
        return rules
    return tuple(rule for rule in rules if not rule.non_resource_urls)


def _ends(judge: Judge, groups: list[str]) -> datetime | None:
    ends = [judge.world.ends.get(group) for group in groups]
    known = [one for one in ends if one is not None]
    return max(known) if known and len(known) == len(ends) else None


def _associated(judge: Judge, somebody: Somebody) -> Iterator[Right]:
    for association in judge.associations(somebody):
        rules, role = judge.policy_rules(association), f"eksAccessPolicy {policy_name(association.policy)}"
        for namespace in ("",) if association.scope == "cluster" else association.namespaces:
            given = judge.world.given.get((association, namespace), ())
            for one in given:
                yield Right(namespace, rules, role, one.group, one.origins, judge.world.ends.get(one.group))
            if not given:
                yield Right(namespace, rules, role)


def common(found: tuple[Right, ...]) -> tuple[Right, ...]:
    """Return what of somebody's rights everybody has in the whole cluster who logs in: discovery, reviews of oneself."""
    return tuple(right for right in found if right.group == AUTHENTICATED and not right.namespace)
