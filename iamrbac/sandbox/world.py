"""What a sandbox starts with: sandbox.yaml and the config together, or what the policies mention."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from iamrbac.compile.documents import Documents
from iamrbac.identity.permission_sets import PATH
from iamrbac.model.arn import Arn, partition_of
from iamrbac.model.documents import Access, Cluster, Config, IamGroup, IamRole, IamUser, Member, PermissionSet
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.spec import FILE, ClusterSpec, Mode, Person, RoleSpec, SandboxSpec

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory", "niaj")
ADMIN = "admin"
_BY_MAPPING: Mapping[str, Mode] = {"aws-auth": "CONFIG_MAP", "access-entries": "API"}


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """A cluster to start."""

    cluster: Cluster
    mode: Mode
    namespaces: tuple[str, ...]
    manifests: str | None
    """A folder relative to the repository's root."""


@dataclass(frozen=True, slots=True)
class World:
    """All that a sandbox makes before anybody does anything."""

    account: str
    """Where the people are."""
    people: tuple[Person, ...]
    groups: tuple[str, ...]
    roles: tuple[RoleSpec, ...]
    clusters: tuple[ClusterPlan, ...]
    role_arns: tuple[str, ...] = ()
    """Roles beside these, each in one account: those that the config assumes, and those of permission sets."""

    @property
    def admins(self) -> tuple[Person, ...]:
        """The platform engineers, at least one; the first one's credentials are a command's."""
        return tuple(person for person in self.people if person.admin)

    @property
    def accounts(self) -> tuple[str, ...]:
        """All accounts, the people's first."""
        roles = (Arn.parse(text).account for text in self.role_arns)
        return tuple(dict.fromkeys((self.account, *(plan.cluster.account for plan in self.clusters), *roles)))


def world(documents: Documents, spec: SandboxSpec | None) -> World:
    """Return what to start. Raises SandboxError where the spec does not fit the config."""
    config = documents.config.document
    account = config.identity.account if config.identity is not None else config.clusters[0].account
    given = spec or _mentioned(documents)
    _check_clusters(given, tuple(cluster.name for cluster in config.clusters))
    groups = (*given.groups, *(group for person in given.people for group in person.groups))
    plans = tuple(
        _plan(cluster, given.clusters.get(cluster.name, ClusterSpec()), documents) for cluster in config.clusters
    )
    return World(
        account,
        given.people,
        tuple(dict.fromkeys(groups)),
        given.roles,
        plans,
        (*_assumed(config), *_reserved(documents)),
    )


def _assumed(config: Config) -> tuple[str, ...]:
    roles = [config.identity.role if config.identity is not None else None, *(one.role for one in config.clusters)]
    return tuple(dict.fromkeys(role.role_arn for role in roles if role is not None))


def _reserved(documents: Documents) -> tuple[str, ...]:
    """Return the roles that Identity Center would have made for the permission sets that are mentioned."""
    config = documents.config.document
    first = config.clusters[0]
    found: set[str] = set()
    for member in _members(documents):
        if isinstance(member, PermissionSet):
            for account in {member.account or cluster.account for cluster in config.clusters}:
                digits = hashlib.sha256(f"{account}/{member.permission_set}".encode()).hexdigest()[:16]
                path = f"{PATH}{first.region}/AWSReservedSSO_{member.permission_set}_{digits}"
                found.add(f"arn:{partition_of(first.region)}:iam::{account}:role{path}")
    return tuple(sorted(found))


def _check_clusters(spec: SandboxSpec, names: tuple[str, ...]) -> None:
    for name in spec.clusters:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"the config has {', '.join(names)}"
            raise SandboxError(f"clusters.{name}: the config has no such cluster", where=FILE, hint=hint)


def _plan(cluster: Cluster, spec: ClusterSpec, documents: Documents) -> ClusterPlan:
    mode = spec.authentication_mode or _BY_MAPPING.get(cluster.mapping, "API_AND_CONFIG_MAP")
    namespaces = spec.namespaces if spec.namespaces is not None else cluster.namespaces
    if namespaces is None:
        namespaces = tuple(dict.fromkeys(_named_namespaces(documents)))
    return ClusterPlan(cluster, mode, namespaces, spec.manifests)


def _named_namespaces(documents: Documents) -> Iterator[str]:
    for access in _access(documents):
        for namespace in access.namespaces or ():
            if not set("*?.") & set(namespace):
                yield namespace


def _access(documents: Documents) -> Iterator[Access]:
    for policy in documents.policies:
        yield from policy.document.spec.access
    for grant in documents.grants:
        yield from grant.document.spec.access


def _members(documents: Documents) -> Iterator[Member]:
    for policy in documents.policies:
        for members in policy.document.spec.members.values():
            yield from members
    for grant in documents.grants:
        yield from grant.document.spec.members


def _mentioned(documents: Documents) -> SandboxSpec:
    """Return the names that the policies mention: users, roles, one invented person per group, and an admin."""
    members = tuple(_members(documents))
    groups = sorted({_arn(member.iam_group).name for member in members if isinstance(member, IamGroup)})
    users = {_arn(member.iam_user) for member in members if isinstance(member, IamUser)}
    roles = {_arn(member.iam_role) for member in members if isinstance(member, IamRole)}
    protected = [_arn(text) for text in documents.config.document.guards.protected_principals]
    roles |= {principal for principal in protected if principal.kind == "role"}
    admin = next((one for one in protected if one.kind == "user"), Arn("aws", "", "user", "/", ADMIN))
    taken = {user.name: user.path for user in users if user.name != admin.name}
    free = [name for name in NAMES if name not in taken and name != admin.name]
    invented = [free[i] if i < len(free) else f"person-{i + 1}" for i in range(len(groups))]
    # The documents' own models have judged the names; sandbox.yaml's are about what a person writes there.
    person, role = Person.model_construct, RoleSpec.model_construct
    return SandboxSpec.model_construct(
        api_version="iamrbac.dev/v1alpha1",
        kind="Sandbox",
        people=(
            *(person(user=name, groups=(group,)) for name, group in zip(invented, groups, strict=True)),
            *(person(user=name, path=path) for name, path in sorted(taken.items())),
            person(user=admin.name, path=admin.path, admin=True),
        ),
        roles=tuple(role(name=name, path=path) for name, path in sorted({r.name: r.path for r in roles}.items())),
    )


def _arn(text: str) -> Arn:
    """Read an ARN, or a name with its path."""
    try:
        return Arn.parse(text)
    except ValueError:
        path, _, name = f"/{text.lstrip('/')}".rpartition("/")
        return Arn("", "", "", f"{path}/", name)
