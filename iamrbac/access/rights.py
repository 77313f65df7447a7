"""What somebody may do on one cluster, right by right: rules in a place, who gives them, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from iamrbac.access.eks_policies import matches_star
from iamrbac.access.judge import Given, Judge, Somebody
from iamrbac.access.world import shown_role
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, Rule, User
from iamrbac.rbac.subjects import AUTHENTICATED, MASTERS, SubjectKey, keys_of, subject_key, with_authenticated


@dataclass(frozen=True, slots=True)
class Right:
    """Rules that somebody has in a place by one binding or access policy."""

    namespace: str
    """"" is the whole cluster; a pattern where an access policy has one."""
    rules: tuple[Rule, ...] | None
    """None is "unknown", not "nothing": AWS does not document the access policy, or only the cluster has the role."""
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
    return tuple(dict.fromkeys(_rights(judge, somebody)))


def common(found: tuple[Right, ...]) -> tuple[Right, ...]:
    """Return what of somebody's rights everybody has in the whole cluster who logs in: discovery, self reviews."""
    return tuple(right for right in found if right.group == AUTHENTICATED and not right.namespace)


def _rights(judge: Judge, somebody: Somebody) -> Iterator[Right]:
    user = with_authenticated(somebody.user)
    names = frozenset(keys_of(user))
    for given in judge.given(somebody):
        if given.policy:
            yield from _by_policy(judge, user, given)
        elif given.binding is None:
            yield Right("", given.rules, MASTERS, MASTERS)
        elif rules := _counting(given.rules or (), given.binding):
            yield _bound(judge, user, names, given.binding, rules)
    for binding, role in judge.authorizer.bindings_of(user):
        if role is None and binding.role_ref.kind == "ClusterRole":
            yield _bound(judge, user, names, binding, None)


def _bound(
    judge: Judge, user: User, names: frozenset[SubjectKey], binding: Binding, rules: tuple[Rule, ...] | None
) -> Right:
    found = {subject_key(subject, binding.namespace) for subject in binding.subjects} & names
    groups = [group for group in dict.fromkeys(user.groups) if SubjectKey("Group", group) in found]
    return Right(
        binding.namespace or "",
        rules,
        shown_role(judge.world, binding),
        groups[0] if groups else "",
        judge.origins(binding),
        # What one carries for good does not end with the other.
        _ends(judge, groups) if len(groups) == len(found) else None,
    )


def _counting(rules: tuple[Rule, ...], binding: Binding) -> tuple[Rule, ...]:
    """Return what rules give by a binding: no URL is in a namespace."""
    if binding.namespace is None or not any(rule.non_resource_urls for rule in rules):
        return rules
    return tuple(replace(rule, non_resource_urls=()) for rule in rules if rule.resources)


def _ends(judge: Judge, groups: list[str]) -> datetime | None:
    ends = [judge.world.ends.get(group) for group in groups]
    known = [one for one in ends if one is not None]
    return max(known) if known and len(known) == len(ends) else None


def _by_policy(judge: Judge, user: User, given: Given) -> Iterator[Right]:
    """Yield an access policy once for each set that gives it: one may end, and the other stay.

    What the association says counts: a set gives no more by it, and what no set gives is there nevertheless.
    """
    role = f"eksAccessPolicy {given.policy}"
    told = False
    for group in dict.fromkeys(user.groups):
        for grant in judge.world.policies.get(group, ()):
            if grant.policy != given.policy:
                continue
            for place in grant.namespaces or ("",):
                if not given.namespace or place in ("", given.namespace):
                    here = given.namespace or place
                    told = told or here == given.namespace
                    yield Right(here, given.rules, role, group, grant.origins, judge.world.ends.get(group))
    if not told:
        yield Right(given.namespace, given.rules, role)
