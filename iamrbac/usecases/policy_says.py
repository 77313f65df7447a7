"""What the policies say of somebody on a cluster: what they give, what comes nearest, whose it is, what ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.nearest import Miss, nearest
from iamrbac.access.world import World, shown_role
from iamrbac.compile.check.owners import Owners
from iamrbac.compile.documents import Documents
from iamrbac.compile.iam import roles_on
from iamrbac.compile.sets import access_sets
from iamrbac.diagnosis.facts import Ended, Held, Line, Owner, Says
from iamrbac.identity.members import principal_key
from iamrbac.identity.snapshot import IamName
from iamrbac.identity.suspended import Suspended
from iamrbac.identity.wanted import over
from iamrbac.model.arn import Arn, canonical
from iamrbac.model.documents import Cluster, Config, IamRole, IamUser, Member, TemporaryGrant
from iamrbac.model.origin import Origin
from iamrbac.model.selection import selects
from iamrbac.rbac.objects import RbacState, Request, User
from iamrbac.usecases.granted import granted
from iamrbac.usecases.ports import Roles
from iamrbac.usecases.worlds import policy_worlds

Near: TypeAlias = tuple[str, tuple[Line, ...]]
"""Words, and the policy lines."""


@dataclass(frozen=True, slots=True)
class PolicySide:
    """The policies and all that is needed to ask them."""

    documents: Documents
    """Those that `check` found no error in."""
    roles: Roles
    builtin: RbacState
    at: datetime

    def says(self, cluster: Cluster, caller: str, user: User | None, asked: Request | None) -> Says:
        """Return what they say of a caller (an ARN), who is `user` on the cluster; None: nobody."""
        config = self.documents.config.document
        external = cluster.mapping == "external"
        allowed, near = (None, ()) if asked is None or user is None else self._judged(cluster, caller, user, asked)
        return Says(
            held=self._held(cluster, user),
            allowed=allowed,
            near=near,
            owner=self.owner(asked.namespace if asked is not None else "", user),
            ended=tuple(self._ended(cluster, caller)),
            suspended=_is_suspended(config.suspended, caller),
            roles=() if external else roles_on(config, access_sets(self.documents, self.at), cluster),
            expected=None if external else self._expected(cluster, caller),
            entries_wanted=cluster.mapping == "access-entries",
        )

    def owner(self, namespace: str, user: User | None) -> Owner | None:
        """Return whose a namespace is: by the config's rules, else the only team that the user is of."""
        config = self.documents.config.document
        rule = Owners(config.namespaces, config.home.namespace).of_name(namespace) if namespace else None
        if rule is not None:
            return Owner(rule.owner, self._people(rule.owner))
        prefix = f"iamrbac:{config.metadata.name}:"
        groups = user.groups if user is not None else ()
        teams = {group.split(":")[2] for group in groups if group.startswith(prefix) and group.count(":") > 2}
        return Owner(team, self._people(team)) if len(teams) == 1 and (team := teams.pop()) else None

    def _people(self, team: str) -> tuple[str, ...]:
        found = (one.document for one in self.documents.policies if one.document.metadata.name == team)
        return next((policy.spec.owners for policy in found), ())

    def _held(self, cluster: Cluster, user: User | None) -> tuple[Held, ...]:
        if user is None:
            return ()
        found = granted(self.documents, {cluster.name: user.groups}, self.at, self.roles.render)[cluster.name]
        return tuple(Held(one.role, one.namespace, one.origins) for one in found or ())

    def _judged(
        self, cluster: Cluster, caller: str, user: User, asked: Request
    ) -> tuple[bool | None, tuple[Near, ...]]:
        """Return whether the policies allow it to the user's groups, and what comes nearest of them."""
        worlds = policy_worlds(self.documents, (cluster,), self.builtin, self.roles.render, self.at)
        world = worlds.clusters.get(cluster.name)
        if worlds.failed or world is None:
            return None, ()
        judge, somebody = Judge(world, self.builtin.roles), Somebody(caller, user)
        if any(judge.chains(somebody, asked)):
            return True, ()
        # What AWS's own access policies hold hangs on principals there, not on groups.
        open_ = any(group in world.policies for group in user.groups)
        misses = (miss for miss in nearest(judge, somebody, asked) if miss.binding is not None and miss.origins)
        return None if open_ else False, tuple(_near(miss, world) for miss in misses)

    def _ended(self, cluster: Cluster, caller: str) -> Iterator[Ended]:
        me, config = _key(caller), self.documents.config.document
        for sourced in sorted(self.documents.grants, key=lambda one: one.file):
            grant: TemporaryGrant = sourced.document
            lines = [line for line in grant.spec.access if selects(line.clusters, cluster)]
            if not lines or not over(grant, self.at):
                continue
            whole = any(line.namespaces is None for line in lines)
            places = tuple(dict.fromkeys(name for line in lines for name in line.namespaces or ()))
            keys = [_member_key(member, config, cluster) for member in grant.spec.members]
            origin = Origin(sourced.file, ("spec", "notAfter"))
            yield Ended(
                grant.metadata.name,
                grant.spec.team,
                grant.spec.not_after,
                () if whole else places,
                me is not None and me in keys,
                origin,
                self._people(grant.spec.team),
            )

    def _expected(self, cluster: Cluster, caller: str) -> bool | None:
        """Say whether the caller is to be mapped: by name it is known, by an IAM group only IAM knows."""
        me, config = _key(caller), self.documents.config.document
        sets = access_sets(self.documents, self.at)
        here = [one for one in sets if any(selects(line.access.clusters, cluster) for line in one.lines)]
        keys = [_member_key(member, config, cluster) for one in here for member, _ in one.members]
        if me is not None and me in keys:
            return True
        return None if any(key is None for key in keys) else False


def _near(miss: Miss, world: World) -> Near:
    if miss.binding is None:
        raise ValueError("an access policy is nobody's near miss here")
    place = f"in {miss.binding.namespace}" if miss.binding.namespace else "in the whole cluster"
    role = shown_role(world, miss.binding)
    if miss.lacks == ("subject",):
        return f"{role} {place} allows it to {', '.join(one.name for one in miss.binding.subjects)}", miss.origins
    return f"{role} {place}, but for the {' and the '.join(miss.lacks)}", miss.origins


def _member_key(member: Member, config: Config, cluster: Cluster) -> IamName | None:
    if not isinstance(member, IamUser | IamRole):
        return None
    try:
        return principal_key(member, config, cluster.account)
    except ValueError:
        return None


def _key(caller: str) -> IamName | None:
    try:
        arn = Arn.parse(canonical(caller))
    except ValueError:
        return None
    return IamName(arn.account, f"{arn.kind}/{arn.name}")


def _is_suspended(suspended: tuple[str, ...], caller: str) -> bool:
    try:
        return Suspended(suspended).covers(caller)
    except ValueError:
        return False
