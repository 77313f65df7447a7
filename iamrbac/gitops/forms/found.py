"""A value in a file of a form, with its place, so that whatever is wrong with it can be said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from iamrbac.gitops.yaml_text import Json

__all__ = ["Found"]


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a place of a file. Every method raises ValueError, with file and place, for what does not fit."""

    file: str
    value: object
    place: str = ""

    def wrong(self, what: str) -> ValueError:
        """Return the error that says what is wrong here."""
        where = f"{self.file}: {self.place}" if self.place else self.file
        return ValueError(f"{where}: {what}")

    def key(self, name: str) -> Found:
        """Return what stands under a key of this mapping."""
        values = self._mapping()
        if name not in values:
            raise self.wrong(f"has no {name}")
        return Found(self.file, values[name], f"{self.place}.{name}" if self.place else name)

    def get(self, name: str) -> Found | None:
        """Return what stands under a key of this mapping, None where there is no such key."""
        return self.key(name) if name in self._mapping() else None

    def items(self) -> Iterator[tuple[str, Found]]:
        """Yield the keys of this mapping, in order, each with what stands there."""
        for name in self._mapping():
            if not isinstance(name, str):
                raise self.wrong(f"has the key {name!r}, which is no text")
            yield name, self.key(name)

    def elements(self) -> tuple[Found, ...]:
        """Return the elements of this list."""
        if not isinstance(self.value, list):
            raise self.wrong(f"is {_kind(self.value)}, not a list")
        return tuple(Found(self.file, item, f"{self.place}[{n}]") for n, item in enumerate(self.value))

    def text(self) -> str:
        """Return this text."""
        if not isinstance(self.value, str):
            raise self.wrong(f"is {_kind(self.value)}, not text")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """Return this list of texts."""
        return tuple(item.text() for item in self.elements())

    def must_be(self, expected: Json) -> None:
        """Raise ValueError, naming the first difference, unless this is what we would have written."""
        if isinstance(expected, Mapping):
            self._must_be_mapping(expected)
        elif isinstance(expected, Sequence) and not isinstance(expected, str):
            elements = self.elements()
            for element, item in zip(elements, expected, strict=False):
                element.must_be(item)
            if len(elements) != len(expected):
                raise self.wrong(f"has {len(elements)} elements where iamrbac writes {len(expected)}")
        elif type(self.value) is not type(expected) or self.value != expected:
            raise self.wrong(f"is {self.value!r} where iamrbac writes {expected!r}")

    def _must_be_mapping(self, expected: Mapping[str, Json]) -> None:
        for name, found in self.items():
            if name not in expected:
                raise found.wrong("is nothing that iamrbac writes")
        for name, item in expected.items():
            self.key(name).must_be(item)

    def _mapping(self) -> Mapping[object, object]:
        if not isinstance(self.value, dict):
            raise self.wrong(f"is {_kind(self.value)}, not a mapping")
        return self.value


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    names = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "a number"}
    return names.get(type(value), type(value).__name__)
