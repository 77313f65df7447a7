"""docs/doctor.md has every cause that there is, and every cause has a test."""

from __future__ import annotations

import re
from pathlib import Path

import iamrbac.diagnosis
from tests.conftest import ROOT

KEBAB = r"[a-z]+(?:-[a-z]+)+"
OTHERS = {
    "no-profile",
    "not-found",
    "not-now",
    "not-reached",
    "platform-team",
    "unknown-key",
    "wrong-name",
}
"""Faults, states and fixers."""


def test_every_cause_is_documented_and_tested() -> None:
    folder = Path(iamrbac.diagnosis.__file__).parent
    sources = "".join(file.read_text() for file in sorted(folder.glob("*.py")))
    causes = set(re.findall(rf'"({KEBAB})"', sources)) - OTHERS | {"nearest", "suspended"}
    rows = re.findall(r"^\| (`.+?) \|", (ROOT / "docs" / "doctor.md").read_text(), re.MULTILINE)
    assert sorted(re.findall(r"`([a-z-]+)`", " ".join(rows))) == sorted(causes)
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py") if file != Path(__file__))
    assert [one for one in sorted(causes) if not re.search(rf'"{one}!?"', tests)] == []
