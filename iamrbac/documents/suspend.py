"""Put a principal under `suspended:` in iamrbac.yaml: a text edit that keeps every other byte."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from iamrbac.documents.build import Builder
from iamrbac.documents.files import CONFIG
from iamrbac.documents.problem import BrokenError
from iamrbac.documents.walk import within
from iamrbac.mapping import block, flow
from iamrbac.mapping.style import quote_of, scalar
from iamrbac.mapping.text import Edit, Lines, apply
from iamrbac.mapping.yaml_tree import BrokenSectionError, Mapping, Node, Scalar, Sequence, parse
from iamrbac.model.errors import OutputError

KEY = "suspended"
_BY_HAND = "put it there by hand"


def suspend(root: Path, arn: str) -> None:
    """Write the line into the repository's iamrbac.yaml, whole or not at all; its mode and links stay.

    Raises OutputError, and leaves the file as it was, where it cannot be written or edited.
    """
    found = within(root, CONFIG)
    if found.problem is not None:
        raise OutputError(found.problem.message, where=CONFIG, hint=_BY_HAND)
    try:
        target = found.path.resolve()
        data = target.read_bytes()
        _replace(target, with_suspended(data.decode("utf-8"), arn).encode("utf-8"))
    except (UnicodeDecodeError, ValueError) as error:
        raise OutputError(f"{KEY}: cannot be edited: {error}", where=CONFIG, hint=_BY_HAND) from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OutputError(f"it cannot be written: {reason}", where=CONFIG, hint=_BY_HAND) from error


def with_suspended(text: str, arn: str) -> str:
    """Return a config's text with one more suspended principal, read again and compared with what is intended.

    Raises ValueError where it is written in a way that this cannot edit.
    """
    before = _value(text)
    if not isinstance(before, dict):
        raise ValueError("it is no mapping")
    try:
        root = parse(text).root
    except BrokenSectionError as error:
        raise ValueError(str(error)) from error
    if not isinstance(root, Mapping) or not root.pairs:
        raise ValueError("it is no mapping")
    after = apply(text, _edits(Lines(text), root, arn))
    if _value(after) != {**before, KEY: [*(before.get(KEY) or ()), arn]}:
        raise ValueError("the edit would not say what it should")
    return after


def _edits(lines: Lines, root: Mapping, arn: str) -> list[Edit]:
    values = [value for key, value in root.pairs if isinstance(key, Scalar) and key.value == KEY]
    if not values:
        return [_new(lines, root, arn)]
    value = values[-1]
    if isinstance(value, Sequence) and value.flow:
        first = quote_of(lines.text, value.items[0]) if value.items else ""
        return [flow.append_items(lines, value, [scalar(arn, first, flow=True)])]
    if isinstance(value, Sequence) and value.items:
        first = quote_of(lines.text, value.items[0])
        before = [_text(item) for item in value.items]
        return block.replace_items(lines, value, before, [*before, arn], lambda one: scalar(one, first, flow=False))
    if isinstance(value, Scalar) and value.plain and value.value in ("", "~", "null"):
        blank = " " if value.start == value.end else ""
        return [Edit(value.start, value.end, f"{blank}[{scalar(arn, '', flow=True)}]")]
    raise ValueError(f"{KEY} is written in an unusual way")


def _new(lines: Lines, root: Mapping, arn: str) -> Edit:
    """Return the edit that puts the key after the last one."""
    end = max(root.pairs[-1][0].end, root.pairs[-1][1].end)
    if root.flow:
        return Edit(end, end, f", {KEY}: [{scalar(arn, '', flow=True)}]")
    indent = " " * lines.column(root.pairs[0][0].start)
    line_break, place = lines.line_break(end), lines.end(end)
    return Edit(place, place, f"{line_break}{indent}{KEY}:{line_break}{indent}  - {scalar(arn, '', flow=False)}")


def _text(node: Node) -> str:
    if not isinstance(node, Scalar):
        raise ValueError(f"{KEY} is written in an unusual way")
    return node.value


def _value(text: str) -> Any:
    try:
        value, problems = Builder().build(text.removeprefix("\ufeff").encode("utf-8"))
    except BrokenError as error:
        raise ValueError(error.problem.message) from error
    if problems:
        raise ValueError(problems[0].message)
    return value


def _replace(target: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile("wb", dir=target.parent, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            temporary.chmod(target.stat().st_mode & 0o7777)
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
