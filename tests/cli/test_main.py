"""The root command: usage errors are 64, never 2, which means changes."""

from __future__ import annotations

import pytest

from iamrbac.cli.main import COMMANDS, run


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
