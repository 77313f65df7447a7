"""Collects the findings of one cluster while it is compiled."""

from __future__ import annotations

from iamrbac.findings.finding import Finding, Level
from iamrbac.model.origin import Origin


class Report:
    """Findings of one cluster, in the order in which they were made; equal ones once."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._findings: dict[Finding, None] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found."""
        return tuple(self._findings)

    @property
    def failed(self) -> bool:
        """True when there is an error, so that the cluster has no desired state."""
        return any(finding.level is Level.ERROR for finding in self._findings)

    def error(self, id_: str, message: str, hint: str, origin: Origin, object_: str | None = None) -> None:
        """Add an error at a place of a document."""
        self._add(Level.ERROR, id_, message, hint, origin, object_)

    def warning(self, id_: str, message: str, hint: str, origin: Origin, object_: str | None = None) -> None:
        """Add a warning at a place of a document."""
        self._add(Level.WARNING, id_, message, hint, origin, object_)

    def info(self, id_: str, message: str, hint: str, origin: Origin, object_: str | None = None) -> None:
        """Add something to know at a place of a document."""
        self._add(Level.INFO, id_, message, hint, origin, object_)

    def _add(self, level: Level, id_: str, message: str, hint: str, origin: Origin, object_: str | None) -> None:
        found = Finding(
            id=id_,
            level=level,
            message=message,
            hint=hint,
            file=origin.file,
            path=origin.path,
            cluster=self._cluster,
            object=object_,
        )
        self._findings[found] = None
