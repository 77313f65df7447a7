"""Values with their types: the set of their fields, comparison, merging and removal.

None stands for "absent"; values hold no nulls here (see `values.without_nulls`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from iamrbac.sandbox.kube.apply.paths import Node, Path, Paths, Step, field_step, key_step, value_step
from iamrbac.sandbox.kube.schema import Anything, List, Map, Named, Scalar, Type


class TypedError(Exception):
    """A value does not fit its type (`.spec.foo: field not declared in schema`)."""


def is_atomic(of: Type) -> bool:
    """Whether a value of this type is owned, merged and compared as a whole."""
    match of:
        case Named():
            return of.struct.atomic
        case List():
            return of.keys is None
        case Map():
            return of.atomic
        case Scalar() | Anything():
            return True


def inner_type(of: Type, step: Step) -> Type:
    """The type that a step leads to; Anything where the schema has no such field."""
    match of:
        case Named() if step.text in of.struct.fields:
            return of.struct.fields[step.text].type
        case List() | Map():
            return of.element
        case _:
            return Anything()


def declares(of: Type, step: Step) -> bool:
    """Whether the step is a declared field of a struct (not a free key of a map)."""
    return isinstance(of, Named) and step.kind == "f" and step.text in of.struct.fields


def items(value: Any, of: Type) -> Iterator[tuple[Step, Any]]:
    """The steps and values inside a granular value. Raises TypedError for a list item without its keys."""
    if isinstance(of, List):
        for item in value or ():
            yield _item_step(item, of), item
    else:
        for name, item in (value or {}).items():
            yield field_step(name), item


def _item_step(item: Any, of: List) -> Step:
    if not of.keys:
        return value_step(item)
    if not isinstance(item, dict):
        raise TypedError("associative list with keys may not have non-map elements")
    fields = of.element.struct.fields if isinstance(of.element, Named) else {}
    keys: dict[str, Any] = {}
    for key in of.keys:
        value = item.get(key, fields[key].default if key in fields else None)
        if value is not None:
            keys[key] = value
    if not keys:
        raise TypedError(f"associative list with keys has an element that omits key field {of.keys[0]!r}")
    return key_step(keys)


def field_set(value: Any, of: Type) -> Paths:
    """Every leaf field and list item that a value mentions."""
    found: set[Path] = set()
    _fields(value, of, (), found)
    return frozenset(found)


def _fields(value: Any, of: Type, path: Path, found: set[Path]) -> None:
    if is_atomic(of):
        found.add(path)
        return
    steps = list(items(value, of))
    for step, item in steps:
        inside = (*path, step)
        _fields(item, inner_type(of, step), inside, found)
        if isinstance(of, List) or item == {} or not declares(of, step):
            found.add(inside)


@dataclass(slots=True)
class Comparison:
    """What differs between two values; a path stands in one of the three only."""

    added: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)


def compare(old: Any, new: Any, of: Type) -> Comparison:
    """How `new` differs from `old`."""
    found = Comparison()
    _compare(old, new, of, (), found)
    return found


def _compare(old: Any, new: Any, of: Type, path: Path, found: Comparison) -> None:
    leaf = is_atomic(of) or not (old or new)
    if leaf:
        if old is not None and new is not None and old != new:
            found.modified.add(path)
    else:
        _compare_inside(old, new, of, path, found)
    if path and old is None:
        found.added.add(path)
    elif path and new is None:
        found.removed.add(path)


def _compare_inside(old: Any, new: Any, of: Type, path: Path, found: Comparison) -> None:
    before, after = _grouped(old, of), _grouped(new, of)
    for step in dict.fromkeys((*before, *after)):
        olds, news, inside = before.get(step, []), after.get(step, []), (*path, step)
        if len(olds) <= 1 and len(news) <= 1:
            _compare(next(iter(olds), None), next(iter(news), None), inner_type(of, step), inside, found)
        elif olds != news:
            # The same key twice in a list: such items are one thing, owned as a whole.
            found.modified.add(inside)


def _grouped(value: Any, of: Type) -> dict[Step, list[Any]]:
    groups: dict[Step, list[Any]] = {}
    for step, item in items(value, of):
        groups.setdefault(step, []).append(item)
    return groups


def merge(old: Any, new: Any, of: Type) -> Any:
    """`old` with everything that `new` says; nothing is removed. Lists keep old's order where new has none."""
    if new is None:
        return old
    if old is None or is_atomic(of) or not (old or new):
        return new
    if isinstance(of, List):
        return _merge_lists(old, new, of)
    merged = dict(old)
    for name, item in new.items():
        merged[name] = merge(old.get(name), item, inner_type(of, field_step(name)))
    return merged


def _merge_lists(old: list[Any], new: list[Any], of: List) -> list[Any]:
    left, right = list(items(old, of)), list(items(new, of))
    wanted: dict[Step, Any] = {}
    for step, item in right:
        if step in wanted:
            raise TypedError(f"duplicate entries for key {step}")
        wanted[step] = item
    olds = dict(left)
    order = _interleaved([step for step, _ in left], list(wanted))
    return [merge(olds.get(step), wanted.get(step), of.element) for step in order]


def _interleaved(left: list[Step], right: list[Step]) -> list[Step]:
    """The order of a merged list: right's own order, with left's other items staying after what stood before them."""
    out: list[Step] = []
    known, ours = set(left), set(right)
    shared = [step for step in right if step in known]
    done: set[Step] = set()
    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right):
            if left[i] == right[j]:
                out.append(left[i])
                done.add(left[i])
                i, j, shared = i + 1, j + 1, shared[1:]
                continue
            if left[i] in ours and shared and shared[0] != left[i]:
                i += 1  # shared, but its turn comes later
                continue
        if i < len(left):
            if left[i] not in ours:
                out.append(left[i])
                i += 1
                continue
            if left[i] in done:
                i += 1
        if j < len(right):
            out.append(right[j])
            done.add(right[j])
            shared = shared[1:] if shared and shared[0] == right[j] else shared
            j += 1
    return list(dict.fromkeys(out))


def remove(value: Any, of: Type, gone: Node) -> Any:
    """The value without the members of the set; None when nothing is left."""
    if isinstance(of, Scalar | Anything):
        return value
    if not value or is_atomic(of):
        return None
    kept = [(step, item) for step, item in items(value, of) if not _is_member(gone, step)]
    left = [(step, _inside(item, inner_type(of, step), gone, step)) for step, item in kept]
    if not left:
        return None
    if isinstance(of, List):
        return [item for _, item in left if item is not None]
    return {step.text: item for step, item in left if item is not None}


def _is_member(gone: Node, step: Step) -> bool:
    return step in gone.children and gone.children[step].member


def _inside(item: Any, of: Type, gone: Node, step: Step) -> Any:
    inner = gone.children.get(step)
    return remove(item, of, inner) if inner is not None and inner.children else item


def with_named_parents(paths: Paths, of: Type) -> Paths:
    """The set with every declared field on the way to a member: owning `.spec.a` is owning `.spec`."""
    found = set(paths)
    for path in paths:
        here = of
        for depth, step in enumerate(path[:-1]):
            if declares(here, step):
                found.add(path[: depth + 1])
            here = inner_type(here, step)
    return frozenset(found)
