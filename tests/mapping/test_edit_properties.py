"""What must hold for any map in any style, and any edit. IAMRBAC_FUZZ says how many; `make fuzz` asks for 10,000."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from iamrbac.mapping.aws_auth import read, skippable
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AwsAuthRow
from tests.mapping.styles import OURS, Section, edits, sections, wanted_rows

EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "700"))
Edits = tuple[tuple[AwsAuthRow, ...], frozenset[str]]
Row = tuple[str, str, tuple[str, ...]]
ROLES = "mapRoles"


def rows(text: str) -> list[Row]:
    reading = read({ROLES: text})
    assert reading.broken == ()
    return [(row.arn, row.username, row.groups) for row in reading.rows]


def in_order(parts: list[str], text: str) -> bool:
    position = 0
    for part in parts:
        position = text.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return True


def one_place(longer: str, shorter: str) -> bool:
    """Whether `shorter` is `longer` with one stretch taken out."""
    start = 0
    while start < len(shorter) and longer[start] == shorter[start]:
        start += 1
    rest = len(shorter) - start
    return rest == 0 or longer.endswith(shorter[start:])


@settings(max_examples=EXAMPLES, deadline=None)
@given(sections, edits())
def test_others_survive_and_ours_are_as_wanted(section: Section, change: Edits) -> None:
    wanted, gone = change
    after = edit({ROLES: section.text, "other": "x"}, wanted, gone)
    text = after[ROLES]

    assert in_order([piece.rstrip("\r\n") for piece in section.foreign()], text)
    assert text.count("commented out") == section.text.count("commented out")
    assert text.count("# within") == section.text.count("# within")
    assert text.count("# note") == section.text.count("# note")
    assert after["other"] == "x"
    if text and section.text.strip() and not any(kind == "blank" for kind, _ in section.pieces):
        scalar = text.rstrip("\r\n").endswith(("    text", "# no comment"))
        assert section.text.endswith("\n") == text.endswith("\n") or scalar

    touched = {row.arn for row in wanted} | gone
    assert [row for row in rows(text) if row[0] not in touched] == [
        row for row in rows(section.text) if row[0] not in touched
    ]
    last = {row[0]: row for row in rows(text)}
    for row in wanted:
        assert last[row.arn] == (row.arn, row.username, row.groups)
    assert not gone & last.keys()
    assert edit(after, wanted, gone) == after


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(sections, st.lists(st.sampled_from(OURS), min_size=1, max_size=3, unique=True), st.data())
def test_to_add_and_to_remove_again_gives_the_same_bytes(
    section: Section, arns: list[str], data: st.DataObject
) -> None:
    new = [data.draw(wanted_rows(arn)) for arn in arns if arn not in section.ours]
    added = edit({ROLES: section.text}, new, ())
    if not new:
        assert added == {ROLES: section.text}
    if skippable(section.text):
        return
    assert one_place(added[ROLES], section.text)
    assert edit(added, (), [row.arn for row in new]) == {ROLES: section.text}
    one_by_one = added
    for row in new:
        one_by_one = edit(one_by_one, (), [row.arn])
    assert one_by_one == {ROLES: section.text}


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(sections, st.sampled_from(OURS))
def test_to_remove_one_row_takes_only_that_out(section: Section, arn: str) -> None:
    text = edit({ROLES: section.text}, (), [arn])[ROLES]
    if arn not in section.ours:
        assert text == section.text
    elif [row[0] for row in rows(section.text)].count(arn) == 1:
        assert len(text) < len(section.text)
        # A section of this row alone that only an end mark makes a document becomes `[]`.
        assert one_place(section.text, text) or (len(rows(text)) == 0 and text.count("[]") == 1 and "..." in text)


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(sections, st.sampled_from(OURS))
def test_what_is_as_wanted_is_not_touched(section: Section, arn: str) -> None:
    last = {row[0]: row for row in rows(section.text)}
    if arn in last:
        _, username, groups = last[arn]
        row = AwsAuthRow("mapRoles", arn, username, groups)
        assert edit({ROLES: section.text}, [row], ())[ROLES] == section.text


@settings(max_examples=EXAMPLES // 7, deadline=None)
@given(sections, sections, edits())
@example(Section("", (), ()), Section("[]", (), ()), ((), frozenset()))
def test_sections_do_not_meet(roles: Section, users: Section, change: Edits) -> None:
    """The same edit of mapRoles, with or without users beside it; users stay as they are unless asked for."""
    wanted, gone = change
    text = users.text.replace("rolearn", "userarn").replace("roleARN", "userARN").replace("ours", "mine")
    both = edit({ROLES: roles.text, "mapUsers": text}, wanted, gone)
    assert both == {**edit({ROLES: roles.text}, wanted, gone), "mapUsers": text}


def whole(section: Section) -> list[str]:
    """Return what has to survive with its line ends; those of the last line may be needed for a row after it."""
    kept = [piece for kind, piece in section.pieces if kind in ("row", "comment")]
    if section.text.startswith(("[", "{")):
        return kept
    return kept if section.text.endswith(("\n", "...")) or not kept else [*kept[:-1], kept[-1].rstrip("\r\n")]


@settings(max_examples=EXAMPLES, deadline=None)
@given(sections, sections, st.text(max_size=20), st.lists(edits(), min_size=1, max_size=3))
def test_no_byte_of_others_changes_by_any_number_of_edits(
    roles: Section, users: Section, other: str, changes: list[Edits]
) -> None:
    """What is there beside our rows is the same bytes after edits of both sections, one on top of the other."""
    text = users.text.replace("rolearn", "userarn").replace("roleARN", "userARN").replace(":role/", ":user/")
    of_users = [
        one.replace("rolearn", "userarn").replace("roleARN", "userARN").replace(":role/", ":user/")
        for one in whole(users)
    ]
    before = {ROLES: roles.text, "mapUsers": text, "mapAccounts": '- "111122223333" # ours\n', "other": other}
    now = before
    for wanted, gone in changes:
        in_users = [replace(row, section="mapUsers", arn=row.arn.replace(":role/", ":user/")) for row in wanted[1:]]
        now = edit(now, [*wanted[:1], *in_users], [*gone, *(arn.replace(":role/", ":user/") for arn in gone)])
        assert in_order(whole(roles), now[ROLES])
        assert in_order(of_users, now["mapUsers"])
        assert {key: now[key] for key in ("mapAccounts", "other")} == {
            key: before[key] for key in ("mapAccounts", "other")
        }
        assert now.keys() == before.keys()
    ours = [*OURS, *(arn.replace(":role/", ":user/") for arn in OURS)]
    left, back = edit(before, (), ours), edit(now, (), ours)
    for key, section in ((ROLES, roles), ("mapUsers", users)):
        # A section without a row of anybody else may be laid out anew.
        if any(kind == "row" for kind, _ in section.pieces):
            # Blanks between the rows of a flow list are nobody's alone, and a break may end the text that had none.
            if section.text.startswith("["):
                assert "".join(back[key].split()) == "".join(left[key].split())
            else:
                assert back[key].removesuffix("\n").removesuffix("\r") == left[key].removesuffix("\n").removesuffix(
                    "\r"
                )
