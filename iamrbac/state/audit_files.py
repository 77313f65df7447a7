"""Audit logs in files: each one that is named, all of a folder, and stdin."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from iamrbac.model.errors import AuditLogError
from iamrbac.usecases.audit_log import Entries, Source

STDIN: Final = "-"
PROBE: Final = "aws-logs-write-test"
"""What CloudWatch Logs writes first where it exports to."""


class FilesLog:
    """The logs at one path, in the order of their names."""

    def __init__(self, path: str, entries: Entries, stdin: io.BufferedReader) -> None:
        """Take a path, `-` for stdin, and what reads a stream. Nothing is opened yet."""
        self._path = path
        self._entries = entries
        self._stdin = stdin

    def sources(self) -> Iterator[Source]:
        """Yield each file. Raises AuditLogError, also while one is read."""
        if self._path == STDIN:
            yield Source("stdin", self._entries(self._stdin))
            return
        for file in self._files():
            yield Source(str(file), self._opened(file))

    def _files(self) -> Iterator[Path]:
        path = Path(self._path)
        if not path.is_dir():
            yield path
            return

        def fault(error: OSError) -> None:
            raise _unread(str(error.filename or path), error) from error

        for folder, folders, names in os.walk(path, onerror=fault):
            folders.sort()
            hidden = (name for name in sorted(names) if not name.startswith(".") and name != PROBE)
            yield from (Path(folder) / name for name in hidden)

    def _opened(self, file: Path) -> Iterator[tuple[int, object]]:
        try:
            with file.open("rb") as stream:
                yield from self._entries(stream)
        except OSError as error:
            raise _unread(str(file), error) from error


def _unread(where: str, error: OSError) -> AuditLogError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return AuditLogError(
        f"cannot be read: {reason}", where=where, hint="name a file, a folder, s3://BUCKET/PREFIX or -"
    )
