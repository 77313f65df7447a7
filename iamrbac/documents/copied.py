"""A copy of an access repository with one more file, to be judged before the file is anywhere else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from iamrbac.model.errors import RepositoryError


def with_file(source: Path, places: Iterable[str], folder: Path, file: str, text: str) -> Path:
    """Copy some files and folders of a repository into a new folder in `folder`, add a file, and return that folder.

    Links stay links. Raises RepositoryError.
    """
    try:
        copy = Path(tempfile.mkdtemp(dir=folder))
        for place in places:
            _copy(source / place, copy / place)
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_text(text, encoding="utf-8")
    except (OSError, shutil.Error) as error:
        reason = getattr(error, "strerror", None) or "some of its files cannot be copied"
        hint = "check its files and their rights; free some space, or set TMPDIR"
        raise RepositoryError(f"it cannot be copied to be judged: {reason}", hint=hint) from error
    return copy


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a folder; one that is not there is left out."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    elif source.is_symlink() or source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
