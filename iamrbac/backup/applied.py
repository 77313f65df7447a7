"""The record of what was applied on a cluster: of each object of ours, as we last wrote it or found it as it should be.

It holds hashes, not rules: enough to see that something is otherwise, and where. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, get_args

from iamrbac.compile import names
from iamrbac.compile.desired import Key, Kind, Spec
from iamrbac.plan.document import spec_json
from iamrbac.plan.observed import Observed

FORMAT_VERSION: Final = 1
_BITS: Final = 128
"""Of SHA-256. Nobody chooses both objects of a pair here, so an attacker who wants to hide a change needs a second
preimage: 2^128 attempts. Chance alone needs 2^64 objects."""
_IN_A_NAMESPACE: Final = frozenset({"Role", "RoleBinding"})


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an object was like."""

    parts: Mapping[str, str]
    """Field → hash of its canonical JSON: `rules`, `subjects`, `groups`, …"""
    labels: Mapping[str, str]
    """Our labels, or tags, as they were. A row of aws-auth has the instance's while our annotation names it."""


State: TypeAlias = Stamp | None
"""What an object may be like; None: not there."""


@dataclass(frozen=True, slots=True)
class Applied:
    """All objects of ours on one cluster."""

    at: str
    """When the last run that changed something here began, in UTC."""
    run: str
    """Its id."""
    objects: Mapping[Key, Stamp]
    pending: Mapping[Key, tuple[State, ...]] = field(default_factory=dict)
    """What a run was about to make of objects, and did not say that it did: killed, or the write failed."""


@dataclass(frozen=True, slots=True)
class By:
    """The run that a record goes on with."""

    instance: str
    at: str
    run: str


def stamp(spec: Spec, labels: Mapping[str, str]) -> Stamp:
    """Return what there is to remember of an object. Labels of others do not count."""
    return Stamp(
        {name: _hash(value) for name, value in sorted(spec_json(spec).items())},
        {key: value for key, value in sorted(labels.items()) if _is_ours(key)},
    )


def stamp_of(item: Observed) -> Stamp:
    """Return the same of an object as it is."""
    return stamp(item.spec, item.meta.labels)


def _is_ours(label: str) -> bool:
    return label in (names.MANAGED_BY_LABEL, names.PART_OF_LABEL) or label.startswith("iamrbac.dev/")


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).digest()[: _BITS // 8]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def to_text(applied: Applied, instance: str) -> str:
    """Return the record as it is kept; equal records give equal texts."""
    value = {
        "formatVersion": FORMAT_VERSION,
        "instance": instance,
        "at": applied.at,
        "run": applied.run,
        "objects": _by_kind((key, _stamp_json(one)) for key, one in applied.objects.items()),
        "pending": _by_kind(
            (key, [None if one is None else _stamp_json(one) for one in some]) for key, some in applied.pending.items()
        ),
    }
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def from_text(text: str, instance: str, cluster: str) -> Applied:
    """Read a record of a cluster (its name in the config). Raises ValueError where it is not one of ours."""
    value = json.loads(text)
    if not isinstance(value, dict) or value.get("formatVersion") != FORMAT_VERSION:
        version = value.get("formatVersion") if isinstance(value, dict) else None
        raise ValueError(f"a record of format {version!r}; this version reads {FORMAT_VERSION}")
    if value.get("instance") != instance:
        raise ValueError(f"it is of instance {value.get('instance')!r}")
    try:
        return Applied(
            str(value["at"]),
            str(value["run"]),
            {key: _stamp(one) for key, one in _keyed(value["objects"], cluster)},
            {
                key: tuple(None if one is None else _stamp(one) for one in some)
                for key, some in _keyed(value["pending"], cluster)
            },
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a record of another shape ({type(error).__name__}: {error})") from error


def _by_kind(items: Iterable[tuple[Key, object]]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for key, value in items:
        found.setdefault(key.kind, {})[f"{key.namespace}/{key.name}" if key.namespace else key.name] = value
    return found


def _keyed(value: Mapping[str, Mapping[str, Any]], cluster: str) -> Iterable[tuple[Key, Any]]:
    kinds: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
    for name, items in value.items():
        kind = kinds[name]
        for place, one in items.items():
            # Only a namespace has no slash in it for sure: ARNs have some.
            namespace, _, rest = place.partition("/") if kind in _IN_A_NAMESPACE else ("", "", place)
            yield Key(cluster, kind, namespace, rest), one


def _stamp_json(one: Stamp) -> dict[str, Any]:
    return {"parts": dict(one.parts), "labels": dict(one.labels)}


def _stamp(value: Mapping[str, Any]) -> Stamp:
    return Stamp(_texts(value["parts"]), _texts(value["labels"]))


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    for text in value.values():
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
    return dict(value)
