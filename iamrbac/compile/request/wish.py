"""What somebody wishes for, and what is wrong with it, said in the words of the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from iamrbac.findings.finding import Finding, Level
from iamrbac.model.origin import Path

UNCLEAR: Final = "REQ001"
"""An option that means nothing, before any document could be made of it."""
TEAM: Final = "REQ002"
"""No team, or several, could give it."""
SUSPENDED: Final = "REQ003"
NOTHING: Final = "REQ004"
"""It would give nothing that is not there already."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The options, as they were written."""

    namespaces: tuple[str, ...]
    clusters: tuple[str, ...]
    role: str
    length: str
    reason: str
    team: str | None = None
    members: tuple[str, ...] = ()
    """() is whoever asks."""
    name: str | None = None


def fault(option: str, message: str, hint: str, id_: str = UNCLEAR) -> Finding:
    """Return what is wrong with an option."""
    return Finding(id_, Level.ERROR, f"{option}: {message}", hint, object=option)


def option_of(path: Path) -> str | None:
    """Return the option that a place of the document came from."""
    words = [one for one in path if isinstance(one, str)]
    for word, option in _OPTIONS.items():
        if word in words:
            return option
    return None


def as_option(finding: Finding) -> Finding:
    """Return a finding of the document that is not there yet, at the option that it came from."""
    option = option_of(finding.path)
    message = f"{option}: {finding.message}" if option else finding.message
    return replace(finding, message=message, file=None, line=None, column=None, object=option)


_OPTIONS: Final = {
    "members": "--member",
    "clusters": "--cluster",
    "namespaces": "--namespace",
    "role": "--role",
    "team": "--team",
    "notAfter": "--for",
    "reason": "--reason",
    "name": "--name",
}
