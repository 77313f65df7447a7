"""Which names patterns have in common: exact answers, with an example, for patterns of * and ?. Pure."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from string import ascii_lowercase, digits
from typing import Final

MAX_NAME: Final = 63
MAX_STATES: Final = 20_000
"""Beyond that the answer is "they may": a check that gives up must refuse."""
MAX_STEPS: Final = 3_000_000
"""Of all answers that one check asks for: rules and patterns that are written to be slow must not keep it busy."""
_NOT_A_NAME: Final = ("-*", "*-")


class Glob:
    """A pattern as an automaton; a state is the set of positions that may have been reached, as bits."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._accepting = 1 << len(pattern)
        self._next: dict[tuple[int, str], int] = {}
        self.start = self._skip_stars(1)

    def step(self, state: int, character: str) -> int:
        """Return the state after one more character; 0 when the pattern cannot match any more."""
        known = self._next.get((state, character))
        if known is None:
            known = self._next[state, character] = self._step(state, character)
        return known

    def accepts(self, state: int) -> bool:
        """Say whether what was read so far is a match."""
        return bool(state & self._accepting)

    def _step(self, state: int, character: str) -> int:
        reached = 0
        for at, sign in enumerate(self.pattern):
            if state >> at & 1:
                if sign == "*":
                    reached |= 1 << at
                elif sign in ("?", character):
                    reached |= 2 << at
        return self._skip_stars(reached)

    def _skip_stars(self, state: int) -> int:
        for at, sign in enumerate(self.pattern):
            if sign == "*" and state >> at & 1:
                state |= 2 << at
        return state


@lru_cache(maxsize=4096)
def glob(pattern: str) -> Glob:
    """Return the pattern's automaton, made once."""
    return Glob(pattern)


class Patience:
    """Counts the steps of all the answers of one check."""

    def __init__(self) -> None:
        self.left = MAX_STEPS


@lru_cache(maxsize=4096)
def example(inside: tuple[str, ...], outside: tuple[str, ...], patience: Patience | None = None) -> str | None:
    """Return a shortest namespace name that every pattern inside and no pattern outside matches; None: there is none.

    Where there are too many combinations to tell, or no patience is left, it is the first pattern itself.
    """
    patience = patience or Patience()
    if patience.left < 0:
        return inside[0]
    globs = [glob(pattern) for pattern in (*inside, *outside, *_NOT_A_NAME)]
    needed = len(inside)
    alphabet = _alphabet(inside + outside)
    start = tuple(one.start for one in globs)
    seen = {start}
    queue = deque([("", start)])
    while queue:
        name, states = queue.popleft()
        if name and _is_hit(globs, states, needed):
            return name
        if len(name) == MAX_NAME:
            continue
        for character in alphabet:
            after = tuple(one.step(state, character) for one, state in zip(globs, states, strict=True))
            if all(after[:needed]) and after not in seen:
                seen.add(after)
                queue.append((name + character, after))
        patience.left -= len(alphabet) * len(globs)
        if len(seen) > MAX_STATES or patience.left < 0:
            return inside[0]
    return None


def literal_prefix(pattern: str) -> str:
    """Return what every name begins with that the pattern matches."""
    return pattern[: min((at for at in (pattern.find("*"), pattern.find("?")) if at >= 0), default=len(pattern))]


def _is_hit(globs: list[Glob], states: tuple[int, ...], needed: int) -> bool:
    accepted = [one.accepts(state) for one, state in zip(globs, states, strict=True)]
    return all(accepted[:needed]) and not any(accepted[needed:])


def _alphabet(patterns: tuple[str, ...]) -> str:
    """Return the characters that make a difference: those of the patterns, and one that stands for all others."""
    used = set("".join(patterns)) - set("*?")
    other = next((one for one in "x" + ascii_lowercase + digits if one not in used), "")
    return "".join(sorted(used | {"-"})) + other
