"""From the files of an access repository to typed documents, or to everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from iamrbac.compile.check import check
from iamrbac.compile.documents import D, Documents, Sourced
from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.gitops.check import check_deliveries
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
    """In order of file and place."""
    readable: Documents | None = None
    """What could be read, to find more mistakes in and for nothing else; None without a config."""
    files: tuple[str, ...] = ()
    """Every file that was looked at, broken ones too, sorted."""


def load(repository: Repository, template_names: Collection[str] | None = None) -> Loaded:
    """Read every file and judge it by itself; with the names of the role templates, judge all of them together too.

    `documents` may be there although they contradict each other: ask `findings` for errors.
    Raises RepositoryError when the repository cannot be read at all.
    """
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
        elif isinstance(parsed, TemporaryGrant):
            grants.append(Sourced(document.file, parsed))
    readable = None if config is None else Documents(config, tuple(policies), tuple(grants))
    complete = not findings
    files = {document.file for document in (raw.config, *raw.documents) if document is not None}
    files.update(finding.file for finding in findings if finding.file is not None)
    if readable is not None and template_names is not None:
        findings += check(readable, template_names, complete=complete)
        findings += check_deliveries(readable)
    located = in_order(locate(findings, repository))
    return Loaded(readable if complete else None, located, readable, tuple(sorted(files)))


def load_beside(
    repository: Repository, place: str, kind: type[D]
) -> tuple[tuple[Sourced[D], ...], tuple[Finding, ...]]:
    """Read the documents of a kind at a place beside the policies: a file, or all files below a folder.

    () where there is none. Every finding is an error, located: what is left out would look like what was never said.
    """
    raw, broken = repository.beside(place)
    findings = list(broken)
    found: list[Sourced[D]] = []
    for document in raw:
        parsed = _parse(document, repository, findings)
        if isinstance(parsed, kind):
            found.append(Sourced(document.file, parsed))
    return tuple(found), in_order(locate(findings, repository))


def within(file: str, path: str) -> bool:
    """Say whether a file is a path, or lies in the folder that it is; both relative to the repository."""
    return path in ("", ".", file) or file.startswith(f"{path}/")


def _parse(document: RawDocument, repository: Repository, findings: list[Finding]) -> Parsed | None:
    parsed = parse(document.value, document.file, lambda path: repository.scalar(document.file, path))
    if not isinstance(parsed, tuple):
        return parsed
    findings.extend(_finding(document.file, fault) for fault in parsed)
    return None


def _finding(file: str, fault: Fault) -> Finding:
    return Finding(fault.id, Level.ERROR, fault.message, fault.hint, file, fault.path)
