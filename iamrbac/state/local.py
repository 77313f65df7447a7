"""Backups on this machine: XDG_STATE_HOME/iamrbac/backups/INSTANCE/CLUSTER/, readable by nobody else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from iamrbac.model.errors import BackupError
from iamrbac.state.files import kept_of, name_of
from iamrbac.usecases.backups import Kept, Part

_HINT = "set XDG_STATE_HOME to a folder that can be written"


def locate(environ: Mapping[str, str]) -> Path:
    """Return the folder of all backups, as the XDG base directory specification has it. Raises BackupError."""
    named = environ.get("XDG_STATE_HOME", "")
    try:
        # The specification: a relative path is to be ignored.
        state = Path(named) if Path(named).is_absolute() else Path("~/.local/state").expanduser()
    except RuntimeError as error:
        raise BackupError("there is no home directory for the local backup", hint=_HINT) from error
    return state / "iamrbac" / "backups"


class LocalStore:
    """The backups of one instance on one cluster, in a folder that need not be there yet."""

    def __init__(self, root: Path, instance: str, cluster: str) -> None:
        """Take the folder of all backups (`locate`). Nothing is read or written yet."""
        self._folder = root / instance / cluster
        # iamrbac/ itself and all below it is ours.
        self._ours = (root.parent, root, root / instance, self._folder)
        self.where = str(self._folder)

    def save(self, run: str, part: Part, content: bytes) -> None:
        """Write one half, 0600 and on the disk when this returns. Raises BackupError."""
        try:
            self._make()
            handle, name = tempfile.mkstemp(prefix=".", dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self._folder / name_of(run, part))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            _sync(self._folder)
        except OSError as error:
            raise self._refused("the local backup cannot be written", error) from error

    def kept(self) -> tuple[Kept, ...]:
        """Return all records, the oldest first; none where there is no folder. Raises BackupError."""
        try:
            return kept_of(path.name for path in self._folder.iterdir())
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._refused("the local backups cannot be listed", error) from error

    def read(self, runs: Collection[str]) -> Mapping[str, bytes]:
        """Return what is kept of these runs. Raises BackupError."""
        found = {run: self._half(run, Part.BACKUP) for run in runs}
        return {run: half + (self._half(run, Part.RESULTS) or b"") for run, half in found.items() if half is not None}

    def delete(self, run: str) -> None:
        """Delete a record; already gone is fine. Raises BackupError."""
        try:
            for part in Part:
                (self._folder / name_of(run, part)).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise self._refused("a local backup cannot be deleted", error) from error

    def _make(self) -> None:
        self._ours[0].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in self._ours:
            # With `parents` only the last folder would get the mode.
            folder.mkdir(mode=0o700, exist_ok=True)

    def _half(self, run: str, part: Part) -> bytes | None:
        try:
            return (self._folder / name_of(run, part)).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused("a local backup cannot be read", error) from error

    def _refused(self, what: str, error: OSError) -> BackupError:
        reason = os.strerror(error.errno) if error.errno else "the disk refused"
        return BackupError(f"{what}: {reason}", where=self.where, hint=_HINT)


def _sync(folder: Path) -> None:
    """Let the new name survive a power cut, where the file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
