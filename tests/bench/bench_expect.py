"""`iamrbac test`: 1,000 cases over worlds that are compiled already, against validating the same repository."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from iamrbac import wiring
from iamrbac.usecases.expect import RunRequest, run_tests
from iamrbac.usecases.validate import validate
from tests.bench.generate import POLICIES, generate
from tests.bench.measure import Row, best_of, child, iamrbac, table

CASES = 1_000
AT = datetime(2026, 11, 1, tzinfo=UTC)


def write_tests(root: Path) -> None:
    """Write a file of tests for each hundredth team: what its sets can, and what they and everybody else cannot."""
    folder = root / "tests" / "access"
    folder.mkdir(parents=True)
    head = "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessTest\ntests:\n"
    for number in range(POLICIES):
        (folder / f"team-{number:04}.yaml").write_text(head + _case(number), encoding="utf-8")


def _case(number: int) -> str:
    team = f"team-{number:04}"
    return ""
