"""`iamrbac sandbox` as a person types it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IAMRBAC = [sys.executable, "-m", "iamrbac", "sandbox"]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sandboxes put their folders, so that one that stays behind is seen."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of the sample repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in ("iamrbac.yaml", "sandbox.yaml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "policies", folder / "policies")
    return folder


def sandbox(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run([*IAMRBAC, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_command_gets_the_environment_and_gives_its_code(
    repository: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        'iamrbac --version && echo "$AWS_PROFILE" && stat -c %a "$AWS_SHARED_CREDENTIALS_FILE"'
        ' && [ -z "$AWS_ACCESS_KEY_ID" ] && exit 7'
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "inherited")
    code, out, err = sandbox("--", "sh", "-c", script, cwd=repository)
    lines = out.splitlines()
    assert (code, lines[0].split()[0], lines[1:]) == (7, "iamrbac", ["pat", "600"])
    where = r"sandbox: AWS at http://127\.0\.0\.1:\d+, clusters development, staging, production; you are pat\n"
    assert re.fullmatch(where, err)
    assert list(temporary.iterdir()) == []


def test_the_commands_options_are_its_own(repository: Path, temporary: Path) -> None:
    script = "import sys; print(sys.argv[1:])"
    code, out, err = sandbox("-q", "--", sys.executable, "-c", script, "-C", "x", "--", "-q", "--help", cwd=repository)
    assert (code, out, err) == (0, "['-C', 'x', '--', '-q', '--help']\n", "")


def test_codes_that_are_ours(repository: Path, temporary: Path, tmp_path: Path) -> None:
    assert sandbox("--", "no-such-command", cwd=repository) == (
        127,
        "",
        "error: [ERR602] no-such-command: not found; the sandbox was not started\n",
    )
    assert sandbox("--", str(tmp_path), cwd=repository)[0] == 126
    code, out, err = sandbox("--", "true", cwd=tmp_path)
    assert (code, out) == (125, "")
    assert err.startswith("error: [ERR101] ")
    assert sandbox("-q", "--", "sh", "-c", "kill -KILL $$", cwd=repository) == (137, "", "")
    assert sandbox("--nope", cwd=repository)[0] == 64
    assert list(temporary.iterdir()) == []


def test_a_broken_sandbox_yaml(repository: Path, temporary: Path) -> None:
    (repository / "sandbox.yaml").write_text("apiVersion: iamrbac.dev/v1alpha1\nkind: Sandbox\npeople: []\nrole: 1\n")
    expected = "error: [ERR601] sandbox.yaml:4:7: role: unknown key (did you mean roles?). Next: correct sandbox.yaml"
    for arguments, code in ((("--", "true"), 125), ((), 1)):
        found, out, err = sandbox(*arguments, cwd=repository)
        assert (found, out, err) == (code, "", expected + "\n")


def test_a_broken_config_and_a_broken_policy(repository: Path, temporary: Path) -> None:
    (repository / "policies" / "broken.yaml").write_text("kind: AccessPolicy\n")
    assert sandbox("-q", "--", "true", cwd=repository) == (0, "", "")
    (repository / "iamrbac.yaml").write_text("kind: Config\n")
    code, out, err = sandbox("--", "true", cwd=repository)
    assert (code, out) == (125, "")
    assert "iamrbac.yaml" in err
    assert "Traceback" not in err
    assert sandbox(cwd=repository)[0] == 3


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_until_it_is_stopped(repository: Path, temporary: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        IAMRBAC, cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Stop it"):
            lines.append(running.stdout.readline())
        assert len(list(temporary.iterdir())) == 1
        assert lines[-1] == f"Stop it with Ctrl-C, or: kill {running.pid}\n"
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (0, "")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_with_its_command(repository: Path, temporary: Path, tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready"
    script = f"echo $$ >{ready}.part; mv {ready}.part {ready}; exec sleep 60"
    with subprocess.Popen(
        [*IAMRBAC, "-q", "--", "sh", "-c", script], cwd=repository, start_new_session=True
    ) as running:
        wait_for(ready.exists)
        running.send_signal(number)
        running.communicate(timeout=60)
    assert running.returncode == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(ready.read_text()), 0)
    assert list(temporary.iterdir()) == []


def test_without_the_extra(repository: Path, temporary: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util\n_find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'moto' else _find(name, *more)\n"
    )
    done = subprocess.run(
        [*IAMRBAC, "--", "true"],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(hidden)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        125,
        "error: [ERR064] the sandbox needs packages that are not installed (moto). "
        "Next: pip install 'iamrbac[sandbox]'\n",
    )
