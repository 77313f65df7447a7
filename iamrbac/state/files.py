"""What the halves of a record are called, the same in a folder and in a bucket."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from iamrbac.usecases.backups import Kept, Part

_NAMES: Final = {Part.BACKUP: "{}.jsonl.gz", Part.RESULTS: "{}.results.jsonl.gz"}
_NAME: Final = re.compile(r"([0-9]{8}-[0-9]{6}-[0-9a-f]{6})(\.results)?\.jsonl\.gz")


def name_of(run: str, part: Part) -> str:
    """Return the name of one half: ID.jsonl.gz, ID.results.jsonl.gz."""
    return _NAMES[part].format(run)


def kept_of(names: Iterable[str]) -> tuple[Kept, ...]:
    """Return the records that these names are of, the oldest first; names of others mean nothing."""
    found: dict[str, set[str]] = {}
    for match in filter(None, map(_NAME.fullmatch, names)):
        found.setdefault(match[1], set()).add(match[2] or "")
    return tuple(Kept(run, ".results" in parts) for run, parts in sorted(found.items()))
