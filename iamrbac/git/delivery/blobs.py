"""Many blobs at once, without a file for each: for paths that no attribute asks git to convert."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from iamrbac.git.delivery.command import UserGit
from iamrbac.git.delivery.faults import failed
from iamrbac.model.errors import DeliveryError

_CONVERTING: Final = ("filter", "working-tree-encoding", "ident")
"""Attributes that change what is stored (gitattributes(5)); end-of-line conversion leaves LF as it is."""
_OFF: Final = (b"unspecified", b"unset")


def converted(git: UserGit, files: Mapping[str, str], where: str) -> bool:
    """Say whether git would store any of the files otherwise than as it is. Raises DeliveryError."""
    if any("\r" in text for text in files.values()):
        return True
    asked = b"".join(os.fsencode(path) + b"\0" for path in files)
    arguments = ["check-attr", "--cached", "-z", "--stdin", *_CONVERTING]
    said = git.run(arguments, asked, most=len(asked) * 4 + len(files) * 512)
    if said.code != 0 or said.cut:
        raise failed(said, "its attributes cannot be known", where)
    return any(value not in _OFF for value in said.out.split(b"\0")[2::3])


def store(git: UserGit, files: Mapping[str, str], where: str) -> dict[str, str]:
    """Store the files' contents as they are and return their blob ids, by path. Raises DeliveryError.

    Above a hundred they become one pack (fastimport.unpackLimit), which is far quicker than a file for each.
    """
    try:
        with tempfile.TemporaryDirectory(dir=git.folder.parent) as temporary:
            marks = Path(temporary) / "marks"
            parts: list[bytes] = []
            for number, text in enumerate(files.values(), 1):
                data = text.encode()
                parts.append(b"blob\nmark :%d\ndata %d\n%s\n" % (number, len(data), data))
            arguments = ["fast-import", "--quiet", "--done", f"--export-marks={marks}"]
            said = git.run(arguments, b"".join([*parts, b"done\n"]))
            if said.code != 0:
                raise failed(said, "its files cannot be stored", where)
            ids = dict(line.split() for line in marks.read_text().splitlines())
    except OSError as error:
        hint = "free some space, or set TMPDIR to a folder that has it"
        raise DeliveryError(f"a temporary file cannot be written: {error.strerror}", where=where, hint=hint) from error
    return {path: ids[f":{number}"] for number, path in enumerate(files, 1)}


def into_index(git: UserGit, ids: Mapping[str, str], where: str) -> None:
    """Put blobs into the index as regular files. Raises DeliveryError."""
    entries = "".join(f"100644 {id_}\t{path}\0" for path, id_ in ids.items())
    said = git.run(["update-index", "-z", "--index-info"], os.fsencode(entries))
    if said.code != 0:
        raise failed(said, "its files cannot be added", where)
