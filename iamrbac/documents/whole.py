"""One file that is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from iamrbac.model.errors import OutputError


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises OutputError when the place cannot be written."""
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as file:
            temporary = file.name
            file.write(text)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(
            f"it cannot be written: {os.strerror(error.errno or 0)}", where=str(path), hint="name a writable file"
        ) from error
