"""Text of strangers on a terminal: what could move the cursor, hide or reorder text is shown as its escape."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text in one line; what does not print, and lone surrogates, as \\n, \\x1b or \\u202e."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
