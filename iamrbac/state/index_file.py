"""The access index as a file of the access repository, where a review vouches for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from iamrbac.index.codec import MOST_BYTES
from iamrbac.model.errors import AccessIndexError
from iamrbac.model.index_place import RepositoryFile
from iamrbac.state.index_url import SUFFIX
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
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, signed.content)
        except OSError as error:
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


class NamedFile:
    """A file that was named on the command line, for whoever brings it to its place; with its signature, as FILE.sig.

    Nobody vouches for it: it is read to say what changed, and for nothing else.
    """

    def __init__(self, path: Path, seal: Callable[[bytes], Signed]) -> None:
        """Take the file, and what signs its bytes where their place wants that."""
        self._path = path
        self.seal = seal
        self.where = str(path)

    def read(self) -> bytes | None:
        """Return the file's bytes, None where there is no such file. Raises AccessIndexError."""
        try:
            with self._path.open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("cannot be read", error) from error

    def write(self, signed: Signed) -> None:
        """Write the file, and its signature first: new bytes never stand beside nothing. Raises AccessIndexError."""
        try:
            if signed.signature is not None:
                _replace(self._path.with_name(self._path.name + SUFFIX), signed.signature)
            _replace(self._path, signed.content)
        except OSError as error:
            raise self._failed("cannot be written", error) from error

    def _failed(self, what: str, error: OSError) -> AccessIndexError:
        message = f"it {what}: {os.strerror(error.errno or 0)}"
        return AccessIndexError(message, where=self.where, hint="name a file that can be written with --out")


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that is there keeps its mode."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
