"""The access index as a file of the access repository, where a review vouches for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from iamrbac.index.codec import MOST_BYTES
from iamrbac.model.errors import AccessIndexError
from iamrbac.model.index_place import RepositoryFile
from iamrbac.usecases.index_places import Signed

_GIT: Final = ".git"


class FileIndex:
    """One file, which links may not lead out of the repository or to Git's own files."""

    def __init__(self, root: Path, place: RepositoryFile) -> None:
        """Take the repository's folder. Nothing is read yet."""
        self._root = root
        self._path = root / place.path
        self.where = str(place)

    def read(self) -> bytes | None:
        """Return the file's bytes, None where there is no such file. Raises AccessIndexError."""
        path = self._target()
        try:
            with path.open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("it cannot be read", error) from error

    def seal(self, content: bytes) -> Signed:
        """Return the bytes: the repository vouches for them."""
        return Signed(content)

    def write(self, signed: Signed) -> None:
        """Write the file, whole or not at all; one that is there keeps its mode. Raises AccessIndexError."""
        path = self._target()
        temporary = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
            with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=".", delete=False) as file:
                temporary = file.name
                file.write(signed.content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise self._failed("it cannot be written", error) from error

    def _target(self) -> Path:
        """Return where the file really is. Raises AccessIndexError where that is not in the repository."""
        try:
            top, target = self._root.resolve(), self._path.resolve()
        except (OSError, RuntimeError) as error:
            raise self._refused("its links lead nowhere") from error
        if not target.is_relative_to(top):
            raise self._refused("it is behind a symlink that leads out of the repository")
        if _GIT in (part.lower() for part in target.relative_to(top).parts):
            raise self._refused("it is behind a symlink to a file of Git's own")
        return target

    def _failed(self, what: str, error: OSError) -> AccessIndexError:
        return self._refused(f"{what}: {os.strerror(error.errno or 0)}")

    def _refused(self, message: str) -> AccessIndexError:
        return AccessIndexError(message, where=self.where, hint="correct the file, or `index` in iamrbac.yaml")
