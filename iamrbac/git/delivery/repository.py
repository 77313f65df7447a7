"""The port DeliveryRepository: tips, commits, pushes and pull requests of one delivery repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from iamrbac.git.delivery.commit import commit, stage, verify
from iamrbac.git.delivery.faults import BrokenCloneError, failed
from iamrbac.git.delivery.fetch import branch_commit, head_commit, parsed, revision_commit
from iamrbac.git.delivery.forge.pulls import PullRequests, pull_requests
from iamrbac.git.delivery.history import is_ancestor, last_change
from iamrbac.git.delivery.objects import contents, listed
from iamrbac.git.delivery.push import push
from iamrbac.git.delivery.stores import Store
from iamrbac.git.delivery.worktree import WorkTree, work_tree
from iamrbac.model.errors import DeliveryError, MovedError
from iamrbac.model.gitops import Author, Forge
from iamrbac.usecases.deliveries import Committed, Landed, Message, Proposal, Tip

T = TypeVar("T")


class GitDelivery:
    """A delivery repository, through the person's own git."""

    def __init__(self, store: Store, forge: Callable[[str, Forge | None], PullRequests] = pull_requests) -> None:
        """Take where it is; `forge` opens the API of pull requests for a URL."""
        self._store = store
        self._forge = forge

    def tip(self, branch: str, folders: Sequence[str]) -> Tip:
        """Fetch a branch and list the files below some folders. Raises DeliveryError."""
        return self._sound(lambda: self._listed(branch, branch_commit(self._store, branch), folders))

    def at(self, revision: str, folders: Sequence[str]) -> Tip:
        """The same for a commit: an id, a tag or a branch, with ~ and ^ behind it. Raises DeliveryError."""
        return self._sound(lambda: self._listed(revision, revision_commit(self._store, revision), folders))

    def history(self, commit: str, folders: Sequence[str]) -> Landed | None:
        """Return the last commit, at or before one, that changed something below some folders. Raises DeliveryError."""
        with self._store.held():
            return last_change(self._store.git, commit, folders, self._store.where)

    def leads_to(self, earlier: str, later: str) -> bool:
        """Say whether a commit is a later one, or in its history. Raises DeliveryError."""
        with self._store.held():
            return is_ancestor(self._store.git, earlier, later, self._store.where)

    def read(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """Return the contents of blobs by their ids. Raises DeliveryError."""
        with self._store.held():
            return contents(self._store.git, ids, self._store.where)

    def push(self, tip: Tip, changes: Mapping[str, str | None], message: Message, author: Author | None) -> Committed:
        """Commit changes on top of a tip and push them to its branch.

        A branch that is not there yet begins at the remote's default branch, where it has one. Changes that change
        nothing make no commit. Raises MovedError, else DeliveryError; nothing has been pushed then.
        """
        store = self._store
        remote = self._remote()
        with store.held(), self._made(tip, changes, message, author) as (tree, made):
            if made != tip.commit:
                push(tree.git, remote, made, tip.branch, tip.commit)
                self._remember(store.ref(tip.branch), made)
        return Committed(made)

    def commit(self, tip: Tip, changes: Mapping[str, str | None], message: Message, author: Author | None) -> Committed:
        """Commit changes on top of a tip and move the repository's own branch there; no checkout changes.

        Raises MovedError, else DeliveryError, also where the branch is checked out.
        """
        store = self._store
        if store.remote is not None:
            hint = "name a path under gitops.repository, or set `commit: push`"
            raise DeliveryError("`commit: local` needs a repository on this machine", where=store.where, hint=hint)
        ref = f"refs/heads/{tip.branch}"
        with store.held():
            self._refuse_checked_out(ref)
            with self._made(tip, changes, message, author) as (_, made):
                if made != tip.commit:
                    self._move(ref, made, tip.commit, message.subject)
        return Committed(made)

    def proposal(self, branch: str, base: str, forge: Forge | None) -> Proposal | None:
        """Return the open pull request from a branch of ours to a base branch. Raises DeliveryError."""
        found = self._forge(self._store.url, forge).find(branch, base)
        return Proposal(found.url, branch) if found is not None else None

    def propose(
        self,
        tip: Tip,
        branch: str,
        changes: Mapping[str, str | None],
        message: Message,
        author: Author | None,
        forge: Forge | None,
    ) -> Committed:
        """Commit changes on top of a tip, push them as a branch of ours, and open or update its pull request.

        Nothing is pushed where no pull request could be opened: without a token, or without the base branch. A commit
        with the same content on the same tip is not made again. Raises MovedError when somebody else pushed to the
        branch at the same time, else DeliveryError.
        """
        store = self._store
        remote = self._remote()
        pulls = self._forge(store.url, forge)
        if branch == tip.branch:
            hint = "set another gitops.branch"
            raise DeliveryError(f"{branch} cannot be proposed to itself", where=store.where, hint=hint)
        if tip.commit is None:
            hint = "push a first commit to it, or set `commit: push`"
            message_ = f"there is no branch {tip.branch} that a pull request could go to"
            raise DeliveryError(message_, where=store.where, hint=hint)
        # Asked before anything is pushed, so that a token that is not good enough stops it.
        found = pulls.find(branch, tip.branch)
        with store.held():
            start = self._start(tip)
            seen = branch_commit(store, branch)
            with work_tree(store.git, start, store.where) as tree:
                content = stage(tree, changes, store.where)
                if content == self._tree(start):
                    return Committed(tip.commit, found.url if found is not None else "")
                if seen is not None and self._tree(seen) == content and self._parents(seen) == [tip.commit]:
                    made = seen
                else:
                    made = commit(tree, message, author, store.where)
                    verify(tree.git, made, changes, store.where)
                    push(tree.git, remote, made, branch, seen)
            self._remember(store.ref(branch), made)
        if found is not None:
            return Committed(made, pulls.update(found, message.title, message.markdown))
        return Committed(made, pulls.open(branch, tip.branch, message.title, message.markdown))

    def _sound(self, work: Callable[[], T]) -> T:
        """Work with the store held; where a clone of ours turns out to be broken, once more with a new one."""
        with self._store.held():
            try:
                return work()
            except BrokenCloneError as error:
                if not self._store.ours:
                    raise
                # As git says it where the remote has ids of the other kind (fetch-pack.c).
                self._store.remake("sha256" if "server sha256" in error.message else "sha1")
                return work()

    @contextmanager
    def _made(
        self, tip: Tip, changes: Mapping[str, str | None], message: Message, author: Author | None
    ) -> Iterator[tuple[WorkTree, str]]:
        """Give a work tree with a commit of the changes; the commit that it began at where they change nothing."""
        start = self._start(tip)
        with work_tree(self._store.git, start, self._store.where) as tree:
            content = stage(tree, changes, self._store.where)
            if start is not None and content == self._tree(start):
                yield tree, start
            else:
                made = commit(tree, message, author, self._store.where)
                verify(tree.git, made, changes, self._store.where)
                yield tree, made

    def _listed(self, name: str, commit_: str | None, folders: Sequence[str]) -> Tip:
        if commit_ is None:
            return Tip(name, None, {}, {})
        files, odd = listed(self._store.git, commit_, folders, self._store.where)
        return Tip(name, commit_, files, odd)

    def _remote(self) -> str:
        if self._store.remote is None:
            hint = "open it without `commit: local`"
            raise DeliveryError("this repository is not pushed", where=self._store.where, hint=hint)
        return self._store.remote

    def _start(self, tip: Tip) -> str | None:
        """Return what a commit goes on top of; a clone of ours may have been made anew since the tip was taken."""
        store = self._store
        if tip.commit is None:
            return head_commit(store)
        if parsed(store, tip.commit) is None and branch_commit(store, tip.branch) != tip.commit:
            raise MovedError("the branch moved meanwhile; nothing was pushed", where=store.where, hint="run again")
        return tip.commit

    def _tree(self, commit_: str | None) -> str | None:
        if commit_ is None:
            return None
        said = self._store.git.run(["rev-parse", "--verify", f"{commit_}^{{tree}}"])
        if said.code != 0:
            raise failed(said, "its tree cannot be read", self._store.where)
        return said.out.decode().strip()

    def _parents(self, commit_: str) -> list[str]:
        return self._store.git.run(["rev-parse", f"{commit_}^@"]).out.decode().split()

    def _remember(self, ref: str, commit_: str) -> None:
        """Keep what was pushed, so that the next fetch is cheap; that it cannot be kept is no failure."""
        self._store.git.run(["update-ref", ref, commit_])

    def _refuse_checked_out(self, ref: str) -> None:
        folder = ""
        said = self._store.git.run(["worktree", "list", "--porcelain"])
        if said.code != 0:
            raise failed(said, "its work trees cannot be listed", self._store.where)
        for line in os.fsdecode(said.out).splitlines():
            key, _, value = line.partition(" ")
            folder = value if key == "worktree" else folder
            if key == "branch" and value == ref:
                message = f"{ref.removeprefix('refs/heads/')} is checked out in {folder}, whose files would not follow"
                hint = "set another gitops.branch, or switch to another branch there (`git switch`)"
                raise DeliveryError(message, where=self._store.where, hint=hint)

    def _move(self, ref: str, commit_: str, seen: str | None, subject: str) -> None:
        """Compare and swap the repository's own branch."""
        reason = f"iamrbac: {subject}".replace("\n", " ")
        said = self._store.git.run(["update-ref", "-m", reason, ref, commit_, seen or "0" * len(commit_)])
        if said.code == 0:
            return
        if any(words in said.err for words in ("but expected", "already exists", "unable to resolve reference")):
            raise MovedError("the branch moved meanwhile; it is as it was", where=self._store.where, hint="run again")
        raise failed(said, "the branch cannot be moved", self._store.where)
