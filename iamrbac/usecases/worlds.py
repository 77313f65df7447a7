"""Clusters as the policies mean them, or as they are: worlds that questions can be asked of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from iamrbac.access.world import ObjectId, World
from iamrbac.compile import names
from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterDesired, ClusterFacts, Desired, Form, PolicyGrant, RenderRole
from iamrbac.compile.documents import Documents
from iamrbac.compile.sets import AccessSet, access_sets
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.members import describe
from iamrbac.identity.snapshot import Identities
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, RbacState, Role


@dataclass(frozen=True, slots=True)
class Worlds:
    """One world for each cluster that could be compiled, and the findings that say why others could not."""

    clusters: Mapping[str, World] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something in the policies has no meaning, so that an answer would be half of one."""
        return any(finding.level is Level.ERROR for finding in self.findings)


def policy_worlds(
    documents: Documents,
    clusters: Collection[Cluster],
    builtin: RbacState,
    render: RenderRole,
    at: datetime,
    identities: Identities | None = None,
) -> Worlds:
    """Return what the policies alone mean on these clusters, beside Kubernetes' own roles.

    With `identities` principals are people and roles; without, the members as declared (`iamGroup developers`), each
    with an entry of its own that has that name. `documents` are those that `check` found no error in.
    """
    form: Form = "neutral" if identities is None else "access-entries"
    facts = {cluster.name: ClusterFacts.offline(cluster, form) for cluster in clusters}
    compiled = compile_documents(documents, identities or Identities(), facts, at, render)
    sets = access_sets(documents, at) if identities is None else ()
    by_name = {cluster.name: cluster for cluster in clusters}
    return Worlds(
        {
            name: _world(desired, _declared(desired, sets, by_name[name]), builtin)
            for name, desired in compiled.clusters.items()
        },
        compiled.findings,
    )


def _world(desired: ClusterDesired, declared: World, builtin: RbacState) -> World:
    specs = [item.spec for item in desired.objects]
    roles = tuple(spec for spec in specs if isinstance(spec, Role))
    bindings = tuple(spec for spec in specs if isinstance(spec, Binding))
    return replace(
        declared,
        entries=(*declared.entries, *(spec for spec in specs if isinstance(spec, AccessEntry))),
        associations=(*declared.associations, *(spec for spec in specs if isinstance(spec, PolicyAssociation))),
        rbac=RbacState((*roles, *builtin.roles), (*bindings, *builtin.bindings)),
        display={
            (spec.kind, spec.namespace, spec.name): shown
            for spec in roles
            if (shown := desired.roles.get(spec.name)) is not None
        },
        origins={_id(item): item.origins for item in desired.objects if isinstance(item.spec, Binding)},
        members={
            **declared.members,
            **{item.key.name: item.origins for item in desired.objects if isinstance(item.spec, AccessEntry)},
        },
    )


def _id(item: Desired) -> ObjectId:
    return item.key.kind, item.key.namespace or None, item.key.name


def _declared(desired: ClusterDesired, sets: Collection[AccessSet], cluster: Cluster) -> World:
    """Return an entry for each member as declared, with the groups of all its sets here, and their access policies."""
    here = {one.group: one for one in desired.principals}
    groups: dict[str, set[str]] = {}
    origins: dict[str, set[Origin]] = {}
    associations: list[PolicyAssociation] = []
    for one in sets:
        if one.group not in here:
            continue
        # Who is suspended by name is not among them.
        there = here[one.group].members
        for member, origin in one.members:
            name = describe(member)
            if name in there:
                groups.setdefault(name, set()).add(one.group)
                origins.setdefault(name, set()).add(origin)
                associations += _policies(name, here[one.group].policies, partition_of(cluster.region))
    entries = tuple(AccessEntry(name, name, tuple(sorted(carried))) for name, carried in sorted(groups.items()))
    members = {name: tuple(sorted(found)) for name, found in origins.items()}
    return World(entries, tuple(dict.fromkeys(associations)), members=members)


def _policies(member: str, policies: Collection[PolicyGrant], partition: str) -> Iterator[PolicyAssociation]:
    for policy in policies:
        arn = names.access_policy_arn(partition, policy.policy)
        if policy.namespaces is None:
            yield PolicyAssociation(member, arn, "cluster")
        else:
            yield PolicyAssociation(member, arn, "namespace", policy.namespaces)
