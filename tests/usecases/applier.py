"""A company whose applies leave word of themselves on the clusters."""

from __future__ import annotations

from dataclasses import dataclass, field

from iamrbac.backup.applied import Applied
from iamrbac.backup.backup import Run
from iamrbac.plan.change import Plan
from iamrbac.usecases.applied import Shelf
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.outcome import Event
from iamrbac.usecases.recording import Recording
from tests.usecases.fakes import PAT, FakeKube, Silent
from tests.usecases.world import Company

HOME = "iamrbac-system"
RUN = Run("20261126-122146-1a2b3c", "2026-11-26T12:21:46Z", "apply", PAT, "runner", "9c1d2e3f4a5b6c7d+")


@dataclass
class Applier:
    """A company whose applies leave word, and what they warn of."""

    company: Company
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    run: Run = RUN

    def apply(self, plan: Plan | None = None) -> list[Event]:
        """Apply a plan, or make one first."""
        how = Applying(
            Silent(),
            self.company.pause,
            locking=self.company.locking,
            recording=Recording(self.run, self.warnings.append, self.notes.append),
        )
        told = apply_plan(self.company.edges, plan or self.company.plan(), how)
        return [event for event in told if isinstance(event, Event)]

    def kube(self, name: str = "staging") -> FakeKube:
        return self.company.kubes[name]

    def record(self, name: str = "staging") -> Applied:
        return Shelf(self.kube(name), name, HOME, "acme").need()
