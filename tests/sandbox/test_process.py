"""Somebody's command: its exit code, its signals, and nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from iamrbac.sandbox import process

ENVIRONMENT = {"PATH": os.environ["PATH"], "GREETING": "hello"}


def test_exit_code_and_environment() -> None:
    assert process.run(["sh", "-c", "exit 0"], ENVIRONMENT) == 0
    assert process.run(["sh", "-c", "exit 7"], ENVIRONMENT) == 7
    assert process.run(["sh", "-c", '[ "$GREETING" = hello ] && [ -z "$HOME" ]'], ENVIRONMENT) == 0
    assert process.run(["sh", "-c", "kill -TERM $$"], ENVIRONMENT) == 128 + signal.SIGTERM


def test_no_shell_stands_between() -> None:
    code = "import sys; sys.exit(0 if sys.argv[1:] == ['$HOME', '*', '--', '-x y'] else 1)"
    assert process.run([sys.executable, "-c", code, "$HOME", "*", "--", "-x y"], ENVIRONMENT) == 0


def test_what_cannot_be_run(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    environment = {"PATH": f"{tmp_path}:/bin:/usr/bin"}
    assert process.find("sh", environment) == 0
    assert process.find("plain", environment) == process.NOT_EXECUTABLE
    assert process.find(str(plain), environment) == process.NOT_EXECUTABLE
    assert process.find(str(tmp_path), environment) == process.NOT_EXECUTABLE
    assert process.find("absent", environment) == process.NOT_FOUND
    assert process.find("./absent", environment) == process.NOT_FOUND
    plain.write_text("#!/no/such/interpreter\n")
    plain.chmod(0o755)
    with pytest.raises(process.CommandError, match="cannot be executed") as caught:
        process.run(["plain"], environment)
    assert caught.value.exit_code == 126


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_are_passed_on(number: signal.Signals, tmp_path: Path) -> None:
    ready, seen = tmp_path / "ready", tmp_path / "seen"
    script = (
        f"trap 'echo x >{seen}; exit 9' {number.name.removeprefix('SIG')}; : >{ready}; while :; do sleep 0.02; done"
    )

    def send() -> None:
        while not ready.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    thread = threading.Thread(target=send)
    thread.start()
    # Without a terminal of its own nobody else would have told the command.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_in_foreground", lambda: False)
        assert process.run(["sh", "-c", script], ENVIRONMENT) == 9
    thread.join()
    assert seen.exists()
    assert signal.getsignal(number) is before


def test_a_terminal_tells_the_command_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ready, seen = tmp_path / "ready", tmp_path / "seen"
    script = f"trap 'echo x >{seen}' INT; : >{ready}; sleep 0.4; exit 3"

    def send() -> None:
        while not ready.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(process, "_in_foreground", lambda: True)
    thread = threading.Thread(target=send)
    thread.start()
    assert process.run(["sh", "-c", script], ENVIRONMENT) == 3
    thread.join()
    assert not seen.exists()


def test_stoppable_raises_once_and_then_lets_clean_up() -> None:
    before = signal.getsignal(signal.SIGTERM)
    cleaned = False
    with pytest.raises(process.StoppedError) as caught, process.stoppable():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned = True
    assert (caught.value.number, cleaned) == (signal.SIGTERM, True)
    assert signal.getsignal(signal.SIGTERM) is before


def test_in_foreground_without_a_terminal() -> None:
    code = "from iamrbac.sandbox.process import _in_foreground; raise SystemExit(_in_foreground())"
    done = subprocess.run([sys.executable, "-c", code], start_new_session=True, check=False)
    assert done.returncode == 0
