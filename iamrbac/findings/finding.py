"""The one shape of everything that iamrbac has to say about documents, plans and clusters (design §7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from iamrbac.model.origin import Path


class Level(StrEnum):
    """How much a finding weighs: an error refuses, a warning asks, an info tells."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class FindingJson(TypedDict):
    """A finding as every `-o json` writes it."""

    id: str
    level: str
    message: str
    file: str | None
    line: int | None
    column: int | None
    cluster: str | None
    object: str | None
    hint: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: what and why (`message`), where, and the next step (`hint`).

    Pure code sets `file` and `path`; a use case fills `line` and `column` from the file's text.
    Ids: DOC documents, POL what policies say together, TPL templates, MAP who is mapped, OWN ownership, GRD guards,
    ORD the order of writing, REV a revocation, BCK the way back of a run, REQ a request for access.
    """

    id: str
    level: Level
    message: str
    hint: str = ""
    file: str | None = None
    path: Path = ()
    line: int | None = None
    column: int | None = None
    cluster: str | None = None
    object: str | None = None

    def to_json(self) -> FindingJson:
        """Return the finding as `-o json` writes it; unknown parts are null."""
        return {
            "id": self.id,
            "level": self.level.value,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "cluster": self.cluster,
            "object": self.object,
            "hint": self.hint or None,
        }
