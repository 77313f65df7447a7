"""The place of the access index: one that somebody vouches for."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.compile.check.said import Said, error
from iamrbac.findings.finding import Finding
from iamrbac.model.index_place import parse_place


def index_place(said: Said) -> Iterator[Finding]:
    """POL031 a place whose integrity nobody vouches for although it looks like one."""
    if said.config.index is None:
        return
    try:
        parse_place(said.config.index, said.config.people)
    except ValueError as fault:
        message = f"the access index cannot be kept at {said.config.index}: {fault}"
        yield error(
            "POL031", said.config_file, ("index",), message, "write a place that only whoever applies may write"
        )
