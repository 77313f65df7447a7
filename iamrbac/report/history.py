"""Who changed and who approved the files of the access repository, as Git says it. What Git does not say is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

APPROVALS: Final = ("Approved-by", "Reviewed-by")
"""Trailers of a commit that name who agreed to it."""


@dataclass(frozen=True, slots=True)
class Merge:
    """The merge commit that brought a change to the branch that is read."""

    id: str
    by: str
    """NAME <EMAIL> of its committer."""
    at: str
    subject: str
    approvals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that changed a file. Names are NAME <EMAIL>, as whoever made the commit wrote them; times RFC 3339."""

    id: str
    author: str
    authored: str
    committer: str
    committed: str
    subject: str
    approvals: tuple[tuple[str, str], ...] = ()
    """(trailer, whom it names), only those of `APPROVALS`."""
    merge: Merge | None = None
    signature: str | None = None
    """None where nobody asked; else what git says of it, in words."""
    boundary: bool = False
    """It is where a shallow clone begins: the change may be an older one's."""


@dataclass(frozen=True, slots=True)
class FileHistory:
    """What Git says of one file."""

    file: str
    changes: tuple[Change, ...] = ()
    """The last ones, newest first."""
    doubt: str = ""
    """Why the file as it was read has nobody's agreement that is known."""

    @property
    def approvers(self) -> tuple[str, ...]:
        """Whom the last change, or the merge that brought it, names as having agreed."""
        if self.doubt or not self.changes:
            return ()
        last = self.changes[0]
        said = (*last.approvals, *(last.merge.approvals if last.merge is not None else ()))
        return tuple(dict.fromkeys(who for _, who in said))

    @property
    def approval(self) -> str:
        """Who approved, in words: never blank, never guessed."""
        if self.doubt:
            return f"unknown: {self.doubt}"
        return ", ".join(self.approvers) or "nobody is named"


@dataclass(frozen=True, slots=True)
class History:
    """What Git says of the files that were asked about."""

    commit: str = ""
    """What is checked out; "" where it is not known."""
    files: Mapping[str, FileHistory] = field(default_factory=dict)
    unknown: str = ""
    """Why nothing is known; "" where something is."""
    notes: tuple[str, ...] = ()
    """What to know beside it: a shallow clone, a history that is read only in part."""

    def of(self, file: str) -> FileHistory:
        """Return what is known of a file."""
        found = self.files.get(file)
        if found is not None:
            return found
        return FileHistory(file, doubt=self.unknown or "git does not know the file")
