"""deliver.yml as GitHub runs it: a repository of `iamrbac init`, a delivery repository, and what pulls from it."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from iamrbac.sandbox.gitops.repository import Source
from iamrbac.sandbox.gitops.standin import StandIn
from iamrbac.sandbox.gitops.syncer import Target
from iamrbac.sandbox.runner import Sandbox
from tests.ci.workflows import DELIVER, DELIVERY, Step, bash, environment, load, steps

TOKEN = "ghp_ThisIsNoTokenAtAll0123456789"
PATIENCE_SECONDS = 120


class ArgoCd:
    """Puts what is pushed on the clusters that it is up for, before the push returns."""

    def __init__(self, bare: Path, sandbox: Sandbox) -> None:
        self.up: set[str] = set(sandbox.clusters)
        """The clusters that it serves."""
        self._syncers: dict[str, StandIn] = {}
        self._bare = bare
        self._sandbox = sandbox
        self._pushed, self._done = bare / "pushed", bare / "done"
        hook = bare / "hooks" / "post-receive"
        here, times = shlex.quote(str(bare)), PATIENCE_SECONDS * 20
        hook.write_text(
            f"#!/bin/sh\ncd {here} && rm -f done && : > pushed\n"
            f"for n in $(seq {times}); do [ ! -e done ] || exit 0; sleep 0.05; done\nexit 1\n"
        )
        hook.chmod(0o755)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the branch for as long as the `with` lasts."""
        stop = threading.Event()

        def follow() -> None:
            while not stop.wait(0.02):
                if self._pushed.exists():
                    self._pushed.unlink()
                    self.sync()
                    self._done.touch()

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Leave nothing behind."""
        for syncer in self._syncers.values():
            syncer.stop()

    def sync(self) -> None:
        """Put what the branch has on the clusters, and take away what it has no more."""
        for name in sorted(self.up):
            cluster = self._sandbox.clusters[name]
            if name not in self._syncers:
                source = Source(str(self._bare), "main", f"clusters/{name}")
                self._syncers[name] = StandIn(source, Target(cluster.url, cluster.ca_pem, cluster.token))
            self._syncers[name].round()


def git(folder: Path, *words: str) -> str:
    """Run git in a folder as somebody."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env=environment(), check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def files(bare: Path) -> dict[str, str]:
    """Return path → text of what the branch of a delivery repository has; nothing where there is no branch."""
    command = ["git", "archive", "--format=tar", "main"]
    done = subprocess.run(command, cwd=bare, env=environment(), capture_output=True, check=False)
    if done.returncode != 0:
        return {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        found = [(one.name, archive.extractfile(one)) for one in archive if one.isfile()]
        return {path: content.read().decode() for path, content in found if content is not None}


@dataclass
class Pipeline:
    """A run of the workflow at the commit that is checked out."""

    checkout: Path
    temp: Path
    bare: Path
    sandbox: Sandbox
    argocd: ArgoCd
    log: str = ""
    """Everything that was said, in all runs."""
    secrets: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    """What else the runner sets."""

    @property
    def delivered(self) -> set[str]:
        """The clusters that the delivery repository has."""
        return {path.split("/")[1] for path in files(self.bare) if path.startswith("clusters/")}

    @property
    def commits(self) -> list[str]:
        """The subjects of the delivery repository's commits, the newest first."""
        return git(self.bare, "log", "--format=%s", "main").splitlines()

    def run(self, *, approved: bool = False, sha: str = "") -> dict[str, str]:
        """Run the jobs as GitHub does; return how each ended: a step's name and code where one failed."""
        with self.argocd.following():
            return self._run(approved, sha or git(self.checkout, "rev-parse", "HEAD"))

    def _run(self, approved: bool, sha: str) -> dict[str, str]:
        ended: dict[str, str] = {}
        outputs: dict[str, str] = {}
        for name, job in load(DELIVER)["jobs"].items():
            stopped = "needs" in job and ended[job["needs"]] != "success"
            if stopped or ("changes" in job.get("if", "") and outputs.get("changes") != "true"):
                ended[name] = "skipped"
            elif name == "production" and not approved:
                ended[name] = "waiting"
            else:
                ended[name] = self.job(name, sha, outputs)
        return ended

    def job(self, name: str, sha: str, outputs: dict[str, str]) -> str:
        """Run one job's steps until one fails."""
        env = self.environment(sha)
        for step in self._steps(name):
            done = bash(step.run, self.checkout, {**env, **self._given(step)})
            self.log += done.stdout + done.stderr
            if done.returncode != 0:
                return f"{step.name}: {done.returncode}"
        lines = Path(env["GITHUB_OUTPUT"]).read_text().splitlines()
        outputs.update(dict(line.split("=", 1) for line in lines))
        return "success"

    def _steps(self, name: str) -> Iterator[Step]:
        """Yield the scripts of a job, those of the action in it in their place."""
        for step in steps(DELIVER):
            if step.job == name and step.uses == "./.github/actions/delivery":
                yield from (one for one in steps(DELIVERY) if one.run and one.name != "Install iamrbac")
            elif step.job == name and step.run:
                yield step

    def _given(self, step: Step) -> dict[str, str]:
        """Return a step's own environment, with our secrets in place of expressions."""
        return {key: self.secrets.get(key, "") if "${{" in value else value for key, value in step.env.items()}

    def environment(self, sha: str) -> dict[str, str]:
        """Return what the runner and AWS's action set."""
        for name in ("output", "summary"):
            (self.temp / name).write_text("")
        home = self.temp / "home"
        home.mkdir(exist_ok=True)
        own = environment(
            **self.sandbox.variables(),
            RUNNER_TEMP=str(self.temp),
            GITHUB_OUTPUT=str(self.temp / "output"),
            GITHUB_STEP_SUMMARY=str(self.temp / "summary"),
            GITHUB_SHA=sha,
        )
        return own | {"HOME": str(home)} | self.more


def install(temp: Path) -> None:
    """Put an iamrbac where the action puts it that waits for nobody: what is to be in sync is so when it asks."""
    place = temp / "iamrbac" / "bin" / "iamrbac"
    place.parent.mkdir(parents=True)
    real = shlex.quote(str(Path(sys.executable).parent / "iamrbac"))
    place.write_text(f'#!/bin/bash\nexec {real} "${{@/#15m/0s}}"\n')
    place.chmod(0o755)


def config(repository: Path, replaced: Mapping[str, str]) -> None:
    """Replace texts of the config, each once."""
    path = repository / "iamrbac.yaml"
    text = path.read_text()
    for old, new in replaced.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
