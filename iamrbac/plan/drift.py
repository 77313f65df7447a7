"""Who changed an object by hand, as far as Kubernetes says it: field managers, never people. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

DELIVERERS: Final = frozenset(
    {
        *("argocd-controller", "argocd-application-controller"),
        "kustomize-controller",
        *("gitops-agent", "gitops-sync", "gitops-stand-in"),
    }
)
"""The field managers of Argo CD, of Flux, of programs around Argo CD's engine (its agent, the sandbox's), and of the
sandbox's stand-in for these."""


@dataclass(frozen=True, slots=True)
class FieldManager:
    """One entry of an object's metadata.managedFields (Kubernetes, Server-Side Apply, "Field management")."""

    name: str
    at: str
    """As the API writes it, 2026-11-26T10:00:00Z; "" where it says none."""
    fields: frozenset[str]
    """`rules`, `subjects`, …, and `labels.KEY`: what it wrote last."""


def changed_by(parts: Collection[str], managers: Iterable[FieldManager]) -> FieldManager | None:
    """Return who wrote the parts that differ last; None where it was the deliverer, or nobody says so."""
    last = last_writer(parts, managers)
    return None if last is None or last.name in DELIVERERS else last


def last_writer(parts: Collection[str], managers: Iterable[FieldManager]) -> FieldManager | None:
    """Return who wrote some of these parts last, whoever it was; None where nobody says so."""
    wrote = [one for one in managers if not one.fields.isdisjoint(parts)]
    return max(wrote, key=lambda one: one.at, default=None)
