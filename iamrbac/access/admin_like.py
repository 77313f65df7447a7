"""Whether some rules give as much as cluster-admin does, or let their holder take it: by what they allow, not by name.

Sources: Kubernetes, "RBAC good practices" (escalate, bind, impersonate); what reaches no further than one namespace is
as much there. Ways that need more than one step (running pods as somebody, reading their tokens) are `lint`'s.
"""

from __future__ import annotations

from typing import Final

from iamrbac.access.abilities import ACT_AS_GROUPS, ACT_AS_USERS, BIND, ESCALATE, ESCALATE_ROLES
from iamrbac.access.powers import Held, Power
from iamrbac.access.steps import full
from iamrbac.rbac.objects import Role
from iamrbac.rbac.subjects import MASTERS

_POWERS: Final[tuple[tuple[Power, str], ...]] = (
    (ESCALATE, "may escalate any ClusterRole"),
    (ESCALATE_ROLES, "may escalate any Role"),
    (BIND, "may bind any ClusterRole"),
    (ACT_AS_USERS, "may impersonate any user"),
    (ACT_AS_GROUPS, "may impersonate any group"),
)


def like_cluster_admin(role: Role) -> tuple[str, ...]:
    """Return why a role gives what cluster-admin gives, in its scope; () where it does not.

    A right that names objects (resourceNames) does not count, but for impersonating system:masters and for binding or
    escalating the ClusterRole cluster-admin.
    """
    held = Held(role.rules) if role.namespace is None else Held((), role.rules)
    if full(held.rules):
        return ("may do everything with everything",)
    found = []
    for power, says in _POWERS:
        reach = held.reach(power)
        if reach is None:
            continue
        if reach.unlimited:
            found.append(says)
        elif power is ACT_AS_GROUPS and MASTERS in reach.names:
            found.append(f"may impersonate {MASTERS}")
        elif power in (ESCALATE, BIND) and "cluster-admin" in reach.names:
            found.append(f"may {power.verbs[0]} the ClusterRole cluster-admin")
    return tuple(found)
