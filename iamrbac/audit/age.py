"""How old grants are: one that was written within the days asks for nothing yet, used or not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from iamrbac.audit.report import GrantUse, LeastPrivilege
from iamrbac.model.origin import Origin

Place: TypeAlias = tuple[str, int]
"""A file of the access repository and a line, from 1."""


@dataclass(frozen=True, slots=True)
class Written:
    """When lines got into the access repository."""

    at: Mapping[Place, datetime] = field(default_factory=dict)
    """Without those of which it is not known."""
    unknown: str = ""
    """Why nothing is known of any: it is in no git repository, say."""


def with_ages(found: LeastPrivilege, place: Callable[[Origin], Place | None], written: Written) -> LeastPrivilege:
    """Return the same without calling a grant unused that was written since the days began, or nobody knows when.

    A grant is as old as the oldest of its lines. Where nothing is known of any line, all stays as it is.
    """
    if found.coverage is None or written.unknown:
        return found
    begin = found.coverage.first if found.days is None else found.coverage.last - timedelta(days=found.days)

    def judged(one: GrantUse) -> GrantUse:
        if one.state != "unused" or not one.grant.origins:
            return one
        places = [place(origin) for origin in one.grant.origins]
        dates = [written.at.get(where) if where is not None else None for where in places]
        known = [date for date in dates if date is not None]
        if known and min(known) <= begin:
            return one
        if len(known) < len(dates):
            return replace(one, state="unknown", why="git does not say how old it is: it needs the whole history")
        return replace(one, state="unknown", why=f"it is younger than that: written on {min(known):%Y-%m-%d}")

    return replace(found, grants=tuple(map(judged, found.grants)))
