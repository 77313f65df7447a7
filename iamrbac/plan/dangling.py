"""Bindings to ClusterRoles that a cluster does not have: they give nothing, whatever the policy meant."""

from __future__ import annotations

from collections.abc import Iterable

from iamrbac.compile.desired import Desired
from iamrbac.findings.finding import Finding, Level
from iamrbac.plan.observed import ClusterState
from iamrbac.rbac.objects import Binding, Role


def dangling(wanted: Iterable[Desired], state: ClusterState) -> tuple[Finding, ...]:
    """Return a warning for each policy line that binds a ClusterRole which is not there and will not be.

    () where the cluster's roles are not known.
    """
    if state.partial:
        return ()
    wanted = tuple(wanted)
    specs = (*(item.spec for item in state.objects), *(item.spec for item in wanted))
    there = {spec.name for spec in specs if isinstance(spec, Role) and spec.kind == "ClusterRole"}
    found: dict[Finding, None] = {}
    for item in wanted:
        if not isinstance(item.spec, Binding) or item.spec.role_ref.kind != "ClusterRole":
            continue
        name = item.spec.role_ref.name
        for origin in item.origins if name not in there else ():
            finding = Finding(
                id="POL106",
                level=Level.WARNING,
                message=f"the cluster has no ClusterRole {name}, so the binding to it gives nothing",
                hint="correct the name; or let somebody create it, which alone then decides what it gives",
                file=origin.file,
                path=origin.path,
                cluster=state.target.name,
                object=f"ClusterRole/{name}",
            )
            found[finding] = None
    return tuple(found)
