"""The keyed diff: two mappings in, four out. It knows nothing of what it compares."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Diff(Generic[K, A, B]):
    """What to do so that the first mapping becomes the second. Orders are those of the inputs."""

    add: Mapping[K, B]
    delete: Mapping[K, A]
    change: Mapping[K, tuple[A, B]]
    same: Mapping[K, tuple[A, B]]


def diff_mappings(current: Mapping[K, A], desired: Mapping[K, B], equal: Callable[[A, B], bool]) -> Diff[K, A, B]:
    """Compare by key; `equal` says whether two values of the same key need no change.

    >>> d = diff_mappings({"a": 1, "b": 2}, {"b": 3, "c": 4}, lambda x, y: x == y)
    >>> dict(d.add), dict(d.delete), dict(d.change)
    ({'c': 4}, {'a': 1}, {'b': (2, 3)})
    """
    both = {key: (current[key], value) for key, value in desired.items() if key in current}
    return Diff(
        add={key: value for key, value in desired.items() if key not in current},
        delete={key: value for key, value in current.items() if key not in desired},
        change={key: pair for key, pair in both.items() if not equal(*pair)},
        same={key: pair for key, pair in both.items() if equal(*pair)},
    )
