"""Clusters as the policies mean them, or as they are: worlds that questions can be asked of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from iamrbac.access.world import ObjectId, World
from iamrbac.compile import names
from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterDesired, ClusterFacts, Desired, Form, PolicyGrant, RenderRole, Spec
from iamrbac.compile.documents import Documents
from iamrbac.compile.sets import AccessSet, access_sets
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.expand import Expansion, expand
from iamrbac.identity.members import describe, group_key, principal_key, set_key
from iamrbac.identity.snapshot import Identities
from iamrbac.identity.suspended import Suspended
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.arn import Arn, canonical, partition_of
from iamrbac.model.documents import Cluster, Config, IamGroup, IamRole, IamUser, Member
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, RbacState, Role

EVERY_CLUSTER = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
"""Namespaces that are there, whether a catalogue lists them or not."""
_MemberKey: TypeAlias = tuple[str, str, str]
"""What makes two declarations the same member: kind, account and name."""
_KINDS: Mapping[str, str] = {"user": "iamUser", "role": "iamRole"}


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
    known: Identities | None = None,
) -> Worlds:
    """Return what the policies alone mean on these clusters, beside Kubernetes' own roles.

    With `identities` principals are people and roles, and a member that these lack is an error; without, the members as
    declared (`iamGroup developers`), each with an entry of its own that has that name. `known` puts in their place
    whoever it has, and leaves the others as declared. `documents` are those that `check` found no error in.
    """
    facts = {cluster.name: _facts(cluster, named=identities is not None) for cluster in clusters}
    compiled = compile_documents(documents, identities or Identities(), facts, at, render)
    sets = access_sets(documents, at)
    ends = {one.group: one.ends for one in sets if one.ends is not None}
    config = documents.config.document
    by_name = {cluster.name: cluster for cluster in clusters}
    declared = {
        name: World() if identities is not None else _declared(desired, sets, by_name[name], config, known)
        for name, desired in compiled.clusters.items()
    }
    return Worlds(
        {
            name: _world(desired, replace(declared[name], ends=ends), builtin)
            for name, desired in compiled.clusters.items()
        },
        compiled.findings,
    )


def _facts(cluster: Cluster, *, named: bool) -> ClusterFacts:
    """Return what to compile for: members as declared, or with names whoever the groups are meant for.

    Rows stand for what somebody else maps (`external`) too: the groups are the same, and so is what they cannot have.
    """
    form: Form = "access-entries" if cluster.mapping in ("auto", "access-entries") else "aws-auth"
    facts = ClusterFacts.offline(cluster, form)
    known = facts.namespaces | EVERY_CLUSTER if facts.namespaces is not None else None
    return replace(facts, form=form if named else "neutral", namespaces=known)


def _world(desired: ClusterDesired, declared: World, builtin: RbacState) -> World:
    specs = [item.spec for item in desired.objects]
    roles = tuple(spec for spec in specs if isinstance(spec, Role))
    bindings = tuple(spec for spec in specs if isinstance(spec, Binding))
    entries = {item.key.name: entry for item in desired.objects if (entry := _entry(item.spec)) is not None}
    return replace(
        declared,
        entries=(*declared.entries, *entries.values()),
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
            **{item.key.name: item.origins for item in desired.objects if item.key.name in entries},
        },
        policies={one.group: one.policies for one in desired.principals if one.policies},
    )


def _entry(spec: Spec) -> AccessEntry | None:
    """Return who is mapped, a row as the entry that would do the same."""
    if isinstance(spec, AwsAuthRow):
        return AccessEntry(spec.arn, spec.username, spec.groups)
    return spec if isinstance(spec, AccessEntry) else None


def _id(item: Desired) -> ObjectId:
    return item.key.kind, item.key.namespace or None, item.key.name


def _declared(
    desired: ClusterDesired, sets: Collection[AccessSet], cluster: Cluster, config: Config, people: Identities | None
) -> World:
    """Return an entry for each member, with the groups of all its sets here, and their access policies."""
    here = {one.group: one for one in desired.principals}
    suspended = Suspended(config.suspended)
    partition = partition_of(cluster.region)
    found: dict[_MemberKey, _Declared] = {}
    for one in sets:
        for member, origin in one.members if one.group in here else ():
            expanded = None if people is None else expand(member, config, cluster.account, partition, people)
            for key, name in _meant(member, config, cluster, expanded, suspended):
                known = found.setdefault(key, _Declared())
                known.names.add(name)
                known.groups.add(one.group)
                known.origins.add(origin)
                known.policies += here[one.group].policies
    entries: list[AccessEntry] = []
    associations: list[PolicyAssociation] = []
    members: dict[str, tuple[Origin, ...]] = {}
    same: dict[str, str] = {}
    for key, name, known in _called(found):
        entries.append(AccessEntry(name, name, tuple(sorted(known.groups))))
        associations += _associations(name, known.policies, partition)
        members[name] = tuple(sorted(known.origins))
        # IAM's names are unique without regard to case.
        same[name] = " ".join(key).lower()
    return World(tuple(entries), tuple(dict.fromkeys(associations)), members=members, same=same)


def _meant(
    member: Member, config: Config, cluster: Cluster, expanded: Expansion | None, suspended: Suspended
) -> Iterator[tuple[_MemberKey, str]]:
    """Yield whom a member stands for, by what they are and with a name: itself, where nobody says more."""
    if isinstance(expanded, tuple):
        for text in expanded:
            if not suspended.covers(text):
                arn = Arn.parse(canonical(text))
                yield (_KINDS.get(arn.kind, arn.kind), arn.account, f"{arn.kind}/{arn.name}"), text
    elif not suspended.covers_member(member, config, cluster.account):
        yield _key(member, config, cluster), describe(member)


@dataclass(slots=True)
class _Declared:
    """A member, maybe of several sets."""

    names: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    origins: set[Origin] = field(default_factory=set)
    policies: list[PolicyGrant] = field(default_factory=list)


def _key(member: Member, config: Config, cluster: Cluster) -> _MemberKey:
    try:
        if isinstance(member, IamGroup):
            found = group_key(member, config)
        elif isinstance(member, IamUser | IamRole):
            found = principal_key(member, config, cluster.account)
        else:
            found = set_key(member, cluster.account)
    except ValueError:
        found = None
    kind, _, name = describe(member).partition(" ")
    return (kind, found.account, found.name) if found is not None else (kind, member.account or "", name)


def _called(found: Mapping[_MemberKey, _Declared]) -> Iterator[tuple[_MemberKey, str, _Declared]]:
    """Yield each member with a name that no other has: of several declarations an ARN, of namesakes the account."""
    shown = {key: max(known.names, key=lambda name: ("arn:" in name, name)) for key, known in found.items()}
    often = Counter(shown.values())
    for key in sorted(found):
        name = shown[key]
        yield key, (f"{name} (account {key[1] or 'not said'})" if often[name] > 1 else name), found[key]


def _associations(member: str, policies: Collection[PolicyGrant], partition: str) -> Iterator[PolicyAssociation]:
    for policy in policies:
        arn = names.access_policy_arn(partition, policy.policy)
        if policy.namespaces is None:
            yield PolicyAssociation(member, arn, "cluster")
        else:
            yield PolicyAssociation(member, arn, "namespace", policy.namespaces)
