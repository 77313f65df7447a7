"""A folder of generated files that we own file by file: what a run does not write any more it removes, nothing else.

The inventory in the folder lists our files. It is written before the first file and after the last, so that a run that
was cut short leaves nothing that the next one does not know. It has no ending that kubectl would read.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iamrbac.model.errors import OutputError

INVENTORY = ".iamrbac-inventory"
_HEADER = "# Files that iamrbac compile --out wrote here: it replaces and removes these, and no other.\n"
_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)+[A-Za-z0-9_][A-Za-z0-9_.-]*\.yaml")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Written:
    """What a run did to the folder."""

    written: int
    unchanged: int
    removed: int


class OutputFolder:
    """A folder for generated files; it need not exist yet."""

    def __init__(self, root: Path) -> None:
        """Take the folder. Nothing is read or written yet."""
        self._root = root

    def write(self, files: Iterable[tuple[str, str]], only: Collection[str] | None = None) -> Written:
        """Make the folder hold these files, and remove those of an earlier run that are not among them.

        `files` are paths (with forward slashes) and texts. With `only`, files below other first folders are left alone.
        Raises OutputError before anything is written when something that is not ours is in the way, or when the
        inventory cannot be trusted; and when the disk refuses.
        """
        wanted = dict(files)
        try:
            ours = self._inventory()
            self._refuse_foreign(wanted, ours)
            self._note(ours | wanted.keys())
            counts = self._put(wanted, ours)
            stale = {path for path in ours - wanted.keys() if only is None or path.split("/", 1)[0] in only}
            removed = self._remove(stale)
            self._note((ours | wanted.keys()) - stale)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "the disk refused"
            where = str(error.filename or self._root)
            raise OutputError(
                f"cannot be written: {reason}", where=where, hint="correct it and run again: the same command goes on"
            ) from error
        return Written(counts[0], counts[1], removed)

    def _inventory(self) -> set[str]:
        file = self._root / INVENTORY
        if self._root.exists() and not self._root.is_dir():
            raise OutputError("it is not a folder", where=str(self._root), hint="name another place with --out")
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return set()
        except UnicodeDecodeError as error:
            raise _untrusted(file) from error
        listed = {line for line in text.splitlines() if line and not line.startswith("#")}
        if file.is_symlink() or not all(_PATH.fullmatch(path) for path in listed):
            raise _untrusted(file)
        return listed

    def _refuse_foreign(self, wanted: Collection[str], ours: Collection[str]) -> None:
        """Refuse a file of others at a path of ours, and a link or a file where a folder of ours is or will be."""
        there = dict(_entries(self._root, ""))
        folders = {parent for path in (*wanted, *ours) for parent in _parents(path)}
        foreign = {path for path in wanted if path in there and (path not in ours or there[path] != "file")}
        foreign |= {path for path in ours if there.get(path) == "folder"}
        foreign |= {folder for folder in folders if there.get(folder, "folder") != "folder"}
        if foreign:
            shown = ", ".join(sorted(foreign)[:_SHOWN])
            more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
            raise OutputError(
                f"in the way, and not written by iamrbac: {shown}{more}; nothing was written",
                where=str(self._root),
                hint="move them away, or name another folder with --out",
            )

    def _note(self, paths: Iterable[str]) -> None:
        """Write the inventory, whole or not at all."""
        self._root.mkdir(parents=True, exist_ok=True)
        text = _HEADER + "".join(f"{path}\n" for path in sorted(paths))
        target = self._root / INVENTORY
        if target.exists() and target.read_text(encoding="utf-8") == text:
            return
        handle, temporary = tempfile.mkstemp(dir=self._root, prefix=INVENTORY)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            # mkstemp is for secrets; this is a file like those that it lists.
            Path(temporary).chmod(0o644)
            Path(temporary).replace(target)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _put(self, wanted: dict[str, str], ours: Collection[str]) -> tuple[int, int]:
        """Write what differs; a file that is right already keeps its time."""
        root = str(self._root)
        made: set[str] = set()
        written = 0
        for path, text in wanted.items():
            folder = path.rpartition("/")[0]
            if folder not in made:
                (self._root / folder).mkdir(parents=True, exist_ok=True)
                made.add(folder)
            content = text.encode("utf-8")
            if path in ours and _content(f"{root}/{path}") == content:
                continue
            _replace(f"{root}/{path}", content)
            written += 1
        return written, len(wanted) - written

    def _remove(self, stale: Iterable[str]) -> int:
        """Remove files, and folders that are empty then."""
        removed = 0
        folders: set[str] = set()
        for path in sorted(stale):
            file = self._root / path
            if file.exists():
                file.unlink()
                removed += 1
            folders.update(_parents(path))
        for folder in sorted(folders, key=len, reverse=True):
            place = self._root / folder
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
        return removed


def _replace(path: str, content: bytes) -> None:
    """Write a file, following no link. There are tens of thousands, so each costs as few calls as it can."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)


def _content(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None


def _entries(root: Path, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield every entry below a folder, links not followed: its path and whether it is a file, a folder or else."""
    if not root.is_dir():
        return
    with os.scandir(root) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield path, "folder"
                yield from _entries(root / entry.name, f"{path}/")
            else:
                yield path, "file" if entry.is_file(follow_symlinks=False) else "other"


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _untrusted(file: Path) -> OutputError:
    return OutputError(
        "lists what iamrbac cannot have written, so nothing is removed or replaced by it",
        where=str(file),
        hint="restore it, or name another folder with --out",
    )
