"""Edits that change one row of aws-auth where it stands."""

from __future__ import annotations

from iamrbac.mapping import block, flow
from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.go_json import string
from iamrbac.mapping.objects import AwsAuthRow
from iamrbac.mapping.style import (
    Field,
    Style,
    block_row,
    field_lines,
    flow_list,
    flow_pair,
    flow_row,
    group_lines,
    quote_of,
    scalar,
)
from iamrbac.mapping.text import Edit, Lines
from iamrbac.mapping.yaml_tree import Alias, Mapping, Node, Scalar, Sequence


def change(lines: Lines, item: Node, row: ReadRow, wanted: AwsAuthRow, style: Style) -> list[Edit] | None:
    """Return the smallest edits that make the row say what is wanted: of its username and its groups only.

    None where it is written in a way that only `rewrite` can deal with: an alias for a whole row, a key twice, a map
    where a text should be.
    """
    if not isinstance(item, Mapping):
        return None
    edits: list[Edit] = []
    missing: list[Field] = []
    if row.username != wanted.username:
        found = _values(item, "username")
        if not found:
            missing.append("username")
        elif len(found) > 1 or (edit := _token(lines, found[0], wanted.username, item.flow)) is None:
            return None
        else:
            edits.append(edit)
    if row.groups != wanted.groups:
        found = _values(item, "groups")
        if not found:
            missing.append("groups")
        elif len(found) > 1 or (group_edits := _groups(lines, item, found[0], wanted, style)) is None:
            return None
        else:
            edits += group_edits
    return [*edits, *_missing(lines, item, missing, wanted, style)]


def rewrite(lines: Lines, item: Node, wanted: AwsAuthRow, style: Style, *, in_flow: bool) -> Edit:
    """Return the edit that puts a new row in the place of the old one; comment lines within it come after it.

    Fields that aws-auth has no use for are not written again.
    """
    if in_flow:
        return Edit(item.start, item.end, flow_row(wanted, style))
    whole = block.remove(lines, [item])
    return Edit(whole.start, whole.end, f"{block_row(wanted, style)}{lines.line_break(item.end)}{whole.new}")


def _values(row: Mapping, name: str) -> list[Node]:
    return [value for key, value in row.pairs if isinstance(key, Scalar) and key.value.casefold() == name]


def _token(lines: Lines, value: Node, text: str, in_flow: bool) -> Edit | None:
    if value.start == value.end:
        return Edit(value.start, value.end, f" {scalar(text, '', flow=in_flow)}")
    if not _whole(lines, value):
        return None
    return Edit(value.start, value.end, scalar(text, quote_of(lines.text, value), flow=in_flow))


def _whole(lines: Lines, value: Node) -> bool:
    """Whether a value can be replaced as it stands: no line of it can be a comment."""
    return isinstance(value, Scalar | Alias) or (value.flow and lines.start(value.start) == lines.start(value.end))


def _groups(lines: Lines, row: Mapping, value: Node, wanted: AwsAuthRow, style: Style) -> list[Edit] | None:
    if isinstance(value, Sequence):
        return _list(lines, value, wanted, style)
    if value.start == value.end and not row.flow:
        column = lines.column(row.pairs[0][0].start) + style.group_indent
        end, line_break = lines.end(value.end), lines.line_break(value.end)
        new = "".join(f"{line_break}{line}" for line in group_lines(wanted.groups, style, column))
        return [Edit(end, end, new)]
    if value.start == value.end or _whole(lines, value):
        blank = " " if value.start == value.end else ""
        return [Edit(value.start, value.end, f"{blank}{flow_list(wanted.groups, style.group_quote)}")]
    return None


def _list(lines: Lines, value: Sequence, wanted: AwsAuthRow, style: Style) -> list[Edit]:
    """Only the items that differ are edited, each written like the list's first one."""
    before = [string(item) or "" for item in value.items]
    quote = quote_of(lines.text, value.items[0]) if value.items else style.group_quote

    def write(group: str) -> str:
        return scalar(group, quote, flow=value.flow)

    replace_items = flow.replace_items if value.flow else block.replace_items
    return replace_items(lines, value, before, wanted.groups, write)


def _missing(lines: Lines, row: Mapping, names: list[Field], wanted: AwsAuthRow, style: Style) -> list[Edit]:
    """New fields go after the row's last one."""
    if not names:
        return []
    if row.flow:
        new = "".join(f", {flow_pair(wanted, name, style)}" for name in names)
        return [Edit(row.pairs[-1][1].end, row.pairs[-1][1].end, new)]
    column = lines.column(row.pairs[0][0].start)
    end, line_break = lines.end(row.end), lines.line_break(row.end)
    found = [line for name in names for line in field_lines(wanted, name, style, column)]
    return [Edit(end, end, "".join(f"{line_break}{line}" for line in found))]
