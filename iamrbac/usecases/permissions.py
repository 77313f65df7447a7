"""What whoever runs one of our commands must be allowed to do, for the clusters and people of this repository."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iamrbac.compile.people import wanted_names
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.index_place import parse_place
from iamrbac.permissions.command import Command
from iamrbac.permissions.iam import iam_policies
from iamrbac.permissions.rbac import rbac_objects
from iamrbac.usecases.accounts import wanted_iam
from iamrbac.usecases.load import load
from iamrbac.usecases.ports import Repository
from iamrbac.usecases.select import select


@dataclass(frozen=True, slots=True)
class Permissions:
    """The rights, or (with both None) the findings that say why the documents mean nothing."""

    iam: Mapping[str, dict[str, Any]] | None
    """Account → policy document."""
    rbac: tuple[dict[str, Any], ...] | None
    """Manifests for each of the clusters."""
    findings: tuple[Finding, ...]


def permissions(
    repository: Repository, templates: Collection[str], command: Command, clusters: Collection[str], at: datetime
) -> Permissions:
    """Return the rights for the selected clusters (all without names). Raises UsageError, RepositoryError."""
    loaded = load(repository, templates)
    documents = loaded.documents
    if documents is None or any(finding.level is Level.ERROR for finding in loaded.findings):
        return Permissions(None, None, loaded.findings)
    config = documents.config.document
    selected = select(config.clusters, tuple(clusters))
    wanted = wanted_names(documents, at, [one.name for one in selected])
    managed = any(one.manage_namespaces for one in selected)
    rbac = rbac_objects(command, config.home.namespace, manage_namespaces=managed, instance=config.metadata.name)
    objects = tuple(item for some in wanted_iam(documents, at).objects.values() for item in some)
    index = parse_place(config.index, config.people) if config.index is not None else None
    iam = iam_policies(command, selected, wanted, objects, config.people, config.keeping.s3, index)
    return Permissions(iam, tuple(rbac), loaded.findings)
