"""Which commits a change lies between: revisions as people name them, and the commit that a branch began at."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from iamrbac.git.command import Git, Said
from iamrbac.model.errors import HistoryError

_FETCH: Final = (
    "fetch the whole history: `git fetch --unshallow`, in GitHub Actions `fetch-depth: 0` of actions/checkout"
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A revision as it was asked for, and the commit that it is."""

    asked: str
    id: str


class History:
    """The git repository around a folder, which may be anywhere in it."""

    def __init__(self, root: Path) -> None:
        """Take the access repository's folder. Raises HistoryError where no git repository is around it."""
        self.git = Git(root)
        self._root = root
        top, folder = (self._discover(asked) for asked in ("--show-toplevel", "--absolute-git-dir"))
        self.prefix = self._discover("--show-prefix").rstrip("/")
        """The access repository's place in the git repository; "" at its top."""
        # What a branch holds can look like a bare repository, but never be called .git.
        inside = Path(folder).resolve()
        if inside.is_relative_to(Path(top).resolve()) and ".git" not in inside.relative_to(Path(top).resolve()).parts:
            raise HistoryError(
                "the git repository here is one that the files themselves hold", where=folder, hint="remove it"
            )

    def commit(self, revision: str) -> Commit:
        """Return a revision's commit. Raises HistoryError for one that is not there, or that is two."""
        if revision.startswith("-") or not revision:
            raise HistoryError("this is no revision", where=revision or '""', hint="name a branch, a tag or a commit")
        said = self.git.run(["rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"])
        if "is ambiguous" in said.err:
            # Of a branch and a remote branch of one name git takes the branch, which anybody may have called so.
            raise HistoryError(
                "this is the name of several revisions",
                where=revision,
                hint="write the whole name (refs/remotes/origin/main), or the commit",
            )
        if said.code != 0:
            hint = _FETCH if self._shallow() else "correct the name, or fetch it (`git fetch origin main`)"
            raise HistoryError("there is no such revision here", where=revision, hint=hint)
        return Commit(revision, said.out.decode().strip())

    def merge_base(self, base: Commit, head: Commit) -> str:
        """Return the commit at which `head` left `base`, as `git diff base...head` takes it. Raises HistoryError."""
        said = self.git.run(["merge-base", base.id, head.id])
        if said.code == 0 and said.out.strip():
            return said.out.decode().split()[0]
        between = f"{base.asked}...{head.asked}"
        if self._shallow():
            raise HistoryError("the commit where they part is not in this shallow clone", where=between, hint=_FETCH)
        if said.code == 1:
            raise HistoryError(
                "they have no commit in common", where=between, hint="name a base that the head has come from"
            )
        raise failed(said, between)

    def has(self, commit: str, file: str) -> bool:
        """Say whether a commit has this file of the access repository. Raises HistoryError where it cannot be known."""
        path = f"{self.prefix}/{file}" if self.prefix else file
        said = self.git.run(["ls-tree", "--full-tree", "-z", commit, "--", path])
        if said.code != 0:
            raise failed(said, commit)
        return bool(said.out)

    def boundaries(self) -> frozenset[str]:
        """Return the commits whose parents are missing (gitrepository-layout(5): shallow)."""
        said = self.git.run(["rev-parse", "--git-path", "shallow"])
        path = self.git.folder / os.fsdecode(said.out.removesuffix(b"\n"))
        try:
            return frozenset(path.read_text(encoding="ascii").split())
        except OSError:
            return frozenset()

    def _discover(self, what: str) -> str:
        said = self.git.run(["rev-parse", what])
        if said.code == 0:
            return os.fsdecode(said.out.removesuffix(b"\n"))
        if "dubious ownership" in said.err:
            hint = f"`git config --global --add safe.directory {self._root}`, if you trust it"
            message = "git does not read a repository that another user owns"
            raise HistoryError(message, where=str(self._root), hint=hint)
        if "bare repository" in said.err:
            hint = "name a folder of a clone with a work tree with --repo DIR"
            raise HistoryError("this is a bare repository, or looks like one", where=str(self._root), hint=hint)
        if "not a git repository" in said.err or "must be run in a work tree" in said.err:
            hint = "compare in a git clone of the access repository"
            raise HistoryError("it is in no git repository", where=str(self._root), hint=hint)
        raise failed(said, str(self._root))

    def _shallow(self) -> bool:
        return self.git.run(["rev-parse", "--is-shallow-repository"]).out.strip() == b"true"


def failed(said: Said, where: str) -> HistoryError:
    """Return the error for what git could not do and nobody foresaw: its own last words."""
    words = [line for line in said.err.splitlines() if line.strip()]
    why = words[-1].removeprefix("fatal: ").rstrip(".") if words else f"it ended with {said.code}"
    hint = "look at the repository with `git fsck`"
    if "promisor" in said.err or "transport" in said.err:
        hint = "this is a partial clone: fetch what it lacks (`git fetch --refetch --no-filter`)"
    return HistoryError(f"git cannot read it: {why}", where=where, hint=hint)
