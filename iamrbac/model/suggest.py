"""What somebody meant to write."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` most likely stands for, or None; upper and lower case, - and _ are the same."""
    plain = {_plain(one): one for one in sorted(known, reverse=True)}
    found = get_close_matches(_plain(word), plain, n=1, cutoff=0.66)
    return plain[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the next step for an unknown word: the one that was meant, or else `otherwise`."""
    found = closest(word, known)
    return f"did you mean {found}?" if found is not None else otherwise


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")
