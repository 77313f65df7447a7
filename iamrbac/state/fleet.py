"""How far a run over the fleet came, on this machine: XDG_STATE_HOME/iamrbac/fleet/, readable by nobody else."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from iamrbac.model.errors import FleetStateError
from iamrbac.usecases.fleet_state import FleetKey, FleetState

FORMAT_VERSION: Final = 1
_HINT: Final = "set XDG_STATE_HOME to a folder that can be written"
_BROKEN: Final = "leave --resume out: all clusters are read then, and what is done is found to be so"


def locate(environ: Mapping[str, str], instance: str, part: str) -> Path:
    """Return the file of an instance's run over a part of the fleet ("" for all), as XDG has it.

    Raises FleetStateError.
    """
    named = environ.get("XDG_STATE_HOME", "")
    try:
        # The specification: a relative path is to be ignored.
        state = Path(named) if Path(named).is_absolute() else Path("~/.local/state").expanduser()
    except RuntimeError as error:
        raise FleetStateError("there is no home directory to keep it in", hint=_HINT) from error
    return state / "iamrbac" / "fleet" / f"{instance}{f'.{part}' if part else ''}.json"


class FleetFile:
    """The state of one run, in a file that need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = str(path)

    def load(self) -> FleetState | None:
        """Return what was kept; None where nothing was. Raises FleetStateError, also where it is broken."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is not text"
            raise FleetStateError(f"it cannot be read: {reason}", where=self.where, hint=_BROKEN) from error
        try:
            return _state(json.loads(text))
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
            raise FleetStateError("it is not what a run keeps", where=self.where, hint=_BROKEN) from error

    def save(self, state: FleetState) -> None:
        """Keep it: 0600, whole or not at all, also where this process is killed. Raises FleetStateError.

        A power cut may lose it, since the clusters know it too: hundreds of them are not to wait for the disk.
        """
        try:
            for folder in (self._path.parents[1], self._path.parent):
                # With `parents` only the last folder would get the mode.
                folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.mkdir(mode=0o700, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".", dir=self._path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(json.dumps(_json(state), ensure_ascii=False))
                Path(name).replace(self._path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "the disk refused"
            raise FleetStateError(f"it cannot be kept: {reason}", where=self.where, hint=_HINT) from error


def _json(state: FleetState) -> dict[str, Any]:
    key = state.key
    return {
        "formatVersion": FORMAT_VERSION,
        "instance": key.instance,
        "policyDigest": key.policy_digest,
        "commit": key.commit,
        "grants": list(key.grants),
        "clusters": dict(state.clusters),
    }


def _state(value: Mapping[str, Any]) -> FleetState:
    """Return what a file says. Raises ValueError, KeyError, TypeError, AttributeError where it has another shape."""
    if value["formatVersion"] != FORMAT_VERSION:
        raise ValueError(value["formatVersion"])
    instance, policies, commit, grants = (value[key] for key in ("instance", "policyDigest", "commit", "grants"))
    clusters = dict(value["clusters"].items())
    if not all(isinstance(text, str) for text in (instance, policies, commit, *grants, *clusters.values())):
        raise TypeError
    return FleetState(FleetKey(instance, policies, commit, tuple(grants)), clusters)
