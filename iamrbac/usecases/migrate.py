"""Work out what a migration from aws-auth to access entries does, cluster by cluster. Nothing is written here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.delivery import deliveries
from iamrbac.identity.snapshot import IamName, Identities, Missing
from iamrbac.identity.ways import ways
from iamrbac.mapping.resolve import identity
from iamrbac.migrate.migration import migration, reading_of
from iamrbac.migrate.people import respelled, wanted
from iamrbac.migrate.types import Asked, Migration
from iamrbac.migrate.undo import Undo, undo
from iamrbac.model.arn import Arn
from iamrbac.model.backups import Backups
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import IamrbacError, UsageError
from iamrbac.model.parse import CONFIG_FILE
from iamrbac.plan.change import FailedCluster
from iamrbac.plan.observed import ClusterState
from iamrbac.usecases.load import load
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.read import read_cluster
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, count, failed, seen

STANDS_AGAINST, BY_GIT, EXTERNAL = "MIG014", "MIG015", "MIG019"
One: TypeAlias = Migration | Undo | FailedCluster


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for."""

    at: datetime
    clusters: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    """Full ARNs of roles (--principal)."""
    leave: tuple[str, ...] = ()
    nodes: bool = False
    undo: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which clusters, and how; or findings that say why not."""

    instance: str = ""
    home: str = ""
    keeping: Backups = field(default_factory=Backups)
    clusters: tuple[One, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Errors of iamrbac.yaml: then there is nothing else."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Looks at one cluster, as often as it is needed: every look reads it anew."""

    edges: Edges
    config: Config
    request: Request
    asked: Asked
    file: str = CONFIG_FILE

    def look(self, cluster: Cluster) -> Migration | Undo:
        """Read a cluster and work out what is left to do. Raises IamrbacError."""
        state = read_cluster(cluster, self.edges.aws, self.edges.kube)
        instance = self.config.metadata.name
        if self.request.undo:
            return undo(state, instance)
        identities = self._identities(state)
        defaults = self.edges.builtin().roles
        found = migration(state, instance, identities, self.asked, defaults, self.request.at)
        against = locate(self._config_says(cluster), self.edges.repository)
        return replace(found, blockers=(*against, *found.blockers)) if against else found

    def _identities(self, state: ClusterState) -> Identities:
        """Ask IAM about everybody. EKS compares ARNs without case, and IAM may not: who is missing is looked for."""
        people = wanted(reading_of(state).rows, ways(self.config))
        found = self.edges.people.identities(people)
        gone = {name for name, answer in found.principals.items() if isinstance(answer, Missing)}
        if not gone:
            return found
        kinds = {IamName(name.account, name.name.partition("/")[0]) for name in gone}
        listed = self.edges.people.existing(kinds, people.ways)
        return replace(found, principals=respelled(found.principals, listed))

    def cluster(self, name: str) -> Cluster:
        """Return a cluster of the config."""
        return next(one for one in self.config.clusters if one.name == name)

    def _config_says(self, cluster: Cluster) -> Sequence[Finding]:
        """Return what of the config would bring rows back, or writes entries itself."""
        path = ("clusters", self.config.clusters.index(cluster))
        found: list[Finding] = []
        if cluster.mapping in ("aws-auth", "external"):
            rows = cluster.mapping == "aws-auth"
            why = (
                "iamrbac.yaml says mapping: aws-auth for it, and the next apply would write rows again"
                if rows
                else "iamrbac.yaml says mapping: external, so that somebody else maps people here"
            )
            found.append(
                Finding(
                    STANDS_AGAINST if rows else EXTERNAL,
                    Level.ERROR,
                    why,
                    "write `mapping: auto` in its place (or access-entries, once it is migrated)",
                    self.file,
                    (*path, "mapping"),
                    cluster=cluster.name,
                )
            )
        place = deliveries(self.config).get(cluster.name)
        if place is not None and place.entries != "direct":
            found.append(
                Finding(
                    BY_GIT,
                    Level.ERROR,
                    "its access entries go through Git, which migrate does not write to",
                    "write gitops.entries: direct for this cluster until it is migrated",
                    self.file,
                    path,
                    cluster=cluster.name,
                )
            )
        return found


def look_at(edges: Edges, request: Request, progress: Progress) -> tuple[Wanted, Looking | None]:
    """Work out the migration (or its undoing) of the selected clusters; only iamrbac.yaml must be valid.

    A cluster that cannot be read is a FailedCluster. Raises UsageError, RepositoryError, and AwsError when AWS does not
    know the caller.
    """
    loaded = load(edges.repository)
    wrong = tuple(one for one in loaded.findings if one.level is Level.ERROR and one.file == CONFIG_FILE)
    if loaded.readable is None or wrong:
        return Wanted(findings=wrong or loaded.findings), None
    config = loaded.readable.config.document
    selected = _mapped(select(config.clusters, request.clusters), request, progress)
    asked = Asked(_named(request.principals), frozenset(map(identity, request.leave)), request.nodes)
    looking = Looking(edges, config, request, asked)
    progress.step(f"Reading {count(len(selected), 'cluster')} as {edges.aws.caller().arn}")
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        found = tuple(pool.map(lambda one: _one(looking, one), selected))
    for one in found:
        if not isinstance(one, FailedCluster):
            progress.note(f"{one.cluster}: {seen(one.state)}")
    _check_named(request, found)
    return Wanted(config.metadata.name, config.home.namespace, config.keeping, found), looking


def _mapped(selected: Sequence[Cluster], request: Request, progress: Progress) -> Sequence[Cluster]:
    """Leave out clusters where somebody else maps, unless they were named."""
    others = [one.name for one in selected if one.mapping == "external" and not request.clusters]
    if others:
        progress.step(f"Left out, since somebody else maps there (mapping: external): {', '.join(others)}")
    return [one for one in selected if one.name not in others]


def _one(looking: Looking, cluster: Cluster) -> One:
    try:
        return looking.look(cluster)
    except IamrbacError as error:
        return failed(cluster.name, error)


def _named(principals: Collection[str]) -> Mapping[str, str]:
    """Return identity → ARN of the roles that were named in full. Raises UsageError."""
    found: dict[str, str] = {}
    for text in principals:
        try:
            kind = Arn.parse(text).kind
        except ValueError as error:
            raise UsageError(f"--principal {text}: {error}", hint="write a role's ARN with its path") from error
        if kind != "role":
            raise UsageError(f"--principal {text} is no role", hint="only of a role aws-auth does not tell the path")
        found[identity(text)] = text
    return found


def _check_named(request: Request, found: Sequence[One]) -> None:
    """Refuse what no cluster has: it would have no effect, and was meant to. Raises UsageError."""
    if any(isinstance(one, FailedCluster) for one in found):
        return
    rows = [row.row for one in found if isinstance(one, Migration) for row in one.rows]
    there = {identity(row.arn) for row in rows}
    for text in request.principals:
        if identity(text) not in there:
            raise UsageError(f"--principal {text}: no aws-auth has a row for that role", hint="correct it")
    for one in found:
        if isinstance(one, Migration):
            reading = reading_of(one.state)
            there |= {*reading.accounts, *(fault.partition(": ")[0].lower() for fault in reading.faults)}
    for text in request.leave:
        if identity(text) not in there:
            hint = "name a row by its ARN as it is written, an account, or a place like mapRoles[2]"
            raise UsageError(f"--leave {text}: no aws-auth has that", hint=hint)
