"""Which backups may go."""

from __future__ import annotations

from collections.abc import Iterable


def expired(runs: Iterable[tuple[str, bool]], keep: int) -> tuple[str, ...]:
    """Return the ids that may be deleted so that `keep` are left, the oldest first.

    `runs` are (id, finished). A run that did not come to its end stays until a later one did (another apply, or the
    rollback of it): until then it is what says how to go back.
    """
    found = sorted(runs)
    last = max((id_ for id_, finished in found if finished), default="")
    going = found[: max(0, len(found) - keep)]
    return tuple(id_ for id_, finished in going if finished or id_ < last)
