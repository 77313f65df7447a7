"""What a stranger calls things reaches a terminal, a log, an annotation and a comment: shown, it does nothing."""

from __future__ import annotations

import json
import re

import pytest

from tests.hostile.conftest import CHECKS, Checkout

HIDDEN = {
    "escape": "\x1b",
    "bell": "\x07",
    "delete": "\x7f",
    "csi": "\x9b",
    "override": "\u202e",
    "isolate": "\u2066",
    "mark": "\u200f",
    "zero width": "\u200b",
    "separator": "\u2028",
    "bom": "\ufeff",
    "tag": "\U000e0041",
    "soft hyphen": "\xad",
}
# Where a stranger's text stands: in a name, a reason, a comment, a key.
SPOTS = {
    "value": ("payments-developers", "pay{}ments"),
    "key": ("developers: [", "dev{}elopers: ["),
    "comment": ("kind: AccessPolicy", "kind: AccessPolicy # re{}view"),
}
FORMS = ("text", "json", "github", "sarif", "junit", "gitlab")


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("spot", SPOTS)
def test_what_a_reviewer_does_not_see_is_named_and_refused(name: str, spot: str, checkout: Checkout) -> None:
    character = HIDDEN[name]
    old, new = SPOTS[spot]
    checkout.policy(**{old: new.format(character)})
    said = checkout.refused()
    assert re.search(r"policies/payments\.yaml:\d+:\d+: error DOC0(13|02): ", said)
    assert f"U+{ord(character):04X}" in said or f"0x{ord(character):02x}" in said or "DOC002" in said


@pytest.mark.parametrize("name", HIDDEN)
def test_an_escape_that_writes_one_is_refused_too(name: str, checkout: Checkout) -> None:
    escaped = f"\\U{ord(HIDDEN[name]):08X}"
    checkout.policy(**{"payments-developers": f'"pay{escaped}ments"'})
    said = checkout.refused()
    assert "error DOC013" in said
    assert f"U+{ord(HIDDEN[name]):04X}" in said


@pytest.mark.parametrize("name", [*HIDDEN, "line", "tab"])
def test_a_file_that_is_called_so_is_shown_escaped_and_not_read(name: str, checkout: Checkout) -> None:
    character = HIDDEN.get(name, {"line": "\n", "tab": "\t"}.get(name, ""))
    checkout.write(f"policies/a{character}b.yaml", "a: [")
    said = checkout.refused()
    assert "DOC013: the file is not read: its name has" in said
    assert character not in said.replace("\n", "" if name == "line" else "\n")


def test_a_template_that_hides_something_is_refused(checkout: Checkout) -> None:
    checkout.policy("own")
    checkout.write("templates/roles/own.yaml.j2", "rules: []\n# \u202e reversed\n")
    code, said = checkout.check("compile")
    assert code == 3
    assert "templates/roles/own.yaml.j2:2: U+202E (right-to-left override) stands here" in said


INJECTIONS = (
    "::error::all is well",
    "::add-mask::x",
    "::stop-commands::x",
    "##[error]x",
    "]]><x/>",
    "</testsuite>",
    "<img src=x onerror=alert(1)>",
    "[link](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "| a | b |",
    "```",
    "<!-- iamrbac-diff -->",
    "@everyone",
    "%0A::error::x",
)


@pytest.mark.parametrize("injection", INJECTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_a_name_is_no_command_of_the_log_and_no_markup(injection: str, form: str, checkout: Checkout) -> None:
    """Each finding stays what it is, in the form that is asked for; a line of a log never begins with his text."""
    quoted = json.dumps(injection)
    checkout.policy(**{"metadata: {name: payments}": f"metadata: {{name: {quoted}}}", "developers: [": f"{quoted}: ["})
    for command in CHECKS:
        if command == "compile" and form not in ("text", "json"):
            continue
        code, said = checkout.check(command, "-o", form)
        assert code in (1, 3)
        if form in ("json", "sarif", "gitlab"):
            json.loads(said)
        elif form == "junit":
            assert "<x/>" not in said
            assert said.count("</testsuite>") <= 1
        elif form == "github":
            own = [line for line in said.splitlines() if line.startswith("::")]
            assert own
            assert all(re.match(r"::(error|warning|notice)( |::)", line) for line in own)
            assert not [line for line in own if line.startswith(injection)]
        else:
            assert not [line for line in said.splitlines() if line.lstrip().startswith(injection)]


@pytest.mark.parametrize("injection", INJECTIONS)
@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_reason_is_no_markup_of_a_comment(injection: str, form: str, checkout: Checkout) -> None:
    (checkout.root / ".git" / "config").unlink()
    (checkout.root / ".git").rmdir()
    checkout.committed()
    checkout.policy("operator", **{"role: operator": f"role: operator, reason: {json.dumps(injection)}"})
    checkout.committed()
    code, said = checkout.check("diff", "--base", "HEAD^", "-o", form)
    assert code in (0, 3)
    assert "<img" not in said
    assert "](https://evil.example" not in said
    assert said.count("<!-- iamrbac-diff -->") <= 1
    assert "@everyone" not in said.replace("`@everyone`", "").replace("\\@everyone", "")
