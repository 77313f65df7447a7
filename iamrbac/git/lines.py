"""When the lines of the access repository's files were written, as git knows it: one call for each file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from iamrbac.audit.age import Place, Written
from iamrbac.git.revisions import History, failed
from iamrbac.model.errors import HistoryError

_LINE: Final = re.compile(rb"(?P<commit>[0-9a-f]{40,64}) \d+ (?P<line>\d+)(?: \d+)?")
_MOST: Final = 64 << 20
"""Bytes that are read of one file's history."""


class GitLines:
    """The lines of an access repository, as its folder has them now."""

    def __init__(self, root: Path) -> None:
        """Take the access repository's folder, which may be anywhere in a git repository, or in none."""
        self._root = root

    def written(self, places: Collection[Place]) -> Written:
        """Return when each line was committed; of one that is in no commit yet, now. Never raises.

        Of a line at which a shallow clone begins nobody knows. Outside of git the answer says so.
        """
        wanted = frozenset(places)
        try:
            history = History(self._root)
            cut = history.boundaries()
            found = {
                (file, line): at
                for file in sorted({file for file, _ in wanted})
                for line, commit, at in _blamed(history, file, [line for name, line in wanted if name == file])
                if (file, line) in wanted and commit not in cut
            }
        except HistoryError as error:
            return Written(unknown=error.message)
        return Written(found)


def _blamed(history: History, file: str, lines: Collection[int]) -> Iterator[tuple[int, str, datetime]]:
    """Yield line, commit and time of commit (git-blame(1), The Porcelain Format). Raises HistoryError."""
    said = history.git.run(["blame", "--root", "--line-porcelain", "--", file], most=_MOST)
    if said.code != 0 and "no such path" in said.err:
        yield from ((line, "", datetime.now(UTC)) for line in lines)
        return
    if said.code != 0 or said.cut:
        raise failed(said, file)
    line, commit = 0, ""
    for text in said.out.split(b"\n"):
        if text.startswith(b"\t"):
            continue
        if (found := _LINE.fullmatch(text)) is not None:
            line, commit = int(found["line"]), found["commit"].decode()
        elif text.startswith(b"committer-time "):
            yield line, commit, datetime.fromtimestamp(int(text.split()[1]), UTC)
