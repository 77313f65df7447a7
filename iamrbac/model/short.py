"""Values of documents in messages: enough to know them again, never a whole page."""

from __future__ import annotations

from typing import Final

MOST: Final = 60
"""Characters of a value that a message shows."""


def short(text: str) -> str:
    """Return the text, or its beginning with an ellipsis."""
    return text if len(text) <= MOST else text[: MOST - 1] + "…"
