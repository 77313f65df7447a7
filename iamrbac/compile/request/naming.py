"""What a request is called: after its reason, and so that nothing else has the name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from itertools import count
from typing import Final

FOLDER: Final = "policies/temporary"
BRANCHES: Final = "iamrbac/request/"
MOST: Final = 40
"""Characters of the name of a grant (model/base.py)."""
_TICKET: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*-[0-9]+")
_OTHER: Final = re.compile("[^a-z0-9]+")


def name_of(reason: str, otherwise: str) -> str:
    """Return a name for a reason: of the ticket that it begins with, else of its words; else of `otherwise`."""
    ticket = _TICKET.match(reason.strip())
    return _label(ticket[0] if ticket else reason) or _label(otherwise) or "request"


def free(name: str, taken: Container[str]) -> str:
    """Return the name, with a number behind it where something has it already."""
    if name not in taken:
        return name
    for number in count(2):
        end = f"-{number}"
        numbered = name[: MOST - len(end)].rstrip("-") + end
        if numbered not in taken:
            return numbered
    raise AssertionError


def file_of(name: str) -> str:
    """Return the grant's file in the access repository."""
    return f"{FOLDER}/{name}.yaml"


def branch_of(name: str) -> str:
    """Return the branch on which it is asked for."""
    return f"{BRANCHES}{name}"


def _label(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    whole = _OTHER.sub("-", plain).strip("-")
    if len(whole) <= MOST:
        return whole
    # Whole words, unless the first alone is too long.
    cut = whole[: MOST + 1].rpartition("-")[0]
    return (cut or whole[:MOST]).strip("-")
