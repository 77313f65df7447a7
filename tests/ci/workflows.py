"""Our workflow files as steps, and a runner that executes a step as GitHub would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

SCAFFOLD = ROOT / "iamrbac" / "scaffold"
ACCESS = SCAFFOLD / "github" / "workflows" / "access.yml"
APPLY = SCAFFOLD / "github" / "workflows" / "apply.yml"
DELIVER = SCAFFOLD / "github" / "workflows" / "deliver.yml"
DELIVERY = SCAFFOLD / "github" / "actions" / "delivery" / "action.yml"
POLICY = ROOT / ".github" / "workflows" / "policy.yml"
ACTION = ROOT / "action.yml"
GITLAB = SCAFFOLD / "gitlab" / "gitlab-ci.yml"
GITLAB_GITOPS = SCAFFOLD / "gitlab" / "gitlab-ci-gitops.yml"
REVIEWS = (ACCESS, POLICY, ACTION)
"""The three that judge a pull request, by the same steps."""
WORKFLOWS = (ACCESS, APPLY, DELIVER, POLICY)
GITHUB = (*WORKFLOWS, ACTION, DELIVERY)


@dataclass(frozen=True)
class Step:
    """One step, with what its workflow and job set for it."""

    file: str
    job: str
    """"" in a composite action."""
    name: str
    run: str
    uses: str
    env: Mapping[str, str]
    raw: Mapping[str, Any] = field(repr=False)


def load(file: Path) -> dict[str, Any]:
    """Return a workflow file's value. YAML 1.1 makes a boolean of the key `on`."""
    value = yaml.safe_load(file.read_text())
    return {("on" if key is True else key): inner for key, inner in value.items()}


def steps(file: Path) -> Iterator[Step]:
    """Yield all steps of a workflow or a composite action."""
    value = load(file)
    jobs = value["jobs"] if "jobs" in value else {"": value["runs"]}
    for called, job in jobs.items():
        for raw in job["steps"]:
            env = {**value.get("env", {}), **job.get("env", {}), **raw.get("env", {})}
            yield Step(file.name, called, raw.get("name", ""), raw.get("run", ""), raw.get("uses", ""), env, raw)


def step(file: Path, name: str, job: str = "") -> Step:
    """Return a file's step by its name, of any job or of one."""
    return next(one for one in steps(file) if one.name == name and job in ("", one.job))


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a runner: nothing of ours but the PATH, with the iamrbac of these tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": "/nonexistent", "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", **more}


def bash(run: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Execute a script as GitHub does with `shell: bash`."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", run]
    return subprocess.run(command, cwd=folder, env=dict(env), capture_output=True, text=True, check=False)


def install(temp: Path) -> None:
    """Put the iamrbac of these tests where the step "Install iamrbac" puts it."""
    (temp / "iamrbac" / "bin").mkdir(parents=True)
    (temp / "iamrbac" / "bin" / "iamrbac").symlink_to(Path(sys.executable).parent / "iamrbac")
