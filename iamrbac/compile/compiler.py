"""compile: documents, identities, what is known of the clusters, and a time become desired objects (design §2).

A function of its arguments: no clock, no I/O, and neither the caller nor the order of files counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from iamrbac.compile.check.owners import Owners
from iamrbac.compile.cluster import ClusterCompiler
from iamrbac.compile.desired import ClusterDesired, ClusterFacts, Compiled, RenderRole
from iamrbac.compile.documents import Documents
from iamrbac.compile.iam import iam_objects
from iamrbac.compile.people import People
from iamrbac.compile.report import Report
from iamrbac.compile.roles import RoleBook
from iamrbac.compile.sets import AccessSet, Ended, Line, access_sets, ended_grants
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import Identities
from iamrbac.identity.suspended import Suspended
from iamrbac.model.documents import Cluster
from iamrbac.model.origin import Origin
from iamrbac.model.selection import selects

Granted = Mapping[str, list[tuple[AccessSet, list[Line]]]]


def compile_documents(
    documents: Documents,
    identities: Identities,
    clusters: Mapping[str, ClusterFacts],
    at: datetime,
    render: RenderRole,
) -> Compiled:
    """Return what every cluster in `clusters` should have from us at the time `at` (with an offset).

    `documents` are those that `check` found no error in. A cluster with an error of its own is left out of
    `Compiled.clusters`; an error that is the same on all clusters is said once, without a cluster.
    """
    config = documents.config.document
    suspended, findings = _suspended(documents)
    if suspended is None:
        return Compiled({}, findings)
    selected = [
        (cluster, Origin(documents.config.file, ("clusters", index)))
        for index, cluster in enumerate(config.clusters)
        if cluster.name in clusters
    ]
    book = RoleBook(config.metadata.name, config.home.namespace, render)
    owners = Owners(config.namespaces, config.home.namespace)
    people = People(config, identities, suspended)
    sets = access_sets(documents, at)
    granted = _by_cluster(sets, [cluster for cluster, _ in selected])
    iam, said = iam_objects(config, sets, suspended)
    ended = tuple(ended_grants(documents, at))
    done: dict[str, ClusterDesired] = {}
    found: list[Finding] = []
    for cluster, origin in sorted(selected, key=lambda item: item[0].name):
        compiler = ClusterCompiler(cluster, clusters[cluster.name], config, origin, book, people, owners)
        desired = compiler.compile(granted[cluster.name])
        _say_ended(compiler.report, ended, cluster)
        found += compiler.report.findings
        if not compiler.report.failed:
            done[cluster.name] = desired
    return Compiled(done, tuple(sorted((*_once(found, len(selected)), *said), key=_order)), iam)


def _suspended(documents: Documents) -> tuple[Suspended | None, tuple[Finding, ...]]:
    """Read `suspended:`. One that cannot be read stops everything: it must not be taken for nobody."""
    findings = []
    arns = documents.config.document.suspended
    for index, arn in enumerate(arns):
        try:
            Suspended([arn])
        except ValueError as error:
            findings.append(
                Finding(
                    id="MAP109",
                    level=Level.ERROR,
                    message=f"who is suspended cannot be read: {error}",
                    hint="write the ARN of a user or role",
                    file=documents.config.file,
                    path=("suspended", index),
                )
            )
    return (None if findings else Suspended(arns)), tuple(findings)


def _by_cluster(sets: Iterable[AccessSet], clusters: Sequence[Cluster]) -> Granted:
    """Return, for each cluster, the sets that have a line there, with these lines."""
    meant: dict[object, list[str]] = {}
    granted: dict[str, list[tuple[AccessSet, list[Line]]]] = defaultdict(list)
    for one in sets:
        here: dict[str, list[Line]] = defaultdict(list)
        for line in one.lines:
            selector = line.access.clusters
            key = frozenset(selector.items()) if isinstance(selector, Mapping) else selector
            if key not in meant:
                meant[key] = [cluster.name for cluster in clusters if selects(selector, cluster)]
            for name in meant[key]:
                here[name].append(line)
        for name, lines in here.items():
            granted[name].append((one, lines))
    return granted


def _say_ended(report: Report, ended: Iterable[Ended], cluster: Cluster) -> None:
    for grant in ended:
        if any(selects(line.access.clusters, cluster) for line in grant.lines):
            report.info(
                "POL105",
                f"the temporary grant {grant.name} ended at {grant.not_after}: it gives nothing",
                "delete the file when it is no longer wanted as a record",
                grant.origin,
            )


def _once(findings: Sequence[Finding], clusters: int) -> tuple[Finding, ...]:
    """Return the findings sorted; an error that all clusters share is said once, for all of them."""
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    common = Counter(replace(finding, cluster=None) for finding in errors)
    shared = {finding for finding, count in common.items() if count == clusters > 1}
    kept = [
        finding
        for finding in findings
        if finding.level is not Level.ERROR or replace(finding, cluster=None) not in shared
    ]
    return tuple(sorted([*kept, *shared], key=_order))


def _order(finding: Finding) -> tuple[object, ...]:
    path = tuple((isinstance(part, str), part) for part in finding.path)
    return (finding.file or "", path, finding.id, finding.message, finding.cluster or "", finding.object or "")
