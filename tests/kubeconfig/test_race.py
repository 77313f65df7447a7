"""Processes that write one kubeconfig at once, kubectl among them: nothing is lost, and what we write is always whole.

IAMRBAC_TORTURE makes it eight of them with 100 rounds each, and prints the figure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.kubeconfig.test_merge import FOREIGN, added_lines
from tests.torture.sizes import Tally, long_run

PROCESSES = 8 if long_run() else 3
ROUNDS = 100 if long_run() else 4
_LONGEST = 3600.0
KUBECTL = shutil.which("kubectl")


def start(path: Path, numbers: range, rounds: int) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-m", "tests.kubeconfig.writer", str(path), str(number), str(rounds)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in numbers
    ]


def finish(processes: list[subprocess.Popen[str]], meanwhile: Callable[[], None]) -> list[dict[str, Any]]:
    try:
        while any(process.poll() is None for process in processes):
            meanwhile()
        done = [process.communicate(timeout=_LONGEST) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [err for _, err in done if err] == []
    return [json.loads(out) for out, _ in done]


def contexts(path: Path) -> dict[str, str]:
    data = yaml.safe_load(path.read_text())
    return {one["name"]: one["context"].get("namespace") for one in data["contexts"]}


def test_of_our_own_nothing_is_lost_and_every_moment_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(FOREIGN)
    tally = Tally("iamrbac alone on one kubeconfig")

    def look() -> None:
        assert "lab" in contexts(path)
        tally.add("reads, all whole")
        time.sleep(0.02)

    told = finish(start(path, range(PROCESSES), ROUNDS), look)
    assert [one["lost"] for one in told] == [0] * len(told)
    assert {key: value for one in told for key, value in one["said"].items()} == {
        key: value for key, value in contexts(path).items() if key != "lab"
    }
    added_lines(FOREIGN, path.read_text())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config"]
    tally.add("rounds", ROUNDS * len(told))
    tally.add("contexts lost", 0)
    tally.tell()


@pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl on the PATH")
def test_with_kubectl_among_them_nothing_is_lost(tmp_path: Path) -> None:
    """kubectl fails at once where the file is locked (`file exists`); whoever calls it tries again."""
    path = tmp_path / "config"
    path.write_text(FOREIGN)
    path.chmod(0o600)
    tally = Tally("iamrbac and kubectl config set-context on one kubeconfig")
    theirs: dict[str, str] = {}

    def set_context() -> None:
        if tally.counts["rounds of kubectl"] >= ROUNDS:
            time.sleep(0.05)
            return
        turn = tally.counts["rounds of kubectl"]
        name, namespace = f"k-{turn % 3}", f"r{turn}"
        command = [
            str(KUBECTL),
            "config",
            "set-context",
            name,
            "--cluster=lab",
            "--user=me",
            f"--namespace={namespace}",
        ]
        done = subprocess.run(
            command,
            env={**os.environ, "KUBECONFIG": str(path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            assert "file exists" in done.stderr, done.stderr
            tally.add("times that kubectl found the lock")
            return
        theirs[name] = namespace
        tally.add("rounds of kubectl")

    told = finish(start(path, range(PROCESSES - 1), ROUNDS), set_context)
    while tally.counts["rounds of kubectl"] < ROUNDS:
        set_context()
    ours = {key: value for one in told for key, value in one["said"].items()}
    assert contexts(path) == {"lab": None, **theirs, **ours}
    assert sum(int(str(one["lost"])) for one in told) == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config"]
    tally.add("rounds of iamrbac", ROUNDS * len(told))
    tally.add("contexts lost", 0)
    tally.tell()
