"""The comment at the top of every file that we write: whose it is, and which lines of which policies it comes from.

JSON has no comments; there the lines are a list under the key `//`, the first of the file, as Terraform allows it.

A policy's line is named by its place in the document (`spec.access[2]`), not by its number, so that a comment or a
blank line in a policy changes no delivered file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from iamrbac.model.origin import Origin, Path

_MARK = "# iamrbac: instance "
_ADVICE = "# Written by iamrbac: change the policy, not this file.\n"
JSON_HEADER: Final = "//"
"""The key of a JSON file's header."""
_JSON_START = f'{{\n  "{JSON_HEADER}": [\n'
_JSON_END = "\n  ],\n"


def header(instance: str, origins: Iterable[Origin] = ()) -> str:
    """Return the header of a file of an instance, each line ended by a newline."""
    lines = (f"# From {origin.file} {_place(origin.path)}".rstrip() for origin in origins)
    return f"{_MARK}{instance}\n{_ADVICE}" + "".join(f"{line}\n" for line in lines)


def json_header(instance: str, origins: Iterable[Origin] = ()) -> Sequence[str]:
    """Return what stands under `//` of a JSON file, which must be its first key, written with an indent of two."""
    return [line.removeprefix("# ") for line in header(instance, origins).splitlines()]


def instance_of(text: str) -> str | None:
    """Return the instance whose header a file, YAML or JSON, begins with; None for a file that has none of ours."""
    first = _first_line(text)
    return first.removeprefix(_MARK).strip() if first.startswith(_MARK) else None


def without_header(text: str) -> str:
    """Return what follows the header; two files that differ in nothing else say the same."""
    if text.startswith(_JSON_START):
        return text.partition(_JSON_END)[2]
    rest = text
    while rest.startswith("#"):
        _, _, rest = rest.partition("\n")
    return rest


def _first_line(text: str) -> str:
    if not text.startswith(_JSON_START):
        return text.partition("\n")[0]
    line = text[len(_JSON_START) :].partition("\n")[0].strip().removesuffix(",")
    try:
        return f"# {json.loads(line)}"
    except ValueError:
        return ""


def _place(path: Path) -> str:
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else str(part)
    return shown
