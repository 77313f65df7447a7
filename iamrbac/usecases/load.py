"""From the files of an access repository to typed documents, or to everything that is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

from iamrbac.compile.documents import Documents, Sourced
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant
from iamrbac.model.origin import Fault
from iamrbac.model.parse import Parsed, parse
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import RawDocument, Repository


@dataclass(frozen=True, slots=True)
class Loaded:
    """All documents of a repository, and what is wrong with the files, with line and column."""

    documents: Documents | None
    """None unless every file could be read: a policy that is left out would look like access that is taken away."""
    findings: tuple[Finding, ...]
    """Sorted by file and place."""
    readable: Documents | None = None
    """What could be read, good for finding more mistakes and for nothing else; None without a config."""
    files: tuple[str, ...] = ()
    """Every file that was looked at, broken ones too, sorted."""


def load(repository: Repository) -> Loaded:
    """Read and judge every file by itself. Raises RepositoryError when the repository cannot be read at all."""
    raw = repository.read()
    findings = list(raw.findings)
    config: Sourced[Config] | None = None
    policies: list[Sourced[AccessPolicy]] = []
    grants: list[Sourced[TemporaryGrant]] = []
    for document in (raw.config, *raw.documents):
        parsed = None if document is None else _parse(document, repository, findings)
        if document is None or parsed is None:
            continue
        if isinstance(parsed, Config):
            config = Sourced(document.file, parsed)
        elif isinstance(parsed, AccessPolicy):
            policies.append(Sourced(document.file, parsed))
        else:
            grants.append(Sourced(document.file, parsed))
    readable = None if config is None else Documents(config, tuple(policies), tuple(grants))
    files = {document.file for document in (raw.config, *raw.documents) if document is not None}
    files.update(finding.file for finding in findings if finding.file is not None)
    return Loaded(
        None if findings else readable, in_order(locate(findings, repository)), readable, tuple(sorted(files))
    )


def in_order(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return findings as a person reads them: by file, line, column, then id and words."""
    return tuple(
        sorted(findings, key=lambda one: (one.file or "", one.line or 0, one.column or 0, one.id, one.message))
    )


def _parse(document: RawDocument, repository: Repository, findings: list[Finding]) -> Parsed | None:
    parsed = parse(document.value, document.file, lambda path: repository.scalar(document.file, path))
    if not isinstance(parsed, tuple):
        return parsed
    findings.extend(_finding(document.file, fault) for fault in parsed)
    return None


def _finding(file: str, fault: Fault) -> Finding:
    return Finding(fault.id, Level.ERROR, fault.message, fault.hint, file, fault.path)
