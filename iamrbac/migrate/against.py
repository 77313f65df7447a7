"""What stands against the last step, the mode API: after it no row counts, and nothing brings them back. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.findings.finding import Finding, Level
from iamrbac.migrate.types import Migration
from iamrbac.migrate.undo import Undo

LEFTOVER = "MIG016"


def against(one: Migration | Undo, *, final: bool) -> tuple[Finding, ...]:
    """Return all errors; for `final` also what counts in aws-auth and would count no more."""
    if not final or not isinstance(one, Migration) or one.mode == "API":
        return one.blockers
    return (*one.blockers, *_left(one))


def _left(one: Migration) -> Iterator[Finding]:
    again = f"iamrbac migrate --to access-entries --cluster {one.cluster}"
    if not one.done(keep_rows=False):
        yield _finding(one, "it is not migrated yet", f"run `{again}` first")
    for what in one.leftover:
        nodes = any(row.fate == "nodes" and what.endswith(row.row.arn) for row in one.rows)
        yield _finding(
            one,
            f"{what} counts in aws-auth, and would count no more",
            f"make entries for the nodes: `{again} --nodes`" if nodes else "replace it by entries, and take it out",
        )


def _finding(one: Migration, message: str, hint: str) -> Finding:
    return Finding(LEFTOVER, Level.ERROR, message, hint, cluster=one.cluster)
