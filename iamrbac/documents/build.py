"""From YAML text to plain values, in one pass over libyaml's events.

No node tree is built, so memory stays small; nothing here recurses, so that no nesting can exhaust the stack (PyYAML's
C composer does, and takes the process with it). Positions come with the events: a problem knows its line at no cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from yaml import CSafeLoader
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from iamrbac.documents import problem as ids
from iamrbac.documents.problem import BrokenError, Problem
from iamrbac.documents.scalars import DISPUTED, Disputed, resolve
from iamrbac.documents.syntax import explain, hidden_in, hidden_words
from iamrbac.model.hidden import hidden
from iamrbac.model.short import short

MAX_DEPTH: Final = 40
"""Levels of nesting; a policy has eight, parameters of a template may add some."""
MAX_VALUES: Final = 100_000
"""Values of one file, every use of an alias counted with all that it stands for."""
MAX_PROBLEMS: Final = 50
_KNOWN_TAGS: Final = ("!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_SPLIT: Final = "split it into several files, and repeat less by aliases"
_KINDS: Final = {bool: "a boolean", int: "a number", float: "a number", type(None): "nothing (null)"}
_NO_KEY: Final = object()
_MERGE: Final = object()
_CACHE_LIMIT: Final = 50_000
_NO_FURTHER: Final = "the file is not read any further"
_FIRST: Final = "correct these first"


class Mark(Protocol):
    """A position in the text; both from 0."""

    line: int
    column: int


class Builder:
    """Builds the values of many files; equal plain scalars are the same object in all of them.

    `most` is how many values a file may hold.
    """

    def __init__(self, most: int = MAX_VALUES) -> None:
        self._scalars: dict[str, Any] = {}
        self._most = most

    def build(self, text: bytes) -> tuple[object, tuple[Problem, ...]]:
        """Return the one document of `text` (UTF-8) and what is wrong with it, in order.

        After a problem the value is good for nothing but to look for more; None where it cannot be read to the end.
        """
        if len(self._scalars) > _CACHE_LIMIT:
            self._scalars.clear()
        reading = _Pass(self._scalars, self._most)
        try:
            reading.look(text)
            reading.run(text)
        except BrokenError as broken:
            return None, (*reading.problems, broken.problem)
        except YAMLError as error:
            return None, (*reading.problems, explain(error, text))
        return reading.root, tuple(reading.problems)


class _Pass:
    """One run over the events of one file."""

    def __init__(self, scalars: dict[str, Any], most: int) -> None:
        self.root: object = None
        self._most = most
        self.problems: list[Problem] = []
        self._scalars = scalars
        self._documents = 0
        self._count = 0
        self._anchors: dict[str, _Anchored] = {}
        self._open: set[str] = set()
        self._seen: set[str] = set()
        self._merges: dict[int, list[dict[str, Any]]] = {}

    def look(self, text: bytes) -> None:
        """Look for characters that people do not see, comments included. Raises BrokenError after many."""
        for character, problem in hidden_in(text):
            self._seen.add(character)
            self.problems.append(problem)
            if len(self.problems) >= MAX_PROBLEMS:
                raise BrokenError(Problem(ids.MANY, _NO_FURTHER, _FIRST, problem.line, problem.column))

    def run(self, text: bytes) -> None:
        """Read all events; raises BrokenError and YAMLError. One flat loop: every scalar of every file passes here."""
        next_event: Callable[[], Any] = CSafeLoader(text).get_event
        scalars = self._scalars
        # Collections that are open around `current`, each with the key that waits for its value, and its keys so far.
        stack: list[tuple[Any, Any, dict[Any, Mark], str | None, int]] = []
        current: Any = None
        key: Any = _NO_KEY
        marks: dict[Any, Mark] = {}
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                self._count += 1
                value = scalars.get(event.value, DISPUTED) if event.implicit[0] else DISPUTED
                if value is DISPUTED:
                    value = self._scalar(event)
                if event.anchor is not None:
                    self._anchors[event.anchor] = _Anchored(value, 1)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._count += 1
                self._opened(event, len(stack))
                stack.append((current, key, marks, event.anchor, self._count))
                current = {} if kind is MappingStartEvent else []
                key, marks = _NO_KEY, {}
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                if self._merges:
                    self._merged(current, len(stack))
                value = current
                current, key, marks, anchor, start = stack.pop()
                if anchor is not None:
                    self._open.discard(anchor)
                    self._anchors[anchor] = _Anchored(value, self._count - start + 1)
            elif kind is AliasEvent:
                value = self._alias(event, len(stack))
            else:
                if kind is DocumentStartEvent:
                    self._document(event)
                continue
            if type(current) is list:
                current.append(value)
            elif current is None:
                self.root = value
            elif key is _NO_KEY:
                key = value if type(value) is str and value != "<<" else self._key(event, value)
                if key in marks:
                    self._duplicate(key, marks[key], event)
                else:
                    marks[key] = event.start_mark
            else:
                if key is _MERGE:
                    self._merge(event, value, len(stack))
                else:
                    current[key] = value
                key = _NO_KEY
            if self._count > self._most:
                raise BrokenError(
                    _problem(ids.TOO_MUCH, event, f"the file holds more than {self._most:,} values", _SPLIT)
                )
        if not self._documents or (self.root is None and not self.problems):
            raise BrokenError(Problem(ids.EMPTY, "the file is empty", "write a document into it, or delete it", 1, 1))

    def _tell(self, id_: str, event: Any, message: str, hint: str) -> None:
        """Note a problem after which reading goes on; whoever has many has one mistake many times."""
        self.problems.append(_problem(id_, event, message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise BrokenError(_problem(ids.MANY, event, _NO_FURTHER, _FIRST))

    def _document(self, event: Event) -> None:
        self._documents += 1
        if self._documents > 1:
            message = "a second document begins here, and a file holds one"
            raise BrokenError(_problem(ids.SEVERAL, event, message, "move it to a file of its own"))

    def _scalar(self, event: ScalarEvent) -> object:
        """Return the value of a scalar that was not met before, or is quoted, or tagged."""
        text: str = event.value
        if event.style == '"':
            self._escaped(event, text)
        if not event.implicit[0]:
            if event.tag is not None and event.tag not in _KNOWN_TAGS:
                self._tagged(event)
            return text
        value = resolve(text)
        if isinstance(value, Disputed):
            shown = short(text)
            message = f"{shown} is a number to some readers of YAML, and another number or a text to others"
            hint = f'write "{shown}" if it is a text, or a plain decimal number'
            self._tell(ids.DISPUTED_SCALAR, event, message, hint)
            return text
        return self._scalars.setdefault(text, value)

    def _escaped(self, event: ScalarEvent, text: str) -> None:
        """Tell of a character that people do not see and that an escape writes."""
        for _, character in hidden(text):
            if character not in self._seen:
                self._tell(ids.HIDDEN, event, *hidden_words(character))
                return

    def _opened(self, event: MappingStartEvent | SequenceStartEvent, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise BrokenError(_too_deep(event))
        if event.anchor is not None:
            self._open.add(event.anchor)
        if event.tag is not None and event.tag not in _KNOWN_TAGS:
            self._tagged(event)

    def _tagged(self, event: Any) -> None:
        tag = short(event.tag.replace("tag:yaml.org,2002:", "!!"))
        self._tell(ids.TAG, event, f"the tag {tag} means nothing here", "remove the tag and write the plain value")

    def _alias(self, event: Any, depth: int) -> object:
        name = short(event.anchor)
        if event.anchor in self._open:
            raise BrokenError(_problem(ids.ALIAS, event, f"*{name} stands inside what it stands for", "write it out"))
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            hint = f'if it is a pattern, quote it: "*{name}"; else write &{name} before the value that it repeats'
            raise BrokenError(_problem(ids.ALIAS, event, f"*{name} refers to an anchor that is not there", hint))
        if depth + anchored.height > MAX_DEPTH:
            raise BrokenError(_too_deep(event))
        self._count += anchored.size
        return anchored.value

    def _key(self, event: Any, value: object) -> object:
        if isinstance(value, str):
            return _MERGE if isinstance(event, ScalarEvent) and event.implicit[0] else value
        if isinstance(event, ScalarEvent) and event.value:
            message = f"the key {short(event.value)} is {_KINDS[type(value)]} in YAML, and a key is a text"
            hint = f'quote it: "{short(event.value)}"'
        else:
            message, hint = "a key is a text, and this is none", "write a text before the colon"
        self._tell(ids.KEY, event, message, hint)
        return event.value if isinstance(event, ScalarEvent) else "?"

    def _duplicate(self, key: object, first: Mark, event: Any) -> None:
        name = short(key) if isinstance(key, str) else "<<"
        message = (
            f"the key {name} is here for the second time: first in line {first.line + 1}, column {first.column + 1}"
        )
        hint = "keep one of them, else one reader takes the first and another the last"
        self._tell(ids.DUPLICATE, event, message, hint)

    def _merge(self, event: Any, value: object, depth: int) -> None:
        parts: list[Any] = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            hint = "give it an alias of a mapping (*name), or a list of them"
            self._tell(ids.KEY, event, "<< merges mappings, and this is none", hint)
            return
        self._merges[depth] = parts

    def _merged(self, current: Any, depth: int) -> None:
        """Fill in what `<<` brings: keys of the mapping itself win, then the earlier of several merged ones."""
        for part in self._merges.pop(depth, ()):
            for key, value in part.items():
                current.setdefault(key, value)


class _Anchored:
    """A value that aliases may refer to, with what each use of it costs."""

    __slots__ = ("height", "size", "value")

    def __init__(self, value: object, size: int) -> None:
        self.value = value
        self.size = size
        self.height = _height(value)


def _height(value: object) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if children is None else 1 + max(map(_height, children), default=0)


def _problem(id_: str, event: Any, message: str, hint: str) -> Problem:
    return Problem(id_, message, hint, event.start_mark.line + 1, event.start_mark.column + 1)


def _too_deep(event: Any) -> Problem:
    return _problem(ids.TOO_MUCH, event, f"this is nested deeper than {MAX_DEPTH} levels", "write it flatter")
