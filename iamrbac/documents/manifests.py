"""RBAC objects in a file or folder of Kubernetes manifests: YAML or JSON, several documents and Lists too."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from iamrbac.documents import problem as ids
from iamrbac.documents.build import Builder
from iamrbac.documents.problem import BrokenError, Problem
from iamrbac.documents.reading import read_text
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.errors import UsageError
from iamrbac.rbac.objects import Binding, Role
from iamrbac.rbac.validate import manifest_problems
from iamrbac.rbac.wire import binding_from_json, role_from_json

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_RBAC: Final = "rbac.authorization.k8s.io/"
_ROLES: Final = ("Role", "ClusterRole")
_BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")
_LISTS: Final = tuple(f"{kind}List" for kind in (*_ROLES, *_BINDINGS))
# A line of three dashes ends a document wherever it stands, even in a text (YAML 1.1 §9.1).
_DOCUMENT: Final = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_VALUES: Final = 5_000_000
REFUSED, TWICE = "MAN001", "MAN002"
_LEAVE_OUT: Final = "correct it, or name only the files that are manifests"


def read_manifests(path: Path) -> tuple[tuple[Role | Binding, ...], tuple[Finding, ...]]:
    """Return all RBAC objects in a file, or in all files below a folder, and everything that is wrong with them.

    Other kinds are passed over, and so are names that begin with a dot. A finding is an error: what cannot be read,
    or what the API server would not store, must not look like a role that is not there. Raises UsageError for a path
    that is not there, or holds no manifest.
    """
    placed, findings = read_placed(path)
    return tuple(one for one, _, _ in placed), findings


def read_placed(path: Path) -> tuple[tuple[tuple[Role | Binding, str, int], ...], tuple[Finding, ...]]:
    """Return the same with the file and line where each object begins."""
    reading = _Reading()
    for file in _files(path):
        reading.file(file)
    return tuple(reading.objects.values()), tuple(reading.findings)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise UsageError("there is no such file or folder", where=str(path), hint="correct the path")
        return [path]
    found: list[Path] = []
    # A folder that cannot be listed must not look empty.
    for folder, folders, files in os.walk(path, onerror=_unlisted):
        folders[:] = [name for name in folders if not name.startswith(".")]
        named = (name for name in files if not name.startswith(".") and name.lower().endswith(_SUFFIXES))
        found += [Path(folder) / name for name in named]
    if not found:
        raise UsageError("holds no manifest (*.yaml, *.yml, *.json)", where=str(path), hint="name another folder")
    return sorted(found)


def _unlisted(error: OSError) -> None:
    raise UsageError(
        f"cannot be listed: {error.strerror}", where=str(error.filename), hint="correct its permissions"
    ) from error


class _Reading:
    """The files of one run."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str | None, str], tuple[Role | Binding, str, int]] = {}
        """Each with the place where it was first."""
        self.findings: list[Finding] = []
        self._builder = Builder(_MAX_VALUES)

    def file(self, file: Path) -> None:
        """Read one file."""
        try:
            data = read_text(file, _MAX_BYTES)
            for line, value in self._json(data) if file.suffix.lower() == ".json" else self._yaml(str(file), data):
                self._value(value, str(file), line)
        except BrokenError as broken:
            self._broken(str(file), broken.problem, 0)

    def _json(self, data: bytes) -> Iterator[tuple[int, Any]]:
        try:
            yield 1, json.loads(data)
        except json.JSONDecodeError as error:
            raise BrokenError(
                Problem(ids.SYNTAX, f"this is not JSON: {error.msg}", _LEAVE_OUT, error.lineno, error.colno)
            ) from error
        except (ValueError, RecursionError) as error:
            raise BrokenError(Problem(ids.TOO_MUCH, f"this is no manifest: {error}", _LEAVE_OUT)) from error

    def _yaml(self, file: str, data: bytes) -> Iterator[tuple[int, Any]]:
        starts = [0, *(match.end() for match in _DOCUMENT.finditer(data)), len(data) + 3]
        line = 1
        for start, end in pairwise(starts):
            text = data[start : end - 3]
            value, problems = self._builder.build(text)
            # Of other kinds nothing counts but where they end; what RBAC says must mean one thing to every reader.
            if value is None or _is_rbac(value):
                for problem in problems:
                    if problem.id != ids.EMPTY:
                        self._broken(file, problem, line - 1)
            if value is not None:
                yield line + _blank_lines(text), value
            line += data.count(b"\n", start, end)

    def _value(self, value: Any, file: str, line: int) -> None:
        """Take an object, or each of a List, however deep they lie in each other."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            kind = one.get("kind") if isinstance(one, dict) else None
            if kind == "List" or kind in _LISTS:
                items = [] if one.get("items") is None else one["items"]
                if not isinstance(items, list):
                    self._wrong(file, line, f"a {kind} is malformed: items is no list")
                    continue
                # Items of a list that a server gave have no kind of their own.
                head = (
                    {} if kind == "List" else {"kind": kind.removesuffix("List"), "apiVersion": one.get("apiVersion")}
                )
                waiting += [{**head, **item} for item in reversed(items) if isinstance(item, dict)]
            elif _is_rbac(one) and kind in (*_ROLES, *_BINDINGS):
                self._object(one, file, line)

    def _object(self, value: dict[str, Any], file: str, line: int) -> None:
        metadata = value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        called = f"{value['kind']} {name}" if isinstance(name, str) and name else f"a {value['kind']}"
        try:
            problems = manifest_problems(value)
            found = role_from_json(value) if value["kind"] in _ROLES else binding_from_json(value)
        except ValueError as error:
            self._wrong(file, line, f"{called} is malformed: {error}")
            return
        for problem in problems:
            self._wrong(file, line, f"{called} would be refused: {problem}")
        if problems:
            return
        key = (found.kind, found.namespace, found.name)
        first, other, at = self.objects.setdefault(key, (found, file, line))
        if first != found:
            message = f"{called} is here for the second time, and says something else than in {other}:{at}"
            hint = "name the manifests of one cluster only"
            self.findings.append(Finding(TWICE, Level.ERROR, message, hint, file, line=line))

    def _wrong(self, file: str, line: int, message: str) -> None:
        self.findings.append(Finding(REFUSED, Level.ERROR, message, "correct the manifest", file, line=line))

    def _broken(self, file: str, problem: Problem, above: int) -> None:
        line = None if problem.line is None else problem.line + above
        self.findings.append(
            Finding(problem.id, Level.ERROR, problem.message, problem.hint, file, line=line, column=problem.column)
        )


def _is_rbac(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    version = value.get("apiVersion")
    return value.get("kind") == "List" or (isinstance(version, str) and version.startswith(_RBAC))


def _blank_lines(text: bytes) -> int:
    """Return how many lines stand before the first that says something."""
    return next((number for number, line in enumerate(text.splitlines()) if line.strip() and line[:1] != b"#"), 0)
