"""Delivery repositories in a temporary folder: a bare remote, clones of it, and git settings of the test's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from iamrbac import wiring
from iamrbac.model.errors import DeliveryError
from iamrbac.usecases.deliveries import Deliveries, DeliveryRepository, Message, Tip
from tests.git.repo import Repo

MESSAGE = Message("Give alice developer", "In payments.\n\nIamrbac-Plan: abc", "A title", "A *body*")
FOLDERS = ("clusters/staging",)


@dataclass
class World:
    """An access repository, a bare remote, and what opens the remote."""

    folder: Path
    root: Path
    remote: Path
    config: Path
    """The person's own git configuration."""

    @property
    def url(self) -> str:
        return self.remote.as_uri()

    @property
    def deliveries(self) -> Deliveries:
        return wiring.deliveries(self.root)

    def open(self, repository: str | None = None, *, local: bool = False) -> DeliveryRepository:
        return self.deliveries.open(repository or self.url, local=local)

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """Run git as the person would, in the remote without a folder."""
        done = subprocess.run(
            ["git", *arguments], cwd=folder or self.remote, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout.rstrip("\n")

    def set(self, key: str, value: str) -> None:
        self.git("config", "--file", str(self.config), key, value)

    def seed(self, files: Mapping[str, str | bytes | None]) -> str:
        """Push a commit of some files to main, by another clone."""
        clone = self.clone()
        commit = clone.commit(files)
        clone.git("push", "--quiet", "origin", "HEAD:main")
        return commit

    def clone(self, *options: str) -> Repo:
        number = sum(one.name.startswith("clone") for one in self.folder.iterdir())
        folder = self.folder / f"clone{number}"
        self.git("clone", "--quiet", *options, self.url, str(folder), folder=self.folder)
        repo = Repo(folder)
        if not repo.git("branch", "--list"):
            repo.git("symbolic-ref", "HEAD", "refs/heads/main")
        return repo

    def hook(self, name: str, body: str, folder: Path | None = None) -> None:
        """Put a hook into a repository, the remote without one."""
        place = (folder or self.remote) / "hooks" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{body}\n")
        place.chmod(0o755)

    def files(self, branch: str = "main") -> dict[str, str]:
        """The files of a branch of the remote, with their contents."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", branch).split("\0")
        return {name: self.git("show", f"{branch}:{name}") for name in names if name}

    def log(self, branch: str = "main") -> list[str]:
        return self.git("log", "--format=%s", branch).splitlines()

    def litter(self) -> list[str]:
        """Temporary work trees, and git's records of them, that are still there."""
        records = [str(one) for one in self.folder.rglob("worktrees/*")]
        return records + [str(one) for one in (self.folder / "tmp").iterdir()]


def world(folder: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Make a world, and set the environment so that nothing of the machine's git takes part."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "GH_", "GITHUB_", "GITLAB_", "CI", "XDG_"))]:
        monkeypatch.delenv(name)
    config = folder / "gitconfig"
    config.write_text("[user]\n\tname = pat\n\temail = pat@example.com\n[init]\n\tdefaultBranch = main\n")
    (folder / "tmp").mkdir()
    environment = {
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", None)
    root = folder / "access"
    root.mkdir()
    made = World(folder, root, folder / "remote.git", config)
    made.git("init", "--quiet", "--bare", str(made.remote), folder=folder)
    return made


def none_of(tip: Tip) -> bool:
    return tip.commit is None and not tip.files and not tip.odd


def refusal(work: Callable[[], object], kind: type[DeliveryError] = DeliveryError) -> str:
    """The one line that a person would read."""
    with pytest.raises(DeliveryError) as caught:
        work()
    assert type(caught.value) is kind, caught.value
    return str(caught.value)
