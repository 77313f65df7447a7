"""Where each value of one YAML text stands: built only for a file that somebody has something to say about."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from yaml import CSafeLoader
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from iamrbac.documents.build import MAX_VALUES
from iamrbac.model.origin import KeyAt, Path

Position: TypeAlias = tuple[int, int]
# A value is at most a key, a beginning and an end.
MAX_EVENTS: Final = 4 * MAX_VALUES


class Spot:
    """A value's place. `at` is where it begins, `named` where its key does (the same where it has none)."""

    __slots__ = ("at", "children", "merged", "named", "text")

    def __init__(self, at: Position, text: str | None) -> None:
        self.at = at
        self.named = at
        self.text = text
        self.children: dict[str | int, Spot] = {} if text is None else _NO_CHILDREN
        self.merged: tuple[Spot, ...] = ()

    def child(self, part: str | int) -> Spot | None:
        """Return the value under a key or index, also one that `<<` brings."""
        found = self.children.get(part)
        if found is None:
            found = next((spot for merged in self.merged if (spot := merged.child(part)) is not None), None)
        return found

    @property
    def shown(self) -> Position:
        """Where a finding points: the value, or its key when the value is a block that only begins below."""
        return self.named if self.at[0] != self.named[0] else self.at


_NO_CHILDREN: Final[dict[str | int, Spot]] = {}
"""Of every scalar: one for all, never filled."""


def find(root: Spot, path: Path) -> tuple[Spot, bool]:
    """Return the spot at `path`, or its nearest parent, and whether it is the one that was asked for."""
    spot = root
    for part in path:
        child = spot.child(part)
        if child is None:
            return spot, False
        spot = child
    return spot, True


def position(root: Spot, path: Path) -> Position:
    """Return line and column, from 1, of the value at `path`, of its nearest parent where there is none."""
    spot, found = find(root, path)
    return spot.named if found and path and isinstance(path[-1], KeyAt) else spot.shown


def spots(text: bytes) -> Spot | None:
    """Return the places of the first document of a YAML text, as far as it can be read; None when nothing can."""
    reading = _Reading()
    try:
        reading.run(CSafeLoader(text))
    except YAMLError:
        return reading.root
    return reading.root


class _Reading:
    def __init__(self) -> None:
        self.root: Spot | None = None
        self._stack: list[tuple[Spot, type]] = []
        self._keys: list[tuple[str, Position] | None] = []
        self._anchors: dict[str, Spot] = {}

    def run(self, parser: Any) -> None:
        left = MAX_EVENTS
        while left and (event := parser.get_event()) is not None:
            kind = type(event)
            left -= 1
            if kind is MappingEndEvent or kind is SequenceEndEvent:
                self._stack.pop()
                self._keys.pop()
                if not self._stack:
                    return
            elif kind is AliasEvent:
                self._place(event, self._anchors.get(event.anchor))
            elif kind in (ScalarEvent, MappingStartEvent, SequenceStartEvent):
                self._begin(event, kind)

    def _begin(self, event: Any, kind: type) -> None:
        at = _at(event)
        if kind is ScalarEvent and self._awaits_key():
            self._keys[-1] = (event.value, at)
            return
        spot = Spot(at, event.value if kind is ScalarEvent else None)
        if event.anchor is not None:
            self._anchors[event.anchor] = spot
        self._place(event, spot)
        if kind is not ScalarEvent:
            self._stack.append((spot, kind))
            self._keys.append(None)

    def _awaits_key(self) -> bool:
        return bool(self._stack) and self._stack[-1][1] is MappingStartEvent and self._keys[-1] is None

    def _place(self, event: object, spot: Spot | None) -> None:
        """Hang a value where it stands; one that an alias repeats keeps its children and gets a place of its own."""
        if spot is None:
            return
        if self.root is None:
            self.root = spot
            return
        if not self._stack:
            return
        parent, kind = self._stack[-1]
        if kind is SequenceStartEvent:
            parent.children[len(parent.children)] = self._here(event, spot, None)
            return
        key, self._keys[-1] = self._keys[-1], None
        if key is None:
            self._keys[-1] = ("?", spot.at)
        elif key[0] == "<<":
            parent.merged += tuple(spot.children.values()) if 0 in spot.children else (spot,)
        else:
            parent.children.setdefault(key[0], self._here(event, spot, key[1]))

    def _here(self, event: object, spot: Spot, named: Position | None) -> Spot:
        if isinstance(event, AliasEvent):
            copy = Spot(_at(event), spot.text)
            copy.children, copy.merged = spot.children, spot.merged
            spot = copy
        spot.named = named or spot.at
        return spot


def _at(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1
