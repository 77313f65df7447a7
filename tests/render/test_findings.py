"""Findings as text: one line each, safe to show on a terminal, with the sum last; and as JSON."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.render.findings import findings_text, validation_json, validation_text
from iamrbac.render.plain import printable
from iamrbac.usecases.validate import Validation

ERROR = Finding("POL012", Level.ERROR, "something is wrong", "correct it", "policies/b.yaml", line=14, column=7)
WARNING = Finding("POL009", Level.WARNING, "look at this.", "", "policies/a.yaml", line=3, column=1, cluster="staging")
INFO = Finding("POL011", Level.INFO, "staging is told", file="policies/a.yaml", line=3, column=1, cluster="staging")
BARE = Finding("GRD001", Level.ERROR, "no file at all")
WHOLE = Finding("DOC010", Level.ERROR, "the file is empty", file="policies/a.yaml")


def test_lines_are_by_file_and_place_with_the_sum_last() -> None:
    assert findings_text([ERROR, WARNING, INFO, BARE, WHOLE, ERROR]).splitlines() == [
        "error GRD001: no file at all",
        "policies/a.yaml: error DOC010: the file is empty",
        "policies/a.yaml:3:1: warning POL009: staging: look at this",
        "policies/a.yaml:3:1: info POL011: staging is told",
        "policies/b.yaml:14:7: error POL012: something is wrong. Next: correct it",
        "3 errors, 1 warning in 2 files.",
    ]


def test_sums() -> None:
    assert findings_text([]) == "0 errors."
    assert findings_text([BARE]).splitlines()[-1] == "1 error."
    assert findings_text([INFO]).splitlines()[-1] == "0 errors."
    assert findings_text([WARNING]).splitlines()[-1] == "1 warning in 1 file."


def test_a_valid_repository_says_what_it_has() -> None:
    assert validation_text(Validation(True, (), 2, 1, 3)) == (
        "OK: 2 policies, 1 temporary grant, 3 clusters; 0 warnings."
    )
    assert validation_text(Validation(True, (WARNING, INFO), 1, 0, 1)).splitlines()[-1] == (
        "OK: 1 policy, 0 temporary grants, 1 cluster; 1 warning."
    )
    assert validation_text(Validation(False, (ERROR,), 1, 0, 1)).splitlines()[-1] == "1 error in 1 file."


def test_levels_are_painted() -> None:
    painted = findings_text([ERROR, WARNING, INFO], lambda text, style: f"<{style}>{text}</>")
    assert [line.split(": ")[1].split(" ")[0] for line in painted.splitlines()[:-1]] == [
        "<warning>warning</>",
        "<dim>info</>",
        "<error>error</>",
    ]


def test_json_has_everything() -> None:
    assert validation_json(Validation(False, (ERROR, WARNING))) == {
        "formatVersion": 1,
        "valid": False,
        "findings": [WARNING.to_json(), ERROR.to_json()],
    }


def test_what_could_move_the_cursor_is_escaped() -> None:
    assert printable("a\x1b[2J\nb\u202ec\udcffd\x7fé\u2028") == "a\\x1b[2J\\nb\\u202ec\\udcffd\\x7fé\\u2028"
    strange = Finding("DOC001", Level.ERROR, "\x1b]0;x\x07", "\r\n", "policies/\x1b[31m.yaml", cluster="\b")
    assert findings_text([strange]).isprintable() is False
    assert findings_text([strange]).splitlines() == [
        "policies/\\x1b[31m.yaml: error DOC001: \\x08: \\x1b]0;x\\x07. Next: \\r\\n",
        "1 error in 1 file.",
    ]


@given(st.text(st.characters()))
def test_any_text_prints_and_can_be_encoded(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert not text.isprintable() or shown == text


@given(st.lists(st.sampled_from([ERROR, WARNING, INFO, BARE, WHOLE])), st.randoms())
def test_the_order_of_findings_means_nothing(findings: list[Finding], random: object) -> None:
    shuffled = sorted(findings, key=repr)
    assert in_order(findings) == in_order(shuffled)
    assert len(in_order(findings)) == len(set(findings))
