"""Trees and blobs of a delivery repository, read from its object store."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from iamrbac.git.delivery.command import UserGit
from iamrbac.git.delivery.faults import BrokenCloneError, failed
from iamrbac.model.errors import DeliveryError

MAX_LISTING: Final = 256 * 1024 * 1024
MAX_BLOB: Final = 32 * 1024 * 1024
_AT_ONCE: Final = 32 * 1024 * 1024
REGULAR: Final = ("100644", "100755", "100664")
_NAMES: Final = {"120000": "symlink", "160000": "submodule"}


def listed(git: UserGit, commit: str, folders: Sequence[str], where: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the regular files (path → blob id) below some folders of a commit, and what else is there (path → kind).

    What stands where a folder, or one above it, should be is something else too. Raises DeliveryError.
    """
    wanted = [] if "." in folders else list(folders)
    files: dict[str, str] = {}
    odd: dict[str, str] = {}
    for mode, id_, path in _tree(git, ["-r", commit, "--", *wanted], where):
        if mode in REGULAR and path not in wanted:
            files[path] = id_
        else:
            odd[path] = _NAMES.get(mode, "file")
    above = sorted({str(parent) for folder in wanted for parent in PurePosixPath(folder).parents} - {"."})
    for mode, _, path in _tree(git, [commit, "--", *above], where) if above else ():
        if mode != "040000":
            odd[path] = _NAMES.get(mode, "file")
    return files, odd


def _tree(git: UserGit, arguments: Sequence[str], where: str) -> Iterator[tuple[str, str, str]]:
    said = git.run(["ls-tree", "-z", "--full-tree", *arguments], most=MAX_LISTING)
    if said.code != 0:
        raise failed(said, "its files cannot be listed", where)
    if said.cut:
        hint = "keep what is delivered in a repository of its own"
        raise DeliveryError("it has too many files to list", where=where, hint=hint)
    for line in said.out.split(b"\0"):
        if line:
            facts, _, path = line.partition(b"\t")
            mode, _, id_ = facts.decode().split()
            yield mode, id_, os.fsdecode(path)


def contents(git: UserGit, ids: Collection[str], where: str) -> Mapping[str, bytes]:
    """Return the contents of blobs. Raises DeliveryError for one that is not there, or is larger than 32 MiB."""
    found: dict[str, bytes] = {}
    some: list[tuple[str, int]] = []
    size = 0
    for id_, length in _sizes(git, sorted(set(ids)), where):
        some.append((id_, length))
        size += length
        if size > _AT_ONCE:
            found |= _batch(git, some, where)
            some, size = [], 0
    return found | _batch(git, some, where)


def _sizes(git: UserGit, ids: Sequence[str], where: str) -> Iterator[tuple[str, int]]:
    if not ids:
        return
    asked = "".join(f"{id_}\n" for id_ in ids).encode()
    said = git.run(["cat-file", "--batch-check"], asked, most=len(asked) * 4 + 4096)
    if said.code != 0:
        raise failed(said, "its files cannot be read", where)
    for id_, line in zip(ids, said.out.decode().splitlines(), strict=True):
        words = line.split()
        if len(words) != 3 or words[0] != id_ or words[1] != "blob":
            hint = "run again; if it stays, look at the repository with `git fsck`"
            raise BrokenCloneError(f"the blob {id_} is not there any more", where=where, hint=hint)
        if int(words[2]) > MAX_BLOB:
            message = f"a file is larger than {MAX_BLOB // 1024**2} MiB (blob {id_})"
            raise DeliveryError(message, where=where, hint="keep it out of the folders that iamrbac delivers to")
        yield id_, int(words[2])


def _batch(git: UserGit, blobs: Sequence[tuple[str, int]], where: str) -> dict[str, bytes]:
    if not blobs:
        return {}
    asked = "".join(f"{id_}\n" for id_, _ in blobs).encode()
    total = sum(size for _, size in blobs) + len(asked) * 4
    said = git.run(["cat-file", "--batch"], asked, most=total)
    if said.code != 0:
        raise failed(said, "its files cannot be read", where)
    found = {}
    start = 0
    for id_, size in blobs:
        head = f"{id_} blob {size}\n".encode()
        if said.out[start : start + len(head)] != head:
            raise BrokenCloneError(f"the blob {id_} cannot be read", where=where, hint="run again")
        start += len(head)
        found[id_] = said.out[start : start + size]
        start += size + 1
    return found
