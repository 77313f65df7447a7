"""Field paths, sets of them, and their form in managedFields (FieldsV1).

Source of the semantics in this package: structured-merge-diff v6, which Kubernetes 1.34 uses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias


class Step(NamedTuple):
    """One step of a path: a field (`f`), an item of an associative list by its keys (`k`), or a set's value (`v`)."""

    kind: Literal["f", "k", "v"]
    text: str
    """The field's name, or canonical JSON of the keys or of the value."""

    def __str__(self) -> str:
        match self.kind:
            case "f":
                return f".{self.text}"
            case "k":
                keys = json.loads(self.text)
                return "[" + ",".join(f"{key}={_json(value)}" for key, value in keys.items()) + "]"
            case "v":
                return f"[={self.text}]"


Path: TypeAlias = tuple[Step, ...]
Paths: TypeAlias = frozenset[Path]

NO_PATHS: Paths = frozenset()


def show(path: Path) -> str:
    """A path as conflict messages show it: `.spec.containers[name="app"].image`."""
    return "".join(str(step) for step in path)


def field_step(name: str) -> Step:
    """The step to a field or a map key."""
    return Step("f", name)


def key_step(keys: Mapping[str, Any]) -> Step:
    """The step to an item of an associative list."""
    return Step("k", _json(dict(sorted(keys.items()))))


def value_step(value: Any) -> Step:
    """The step to a value of a set."""
    return Step("v", _json(value))


@dataclass(slots=True)
class Node:
    """A set of paths as a tree, which is how values are walked along it."""

    member: bool = False
    children: dict[Step, Node] = field(default_factory=dict)


def tree(paths: Iterable[Path]) -> Node:
    """The tree of a set."""
    root = Node()
    for path in paths:
        node = root
        for step in path:
            node = node.children.setdefault(step, Node())
        node.member = True
    return root


def to_fields(paths: Paths) -> dict[str, Any]:
    """FieldsV1 of a set."""
    return _fields(tree(paths))


def from_fields(fields: Mapping[str, Any]) -> Paths:
    """The set of a FieldsV1. Raises ValueError when it is none."""
    found: set[Path] = set()
    _collect(fields, (), found)
    return frozenset(found)


def _fields(node: Node) -> dict[str, Any]:
    out: dict[str, Any] = {".": {}} if node.member and node.children else {}
    for step, child in sorted(node.children.items()):
        out[f"{step.kind}:{step.text}"] = _fields(child)
    return out


def _collect(fields: object, path: Path, found: set[Path]) -> None:
    if not isinstance(fields, Mapping):
        raise ValueError("a field set must be an object")
    if not fields and path:
        found.add(path)
    for text, inner in fields.items():
        if text == ".":
            found.add(path)
        else:
            _collect(inner, (*path, _step(text)), found)


def _step(text: str) -> Step:
    kind, colon, rest = text.partition(":")
    match kind:
        case "f" if colon:
            return Step("f", rest)
        case "k" if colon and isinstance(keys := json.loads(rest), dict):
            return key_step(keys)
        case "v" if colon:
            return value_step(json.loads(rest))
    raise ValueError(f"unknown path element {text}")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
