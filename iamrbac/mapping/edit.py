"""The aws-auth editor: rows of ours go in, change and go out as text; every other byte stays as it is.

A ConfigMap that others write too cannot be dumped anew: that changes indentation, quotes, line breaks and comments. So
rows are edited at the places that the YAML parser reports, and the result is read again and compared with what was
meant, before anybody gets it.

A row is known by its ARN as written. Where several rows have the same ARN the last one counts for EKS, so that one is
changed; and all of them are removed, since to take out the last one only would bring an older one back into effect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeAlias

from iamrbac.mapping import block, flow
from iamrbac.mapping.aws_auth import SECTIONS, ReadRow, ReadSection, read, read_section, skippable
from iamrbac.mapping.objects import AwsAuthRow, Section
from iamrbac.mapping.resolve import shadows
from iamrbac.mapping.row_edit import change, rewrite
from iamrbac.mapping.style import block_row, flow_row, style_of
from iamrbac.mapping.text import Edit, Lines, apply
from iamrbac.mapping.yaml_tree import BREAK, BrokenSectionError, Scalar
from iamrbac.mapping.yaml_tree import Sequence as ListNode
from iamrbac.model.errors import AwsAuthError

WHERE = "kube-system/aws-auth"
BY_HAND = "correct it by hand: kubectl -n kube-system edit configmap aws-auth"
MAX_BYTES = 1024 * 1024
"""What the API server lets a ConfigMap's data have."""

Reader: TypeAlias = Callable[[Section, str], ReadSection]


def edit(data: Mapping[str, str], wanted: Sequence[AwsAuthRow], remove: Collection[str]) -> dict[str, str]:
    """Return aws-auth's `data` with the rows of `wanted` as they say and without the rows of the ARNs in `remove`.

    No row whose ARN is in neither is touched. A wanted row that is there is changed in place, a new one goes to the end
    of its section in the section's own style. The same call on the result changes nothing.

    Raises AwsAuthError when a section does not parse, when the result would not read as it should, or when it would not
    fit into a ConfigMap; then there is nothing to write.
    """
    broken = read(data).broken
    if broken:
        raise AwsAuthError(f"cannot be edited, since it does not parse: {'; '.join(broken)}", where=WHERE, hint=BY_HAND)
    gone = frozenset(remove) - {row.arn for row in wanted}
    # Several steps read the same text, which is the only costly thing here.
    reader = cache(read_section)
    fault = ""
    for rewriting in (False, True):
        after, fault = _attempt(data, wanted, gone, reader, rewriting=rewriting)
        fault = fault or _difference(data, after, wanted, gone, reader)
        if not fault:
            return _fitting(after)
    raise AwsAuthError(f"cannot be edited without harm to other rows: {fault}", where=WHERE, hint=BY_HAND)


def _attempt(
    data: Mapping[str, str], wanted: Sequence[AwsAuthRow], gone: Collection[str], reader: Reader, *, rewriting: bool
) -> tuple[dict[str, str], str]:
    after = dict(data)
    for section in SECTIONS:
        rows = [row for row in wanted if row.section == section]
        try:
            text = _Editor(section, data.get(section, ""), reader, rewriting).text(rows, gone)
        except BrokenSectionError as error:
            return after, f"{section} would not parse any more ({error})"
        if section in data or text:
            after[section] = text
    return after, ""


def _fitting(data: dict[str, str]) -> dict[str, str]:
    size = sum(len(text.encode()) for text in data.values())
    if size > MAX_BYTES:
        raise AwsAuthError(
            f"would have {size} bytes, and a ConfigMap holds {MAX_BYTES}",
            where=WHERE,
            hint="let this cluster use access entries (mapping: access-entries)",
        )
    return data


