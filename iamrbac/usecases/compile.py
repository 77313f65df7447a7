"""The objects that the policies mean, without a cluster: manifests need no AWS, mappings ask IAM who is who."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterFacts, Compiled, Form
from iamrbac.compile.people import UNREAD, wanted_names
from iamrbac.compile.places import ABSENT
from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.identity.snapshot import Identities
from iamrbac.usecases.load import load
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import People, Repository, Roles
from iamrbac.usecases.select import select


@dataclass(frozen=True, slots=True)
class CompileRequest:
    """What the person asks for."""

    at: datetime
    """The time that expiries are judged by, with an offset."""
    form: Form = "neutral"
    """`neutral` is RBAC and declared members; the two mappings expand members through IAM."""
    clusters: tuple[str, ...] = ()
    """Names; empty means all of the config."""


@dataclass(frozen=True, slots=True)
class CompileResult:
    """The objects of all selected clusters, or (None) the errors that say why there are none."""

    compiled: Compiled | None
    findings: tuple[Finding, ...]
    """All findings, located."""

    @property
    def unread(self) -> bool:
        """True when nothing is wrong with the documents, but IAM did not say who somebody is."""
        errors = [finding for finding in self.findings if finding.level is Level.ERROR]
        return bool(errors) and all(finding.id == UNREAD for finding in errors)


def compile_repository(
    repository: Repository, roles: Roles, people: Callable[[], People], request: CompileRequest
) -> CompileResult:
    """Compile a repository; one error anywhere means no objects, so that nothing half is written.

    `people` is called only for a form that asks IAM. Namespaces are the catalogue's. Raises RepositoryError,
    UsageError for an unknown cluster, AwsError when there are no credentials.
    """
    loaded = load(repository, roles.names())
    if loaded.documents is None or _refused(loaded.findings):
        return CompileResult(None, loaded.findings)
    documents = loaded.documents
    selected = select(documents.config.document.clusters, request.clusters)
    facts = {cluster.name: ClusterFacts.offline(cluster, request.form) for cluster in selected}
    identities = Identities()
    if request.form in ("access-entries", "aws-auth"):
        identities = people().identities(wanted_names(documents, request.at, facts))
    compiled = compile_documents(documents, identities, facts, request.at, roles.render)
    # What the catalogues do not have was said when the documents were checked.
    new = [finding for finding in compiled.findings if finding.id not in ABSENT]
    found = in_order((*loaded.findings, *locate(new, repository)))
    if _refused(found):
        return CompileResult(None, found)
    return CompileResult(Compiled(compiled.clusters, found, compiled.iam), found)


def _refused(findings: tuple[Finding, ...]) -> bool:
    return any(finding.level is Level.ERROR for finding in findings)
