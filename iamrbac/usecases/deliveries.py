"""Delivery repositories as use cases see them. `wiring` plugs git in; tests plug in a small fake."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from iamrbac.model.gitops import Author, Forge


@dataclass(frozen=True, slots=True)
class Tip:
    """A branch of a delivery repository as it was fetched."""

    branch: str
    commit: str | None
    """None: the branch is not there yet (and, in an empty repository, no other)."""
    files: Mapping[str, str]
    """Path → blob id, of the regular files below the folders that were asked for."""
    odd: Mapping[str, str]
    """Path → what it is (`symlink`, `submodule`), of everything else there."""


@dataclass(frozen=True, slots=True)
class Message:
    """A commit's message, and a pull request's title and body."""

    subject: str
    body: str
    """Paragraphs, and trailers at the end; without the subject."""
    title: str
    markdown: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request of ours that is open."""

    url: str
    branch: str


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit that is where it should be."""

    commit: str
    """Its id."""
    url: str = ""
    """The pull request, where there is one."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A commit of a delivery repository as its history tells it."""

    commit: str
    author: str
    at: datetime
    """When it was committed."""
    subject: str
    trailers: tuple[tuple[str, str], ...]
    """(key, value), in the order of the message."""

    def trailer(self, key: str) -> str | None:
        """Return the last trailer of that name; None without one."""
        return next((value for name, value in reversed(self.trailers) if name == key), None)


class DeliveryRepository(Protocol):
    """A delivery repository, through the person's own git: signing, hooks, credentials and ssh are git's.

    No checkout of the person's is touched. Every method raises DeliveryError (what git said, without credentials).
    """

    def tip(self, branch: str, folders: Sequence[str]) -> Tip:
        """Fetch a branch and list the files below some folders."""
        ...

    def at(self, revision: str, folders: Sequence[str]) -> Tip:
        """The same for a commit of the repository (an id, a tag or a branch), which `rollback` goes back to."""
        ...

    def history(self, commit: str, folders: Sequence[str]) -> Landed | None:
        """Return the last commit, at or before a commit that was fetched, that changed something below some folders.

        None where nothing there was ever changed.
        """
        ...

    def leads_to(self, earlier: str, later: str) -> bool:
        """Say whether a commit is a later one, or in its history; both were fetched."""
        ...

    def read(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """Return the contents of blobs by their ids."""
        ...

    def push(self, tip: Tip, changes: Mapping[str, str | None], message: Message, author: Author | None) -> Committed:
        """Commit changes (path → text, None removes) on top of a tip and push them to its branch.

        Raises MovedError, and nothing has been pushed, when the branch is not at the tip any more.
        """
        ...

    def commit(self, tip: Tip, changes: Mapping[str, str | None], message: Message, author: Author | None) -> Committed:
        """The same without a push: the branch of the local repository moves, no checkout does.

        Raises MovedError as `push` does.
        """
        ...

    def proposal(self, branch: str, base: str, forge: Forge | None) -> Proposal | None:
        """Return the open pull request from a branch of ours to a base branch; None without one."""
        ...

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

        The branch is replaced, whatever it had before; a commit with the same content is not made again.
        """
        ...


@dataclass(frozen=True, slots=True)
class PolicyRevision:
    """Which state of the access repository is delivered."""

    commit: str | None
    """None where the repository is in no git repository."""
    changed: bool
    """There are changes that are not committed."""


class Deliveries(Protocol):
    """Where clusters with `delivery: gitops` are delivered."""

    def open(self, repository: str, *, local: bool = False) -> DeliveryRepository:
        """Return a repository by what the config calls it; a path is relative to the access repository.

        `local` (for `commit: local`): its own branches are read and committed to, and nothing is fetched or pushed.
        """
        ...

    def revision(self) -> PolicyRevision:
        """Return the access repository's own commit."""
        ...

    def since(self, commit: str) -> int | None:
        """Count the commits after one, up to the access repository's own, that changed what decides who may do what.

        None where that commit is not in its history.
        """
        ...

    def parse(self, file: str, content: bytes) -> object:
        """Return the value of a YAML or JSON file, one document. Raises ValueError, saying what and where."""
        ...
