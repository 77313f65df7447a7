"""Who is in which IAM group now, as a value to keep: complete, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from iamrbac.compile.people import wanted_names
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import Identities, Unreadable
from iamrbac.model.errors import AwsError
from iamrbac.usecases.load import load
from iamrbac.usecases.ports import People, Repository


def take_snapshot(
    repository: Repository, templates: Collection[str], people: Callable[[], People], at: datetime
) -> tuple[Identities | None, tuple[Finding, ...]]:
    """Ask IAM for every name that the policies need; None, and findings, where the documents are invalid.

    Raises AwsError where IAM did not say something: a snapshot with a hole would look like people who are gone.
    """
    loaded = load(repository, templates)
    documents = loaded.documents
    if documents is None or any(finding.level is Level.ERROR for finding in loaded.findings):
        return None, loaded.findings
    clusters = [cluster.name for cluster in documents.config.document.clusters]
    found = people().identities(wanted_names(documents, at, clusters))
    unread = [one.reason for one in (*found.groups.values(), *found.principals.values()) if isinstance(one, Unreadable)]
    if unread:
        raise AwsError("; ".join(dict.fromkeys(unread)), hint="mend that, and run again; nothing was written")
    return found, ()
