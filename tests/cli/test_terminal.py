"""Answers on stdout, the rest on stderr, colours only where they are wanted."""

from __future__ import annotations

import io
import re

import pytest

from iamrbac.cli.terminal import Terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(**options: bool) -> tuple[str, str]:
    out, err = Tty(), Tty()
    terminal = Terminal(stdout=out, stderr=err, **options)
    terminal.answer(terminal.paint("answer", "good"))
    terminal.step("working")
    terminal.note("a detail")
    terminal.error("broken")
    return out.getvalue(), err.getvalue()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_colours_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written()[0] == "\x1b[32manswer\x1b[0m\n"
    assert written(no_color=True) == ("answer\n", "working\nerror: broken\n")
    monkeypatch.setenv("NO_COLOR", "1")
    assert written()[0] == "answer\n"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert written()[0] == "answer\n"


def test_quiet_silences_progress_and_never_errors() -> None:
    assert written(quiet=True, no_color=True)[1] == "error: broken\n"


def test_verbose_adds_times_and_details() -> None:
    lines = written(verbose=True, no_color=True)[1].splitlines()
    assert [re.sub(r"^ *\d+\.\d\d s  ", "", line) for line in lines] == ["working", "a detail", "error: broken"]
    assert re.match(r" *\d+\.\d\d s  working", lines[0])


def test_what_the_encoding_lacks_is_no_traceback() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Terminal(stdout=stream, stderr=stream).answer("payments → search")
    stream.seek(0)
    assert stream.read() == "payments \\u2192 search\n"
