"""Contexts from the access index: for exactly what it says is mine, without a call to EKS or to a cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from iamrbac.index.agree import agreed
from iamrbac.index.codec import ANEW, decode
from iamrbac.index.compare import is_old
from iamrbac.index.index import AccessIndex, IndexCluster, IndexSet
from iamrbac.index.mine import Mine, mine, namespaces_of
from iamrbac.model.arn import Arn
from iamrbac.model.config import Config
from iamrbac.model.errors import AccessIndexError, IamrbacError, NotMappedError, UsageError
from iamrbac.plan.observed import Target
from iamrbac.usecases.context_names import Names
from iamrbac.usecases.index_places import IndexStore
from iamrbac.usecases.kubeconfig import ClusterContexts, Found, KubeconfigRequest
from iamrbac.usecases.ports import Caller, Context, OwnAccess, Progress
from iamrbac.usecases.select import select

ROLES_AT_ONCE: Final = 8
Tried = Mapping[str, bool | IamrbacError]
"""Role → whether AWS lets the caller assume it, or why that is not known."""


@dataclass(frozen=True, slots=True)
class IndexEdges:
    """What a developer who goes by an index needs."""

    store: IndexStore
    config: Config | None
    """Of the access repository, where there is one here: the index must be its own."""
    caller: Callable[[], Caller]
    may_assume: Callable[[str, str], bool]
    """Whether AWS lets the caller assume a role, asked in a region. Raises AwsError where that is not known."""
    access: Callable[[Target], OwnAccess]
    """Opens a cluster: only those are asked where somebody else maps."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way into a cluster: as the caller is, or by a role."""

    sets: tuple[IndexSet, ...]
    role: str | None = None


def read_index(store: IndexStore, config: Config | None, at: datetime, progress: Progress) -> AccessIndex:
    """Return the index at a place, as far as the config (if there is one) confirms it; say what it lacks, and its age.

    Raises AccessIndexError: where nothing is there, too, since no other source stands in for it.
    """
    content = store.read()
    if content is None:
        raise AccessIndexError("there is no access index yet", where=store.where, hint=ANEW)
    index = decode(content, store.where)
    if config is not None:
        index, missing = agreed(index, config, store.where)
        for name in missing:
            progress.step(f"{name} is not in the access index yet: {ANEW}")
    if is_old(index, at):
        days = (at - index.written).days
        shown = f"{index.written.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} ({days} day{'' if days == 1 else 's'} ago)"
        progress.step(f"The access index is of {shown}: what was granted since is not in it")
    return index


def index_contexts(edges: IndexEdges, request: KubeconfigRequest, progress: Progress) -> Found:
    """Return the contexts that an index gives the caller.

    A role that is denied is not the caller's; any other failure about a role is an error of its clusters, and so is a
    cluster that somebody else maps and that cannot be asked. Raises AccessIndexError, UsageError for an unknown
    cluster, AwsError when AWS does not know the caller.
    """
    index = read_index(edges.store, edges.config, request.at, progress)
    selected = _selected(index, edges.config, request.clusters)
    unasked = frozenset(one.name for one in index.clusters) - {one.name for one in selected}
    if request.everything:
        clusters = tuple(_whole(index, one, request) for one in selected)
        return Found(clusters, instance=index.instance, unasked=unasked)
    caller = _caller(edges, request)
    found = mine(replace(index, clusters=selected), caller, request.at)
    tried = _tried(edges, found, progress) if request.role_arn is None else {}
    asked = _asked(edges, found)
    clusters = tuple(_cluster(index, one, tried, asked.get(one.cluster.name), request) for one in found)
    return Found(clusters, instance=index.instance, unasked=unasked)


def _selected(index: AccessIndex, config: Config | None, asked: Collection[str]) -> tuple[IndexCluster, ...]:
    if config is not None:
        names = {one.name for one in select(config.clusters, asked)}
        lacking = sorted(names - {one.name for one in index.clusters})
        if asked and lacking:
            raise UsageError(f"not in the access index: {', '.join(lacking)}", hint=ANEW)
        return tuple(one for one in index.clusters if one.name in names)
    known = [one.name for one in index.clusters]
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise UsageError(
            f"no such cluster in the access index: {', '.join(unknown)}", hint=f"use one of {', '.join(known)}"
        )
    return tuple(one for one in index.clusters if not asked or one.name in asked)


def _caller(edges: IndexEdges, request: KubeconfigRequest) -> str:
    """Return who goes to the clusters: the caller, or the role that was named for it."""
    if request.role_arn is None:
        return edges.caller().arn
    return str(Arn.parse(request.role_arn))


def _tried(edges: IndexEdges, found: Iterable[Mine], progress: Progress) -> Tried:
    """Try each role once, several at a time."""
    regions = {role: one.cluster.region for one in found for role, _ in one.by_role}

    def attempt(role: str) -> bool | IamrbacError:
        try:
            return edges.may_assume(role, regions[role])
        except IamrbacError as error:
            return error

    if not regions:
        return {}
    progress.step(f"Trying {len(regions)} role{'' if len(regions) == 1 else 's'} of the access index")
    with ThreadPoolExecutor(max_workers=ROLES_AT_ONCE) as pool:
        return dict(zip(regions, pool.map(attempt, regions), strict=True))


