"""Judge the documents of a repository: no cluster, no AWS, no clock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.model.access_tests import TESTS_FOLDER, AccessTest
from iamrbac.model.errors import UsageError
from iamrbac.model.parse import CONFIG_FILE
from iamrbac.model.waivers import WAIVERS_FILE, Waivers
from iamrbac.usecases.load import Loaded, load, load_beside, within
from iamrbac.usecases.ports import Repository


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether the documents are good, and everything there is to say about them."""

    valid: bool
    """False when there is an error."""
    findings: tuple[Finding, ...]
    """In order of file and place, each with line and column."""
    policies: int = 0
    grants: int = 0
    clusters: int = 0
    waivers: int = 0
    tests: int = 0


def validate(repository: Repository, template_names: Collection[str], paths: Collection[str] = ()) -> Validation:
    """Judge all documents, each by itself and all together.

    `paths` are files and folders relative to the repository's root, with forward slashes; given some, only findings in
    these count, and those of a config without which nothing can be judged. Raises UsageError for a path that holds no
    document, RepositoryError when the repository cannot be read.
    """
    loaded = load(repository, template_names)
    waivers, broken_waivers = load_beside(repository, WAIVERS_FILE, Waivers)
    tests, broken_tests = load_beside(repository, TESTS_FOLDER, AccessTest)
    findings = in_order((*loaded.findings, *broken_waivers, *broken_tests))
    files = {
        *loaded.files,
        *(one.file for one in waivers),
        *(one.file for one in tests),
        *(one.file or "" for one in findings),
    }
    for path in paths:
        if not any(within(file, path) for file in files):
            hint = "name iamrbac.yaml, waivers.yaml, a file *.yaml in policies/ or tests/access/, or a folder of such"
            raise UsageError("this holds no document of the repository", where=path, hint=hint)
    findings = tuple(finding for finding in findings if not paths or _counts(finding, paths, loaded))
    readable = loaded.readable
    return Validation(
        valid=not any(finding.level is Level.ERROR for finding in findings),
        findings=findings,
        policies=len(readable.policies) if readable is not None else 0,
        grants=len(readable.grants) if readable is not None else 0,
        clusters=len(readable.config.document.clusters) if readable is not None else 0,
        waivers=sum(len(one.document.waivers) for one in waivers),
        tests=sum(len(one.document.tests) for one in tests),
    )


def _counts(finding: Finding, paths: Collection[str], loaded: Loaded) -> bool:
    file = finding.file
    if file is None or any(within(file, path) for path in paths):
        return True
    return loaded.readable is None and file == CONFIG_FILE
