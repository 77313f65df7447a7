"""Why there is no real control plane."""

from __future__ import annotations

from pathlib import Path

from iamrbac.model.errors import IamrbacError

_TAIL_LINES = 15
_TAIL_BYTES = 16_384


class BinaryError(IamrbacError):
    """A program of the control plane is neither there nor can be built."""

    code = "ERR603"


class ControlPlaneError(IamrbacError):
    """A program of the control plane did not start, or ended by itself."""

    code = "ERR604"


def tail(log: Path) -> str:
    """Return the last lines of a log, indented on lines of their own; "" where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
    except FileNotFoundError:
        return ""
    return "".join(f"\n  {line[:300]}" for line in lines)
