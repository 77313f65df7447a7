"""Which files are documents: everything named *.yaml or *.yml below a folder, nothing outside the repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from iamrbac.documents import problem as ids
from iamrbac.documents.problem import Problem

SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Found:
    """A document's file, or why it is not to be read."""

    file: str
    """Relative to the repository, with forward slashes."""
    path: Path
    problem: Problem | None = None


def documents_below(root: Path, folder: str) -> tuple[Found, ...]:
    """Return all documents below a folder of the repository, sorted by name; () when there is no such folder.

    Hidden files and folders (a name that begins with a dot) are left out, as version control and mounts use them.
    """
    top = within(root, folder)
    if top.problem is not None:
        return (top,)
    if not top.path.exists():
        return ()
    return tuple(sorted(_walk(root, top, frozenset()), key=lambda found: found.file))


def within(root: Path, file: str) -> Found:
    """Return the file of that name; a symlink that leads out of the repository is a problem, not followed."""
    path = root / file
    if not path.is_symlink():
        return Found(file, path)
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return _refused(file, path, "it is a symlink that leads nowhere", "remove it, or correct its target")
    if not target.is_relative_to(root.resolve()):
        return _refused(file, path, "it is a symlink that leads out of the repository", "put the file itself here")
    return Found(file, path)


def _walk(root: Path, folder: Found, above: frozenset[Path]) -> Iterator[Found]:
    real = folder.path.resolve()
    if real in above:
        yield _refused(folder.file, folder.path, "it is a symlink to a folder above itself", "remove it")
        return
    try:
        with os.scandir(folder.path) as entries:
            listed = [(entry.name, entry.is_symlink(), _is_folder(entry)) for entry in entries]
    except OSError as error:
        why = f"the folder cannot be listed: {error.strerror}"
        yield _refused(folder.file, folder.path, why, "correct its permissions, or make it a folder")
        return
    for name, linked, is_folder in listed:
        if name.startswith("."):
            continue
        named = name.lower().endswith(SUFFIXES)
        if not (named or is_folder):
            continue
        file = f"{folder.file}/{name}"
        if not _printable(name):
            shown = file.encode("utf-8", "backslashreplace").decode()
            yield _refused(shown, folder.path / name, "its name is not UTF-8", "rename it")
            continue
        found = within(root, file) if linked else Found(file, folder.path / name)
        if found.problem is not None:
            yield found
        elif is_folder and not named:
            yield from _walk(root, found, above | {real})
        else:
            yield found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _printable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused(file: str, path: Path, why: str, hint: str) -> Found:
    return Found(file, path, Problem(ids.UNREADABLE, f"the file is not read: {why}", hint))
