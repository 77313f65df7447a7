"""`iamrbac fleet` on the embedded sandbox: three clusters in waves, as people and scripts see it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden" / "fleet"
FLEET = "\nfleet: {order: [{env: development}, {env: staging}, {env: production}], timeout: 2m}\n"
LONG = 120


@pytest.fixture
def repository(
    fresh_sandbox: Sandbox, admin_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The sample repository with an order, and a state of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "repo"
    folder.mkdir()
    for name in ("policies", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "iamrbac.yaml").write_text((ROOT / "iamrbac.yaml").read_text() + FLEET)
    return folder


def call(repository: Path, *words: str) -> int:
    return run(["fleet", words[0], "-C", str(repository), *words[1:]])


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_plan_apply_and_nothing_left(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(repository, "plan", "--detailed-exitcode") == 2
    planned = capsys.readouterr().out
    assert call(repository, "apply", "--yes") == 0
    applied, said = capsys.readouterr()
    assert call(repository, "plan", "--detailed-exitcode") == 0
    after = capsys.readouterr().out
    compare(f"{planned}\n-- apply\n{applied}\n-- plan\n{after}", GOLDEN / "whole.txt")
    run_id = re.search(r"iamrbac rollback (\S+)", said)
    assert run_id is not None
    told = [line for line in said.splitlines() if line.startswith(("Wave", "development:", "staging:", "production:"))]
    assert told == [
        "Wave 1 (env=development): 1 cluster",
        "development: done, 22 changes",
        "Wave 2 (env=staging): 1 cluster",
        "staging: done, 22 changes",
        "Wave 3 (env=production): 1 cluster",
        "production: done, 21 changes",
    ]
    assert run(["drift", "-C", str(repository)]) == 0
    assert run(["rollback", run_id.group(1), "-C", str(repository), "--yes", "--allow-removals", "99", "-q"]) == 0
    capsys.readouterr()
    assert call(repository, "plan", "-q") == 0
    assert capsys.readouterr().out == planned


def test_scripts_read_lines_of_a_published_shape(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(repository, "plan", "-o", "json", "-q") == 0
    plan = json.loads(capsys.readouterr().out)
    check("plan", plan["plan"])
    check("fleet-plan", {**plan, "plan": {}})
    assert [one["name"] for wave in plan["waves"] for one in wave["clusters"]] == [
        "development",
        "staging",
        "production",
    ]
    assert call(repository, "apply", "--yes", "-o", "json", "-q") == 0
    events = lines(capsys.readouterr().out)
    for event in events:
        check("apply-event" if event["type"] in ("change", "delivery") else "fleet-event", event)
    assert [event["type"] for event in events if event["type"] != "change"] == ["wave", "cluster"] * 3 + ["fleet"]
    assert (events[-1]["done"], events[-1]["exitCode"]) == (3, 0)


def test_a_refusal_changes_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(repository, "apply", "--yes", "-q") == 0
    shutil.rmtree(repository / "policies")
    (repository / "policies").mkdir()
    capsys.readouterr()
    assert call(repository, "apply", "--yes", "-q") == 3
    out, err = capsys.readouterr()
    assert "! error GRD001 " in out and "[ERR403] refused by the findings above; nothing was changed" in err
    assert call(repository, "apply", "--yes", "-q", "-o", "json") == 3
    assert [event["type"] for event in lines(capsys.readouterr().out)] == ["refused", "summary"]


def test_nobody_to_ask_is_a_no(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(repository, "apply", "-q") == 5


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_between_waves_is_resumed(
    kind: signal.Signals, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = repository / "iamrbac.yaml"
    config.write_text(config.read_text().replace("timeout: 2m", "timeout: 2m, pause: 1h"))
    command = [sys.executable, "-m", "iamrbac", "fleet", "apply", "-C", str(repository), "--yes", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ), text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["type"] == "pause":
                process.send_signal(kind)
                break
        rest = lines(process.stdout.read())
        assert process.wait(LONG) == (130 if kind is signal.SIGINT else -signal.SIGKILL)
    if kind is signal.SIGINT:
        assert [(one["name"], one["outcome"]) for one in rest[:-1]] == [
            ("staging", "notBegun"),
            ("production", "notBegun"),
        ]
        assert rest[-1]["exitCode"] == 130
    config.write_text(config.read_text().replace("pause: 1h", "pause: 0s"))
    assert call(repository, "apply", "--yes", "--resume", "-o", "json", "-q") == 0
    events = lines(capsys.readouterr().out)
    assert {one["name"]: one["outcome"] for one in events if one["type"] == "cluster"} == {
        "development": "earlier",
        "staging": "done",
        "production": "done",
    }
    assert not [one for one in events if one["type"] == "change" and one["cluster"] == "development"]


def test_other_policies_are_not_resumed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(repository, "apply", "--yes", "-q") == 0
    config = repository / "iamrbac.yaml"
    config.write_text(config.read_text().replace("minAdmins: 1", "minAdmins: 0"))
    assert call(repository, "apply", "--yes", "--resume") == 4
    assert "the policies or the config say something else now" in capsys.readouterr().err


def test_shards_of_plan_and_apply(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for index in range(2):
        assert run(["plan", "-C", str(repository), "--shard", f"{index}/2", "-o", "json", "-q"]) == 0
        found += [one["name"] for one in json.loads(capsys.readouterr().out)["clusters"]]
    assert sorted(found) == ["development", "production", "staging"]
    saved = repository / "plan.json"
    assert run(["plan", "-C", str(repository), "--shard", "0/2", "--out", str(saved), "-q"]) == 0
    check("plan", json.loads(saved.read_text()))
    assert run(["apply", str(saved), "-C", str(repository), "-q"]) == 0
    assert run(["apply", "-C", str(repository), "--shard", "1/2", "--yes", "-q"]) == 0
    assert run(["plan", "-C", str(repository), "--detailed-exitcode", "-q"]) == 0


def test_the_pods_of_the_rendered_jobs_have_every_cluster_once(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What each Pod runs, with its index put in, but for where the repository comes from."""
    place = ["--repository", "https://git.example.com/access.git"]
    assert call(repository, "render", "--shards", "2", *place, "-q") == 0
    jobs = list(yaml.safe_load_all(capsys.readouterr().out))
    done: list[str] = []
    for job in jobs:
        for index in range(job["spec"]["completions"]):
            words = job["spec"]["template"]["spec"]["containers"][0]["args"]
            words = [word.replace("$(JOB_COMPLETION_INDEX)", str(index)) for word in words]
            words = [word for word in words if not word.startswith(("--repository", "--branch", "--work-dir"))]
            assert run([*words, "-C", str(repository), "--listen", "", "-o", "json", "-q"]) == 0
            clusters = json.loads(capsys.readouterr().out)["clusters"]
            done += [one["name"] for one in clusters]
    assert done == ["development", "staging", "production"]
    assert run(["plan", "-C", str(repository), "--detailed-exitcode", "-q"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "--shard", "3/2"], "--shard 3/2: the last of 2 is 1/2: shards are counted from 0"),
        (["plan", "--wave", "9"], "there is no wave 9; there are 1 (env=development), 2 (env=staging)"),
        (["plan", "--cluster-timeout", "0s"], "--cluster-timeout leaves no time"),
        (["apply", "--cluster-timeout", "soon"], "'soon' is no span of time"),
        (["render", "--shards", "2", "--repository", "x", "--schedule", "0 * * * *"], "a CronJob goes over all waves"),
        (["plan", "--cluster", "nowhere"], "no such cluster in iamrbac.yaml: nowhere"),
    ],
)
def test_what_does_not_go_together(
    words: list[str], said: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(repository, *words) == 64
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["nope"], ["apply", "--nope"]])
def test_usage_errors_are_64(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", *words]) == 64
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_rendered_jobs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--repository", "https://git.example.com/access.git"]
    assert call(repository, "render", "--shards", "20", *place, "-n", "fleet", "--image", "iamrbac:1") == 0
    out, err = capsys.readouterr()
    made = list(yaml.safe_load_all(out))
    assert [one["metadata"]["name"] for one in made] == [
        "iamrbac-fleet-1-env-development",
        "iamrbac-fleet-2-env-staging",
        "iamrbac-fleet-3-env-production",
    ]
    assert {one["metadata"]["namespace"] for one in made} == {"fleet"}
    assert "iamrbac-fleet-2-env-staging is suspended: resume it when iamrbac-fleet-1-env-development is complete" in err
    assert call(repository, "render", "--shards", "2", *place, "--schedule", "0 * * * *", "--ignore-order") == 0
    assert yaml.safe_load(capsys.readouterr().out)["kind"] == "CronJob"
