"""Which files are documents: everything named *.yaml or *.yml below a folder, nothing outside the repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path
from typing import Final

from iamrbac.documents import problem as ids
from iamrbac.documents.problem import Problem
from iamrbac.model.hidden import hidden, named

SUFFIXES: Final = (".yaml", ".yml")
MAX_FOLDERS: Final = 20
"""Folders in one another, counted from where documents are looked for."""
_GIT: Final = ".git"
_NOWHERE: Final = ("it is a symlink that leads nowhere", "remove it, or correct its target")


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
    return tuple(sorted(_walk(root, top), key=lambda found: found.file))


def within(root: Path, file: str) -> Found:
    """Return the file of that name; one that links lead out of the repository, or to Git's own files, is a problem.

    Any part of the name may be a link. Git's config may hold a token, and messages quote what they are about.
    """
    path, top = root / file, root.resolve()
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        return _refused(file, path, *_NOWHERE)
    if target == top / file:
        return Found(file, path)
    if path.is_symlink() and not path.exists():
        return _refused(file, path, *_NOWHERE)
    if not target.is_relative_to(top):
        return _refused(file, path, "it is a symlink that leads out of the repository", "put the file itself here")
    if _GIT in (part.lower() for part in target.relative_to(top).parts):
        return _refused(file, path, "it is a symlink to a file of Git's own", "put the file itself here")
    return Found(file, path)


def _walk(root: Path, top: Found) -> Iterator[Found]:
    """Yield what is below a folder. Links to folders come last, and no folder is read twice: links to links double."""
    seen: set[Path] = set()
    folders, links = [(top, 0)], list[tuple[str, Found, int]]()
    while folders or links:
        folder, depth = folders.pop() if folders else heappop(links)[1:]
        real = folder.path.resolve()
        if real in seen:
            why = "it is a symlink to a folder that is read already"
            yield _refused(folder.file, folder.path, why, "remove it")
            continue
        if depth > MAX_FOLDERS:
            why = f"it is in more than {MAX_FOLDERS} folders that are in one another"
            yield _refused(folder.file, folder.path, why, "move it up")
            continue
        seen.add(real)
        for found, is_folder, linked in _entries(root, folder):
            if not is_folder or found.problem is not None:
                yield found
            elif linked:
                heappush(links, (found.file, found, depth + 1))
            else:
                folders.append((found, depth + 1))


def _entries(root: Path, folder: Found) -> Iterator[tuple[Found, bool, bool]]:
    """Yield a folder's documents and folders: each, whether it is a folder to walk, and whether it is a link."""
    try:
        with os.scandir(folder.path) as entries:
            listed = [(entry.name, entry.is_symlink(), _is_folder(entry)) for entry in entries]
    except OSError as error:
        why = f"the folder cannot be listed: {error.strerror}"
        yield _refused(folder.file, folder.path, why, "correct its permissions, or make it a folder"), False, False
        return
    for name, linked, is_folder in listed:
        document = name.lower().endswith(SUFFIXES)
        if name.startswith(".") or not (document or is_folder):
            continue
        file, path = f"{folder.file}/{name}", folder.path / name
        strange = _strange(name)
        if strange is not None:
            file = file.encode("utf-8", "backslashreplace").decode()
        found = Found(file, path, strange) if strange or not linked else within(root, file)
        yield found, is_folder and not document, linked


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _strange(name: str) -> Problem | None:
    """Say what is wrong with a name: bytes that are no text come as lone surrogates, and lines end in no name."""
    if any("\ud800" <= one <= "\udfff" for one in name):
        return Problem(ids.UNREADABLE, "the file is not read: its name is not UTF-8", "rename it")
    found = next((one for _, one in hidden(name)), None) or next((one for one in name if one in "\t\r\n"), None)
    if found is None:
        return None
    message = f"the file is not read: its name has {named(found)} in it, which hides what a reviewer sees"
    return Problem(ids.HIDDEN, message, "rename it")


def _refused(file: str, path: Path, why: str, hint: str) -> Found:
    return Found(file, path, Problem(ids.UNREADABLE, f"the file is not read: {why}", hint))
