"""`iamrbac sandbox --kube real` and the demo on it, as a person types them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

IAMRBAC = [sys.executable, "-m", "iamrbac"]
CONFIG = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {name: one}
identity: {account: "111122223333", groups: users}
clusters: [{name: only, account: "111122223333", region: eu-west-1}]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one cluster and no policy."""
    folder = tmp_path / "repository"
    (folder / "policies").mkdir(parents=True)
    (folder / "iamrbac.yaml").write_text(CONFIG)
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the sandbox and its servers put their folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def running(repository: Path, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """A sandbox that waits, and has said so."""
    command = [*IAMRBAC, "sandbox", "--kube", "real"]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        command,
        cwd=repository,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        while not line.startswith("Stop it"):
            assert line, process.stderr.read() if process.stderr else ""
            line = process.stdout.readline()
        yield process
        process.kill()


def children(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    found = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        # One that only prepared something may be gone by now.
        with contextlib.suppress(psutil.NoSuchProcess):
            found[child.name()] = child
    return found


def left(temporary: Path) -> list[str]:
    """Command lines of processes that work in a folder of this test."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(temporary) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_it_ends(running: subprocess.Popen[str], temporary: Path, number: signal.Signals) -> None:
    names = set(children(running))
    assert {"etcd", "kube-apiserver", "kube-controller-manager", "aws-iam-authenticator"} <= names
    os.killpg(running.pid, number)
    assert running.wait(60) == (0 if number == signal.SIGINT else -signal.SIGKILL)
    until(lambda: not left(temporary))
    if number == signal.SIGINT:
        assert list(temporary.iterdir()) == []


def test_a_server_that_dies_is_named(running: subprocess.Popen[str], temporary: Path) -> None:
    children(running)["kube-apiserver"].kill()
    _, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "error: [ERR604] kube-apiserver: it ended by itself with -9; its log ends:\n  " in err
    assert "Traceback" not in err
    assert left(temporary) == []


def test_a_server_that_dies_under_a_command(repository: Path) -> None:
    script = "kubectl version >/dev/null; pkill -KILL -P $PPID etcd; sleep 1; exit 7"
    done = subprocess.run(
        [*IAMRBAC, "sandbox", "--kube", "real", "--", "sh", "-c", script],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 125
    assert "error: [ERR604] " in done.stderr
    assert "it ended by itself with " in done.stderr


def test_the_demo_holds_on_real_servers() -> None:
    done = subprocess.run(
        [*IAMRBAC, "demo", "--kube", "real"],
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=420,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "All 40 checks held in " in done.stdout
