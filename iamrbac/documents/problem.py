"""What is wrong with a file before anybody asks what it says."""

from __future__ import annotations

from dataclasses import dataclass

UNREADABLE = "DOC001"
NOT_TEXT = "DOC002"
SYNTAX = "DOC003"
SEVERAL = "DOC004"
DUPLICATE = "DOC005"
KEY = "DOC006"
DISPUTED_SCALAR = "DOC007"
TAG = "DOC008"
TOO_MUCH = "DOC009"
EMPTY = "DOC010"
ALIAS = "DOC011"
MANY = "DOC012"
HIDDEN = "DOC013"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file's text; line and column from 1, None where the whole file is meant."""

    id: str
    message: str
    hint: str
    line: int | None = None
    column: int | None = None


class BrokenError(Exception):
    """The file cannot be read any further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
