"""Files of a commit, written into a private folder, so that they are read by the rules of all other files.

Nothing of git's checkout takes part: no filter, no attribute, no hook. Symlinks are made last, when nothing is written
any more, and those who read the folder judge where they lead.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from iamrbac.git.command import Git
from iamrbac.git.revisions import failed
from iamrbac.model.errors import HistoryError

MAX_FILES: Final = 20_000
MAX_TOTAL: Final = 256 * 1024 * 1024
"""Bytes of all files together; a few objects of a commit can stand for any number of files."""
MAX_BLOB: Final = 2 * 1024 * 1024
"""What is larger is written as a hole: every reader refuses it by its size."""
_MAX_LISTING: Final = 32 * 1024 * 1024
_AT_ONCE: Final = 16 * 1024 * 1024
_LINK: Final = "120000"
_SUBMODULE: Final = "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit, by its path in the access repository."""

    path: str
    mode: str
    id: str
    size: int


def export(git: Git, commit: str, prefix: str, places: Collection[str], folder: Path) -> None:
    """Write the files and folders `places` of a commit into an empty folder; what the commit has not is not there.

    `prefix` is the access repository's place in the git repository. Where one of the files is a symlink, all files of
    the access repository are written, since it may lead to any. Raises HistoryError when something cannot be read.
    """
    tops = sorted({PurePosixPath(place).parts[0] for place in places})
    entries = [entry for entry in _listed(git, commit, prefix, tops) if _wanted(entry, places)]
    if any(entry.mode == _LINK for entry in entries):
        everything = _listed(git, commit, prefix, ())
        entries = [entry for entry in everything if entry.mode != _SUBMODULE or _wanted(entry, places)]
    total = sum(min(entry.size, MAX_BLOB) for entry in entries)
    if len(entries) > MAX_FILES or total > MAX_TOTAL:
        message = f"its access repository is larger than {MAX_FILES:,} files or {MAX_TOTAL // 1024**2} MiB"
        raise HistoryError(message, where=commit, hint="keep it in a folder of its own, without symlinks")
    _check(entries, commit)
    links = [entry for entry in entries if entry.mode == _LINK]
    for entry, content in _contents(git, [entry for entry in entries if entry.mode != _LINK], commit):
        _put(folder, entry, content, commit)
    for entry, content in _contents(git, links, commit):
        _put(folder, entry, content, commit)


def _listed(git: Git, commit: str, prefix: str, names: Sequence[str]) -> list[Entry]:
    start = f"{prefix}/" if prefix else ""
    paths = [start + name for name in names] or ([prefix] if prefix else [])
    said = git.run(["ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *paths], most=_MAX_LISTING)
    if said.cut:
        raise HistoryError("it has too many files", where=commit, hint="keep the access repository in its own folder")
    if said.code != 0:
        raise failed(said, commit)
    return [_entry(line, start) for line in said.out.split(b"\0") if line]


def _entry(line: bytes, start: str) -> Entry:
    facts, _, path = line.partition(b"\t")
    mode, _, id_, size = facts.decode().split()
    return Entry(os.fsdecode(path).removeprefix(start), mode, id_, int(size) if size.isdigit() else 0)


def _wanted(entry: Entry, places: Collection[str]) -> bool:
    """Keep what is in a place, and a file or symlink that stands where a folder above one should."""
    return any(
        entry.path == place or entry.path.startswith(f"{place}/") or place.startswith(f"{entry.path}/")
        for place in places
    )


def _check(entries: Collection[Entry], commit: str) -> None:
    """Refuse what no checkout would write, and what cannot be known from this repository."""
    paths = {entry.path for entry in entries}
    for entry in entries:
        above = PurePosixPath(entry.path).parents
        odd = any(part in ("", ".", "..") for part in entry.path.split("/"))
        if odd or len(paths) < len(entries) or any(str(one) in paths for one in above):
            raise HistoryError(f"a tree of it is malformed: {entry.path!r}", where=commit, hint="look with `git fsck`")
        if entry.mode == _SUBMODULE:
            raise HistoryError(
                f"{entry.path} is a submodule, whose files are not read",
                where=commit,
                hint="keep policies and templates in the access repository itself",
            )


def _contents(git: Git, entries: Sequence[Entry], commit: str) -> Iterator[tuple[Entry, bytes]]:
    """Yield each entry with its content; without, where it is too large to be read by anybody."""
    some: list[Entry] = []
    size = 0
    for entry in entries:
        if entry.size > MAX_BLOB:
            yield entry, b""
            continue
        some.append(entry)
        size += entry.size
        if size > _AT_ONCE:
            yield from zip(some, _blobs(git, some, commit), strict=True)
            some, size = [], 0
    yield from zip(some, _blobs(git, some, commit), strict=True)


def _blobs(git: Git, entries: Sequence[Entry], commit: str) -> Iterator[bytes]:
    if not entries:
        return
    asked = "".join(f"{entry.id}\n" for entry in entries).encode()
    said = git.run(["cat-file", "--batch"], asked, most=_AT_ONCE * 2 + len(asked) * 4)
    if said.code != 0:
        raise failed(said, commit)
    rest = memoryview(said.out)
    for entry in entries:
        head = f"{entry.id} blob {entry.size}\n".encode()
        if bytes(rest[: len(head)]) != head:
            hint = "fetch it: `git fetch --refetch`, without a filter"
            raise HistoryError(f"{entry.path} of it is not in this repository", where=commit, hint=hint)
        rest = rest[len(head) :]
        yield bytes(rest[: entry.size])
        rest = rest[entry.size + 1 :]


def _put(folder: Path, entry: Entry, content: bytes, commit: str) -> None:
    path = folder / entry.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == _LINK:
            path.symlink_to(os.fsdecode(content))
        else:
            with path.open("xb") as file:
                file.write(content)
                file.truncate(min(entry.size, MAX_BLOB + 1))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        message = f"{entry.path!r} of it cannot be written into a file: {reason}"
        raise HistoryError(message, where=commit, hint="rename it, or free some space") from error
