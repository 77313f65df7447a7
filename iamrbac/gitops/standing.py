"""How the files that should be in a branch compare with those that are: by their hashes, so that few must be read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from iamrbac.gitops.files import Files
from iamrbac.gitops.header import instance_of, without_header

_SHA1_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Standing:
    """Paths, each in exactly one field; sorted."""

    same: tuple[str, ...]
    """There, byte for byte."""
    differ: tuple[str, ...]
    """There, with another content."""
    new: tuple[str, ...]
    stale: tuple[str, ...]
    """In our inventory, there, and wanted no more."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of a delivery repository on its way from one content to another."""

    path: str
    before: str | None
    """The blob's id; None where there is no file."""
    after: str | None
    """The text; None where it goes."""


def standing(wanted: Files, there: Mapping[str, str], inventory: Collection[str]) -> Standing:
    """Compare; `there` is path → blob id, `inventory` the paths that we wrote before."""
    same: list[str] = []
    differ: list[str] = []
    new: list[str] = []
    for path, text in sorted(wanted.items()):
        blob = there.get(path)
        if blob is None:
            new.append(path)
        elif blob == blob_id(text, like=blob):
            same.append(path)
        else:
            differ.append(path)
    stale = sorted(path for path in inventory if path in there and path not in wanted)
    return Standing(tuple(same), tuple(differ), tuple(new), tuple(stale))


def blob_id(text: str, like: str = "") -> str:
    """Return the id that git gives a text (gitformat-pack: SHA-1, or SHA-256 in repositories that have it).

    `like` is another id of the repository, whose length says which of the two it uses.
    """
    content = text.encode()
    data = b"blob %d\0" % len(content) + content
    if len(like) in (0, _SHA1_LENGTH):
        return hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return hashlib.sha256(data).hexdigest()


def only_header(before: str, after: str) -> bool:
    """Say whether two texts of one instance differ in nothing but the policy lines that they name."""
    instance = instance_of(after)
    return instance is not None and instance == instance_of(before) and without_header(before) == without_header(after)


def on_top(changes: Collection[FileChange], there: Mapping[str, str]) -> tuple[FileChange, ...] | None:
    """Return what is left of some changes on a branch that has moved; None where one of their files was changed.

    What somebody else has written just so already needs no change any more.
    """
    left: list[FileChange] = []
    for change in changes:
        now = there.get(change.path)
        done = now is None if change.after is None else now is not None and now == blob_id(change.after, like=now)
        if done:
            continue
        if now != change.before:
            return None
        left.append(change)
    return tuple(left)
