"""From a path to UTF-8 text that a YAML parser may be given, whatever the path turns out to be."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from iamrbac.documents import problem as ids
from iamrbac.documents.problem import BrokenError, Problem
from iamrbac.documents.syntax import position

MAX_BYTES: Final = 1024 * 1024
"""A document that a person reviews is far below; a file above is never read whole."""
_BOM: Final = b"\xef\xbb\xbf"


def read_text(path: Path, most: int = MAX_BYTES) -> bytes:
    """Return a file's UTF-8 bytes, without a byte order mark. Raises BrokenError with what to do about it."""
    data = _bytes(path, most).removeprefix(_BOM)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line, column = position(data[: error.start].decode(), error.start)
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02x} stands here"
        raise BrokenError(Problem(ids.NOT_TEXT, message, "save it as UTF-8", line, column)) from error
    return data


def _bytes(path: Path, most: int) -> bytes:
    """Read at most the limit; without waiting for a pipe that nobody writes to."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BrokenError(
            _unreadable(f"it cannot be opened: {error.strerror}", "correct its permissions or its target")
        ) from error
    try:
        return _regular(descriptor, most)
    except OSError as error:
        raise BrokenError(_unreadable(f"it cannot be read: {error.strerror}", "try again, or replace it")) from error
    finally:
        os.close(descriptor)


def _regular(descriptor: int, most: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise BrokenError(_unreadable(f"it is {kind}", "rename it, or put a YAML file in its place"))
    parts: list[bytes] = []
    left = most + 1 if status.st_size <= most else 0
    while left and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    if not left:
        hint = "split it, or move it out of policies/ if it is no policy"
        raise BrokenError(_unreadable(f"it is larger than {most // 1024**2} MiB", hint))
    return b"".join(parts)


def _unreadable(why: str, hint: str) -> Problem:
    return Problem(ids.UNREADABLE, f"the file is not read: {why}", hint)
