"""The port AccessBranches: a new branch of the access repository itself, without touching what is checked out.

What the server of a forge takes is the person's own push; where there is a token, or `gh` or `glab`, a pull request is
opened too, else its page is named.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from iamrbac.git.delivery.command import NETWORK, UserGit
from iamrbac.git.delivery.commit import commit, stage, verify
from iamrbac.git.delivery.faults import failed
from iamrbac.git.delivery.fetch import branch_commit, head_commit
from iamrbac.git.delivery.forge.place import place_of
from iamrbac.git.delivery.forge.pulls import PullRequests, pull_requests
from iamrbac.git.delivery.push import push
from iamrbac.git.delivery.stores import ORIGIN, Store, own
from iamrbac.git.delivery.worktree import work_tree
from iamrbac.model.errors import DeliveryError, MovedError
from iamrbac.model.gitops import Forge
from iamrbac.usecases.deliveries import Message
from iamrbac.usecases.request import Base, Opened

_HERE = "."
_BY_HAND = "ask whoever keeps the access repository; --print gives the document, to be committed by hand"


class GitAccessBranches:
    """Branches of the repository around a folder, through the person's own git."""

    def __init__(self, root: Path, forge: Callable[[str, Forge | None], PullRequests] = pull_requests) -> None:
        """Take the access repository's folder. Raises DeliveryError where it is in no git repository."""
        git = UserGit(root)
        said = git.run(["rev-parse", "--show-prefix"])
        if said.code != 0 and "not a git repository" in said.err:
            hint = "clone the access repository and ask there, or use --print"
            raise DeliveryError("it is in no git repository", where=str(root), hint=hint)
        if said.code != 0:
            raise failed(said, "it cannot be read", str(root))
        self._prefix = os.fsdecode(said.out.removesuffix(b"\n"))
        remote = git.run(["config", "--get-all", f"remote.{ORIGIN}.url"]).code == 0
        with _ours():
            self._store: Store = own(root, _HERE, local=not remote)
        self._forge = forge

    def base(self) -> Base:
        """Fetch the remote's default branch; without a remote, take the commit that is checked out."""
        store = self._store
        with store.held(), _ours():
            if store.remote is None:
                found = head_commit(store)
                if found is None:
                    raise DeliveryError("it has no commit yet", where=store.where, hint="commit the access repository")
                return Base(self._checked_out(), found, remote=False)
            branch = self._default(store.remote)
            found = branch_commit(store, branch)
            if found is None:
                hint = f"push the access repository first: `git push {ORIGIN} HEAD:{branch}`"
                raise DeliveryError(f"there is no branch {branch} at {ORIGIN}", where=store.where, hint=hint)
            return Base(branch, found, remote=True)

    def taken(self, folder: str) -> frozenset[str]:
        """Return the names of the branches that begin with `folder`, without it: the remote's, else our own."""
        store = self._store
        begin = f"refs/heads/{folder}"
        with store.held(), _ours():
            if store.remote is None:
                said = store.git.run(["for-each-ref", "--format=%(refname)", begin])
            else:
                said = store.git.run(["ls-remote", "--heads", "--", store.remote, f"{begin}*"], timeout=NETWORK)
        if said.code != 0:
            raise failed(said, "its branches cannot be listed", store.where)
        refs = (line.split()[-1] for line in os.fsdecode(said.out).splitlines() if line.strip())
        return frozenset(ref.removeprefix(begin) for ref in refs if ref.startswith(begin))

    def begin(self, base: Base, branch: str, file: str, text: str, message: Message) -> str:
        """Commit a new file on top of the base as a new branch, and push it where there is a remote.

        Raises MovedError where there is such a branch already, else DeliveryError; nothing is left behind then.
        """
        store = self._store
        changes = {f"{self._prefix}{file}": text}
        with store.held(), _ours(), work_tree(store.git, base.commit, store.where) as tree:
            stage(tree, changes, store.where)
            made = commit(tree, message, None, store.where)
            verify(tree.git, made, changes, store.where)
            if store.remote is not None:
                push(tree.git, store.remote, made, branch, None)
            else:
                self._make(branch, made, message.subject)
        return made

    def propose(self, base: Base, branch: str, message: Message, forge: Forge | None) -> Opened:
        """Open a pull request of a pushed branch; where that cannot be, name the page that opens one."""
        url = self._store.url
        try:
            place = place_of(url, forge)
        except DeliveryError:
            return Opened()
        page = place.new_request(branch, base.branch)
        try:
            pulls = self._forge(url, forge)
        except DeliveryError:
            # No token and no command: that is what the page is for.
            return Opened(page)
        try:
            return Opened(pulls.open(branch, base.branch, message.title, message.markdown), opened=True)
        except DeliveryError as error:
            return Opened(page, why=error.message)

    def _default(self, remote: str) -> str:
        said = self._store.git.run(["ls-remote", "--symref", "--", remote, "HEAD"], timeout=NETWORK)
        if said.code != 0:
            raise failed(said, "it cannot be fetched", self._store.where)
        for line in os.fsdecode(said.out).splitlines():
            target, _, name = line.removeprefix("ref: ").partition("\t")
            if line.startswith("ref: refs/heads/") and name == "HEAD":
                return target.removeprefix("refs/heads/")
        hint = f"push the access repository first: `git push {ORIGIN} HEAD`"
        raise DeliveryError(f"{ORIGIN} does not say which its default branch is", where=self._store.where, hint=hint)

    def _checked_out(self) -> str:
        said = self._store.git.run(["symbolic-ref", "--quiet", "--short", "HEAD"])
        return os.fsdecode(said.out).strip() if said.code == 0 else "HEAD"

    def _make(self, branch: str, made: str, subject: str) -> None:
        """Make a branch of the repository's own that is not there yet."""
        reason = f"iamrbac: {subject}".replace("\n", " ")
        said = self._store.git.run(["update-ref", "-m", reason, f"refs/heads/{branch}", made, "0" * len(made)])
        if said.code == 0:
            return
        if "already exists" in said.err:
            raise MovedError(f"there is a branch {branch} already", where=self._store.where, hint="run again")
        raise failed(said, "the branch cannot be made", self._store.where)


@contextmanager
def _ours() -> Iterator[None]:
    """Give errors a next step that fits: deliveries have keys in the config, and the access repository has none."""
    try:
        yield
    except MovedError:
        raise
    except DeliveryError as error:
        if "gitops" not in error.hint and "commit:" not in error.hint:
            raise
        raise DeliveryError(error.message, where=error.where, hint=_BY_HAND) from error
