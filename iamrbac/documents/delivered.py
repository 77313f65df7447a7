"""Values of files in a delivery repository: one document of YAML or JSON, by the strict rules of our own documents."""

from __future__ import annotations

import json
from typing import Any, Final

from iamrbac.documents.build import Builder
from iamrbac.documents.problem import DUPLICATE, Problem
from iamrbac.documents.syntax import position

_MOST: Final = 1_000_000
_BOM: Final = b"\xef\xbb\xbf"


class DeliveredFiles:
    """Reads many files; equal scalars of all of them are the same object."""

    def __init__(self) -> None:
        self._builder = Builder(_MOST)

    def value(self, file: str, content: bytes) -> object:
        """Return a file's value, JSON where its name ends so, else YAML. Raises ValueError: FILE:LINE:COLUMN: what."""
        content = content.removeprefix(_BOM)
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            line, column = position(content[: error.start].decode(), error.start)
            raise ValueError(f"{file}:{line}:{column}: it is not UTF-8") from error
        if file.endswith(".json"):
            return self._json(file, content, text)
        value, problems = self._builder.build(content)
        if problems:
            raise ValueError(_told(file, problems[0]))
        return value

    def _json(self, file: str, content: bytes, text: str) -> object:
        try:
            return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            raise ValueError(f"{file}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}") from error
        except RecursionError as error:
            raise ValueError(f"{file}:1:1: it is nested too deeply") from error
        except _DuplicateError as error:
            # JSON is YAML too, and our reader of that knows where everything is.
            _, problems = self._builder.build(content)
            problem = next((one for one in problems if one.id == DUPLICATE), None)
            told = _told(file, problem) if problem is not None else f"{file}:1:1: the key {error} is there twice"
            raise ValueError(told) from error
        except ValueError as error:
            raise ValueError(f"{file}:1:1: {error}") from error


class _DuplicateError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateError(next(name for name in names if names.count(name) > 1))
    return found


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _told(file: str, problem: Problem) -> str:
    return f"{file}:{problem.line or 1}:{problem.column or 1}: {problem.message}"
