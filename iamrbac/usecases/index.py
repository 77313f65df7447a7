"""The access index of the policies as they are: made whole or not at all, compared with what is kept, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterFacts
from iamrbac.compile.documents import Documents
from iamrbac.compile.people import UNREAD, wanted_names
from iamrbac.compile.places import ABSENT
from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.index.codec import decode, encode
from iamrbac.index.compare import IndexDifference, differ, due
from iamrbac.index.index import AccessIndex
from iamrbac.index.make import Made, form_on, make
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import AccessIndexError, IamrbacError
from iamrbac.model.origin import Origin
from iamrbac.plan.change import FailedCluster
from iamrbac.plan.observed import Target
from iamrbac.usecases.index_places import IndexStore
from iamrbac.usecases.load import Loaded
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.run import commit_of
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, count, failed


@dataclass(frozen=True, slots=True)
class MadeIndex:
    """The index, or (None) why there is none."""

    index: AccessIndex | None
    findings: tuple[Finding, ...]
    """Located. Without an index its errors say why."""
    failures: tuple[FailedCluster, ...] = ()
    """Clusters that EKS did not describe."""

    @property
    def unread(self) -> bool:
        """True when nothing is wrong with the documents, but AWS did not say something."""
        errors = [finding for finding in self.findings if finding.level is Level.ERROR]
        return bool(self.failures) or (bool(errors) and all(finding.id == UNREAD for finding in errors))


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """What became of the place where the index is kept."""

    where: str
    before: AccessIndex | None
    difference: IndexDifference
    written: bool
    broken: str = ""
    """What was there and is none, in words."""


def make_index(
    edges: Edges, loaded: Loaded, at: datetime, line: Callable[[Origin], str], progress: Progress
) -> MadeIndex:
    """Ask EKS where every cluster is and IAM who is who, and compile. Unknown is not empty: one failure is no index.

    `loaded` is the repository as `load` read it, with the templates' names. Raises AwsError when AWS does not know the
    caller.
    """
    if loaded.documents is None or _refused(loaded.findings):
        return MadeIndex(None, loaded.findings)
    documents = loaded.documents
    clusters = documents.config.document.clusters
    progress.step(f"Reading people and where {count(len(clusters), 'cluster')} are as {edges.aws.caller().arn}")
    mapped = [one.name for one in clusters if one.mapping != "external"]
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE + 1) as pool:
        people = pool.submit(edges.people.identities, wanted_names(documents, at, mapped))
        described = list(zip(clusters, pool.map(lambda one: _target(edges, one), clusters), strict=True))
        identities = people.result()
    failures = tuple(one for _, one in described if isinstance(one, FailedCluster))
    targets = [(cluster, one) for cluster, one in described if isinstance(one, Target)]
    facts = {cluster.name: _facts(cluster, target) for cluster, target in targets}
    compiled = compile_documents(documents, identities, facts, at, edges.roles.render)
    new = locate([finding for finding in compiled.findings if finding.id not in ABSENT], edges.repository)
    found = in_order((*loaded.findings, *new))
    if failures or _refused(found):
        return MadeIndex(None, found, failures)
    commit = commit_of(edges)
    # What was changed since is in no commit.
    made = Made(at, None if commit.endswith("+") else commit or None)
    index = make(documents, compiled, {one.name: target for one, target in targets}, made, line)
    # Whoever reads it refuses what it must not say: better here than on every developer's machine.
    return MadeIndex(decode(encode(index), "the index that was made"), found)


def keep_index(store: IndexStore, index: AccessIndex, *, check: bool = False) -> KeptIndex:
    """Compare an index with the one that is kept and write it where it is due; with `check`, only compare.

    What is kept and is broken is replaced; what cannot be read, or nobody vouches for, is an error. Raises
    AccessIndexError.
    """
    content = store.read()
    before, broken = None, ""
    if content is not None:
        try:
            before = decode(content, store.where)
        except AccessIndexError as error:
            broken = error.message
    difference = differ(before, index)
    write = not check and due(before, index)
    if write:
        store.write(store.seal(encode(index)))
    return KeptIndex(store.where, before, difference, write, broken)


def origins_of(loaded: Loaded) -> tuple[Origin, ...]:
    """Return the places that an index names, to look their lines up at once."""
    return _lines(loaded.documents) if loaded.documents is not None else ()


def _lines(documents: Documents) -> tuple[Origin, ...]:
    files: Mapping[str, int] = {
        **{one.file: len(one.document.spec.access) for one in documents.policies},
        **{one.file: len(one.document.spec.access) for one in documents.grants},
    }
    return tuple(Origin(file, ("spec", "access", index)) for file, number in files.items() for index in range(number))


def _target(edges: Edges, cluster: Cluster) -> Target | FailedCluster:
    try:
        return edges.aws.target(cluster)
    except IamrbacError as error:
        return failed(cluster.name, error)


def _facts(cluster: Cluster, target: Target) -> ClusterFacts:
    known = frozenset(cluster.namespaces) if cluster.namespaces is not None else None
    return ClusterFacts(form_on(cluster, target), known, target.partition)


def _refused(findings: tuple[Finding, ...]) -> bool:
    return any(finding.level is Level.ERROR for finding in findings)