class _Editor:
    """Edits one section.

    `rewriting` writes changed rows anew and may end the text by a break, where less did not give what was meant.
    """

    def __init__(self, section: Section, text: str, reader: Reader, rewriting: bool) -> None:
        self._section: Section = section
        self._text = text
        self._reader = reader
        self._rewriting = rewriting
        self._read = reader(section, text)
        self._style = style_of(self._read, text)

    def text(self, wanted: Sequence[AwsAuthRow], gone: Collection[str]) -> str:
        last = {row.arn: row for row in self._read.rows}
        changed = {last[row.arn].index: row for row in wanted if row.arn in last}
        # A block scalar of the row that becomes the last one may need the break that the text did not end with.
        edited = apply(self._text, self._edits(changed, gone), ended=self._rewriting)
        return self._appended(edited, [row for row in wanted if row.arn not in last])

    def _edits(self, changed: Mapping[int, AwsAuthRow], gone: Collection[str]) -> list[Edit]:
        lines = Lines(self._text)
        root = self._read.document.root
        in_flow = isinstance(root, ListNode) and root.flow
        edits: list[Edit] = []
        out: set[int] = set()
        for row in self._read.rows:
            item, new = self._read.items[row.index], changed.get(row.index)
            if row.arn in gone:
                out.add(row.index)
            elif new is not None and (row.username, row.groups) != (new.username, new.groups):
                small = None if self._rewriting else change(lines, item, row, new, self._style)
                edits += small if small is not None else [rewrite(lines, item, new, self._style, in_flow=in_flow)]
        if in_flow and isinstance(root, ListNode):
            return [*edits, *flow.remove_items(lines, root, out)]
        removals = [block.remove(lines, [self._read.items[index]]) for index in sorted(out)]
        document = self._read.document
        bare = not document.marked and self._text.startswith("...", document.end)
        if bare and removals and len(removals) == len(self._read.items):
            # A document that only an end mark makes one must not become empty.
            removals[-1] = removals[-1]._replace(new=f"{removals[-1].new}[]{self._style.line_break}")
        return [*edits, *removals]

    def _appended(self, text: str, rows: Sequence[AwsAuthRow]) -> str:
        if not rows:
            return text
        style = self._style
        if skippable(text):
            last = style.line_break if skippable(self._text) or BREAK.search(self._text[-1:]) else ""
            return style.line_break.join(block_row(row, style) for row in rows) + last
        lines, document = Lines(text), self._reader(self._section, text).document
        root = document.root
        if isinstance(root, ListNode) and root.flow:
            return apply(text, [flow.append_rows(lines, root, [flow_row(row, style) for row in rows])])
        if isinstance(root, Scalar) and root.start < root.end:
            # A null that is written out: `~` or `null`.
            listed = f",{style.line_break} ".join(flow_row(row, style) for row in rows)
            return apply(text, [Edit(root.start, root.end, f"[{listed}]")])
        end = _end(lines, root.end if isinstance(root, ListNode) else 0, document.end)
        before = lines.line_break(end)
        return apply(text, [Edit(end, end, "".join(f"{before}{block_row(row, style)}" for row in rows))])


def _end(lines: Lines, start: int, end: int) -> int:
    """Return where the last line ends that is not blank, from the end of the last row to the end of the document."""
    return lines.end(start + len(lines.text[start:end].rstrip()))


def _difference(
    data: Mapping[str, str],
    after: Mapping[str, str],
    wanted: Sequence[AwsAuthRow],
    gone: Collection[str],
    reader: Reader,
) -> str:
    """Return why the result is not what was meant; "" when it is."""
    reading = read(after)
    if reading.broken:
        return f"it would not parse any more ({'; '.join(reading.broken)})"
    ours = {row.arn for row in wanted} | set(gone)
    for section in SECTIONS:
        texts = data.get(section, ""), after.get(section, "")
        if texts[0] != texts[1] and _others(section, texts[0], ours, reader) != _others(
            section, texts[1], ours, reader
        ):
            return f"other rows of {section} would change"
    for arn in gone:
        if any(row.arn == arn for row in reading.rows):
            return f"the row for {arn} would still be there"
    last = {(row.section, row.arn): row for row in reading.rows}
    hidden = {shadow.hidden for shadow in shadows((), reading)}
    for row in wanted:
        found = last.get((row.section, row.arn))
        if found is None or (found.username, found.groups) != (row.username, row.groups):
            return f"the row for {row.arn} would not say what it should"
        if found in hidden:
            return f"the row for {row.arn} would have no effect beside another one for the same principal"
    return ""


def _others(section: Section, text: str, ours: Collection[str], reader: Reader) -> list[tuple[str, ReadRow | None]]:
    """Return the items that are not ours, as written and as read."""
    found = reader(section, text)
    rows = {row.index: row for row in found.rows}
    return [
        (text[item.start : item.end], replace(rows[index], index=0) if index in rows else None)
        for index, item in enumerate(found.items)
        if index not in rows or rows[index].arn not in ours
    ]