def _asked(edges: IndexEdges, found: Iterable[Mine]) -> dict[str, tuple[IndexSet, ...] | IamrbacError | None]:
    """Ask the clusters that somebody else maps: which sets the caller is in, None where it takes him for nobody."""

    def ask(cluster: IndexCluster) -> tuple[IndexSet, ...] | IamrbacError | None:
        try:
            groups = edges.access(cluster.target()).whoami().groups
        except NotMappedError:
            return None
        except IamrbacError as error:
            return error
        return tuple(one for one in cluster.sets if one.group in groups)

    external = [one.cluster for one in found if one.cluster.external]
    if not external:
        return {}
    with ThreadPoolExecutor(max_workers=ROLES_AT_ONCE) as pool:
        return dict(zip((one.name for one in external), pool.map(ask, external), strict=True))


def _whole(index: AccessIndex, cluster: IndexCluster, request: KubeconfigRequest) -> ClusterContexts:
    target = cluster.target()
    name = request.names.of(target, None, None)
    context = Context(name, target, request.profile, role_arn=request.role_arn, instance=index.instance)
    return ClusterContexts(cluster.name, (context,), judged=False)


def _cluster(
    index: AccessIndex,
    one: Mine,
    tried: Tried,
    asked: tuple[IndexSet, ...] | IamrbacError | None,
    request: KubeconfigRequest,
) -> ClusterContexts:
    direct = one.direct
    if one.cluster.external:
        if isinstance(asked, IamrbacError):
            return ClusterContexts(one.cluster.name, error=asked, judged=False)
        if asked is None:
            return ClusterContexts(one.cluster.name)
        direct = asked
    ways = [_Way(direct)] if direct or one.cluster.external else []
    # Whoever has a set by two roles has the same twice.
    roles = {each.group: _Way((each,), role) for role, each in reversed(one.by_role) if tried.get(role) is True}
    ways += sorted(roles.values(), key=lambda way: (way.sets[0].team, way.sets[0].name))
    errors = [error for role, _ in one.by_role if isinstance(error := tried.get(role), IamrbacError)]
    namespaces = namespaces_of(tuple(each for way in ways for each in way.sets))
    named = list(zip(_names(one.cluster, ways, namespaces, request.names), ways, strict=True))
    contexts = tuple(_contexts(index, one.cluster, named, request))
    reach = {name: namespaces_of(way.sets) for name, way in named}
    return ClusterContexts(
        one.cluster.name, contexts, namespaces, errors[0] if errors else None, reach, judged=not errors
    )


def _contexts(
    index: AccessIndex, cluster: IndexCluster, named: Iterable[tuple[str, _Way]], request: KubeconfigRequest
) -> Iterator[Context]:
    """Yield a context for each way, and with `namespace_contexts` one for each namespace, by the first way to it."""
    target = cluster.target()
    there: set[str] = set()
    pinned: list[Context] = []
    for name, way in named:
        own = namespaces_of(way.sets)
        context = Context(
            name,
            target,
            request.profile,
            own[0] if len(own) == 1 else None,
            user=f"{_set_name(way)}@{cluster.name}" if way.role is not None else None,
            role_arn=way.role or request.role_arn,
            instance=index.instance,
        )
        yield context
        for namespace in own if request.namespace_contexts else ():
            if namespace not in there:
                there.add(namespace)
                teams = {one.team for one in way.sets for grant in one.grants if grant.namespace == namespace}
                called = request.names.of(target, namespace, _only(teams))
                pinned.append(replace(context, name=called, namespace=namespace, pinned=True))
    yield from pinned


def _names(cluster: IndexCluster, ways: list[_Way], namespaces: Collection[str], names: Names) -> Iterator[str]:
    """Yield the name of each way's context: the cluster's, and where that would be ambiguous TEAM@CLUSTER for a role.

    TEAM.SET@CLUSTER where a team has two roles there, or its name is a namespace's, whose context NAMESPACE@CLUSTER
    would be. A template of the person's own decides alone.
    """
    teams = [way.sets[0].team for way in ways if way.role is not None]
    for way in ways:
        team = _only({one.team for one in way.sets})
        if names.cluster != Names().cluster or way.role is None or len(ways) == 1:
            yield names.of(cluster.target(), None, team)
        elif teams.count(way.sets[0].team) == 1 and way.sets[0].team not in namespaces:
            yield f"{way.sets[0].team}@{cluster.name}"
        else:
            yield f"{_set_name(way)}@{cluster.name}"


def _set_name(way: _Way) -> str:
    return f"{way.sets[0].team}.{way.sets[0].name}"


def _only(teams: Collection[str]) -> str | None:
    return next(iter(teams)) if len(teams) == 1 else None
