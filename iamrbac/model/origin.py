"""Where a thing was said: a file and the path inside it. Lines and columns are looked up only when shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list indexes from the document's root, e.g. ("spec", "access", 0, "role")."""


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A place in a document of the access repository."""

    file: str
    """Path relative to the repository's root, with forward slashes."""
    path: Path = ()
    """Keys and indexes from the document's root."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the shape of one document, by path; `usecases` turns it into a Finding with a line."""

    id: str
    """Stable id, DOC001…"""
    path: Path
    message: str
    hint: str


class KeyAt(str):
    """As the last part of a path: the key itself is meant (an unknown key), not the value behind it."""

    __slots__ = ()
