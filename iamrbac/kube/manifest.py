"""An existing object with our part changed and the rest as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.compile.desired import Desired
from iamrbac.compile.manifest import manifest_json
from iamrbac.compile.names import MANAGED_BY_LABEL, PART_OF_LABEL

OUR_LABELS = "iamrbac.dev/"
# What we say of an object; everything else that is on it stays.
_OURS = ("rules", "aggregationRule", "roleRef", "subjects")


def changed(current: Mapping[str, Any], desired: Desired) -> dict[str, Any]:
    """Return the current object with what is desired in it: our fields, our labels, nobody else's touched."""
    wanted = manifest_json(desired)
    labels = current["metadata"].get("labels") or {}
    ours = (MANAGED_BY_LABEL, PART_OF_LABEL) if desired.released else ()
    kept = {name: value for name, value in labels.items() if not name.startswith(OUR_LABELS) and name not in ours}
    metadata = {**current["metadata"], "labels": {**kept, **desired.labels}}
    rest = {name: value for name, value in current.items() if name not in _OURS}
    return {**rest, **{name: wanted[name] for name in _OURS if name in wanted}, **_typed(wanted), "metadata": metadata}


def _typed(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"]}
