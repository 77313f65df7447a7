"""How far a run over the fleet came, so that the next one need neither read nor write what is done.

The clusters know it too: whoever goes on without it plans them all again, and finds nothing to change where all is
done. It is kept for one commit and one set of policies; with others it means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from iamrbac.compile.documents import Documents
from iamrbac.compile.sets import access_sets
from iamrbac.model.errors import StalePlanError
from iamrbac.usecases.plan import digest
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.run import commit_of


@dataclass(frozen=True, slots=True)
class FleetKey:
    """What a run was about."""

    instance: str
    policy_digest: str
    commit: str
    """"" where none is known."""
    grants: tuple[str, ...]
    """The groups of the temporary grants that had not ended."""


@dataclass(frozen=True, slots=True)
class FleetState:
    """What a run about something has done."""

    key: FleetKey
    clusters: Mapping[str, str] = field(default_factory=dict)
    """Cluster → done or unchanged; others are not in it."""


class FleetStore(Protocol):
    """Where it is kept."""

    where: str

    def load(self) -> FleetState | None:
        """Return what was kept; None where nothing was. Raises FleetStateError, also where it is broken."""
        ...

    def save(self, state: FleetState) -> None:
        """Keep it, whole or not at all. Raises FleetStateError."""
        ...


def key_of(edges: Edges, documents: Documents, at: datetime) -> FleetKey:
    """Return what a run is about now."""
    grants = tuple(sorted({one.group for one in access_sets(documents, at) if one.ends is not None}))
    return FleetKey(documents.config.document.metadata.name, digest(documents), commit_of(edges), grants)


def finished(store: FleetStore, key: FleetKey) -> frozenset[str]:
    """Return the clusters that a run about the same has done. Raises StalePlanError, FleetStateError."""
    state = store.load()
    if state is None:
        return frozenset()
    if state.key != key:
        raise StalePlanError(
            f"the run that was to be resumed was about something else: {_otherwise(state.key, key)}",
            where=store.where,
            hint="leave --resume out: all clusters are read then, and what is done is found to be so",
        )
    return frozenset(state.clusters)


def _otherwise(old: FleetKey, new: FleetKey) -> str:
    if old.instance != new.instance:
        return f"instance {old.instance}, and this is {new.instance}"
    if old.policy_digest != new.policy_digest:
        return "the policies or the config say something else now"
    if old.commit != new.commit:
        return f"commit {old.commit[:12] or 'unknown'}, and this is {new.commit[:12] or 'unknown'}"
    return "a temporary grant has ended since"
