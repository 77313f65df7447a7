"""Writing sessions into the AWS CLI's cache. Imported only where botocore is."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from iamrbac.token.cache import CLI_CACHE, load


class SharedCache:
    """The AWS CLI's cache as botocore's fetchers use one, in place of `botocore.utils.JSONFileCache`.

    Same files, same format; but a broken file, or one that belongs to somebody else, is not there, and where nothing
    can be written (a full disk, a read-only home) the credentials are used all the same.
    """

    def __contains__(self, key: str) -> bool:
        return load(CLI_CACHE, key) is not None

    def __getitem__(self, key: str) -> dict[str, object]:
        entry = load(CLI_CACHE, key)
        if entry is None:
            raise KeyError(key)
        return entry

    def __setitem__(self, key: str, entry: object) -> None:
        store(key, entry)


def store(key: str, entry: object) -> None:
    """Write an entry for its owner alone, whole or not at all. What cannot be written is not cached."""
    with suppress(OSError):
        folder = Path(CLI_CACHE).expanduser()
        for each in (folder.parent.parent, folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)
        _write(folder, f"{key}.json", json.dumps(entry, default=_text))


def _write(folder: Path, name: str, content: str) -> None:
    handle, path = tempfile.mkstemp(dir=folder, suffix=".tmp")
    temporary = Path(path)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _text(value: object) -> str:
    """Return a time as `JSONFileCache` writes it (`2026-11-24T08:30:05UTC`)."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S%Z")
    return str(value)
