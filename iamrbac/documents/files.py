"""The access repository as files: iamrbac.yaml and policies/**, read as values, positions on demand."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final

from iamrbac.documents.build import Builder
from iamrbac.documents.problem import BrokenError, Problem
from iamrbac.documents.reading import read_text
from iamrbac.documents.spots import Spot, find, position, spots
from iamrbac.documents.walk import SUFFIXES, Found, documents_below, within
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.errors import RepositoryError
from iamrbac.model.origin import Path as DocumentPath
from iamrbac.usecases.ports import RawDocument, RawRepository

CONFIG: Final = "iamrbac.yaml"
POLICIES: Final = "policies"
_KEPT: Final = 4


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that holds iamrbac.yaml. Raises RepositoryError."""
    here = start.absolute()
    for folder in (here, *here.parents):
        try:
            if (folder / CONFIG).is_file():
                return folder
        except OSError as error:
            raise RepositoryError(
                f"cannot look for {CONFIG}: {error.strerror}", where=str(folder), hint="check the folder's permissions"
            ) from error
    raise RepositoryError(
        f"no {CONFIG} here, nor in any folder above",
        where=str(here),
        hint=f"go to the access repository, or name it with --repo DIR; a new one begins with a file {CONFIG}",
    )


class FileRepository:
    """The port Repository over a folder. Nothing is kept but the places in the last few files asked for."""

    def __init__(self, root: Path) -> None:
        self.root: PurePath = root
        self._root = root
        self._spots: dict[str, Spot | None] = {}

    def read(self) -> RawRepository:
        """Read all documents; each broken file is a finding. Raises RepositoryError without a readable folder."""
        if not self._root.is_dir():
            raise RepositoryError(
                "there is no such folder", where=str(self._root), hint="name a folder with --repo DIR"
            )
        builder = Builder()
        findings: list[Finding] = []
        config = self._document(builder, self._config(), findings)
        documents = [
            document
            for found in documents_below(self._root, POLICIES)
            if (document := self._document(builder, found, findings)) is not None
        ]
        return RawRepository(config, tuple(documents), tuple(findings))

    def beside(self, place: str) -> tuple[tuple[RawDocument, ...], tuple[Finding, ...]]:
        """Read a file beside the policies, or all documents below a folder; neither need be there."""
        builder = Builder()
        findings: list[Finding] = []
        file = within(self._root, place)
        if not place.endswith(SUFFIXES):
            files = documents_below(self._root, place)
        else:
            files = (file,) if file.problem is not None or file.path.exists() else ()
        documents = [self._document(builder, one, findings) for one in files]
        return tuple(one for one in documents if one is not None), tuple(findings)

    def position(self, file: str, path: DocumentPath) -> tuple[int, int] | None:
        """Line and column, from 1, of the value at `path` (of its key, when the value is a block that begins below).

        Of the nearest parent where it is missing; None for a file that cannot be read any more.
        """
        root = self._places(file)
        return None if root is None else position(root, path)

    def scalar(self, file: str, path: DocumentPath) -> str | None:
        """The scalar at `path` as written, before YAML made a number or a boolean of it."""
        root = self._places(file)
        if root is None:
            return None
        spot, found = find(root, path)
        return spot.text if found else None

    def _config(self) -> Found:
        path = self._root / CONFIG
        if not path.is_symlink() and not path.exists():
            near = next((name for name in ("iamrbac.yml", "Iamrbac.yaml") if (self._root / name).exists()), None)
            hint = (
                f"rename {near} to {CONFIG}" if near else f"create {CONFIG} with kind: Config (iamrbac schema config)"
            )
            raise RepositoryError(f"the folder has no {CONFIG}", where=str(self._root), hint=hint)
        return within(self._root, CONFIG)

    def _document(self, builder: Builder, found: Found, findings: list[Finding]) -> RawDocument | None:
        """Read one file; None, and findings, when it is broken."""
        problems: tuple[Problem, ...]
        if found.problem is not None:
            problems = (found.problem,)
        else:
            try:
                value, problems = builder.build(read_text(found.path))
            except BrokenError as broken:
                problems = (broken.problem,)
        if not problems:
            return RawDocument(found.file, value)
        findings.extend(_finding(found.file, problem) for problem in problems)
        return None

    def _places(self, file: str) -> Spot | None:
        if file in self._spots:
            self._spots[file] = self._spots.pop(file)
            return self._spots[file]
        found = within(self._root, file)
        root: Spot | None = None
        if found.problem is None:
            try:
                root = spots(read_text(found.path))
            except BrokenError:
                root = None
        self._spots[file] = root
        if len(self._spots) > _KEPT:
            del self._spots[next(iter(self._spots))]
        return root


def _finding(file: str, problem: Problem) -> Finding:
    return Finding(
        problem.id, Level.ERROR, problem.message, problem.hint, file, line=problem.line, column=problem.column
    )
