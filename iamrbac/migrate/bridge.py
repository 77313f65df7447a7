"""How administrators stay administrators between two calls.

EKS makes an access entry by one call and gives it a policy by another, and takes seconds for each; and an entry hides
its row at once. Whoever was in system:masters would have nothing in between. So their entries begin with a group that a
ClusterRoleBinding gives cluster-admin, and lose it when their policy has had its time; then the binding goes. It gives
nobody anything that the row did not give.
"""

from __future__ import annotations

from dataclasses import replace

from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.mapping.objects import AccessEntry
from iamrbac.plan.observed import ClusterState, Observed
from iamrbac.rbac.objects import Binding, RoleRef, Subject


def group(instance: str) -> str:
    """Return the bridge's Kubernetes group; no set has such a one."""
    return f"iamrbac-migrate:{instance}"


def binding(cluster: str, instance: str) -> Desired:
    """Return the binding that carries it. No ApplySet is named: no apply prunes it while it is needed."""
    name = f"iamrbac-migrate-{instance}"
    labels = {names.MANAGED_BY_LABEL: names.MANAGED_BY}
    subjects = (Subject("Group", group(instance)),)
    spec = Binding("ClusterRoleBinding", None, name, RoleRef("ClusterRole", "cluster-admin"), subjects, labels)
    return Desired(Key(cluster, "ClusterRoleBinding", "", name), spec, labels)


def standing(state: ClusterState, instance: str) -> Observed | None:
    """Return the binding as it is on a cluster; None where it is not there."""
    key = binding(state.target.name, instance).key
    return next((item for item in state.objects if item.key == key), None)


def crossed(entry: AccessEntry, instance: str) -> AccessEntry:
    """Return an entry without the bridge's group."""
    return replace(entry, groups=tuple(one for one in entry.groups if one != group(instance)))


def bridged(entry: AccessEntry, instance: str) -> AccessEntry:
    """Return an entry with it."""
    return replace(entry, groups=tuple(sorted({*entry.groups, group(instance)})))
