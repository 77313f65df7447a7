"""Who holds which role where: what `access` lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.world import policy_name, shown_role
from iamrbac.model.origin import Origin
from iamrbac.rbac.subjects import MASTERS


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """A role that somebody holds. `namespace` "" is the whole cluster."""

    principal: str
    namespace: str
    role: str
    group: str = ""
    """The Kubernetes group that gives it; "" where the user itself is named, or an EKS access policy gives it."""
    origins: tuple[Origin, ...] = ()


def held(judge: Judge, somebody: Somebody) -> Iterator[Held]:
    """Yield what somebody holds; not what everybody has who logs in."""
    name = somebody.principal
    if MASTERS in somebody.user.groups:
        yield Held(name, "", MASTERS, MASTERS)
    for binding, _ in judge.authorizer.bindings_of(somebody.user):
        groups = {subject.name for subject in binding.subjects if subject.kind == "Group"}
        group = next((one for one in somebody.user.groups if one in groups), "")
        yield Held(name, binding.namespace or "", shown_role(judge.world, binding), group, judge.origins(binding))
    for association in judge.world.associations if somebody.source == "entry" else ():
        if association.principal == name:
            for namespace in association.namespaces or ("",):
                yield Held(name, namespace, f"eksAccessPolicy {policy_name(association.policy)}")
