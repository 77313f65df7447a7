"""Several runs at once, and runs that are killed: no commit is lost, nothing is half pushed, nothing is left lying."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.git.delivery import FOLDERS, MESSAGE, World
from tests.git.repo import Repo

RUNS = 4
_RUN = """
import sys
from pathlib import Path
from iamrbac import wiring
from iamrbac.model.errors import MovedError
from tests.git.delivery import FOLDERS, MESSAGE
root, repository, name = sys.argv[1:]
while True:
    delivery = wiring.deliveries(Path(root)).open(repository)
    tip = delivery.tip("main", FOLDERS)
    try:
        delivery.push(tip, {f"clusters/staging/{name}.yaml": name}, MESSAGE, None)
        break
    except MovedError:
        pass
"""
_TESTS = Path(__file__).parents[2]


def start(world: World, repository: str, name: str, **more: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(_TESTS)} | more
    return subprocess.Popen([sys.executable, "-c", _RUN, str(world.root), repository, name], env=environment)


@pytest.mark.parametrize("kind", ["one clone", "clones of their own", "a work tree"])
def test_runs_at_the_same_time_lose_no_commit(world: World, kind: str) -> None:
    world.seed({"README": "x"})
    repository = str(world.clone().folder) if kind == "a work tree" else world.url
    processes = [
        start(
            world,
            repository,
            f"run{number}",
            **({"XDG_CACHE_HOME": str(world.folder / f"cache{number}")} if kind == "clones of their own" else {}),
        )
        for number in range(RUNS)
    ]
    assert [process.wait(300) for process in processes] == [0] * RUNS
    assert sorted(world.files()) == ["README", *(f"clusters/staging/run{number}.yaml" for number in range(RUNS))]
    assert len(world.log()) == RUNS + 1
    assert world.litter() == []


@pytest.mark.parametrize("kind", ["clone", "work tree"])
@pytest.mark.parametrize("hook", ["pre-commit", "pre-push"])
def test_a_run_that_is_killed_pushes_nothing_and_the_next_one_tidies_up(world: World, hook: str, kind: str) -> None:
    world.seed({"README": "x"})
    clone = world.clone()
    repository = str(clone.folder) if kind == "work tree" else world.url
    (world.folder / "own" / "hooks").mkdir(parents=True)
    world.set("core.hooksPath", str(world.folder / "own" / "hooks"))
    # The hook kills iamrbac, which is the parent of git, which is its own; then git itself.
    kill = 'git=$PPID; run=$(ps -o ppid= -p $git | tr -d " "); kill -9 $run; kill -9 $git'
    world.hook(hook, kill, world.folder / "own")
    before = world.git("rev-parse", "main")
    assert start(world, repository, "killed").wait(300) == -signal.SIGKILL
    assert world.git("rev-parse", "main") == before
    assert world.litter() != []
    (world.folder / "own" / "hooks" / hook).unlink()
    assert start(world, repository, "next").wait(300) == 0
    assert sorted(world.files()) == ["README", "clusters/staging/next.yaml"]
    assert world.litter() == []


def test_ctrl_c_in_a_hook_leaves_nothing(world: World) -> None:
    world.seed({"README": "x"})
    (world.folder / "own" / "hooks").mkdir(parents=True)
    world.set("core.hooksPath", str(world.folder / "own" / "hooks"))
    world.hook("pre-commit", 'kill -INT $(ps -o ppid= -p $PPID | tr -d " "); sleep 20', world.folder / "own")
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    with pytest.raises(KeyboardInterrupt):
        delivery.push(tip, {"clusters/staging/a": "a"}, MESSAGE, None)
    assert world.litter() == []
    assert world.log() == ["change"]
    # The lock is free again, and so is the index.
    (world.folder / "own" / "hooks" / "pre-commit").unlink()
    delivery.push(delivery.tip("main", FOLDERS), {"clusters/staging/a": "a"}, MESSAGE, None)


def test_a_push_between_tip_and_push_is_seen_by_the_next_tip(world: World) -> None:
    first = Repo.init(world.folder / "theirs")
    first.commit({"theirs": "1"})
    delivery = world.open()
    delivery.tip("main", FOLDERS)
    first.git("push", "--quiet", world.url, "main")
    tip = delivery.tip("main", FOLDERS)
    delivery.push(tip, {"clusters/staging/a": "a"}, MESSAGE, None)
    assert sorted(world.files()) == ["clusters/staging/a", "theirs"]


def test_branches_of_one_repository_are_fetched_by_threads(world: World) -> None:
    first = world.seed({"clusters/staging/a": "a"})
    branches = [f"branch{number}" for number in range(4)]
    for branch in branches:
        world.git("branch", branch, "main")
    with ThreadPoolExecutor(4) as pool:
        tips = list(pool.map(lambda branch: world.open().tip(branch, FOLDERS), branches))
        one = world.open()
        tips += pool.map(lambda branch: one.tip(branch, FOLDERS), branches)
        contents = list(pool.map(lambda tip: one.read(tip.files.values()), tips))
    assert {tip.commit for tip in tips} == {first}
    assert [list(content.values()) for content in contents] == [[b"a"]] * 8
