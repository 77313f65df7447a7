"""The root command: usage errors are 64, never 2, which means changes."""

from __future__ import annotations

import errno
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from iamrbac.cli.main import COMMANDS, run
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import OutputError
from tests.conftest import ROOT


@pytest.mark.parametrize("argv", [["plam"], ["--nope"], ["plan", "--nope"]])
def test_usage_errors_end_with_64(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: [ERR064] ")
    assert "Next: iamrbac" in err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


def shell(line: str, where: Path) -> tuple[int, str, str]:
    """Run a line in sh, with `iamrbac` as in a person's shell; return code, stdout and stderr."""
    script = f'iamrbac() {{ "{sys.executable}" -m iamrbac "$@"; }}\n{line}'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, cwd=where)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_about_the_verdict(closed: str, tmp_path: Path) -> None:
    assert shell(f"iamrbac validate -C {ROOT} {closed}", tmp_path)[0] == 0
    assert shell(f"iamrbac validate -C nowhere {closed}", tmp_path)[0] == 1


class FullDisk(StringIO):
    """A place to write to that has no room."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_one_line() -> None:
    with pytest.raises(OutputError) as caught:
        Terminal(stdout=FullDisk()).answer("yes")
    assert str(caught.value) == (
        "stdout: the answer cannot be written: No space left on device. Next: free some space, or send it elsewhere"
    )


def test_a_reader_who_has_seen_enough_is_no_error_message(tmp_path: Path) -> None:
    # The answer is longer than what a pipe holds.
    code, out, err = shell(f"iamrbac compile -C {ROOT} -o json | head -c 1; iamrbac schema config | true", tmp_path)
    assert (code, out, err) == (0, "{", "")


@pytest.mark.parametrize("text", ["null", "{", "[" * 100_000], ids=["null", "half", "deep"])
def test_what_is_no_saved_plan_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    code, out, err = shell(f"iamrbac apply plan.json -C {ROOT}", tmp_path)
    assert (code, out) == (64, "")
    assert err.startswith("error: [ERR064] plan.json: not a saved plan")
    assert len(err.splitlines()) == 1
