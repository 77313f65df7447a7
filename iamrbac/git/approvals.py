"""Who changed the access repository's files, and who agreed: a handful of git calls, however many files there are.

Commits are read as git has them, without mailmap or replacements. A trailer is what whoever made the commit wrote: it
says who is named, not who clicked; signatures are verified only where they are asked for, by git's own gpg or ssh.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from iamrbac.git.revisions import History as Revisions
from iamrbac.git.revisions import failed
from iamrbac.model.errors import HistoryError
from iamrbac.report.history import APPROVALS, Change, FileHistory, History, Merge

_FIELDS: Final = ("%H", "%an <%ae>", "%aI", "%cn <%ce>", "%cI", "%s", "%(trailers:only,unfold)")
_SIGNATURE: Final = "%G?%n%GS"
_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_Found: TypeAlias = tuple[Change, list[str]]
_MOST: Final = 256 << 20
"""Bytes of history that are read."""
_SIGNED: Final[Mapping[str, str]] = {
    "G": "good",
    "B": "bad",
    "U": "good, of unknown trust",
    "X": "good, but expired",
    "Y": "good, by an expired key",
    "R": "good, by a revoked key",
    "E": "cannot be checked here",
    "N": "none",
}
"""git-log(1), "Pretty formats", %G?."""


class GitApprovals:
    """The history of an access repository, read from its folder."""

    def __init__(self, root: Path) -> None:
        """Take the access repository's folder, which may be anywhere in a git repository, or in none."""
        self._root = root

    def history(self, places: Sequence[str], most: int, *, signatures: bool = False) -> History:
        """Return the last `most` commits of every file at some places (files and folders). Never raises.

        Outside of git, or where git cannot be read, the answer says why.
        """
        try:
            return self._history(places, most, signatures)
        except HistoryError as error:
            return History(unknown=error.message)

    def _history(self, places: Sequence[str], most: int, signatures: bool) -> History:
        revisions = Revisions(self._root)
        head = revisions.commit("HEAD").id
        paths = [f"{revisions.prefix}/{place}" if revisions.prefix else place for place in places]
        cut = len(revisions.prefix) + 1 if revisions.prefix else 0
        committed = {path[cut:]: id_ for path, id_ in _tree(revisions, head, paths).items()}
        begins = revisions.boundaries()
        changes, whole = _log(revisions, head, places, signatures)
        merges = _merges(revisions, head)
        kept = {file: found[:most] for file, found in _by_file(changes, cut).items()}
        needed = {merges[one.id] for found in kept.values() for one in found if one.id in merges}
        told = _told(revisions, sorted(needed))
        return History(
            head,
            {
                file: _file(
                    file,
                    tuple(
                        replace(one, boundary=one.id in begins, merge=told.get(merges.get(one.id, "")))
                        for one in kept.get(file, ())
                    ),
                    self._doubt(file, committed.get(file)),
                )
                for file in sorted({*committed, *self._here(places)})
            },
            notes=tuple(_notes(begins, whole)),
        )

    def _here(self, places: Sequence[str]) -> Iterator[str]:
        """Yield the files that are there now."""
        for place in places:
            path = self._root / place
            if path.is_dir():
                yield from (
                    one.relative_to(self._root).as_posix() for one in sorted(path.rglob("*")) if not one.is_dir()
                )
            elif path.exists():
                yield place

    def _doubt(self, file: str, id_: str | None) -> str:
        if id_ is None:
            return "it is in no commit"
        path = self._root / file
        try:
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        # Where git turns line ends around at a checkout, the commit has the other ones.
        same = {_blob(content, len(id_)), _blob(content.replace(b"\r\n", b"\n"), len(id_))}
        return "" if id_ in same else "it was changed since the commit"


def _file(file: str, changes: tuple[Change, ...], doubt: str) -> FileHistory:
    if not doubt and changes and changes[0].boundary:
        doubt = "the clone is shallow and begins here, so an older commit may have changed it"
    if not doubt and not changes:
        doubt = "no commit that is read here changed it"
    return FileHistory(file, changes, doubt)


def _notes(begins: frozenset[str], whole: bool) -> Iterator[str]:
    if begins:
        yield "the clone is shallow: what came before it is not known (`git fetch --unshallow`)"
    if not whole:
        yield f"the history is longer than what is read of it ({_MOST >> 20} MiB)"


def _blob(content: bytes, length: int) -> str:
    """Return the id that git gives to a content (git-hash-object(1)); the ids' length says by which hash."""
    data = b"blob %d\0%s" % (len(content), content)
    return (hashlib.sha256(data) if length == 64 else hashlib.sha1(data, usedforsecurity=False)).hexdigest()


