"""A temporary work tree of a delivery repository, in which hooks, attributes and signing work as in any other.

Where the repository has hooks, everything is checked out, since a hook may look at any file. Where it has none, only
`.gitignore` files are: git reads attributes from the index too, and nobody looks at the rest.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from iamrbac.git.delivery.command import NETWORK, UserGit
from iamrbac.git.delivery.faults import failed
from iamrbac.git.delivery.objects import MAX_LISTING
from iamrbac.model.errors import DeliveryError

_PREFIX: Final = "iamrbac-delivery-"
_LOCK: Final = "lock"
_UNBORN: Final = "refs/worktree/iamrbac"
"""Refs of this namespace belong to one work tree and go with it (git-worktree(1))."""
_NOBODY: Final = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "iamrbac"), ("EMAIL", "iamrbac@localhost"), ("DATE", "@0 +0000"))
}
_SETTINGS: Final = (
    "core.sparseCheckout=false",
    "core.safecrlf=false",
    "i18n.commitEncoding=UTF-8",
    # Housekeeping in the background would outlive the work tree.
    "gc.auto=0",
    "maintenance.auto=false",
)


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A detached work tree whose index is that of a commit."""

    git: UserGit
    """Runs in it."""
    folder: Path
    index: dict[str, str]
    """Path → mode of everything in the index."""
    checked_out: bool
    """All files are there; else only what git itself needs."""


@contextmanager
def work_tree(git: UserGit, start: str | None, where: str) -> Iterator[WorkTree]:
    """Give a work tree at a commit, or with no commit at all (None); it goes away whatever happens.

    What a run that was killed left behind goes first. Raises DeliveryError.
    """
    remove_leftovers(git)
    try:
        outer = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    except OSError as error:
        hint = "set TMPDIR to a folder that you can write"
        raise DeliveryError(f"no temporary folder can be made: {error.strerror}", where=where, hint=hint) from error
    lock = FileLock(outer / _LOCK)
    lock.acquire()
    # git calls the entry in its own records like the folder.
    folder = outer / outer.name
    try:
        yield _made(git, folder, start, where)
    finally:
        _remove(git, folder)
        lock.release()
        shutil.rmtree(outer, ignore_errors=True)


def remove_leftovers(git: UserGit) -> None:
    """Remove work trees of runs that were killed: their lock is free."""
    said = git.run(["worktree", "list", "--porcelain"])
    for line in said.out.split(b"\n"):
        folder = Path(os.fsdecode(line.removeprefix(b"worktree ")))
        if not line.startswith(b"worktree ") or not folder.name.startswith(_PREFIX):
            continue
        outer = folder.parent
        if outer.name != folder.name or not outer.is_dir():
            _remove(git, folder)
            continue
        lock = FileLock(outer / _LOCK)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        _remove(git, folder)
        lock.release()
        shutil.rmtree(outer, ignore_errors=True)


def _made(git: UserGit, folder: Path, start: str | None, where: str) -> WorkTree:
    commit = start or _nothing(git, where)
    said = git.run(["worktree", "add", "--quiet", "--no-checkout", "--detach", str(folder), commit])
    if said.code != 0:
        raise failed(said, "no temporary work tree can be made", where)
    inside = git.within(folder, *_SETTINGS)
    if start is None:
        said = inside.run(["symbolic-ref", "HEAD", _UNBORN])
        if said.code != 0:
            raise failed(said, "no first commit can be begun", where)
    # Before the index is filled: relative hooks of the repository itself are files of it.
    everything = _has_hooks(inside)
    update = ["--reset", "-u"] if everything else []
    said = inside.run(["read-tree", *update, commit], timeout=NETWORK)
    if said.code != 0:
        raise failed(said, "its files cannot be checked out", where)
    index = _index(inside, where)
    if not everything:
        _check_out(inside, [path for path in index if path.rpartition("/")[2] == ".gitignore"], where)
    return WorkTree(inside, folder, index, everything)


def _nothing(git: UserGit, where: str) -> str:
    """Return a commit of no files, which is never pushed: git 2.30 makes no work tree without a commit."""
    tree = git.run(["mktree"])
    said = git.run(["commit-tree", tree.out.decode().strip(), "-m", "nothing"], environment=_NOBODY)
    if said.code != 0:
        raise failed(said if tree.code == 0 else tree, "no first commit can be begun", where)
    return said.out.decode().strip()


def _has_hooks(git: UserGit) -> bool:
    """Say whether anything of the person's runs on a commit or a push."""
    if git.run(["config", "--get", "core.hooksPath"]).code == 0:
        return True
    if git.run(["config", "--get-regexp", r"^hook\."]).code == 0:
        return True
    said = git.run(["rev-parse", "--git-path", "hooks"])
    try:
        files = [one for one in (git.folder / os.fsdecode(said.out.rstrip(b"\n"))).iterdir() if one.suffix != ".sample"]
    except OSError:
        return False
    return any(os.access(one, os.X_OK) for one in files)


def _index(git: UserGit, where: str) -> dict[str, str]:
    said = git.run(["ls-files", "--stage", "-z"], most=MAX_LISTING)
    if said.code != 0 or said.cut:
        raise failed(said, "its index cannot be read", where)
    entries = (line.partition(b"\t") for line in said.out.split(b"\0") if line)
    return {os.fsdecode(path): facts[:6].decode() for facts, _, path in entries}


def _check_out(git: UserGit, paths: list[str], where: str) -> None:
    if paths:
        said = git.run(
            ["checkout-index", "--quiet", "-z", "--stdin"], b"".join(os.fsencode(path) + b"\0" for path in paths)
        )
        if said.code != 0:
            raise failed(said, "its files cannot be checked out", where)


def _remove(git: UserGit, folder: Path) -> None:
    """Take away a work tree and git's record of it, as far as it goes; what stays is taken away by the next run."""
    # Twice, for one that is locked. A folder that is gone already is no hindrance.
    remove = ["worktree", "remove", "--force", "--force", str(folder)]
    if git.run(remove).code != 0:
        shutil.rmtree(folder, ignore_errors=True)
        git.run(remove)
