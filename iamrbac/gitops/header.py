"""The comment at the top of every file that we write: whose it is, and which lines of which policies it comes from.

A policy's line is named by its place in the document (`spec.access[2]`), not by its number, so that a comment or a
blank line in a policy changes no delivered file.
"""

from __future__ import annotations

from collections.abc import Iterable

from iamrbac.model.origin import Origin, Path

_MARK = "# iamrbac: instance "
_ADVICE = "# Written by iamrbac: change the policy, not this file.\n"


def header(instance: str, origins: Iterable[Origin] = ()) -> str:
    """Return the header of a file of an instance, each line ended by a newline."""
    lines = (f"# From {origin.file} {_place(origin.path)}".rstrip() for origin in origins)
    return f"{_MARK}{instance}\n{_ADVICE}" + "".join(f"{line}\n" for line in lines)


def instance_of(text: str) -> str | None:
    """Return the instance whose header a file begins with; None for a file that has none of ours."""
    first, _, _ = text.partition("\n")
    return first.removeprefix(_MARK).strip() if first.startswith(_MARK) else None


def without_header(text: str) -> str:
    """Return what follows the header; two files that differ in nothing else say the same."""
    rest = text
    while rest.startswith("#"):
        _, _, rest = rest.partition("\n")
    return rest


def _place(path: Path) -> str:
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else str(part)
    return shown
