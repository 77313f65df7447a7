"""`python -m tests.torture.writer REPOSITORY`: for each line on stdin one apply without a lock.

For each of them it writes a line of JSON: how many changes ended how, how many conflicts it met, and what went wrong.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from iamrbac import wiring
from iamrbac.plan.guards import Allowances
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.outcome import Event
from iamrbac.usecases.plan import PlanRequest, make_plan


class _Silent:
    def step(self, text: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


def main(repository: Path) -> None:
    edges = wiring.edges(repository)
    # One connection to the cluster, as long as this lives.
    edges = replace(edges, kube=functools.cache(edges.kube))
    for _ in sys.stdin:
        said: Counter[str] = Counter()
        wrong: list[str] = []

        def pause(seconds: float, said: Counter[str] = said) -> None:
            said["conflicts"] += 1
            time.sleep(seconds)

        planned = make_plan(edges, PlanRequest(datetime.now(UTC), allowed=Allowances(1000)), _Silent())
        assert planned.plan is not None, planned.findings
        wrong += [f"{one.name}: {one.message}" for one in planned.plan.failed]
        for event in apply_plan(edges, planned.plan, Applying(_Silent(), pause)):
            if isinstance(event, Event):
                said[event.outcome] += 1
                wrong += [event.reason] if event.reason else []
        print(json.dumps({"counts": said, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
