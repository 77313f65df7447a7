"""A folder that becomes an access repository (port NewFolder): no file that is there is touched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from iamrbac.model.errors import OutputError


class NewFolder:
    """A folder on disk; it need not be there yet."""

    def __init__(self, root: Path) -> None:
        """Take the folder. Nothing is read or written yet."""
        self._root = root
        self.name = root.resolve().name
        self.shown = str(root)

    def text(self, name: str) -> str:
        """Return one of the files that are shipped for new repositories."""
        return resources.files("iamrbac").joinpath("scaffold", name).read_text(encoding="utf-8")

    def there(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return which of these paths are there already, whatever they are.

        Raises OutputError where the way to one leads through a file, or through a link, which might lead anywhere.
        """
        found = []
        for path in paths:
            for parent in reversed(Path(path).parents[:-1]):
                way = self._root / parent
                if way.is_symlink() or (way.exists() and not way.is_dir()):
                    message = "a folder is needed here, and this is a file or a link; nothing was written"
                    raise OutputError(message, where=str(way), hint="move it away")
            if os.path.lexists(self._root / path):
                found.append(path)
        return tuple(found)

    def create(self, files: Mapping[str, str]) -> None:
        """Write new files. Raises OutputError when the disk refuses, or one has come in between."""
        for path, text in files.items():
            place = self._root / path
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("x", encoding="utf-8", newline="\n") as file:
                    file.write(text)
            except OSError as error:
                hint = "correct it, and run again with --keep: the same command goes on"
                message = f"it cannot be written: {os.strerror(error.errno or 0)}"
                raise OutputError(message, where=str(place), hint=hint) from error
