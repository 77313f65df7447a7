"""Whole outputs compared with files beside the tests; `UPDATE_GOLDEN=1 pytest` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path


def compare(got: str, file: Path) -> None:
    """Assert that a text is what the golden file holds."""
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(got)
    assert got == file.read_text(), f"differs from {file.name}; UPDATE_GOLDEN=1 writes it anew"