def _tree(revisions: Revisions, head: str, paths: Sequence[str]) -> dict[str, str]:
    said = revisions.git.run(["ls-tree", "-r", "-z", "--full-tree", head, "--", *paths], most=_MOST)
    if said.code != 0:
        raise failed(said, head)
    found: dict[str, str] = {}
    for line in said.out.split(b"\0"):
        about, _, path = line.partition(b"\t")
        if path:
            found[os.fsdecode(path)] = about.split()[2].decode()
    return found


def _log(revisions: Revisions, head: str, places: Sequence[str], signatures: bool) -> tuple[list[_Found], bool]:
    """Return the commits that changed some places, newest first, each with its files; and whether these are all.

    The places count from git's folder, the files from the top. A merge counts where it has what no parent of it has.
    """
    fields = (*_FIELDS, _SIGNATURE) if signatures else _FIELDS
    how = ["--no-show-signature", "--no-mailmap", "--no-renames", "--topo-order", "--no-ext-diff", "--no-textconv"]
    shape = f"--format=%x00{'%x00'.join(fields)}%x00"
    asked = ["log", "-z", "-c", "--name-only", *how, shape, head, "--", *places]
    said = revisions.git.run(asked, most=_MOST)
    if said.code != 0 and not said.cut:
        raise failed(said, head)
    words = [one.decode("utf-8", "backslashreplace") for one in said.out.split(b"\0")]
    found: list[_Found] = []
    place, size = 0, len(fields)
    while place < len(words):
        word = words[place].removeprefix("\n")
        # Between commits and their files git writes one NUL or two. All files are below the places, so none is an id.
        if _ID.fullmatch(word):
            if place + size > len(words):
                break
            found.append((_change(words[place : place + size]), []))
            place += size
            continue
        if word and found:
            found[-1][1].append(word)
        place += 1
    return found, not said.cut


def _change(words: Sequence[str]) -> Change:
    signature = None
    if len(words) > len(_FIELDS):
        state, _, who = words[-1].partition("\n")
        signature = f"{_SIGNED.get(state, state)}{f' ({who})' if who else ''}"
    id_, author, authored, committer, committed, subject, trailers = words[: len(_FIELDS)]
    return Change(id_, author, authored, committer, committed, subject, _approvals(trailers), signature=signature)


def _approvals(trailers: str) -> tuple[tuple[str, str], ...]:
    pairs = (line.partition(":") for line in trailers.split("\n"))
    named = {one.lower(): one for one in APPROVALS}
    return tuple(
        (named[key.strip(" \t").lower()], value.strip(" \t"))
        for key, _, value in pairs
        if key.strip(" \t").lower() in named and value.strip(" \t")
    )


def _by_file(changes: Sequence[_Found], cut: int) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change, files in changes:
        for file in files:
            found.setdefault(file[cut:], []).append(change)
    return found


def _merges(revisions: Revisions, head: str) -> dict[str, str]:
    """Return commit → the merge on the branch itself (its first parents) that brought the commit there."""
    said = revisions.git.run(["rev-list", "--parents", head], most=_MOST)
    if said.code != 0 and not said.cut:
        raise failed(said, head)
    parents = {words[0]: words[1:] for line in said.out.decode("ascii").splitlines() if (words := line.split())}
    line: list[str] = []
    at: str | None = head
    while at is not None and at in parents:
        line.append(at)
        at = parents[at][0] if parents[at] else None
    seen = set(line)
    found: dict[str, str] = {}
    for merge in reversed(line):
        waiting = parents[merge][1:]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                found[one] = merge
                waiting += parents.get(one, ())
    return found


def _told(revisions: Revisions, ids: Sequence[str]) -> dict[str, Merge]:
    if not ids:
        return {}
    shape = f"--format={'%x00'.join(_FIELDS)}"
    asked = ["log", "-z", "--no-walk=unsorted", "--no-show-signature", "--no-mailmap", shape, "--stdin"]
    said = revisions.git.run(asked, "\n".join(ids).encode(), most=_MOST)
    if said.code != 0:
        raise failed(said, ids[0])
    words = [one.decode("utf-8", "backslashreplace") for one in said.out.split(b"\0")]
    size = len(_FIELDS)
    told = (words[place : place + size] for place in range(0, len(words) - size + 1, size))
    return {one[0].strip(): Merge(one[0].strip(), one[3], one[4], one[5], _approvals(one[6])) for one in told}
