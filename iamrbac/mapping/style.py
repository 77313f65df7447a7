"""How a section of aws-auth is written, and a row written in the same way."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import yaml

from iamrbac.mapping.aws_auth import ARN_KEYS, ReadSection
from iamrbac.mapping.block import dash_of, gap_of
from iamrbac.mapping.go_json import is_string
from iamrbac.mapping.objects import AwsAuthRow
from iamrbac.mapping.text import Lines
from iamrbac.mapping.yaml_tree import Alias, Mapping, Node, Scalar, Sequence

Quote: TypeAlias = Literal["", "'", '"']
Field: TypeAlias = Literal["arn", "username", "groups"]

# Plain scalars are written only where no YAML parser can take them for anything else.
_PLAIN = re.compile(r"[A-Za-z][-A-Za-z0-9_./@=+:,{}*]*(?<!:)")
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z][-A-Za-z0-9_./@=+]*")


@dataclass(frozen=True, slots=True)
class Style:
    """The habits of a section; the defaults are those of eksctl's and kubectl's output, keys as in the AWS docs."""

    indent: int = 0
    """Columns before a row's dash."""
    gap: int = 1
    """Blanks after it."""
    flow: bool = False
    """Rows are {…}."""
    padding: str = ""
    """Blanks inside braces."""
    order: tuple[Field, ...] = ("arn", "username", "groups")
    key_quote: Quote = ""
    arn_quote: Quote = ""
    username_quote: Quote = ""
    group_quote: Quote = ""
    groups_flow: bool = False
    """Groups are [a, b] on one line."""
    group_indent: int = 0
    """Columns of a group's dash, counted from the key."""
    group_gap: int = 1
    line_break: str = "\n"


def style_of(section: ReadSection, text: str) -> Style:
    """Return the style of the section's last row; of the last row that has groups, where it has none."""
    lines = Lines(text)
    style = Style(line_break=lines.line_break(0))
    root = section.document.root
    in_block = isinstance(root, Sequence) and not root.flow
    if in_block:
        last = section.items[-1]
        style = replace(style, indent=lines.column(dash_of(lines, last)), line_break=lines.line_break(last.end))
    maps = [item for item in section.items if isinstance(item, Mapping) and item.pairs]
    if not maps:
        return style
    row = maps[-1]
    style = replace(style, flow=row.flow, key_quote=quote_of(text, row.pairs[0][0]))
    if row.flow:
        style = replace(style, padding=" " if text[row.inner] == " " else "")
    if in_block:
        style = replace(style, gap=gap_of(lines, row))
    style = _values(style, text, row)
    for one in reversed(maps):
        groups = next((value for name, _, value in _fields(one) if name == "groups"), None)
        if isinstance(groups, Sequence) and groups.items:
            return _groups(style, lines, one, groups)
    return style


def quote_of(text: str, node: Node) -> Quote:
    """Return the quote that a scalar is written with; "" for all else."""
    first = text[node.start : node.start + 1]
    if first == "'":
        return "'"
    return '"' if first == '"' else ""


def scalar(value: str, quote: Quote, *, flow: bool) -> str:
    """Return `value` as a scalar on one line, with `quote` where that is possible."""
    pattern = _PLAIN_IN_FLOW if flow else _PLAIN
    if quote == "" and pattern.fullmatch(value) and is_string(value):
        return value
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return yaml.safe_dump(value, default_style='"', width=math.inf, allow_unicode=True).rstrip("\n")


def flow_list(values: SequenceOf[str], quote: Quote) -> str:
    """Return values as a flow list on one line."""
    return f"[{', '.join(scalar(value, quote, flow=True) for value in values)}]"


def block_row(row: AwsAuthRow, style: Style) -> str:
    """Return the row as an item of a block list, without a break at its end."""
    if style.flow:
        return f"{' ' * style.indent}-{' ' * style.gap}{flow_row(row, style)}"
    column = style.indent + 1 + style.gap
    lines = [line for name in style.order for line in field_lines(row, name, style, column)]
    lines[0] = f"{' ' * style.indent}-{' ' * style.gap}{lines[0].lstrip(' ')}"
    return style.line_break.join(lines)


def flow_row(row: AwsAuthRow, style: Style) -> str:
    """Return the row as {…} on one line."""
    pairs = ", ".join(flow_pair(row, name, style) for name in style.order)
    return f"{{{style.padding}{pairs}{style.padding}}}"


def flow_pair(row: AwsAuthRow, name: Field, style: Style) -> str:
    """Return one field as `key: value` on one line, as it may stand in {…}."""
    match name:
        case "arn":
            value = scalar(row.arn, style.arn_quote, flow=True)
        case "username":
            value = scalar(row.username, style.username_quote, flow=True)
        case "groups":
            value = flow_list(row.groups, style.group_quote)
    return f"{_key(row, name, style)}: {value}"


def field_lines(row: AwsAuthRow, name: Field, style: Style, column: int) -> list[str]:
    """Return the lines of one field of a block map whose keys stand at `column`."""
    start = f"{' ' * column}{_key(row, name, style)}:"
    if name == "arn":
        return [f"{start} {scalar(row.arn, style.arn_quote, flow=False)}"]
    if name == "username":
        return [f"{start} {scalar(row.username, style.username_quote, flow=False)}"]
    if style.groups_flow or not row.groups:
        return [f"{start} {flow_list(row.groups, style.group_quote)}"]
    return [start, *group_lines(row.groups, style, column + style.group_indent)]


def group_lines(groups: SequenceOf[str], style: Style, column: int) -> list[str]:
    """Return the lines of a block list of groups whose dashes stand at `column`."""
    dash = f"{' ' * column}-{' ' * style.group_gap}"
    return [f"{dash}{scalar(group, style.group_quote, flow=False)}" for group in groups]


def _key(row: AwsAuthRow, name: Field, style: Style) -> str:
    key = ARN_KEYS[row.section] if name == "arn" else name
    return f"{style.key_quote}{key}{style.key_quote}"


def _fields(row: Mapping) -> list[tuple[Field, Node, Node]]:
    """Return those of a row's pairs that are ours to write: name, key, value."""
    names: dict[str, Field] = {"rolearn": "arn", "userarn": "arn", "username": "username", "groups": "groups"}
    found: list[tuple[Field, Node, Node]] = []
    for key, value in row.pairs:
        if isinstance(key, Scalar) and key.value.casefold() in names:
            found.append((names[key.value.casefold()], key, value))
    return found


def _values(style: Style, text: str, row: Mapping) -> Style:
    fields = _fields(row)
    for name, _, value in fields:
        if name == "arn":
            style = replace(style, arn_quote=quote_of(text, value))
            style = replace(style, username_quote=style.arn_quote, group_quote=style.arn_quote)
    for name, _, value in fields:
        if name == "username":
            style = replace(style, username_quote=quote_of(text, value))
    written = tuple(dict.fromkeys(name for name, _, _ in fields))
    return replace(style, order=written) if len(written) == len(style.order) else style


def _groups(style: Style, lines: Lines, row: Mapping, groups: Sequence) -> Style:
    first = groups.items[0]
    style = replace(style, groups_flow=groups.flow)
    if not isinstance(first, Alias):
        style = replace(style, group_quote=quote_of(lines.text, first))
    if groups.flow:
        return style
    indent = lines.column(dash_of(lines, first)) - lines.column(row.pairs[0][0].start)
    return replace(style, group_indent=indent, group_gap=gap_of(lines, first))
