"""What a test of access gets wrong: such a test says nothing, so it must not pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from iamrbac.model.suggest import did_you_mean

CLUSTERS: Final = "TST001"
NAMESPACES: Final = "TST002"
WHO: Final = "TST003"
VERB: Final = "TST004"
RESOURCE: Final = "TST005"
ROW: Final = "TST006"
CUSTOM: Final = "TST007"
"""A warning: a custom resource that nothing here knows."""
TOO_MUCH: Final = "TST008"
"""More than one run judges: whoever writes tests must not keep the check busy."""
BROKEN: Final = "TST101"
"""A test that does not hold."""
UNKNOWN: Final = "TST102"
"""A test of which nobody can say whether it holds."""
COVERAGE: Final = "TST201"
"""Fewer grants are tested than were asked for."""
UNTESTED: Final = "TST202"
"""A grant that no test speaks of."""


MAX_GUESSES: Final = 200
"""Of one run: a guess looks at every name, and who has more mistakes has one of them many times."""


class Guesses:
    """Says what somebody meant to write, as long as it is worth the time."""

    def __init__(self) -> None:
        self._left = MAX_GUESSES

    def suggest(self, word: str, known: Iterable[str], otherwise: str) -> str:
        """Return the known word that was meant as a next step, else `otherwise`."""
        self._left -= 1
        return did_you_mean(word, known, otherwise) if self._left >= 0 else otherwise


class MistakeError(Exception):
    """A part of a test that names what is not there; `path` leads to it from the part that was read."""

    def __init__(self, id_: str, message: str, hint: str, *path: str | int) -> None:
        super().__init__(message)
        self.id = id_
        self.message = message
        self.hint = hint
        self.path = path
