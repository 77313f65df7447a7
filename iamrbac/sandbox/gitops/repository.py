"""A Git repository in a folder, as a hosting service has it, and a working copy that follows one branch of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from iamrbac.sandbox.errors import SandboxError

AUTHOR: Final = ("-c", "user.name=Pat", "-c", "user.email=pat@example.com")
"""Words before a command that commits."""
_TIMEOUT_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Source:
    """Where manifests come from: a folder on a branch of a repository (a URL, or a path)."""

    repository: str
    branch: str = "main"
    path: str = "."


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, without anybody's settings; return what it says, without the last newline.

    Raises SandboxError where there is no git, and where it fails.
    """
    found = shutil.which("git")
    if found is None:
        raise SandboxError("there is no git on the PATH", hint="install git 2.30 or newer")
    try:
        done = subprocess.run(
            [found, *words],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"git {words[0]} did not end in {_TIMEOUT_SECONDS:.0f} s", where=str(folder)) from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise SandboxError(f"git {words[0]} failed: {said}", where=str(folder))
    return done.stdout.removesuffix("\n")


def make_bare(folder: Path, branch: str = "main") -> Path:
    """Make an empty repository that can be pushed to and pulled from by its path; return it. Raises SandboxError."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", f"--initial-branch={branch}")
    return folder


class Checkout:
    """A working copy in `folder` that is what a branch says, and nothing else."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.folder = folder
        self._source = source
        self._commit: str | None = None

    def pull(self) -> str | None:
        """Bring it to the branch's newest commit, also after a forced push; return that commit.

        None: there is no such branch, and the working copy stays as it is. Raises SandboxError.
        """
        if not (self.folder / ".git").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            git(self.folder, "init", "--quiet")
        reference = f"refs/heads/{self._source.branch}"
        newest = git(self.folder, "ls-remote", self._source.repository, reference).partition("\t")[0]
        if not newest:
            return None
        if newest != self._commit:
            git(self.folder, "fetch", "--quiet", "--no-tags", self._source.repository, reference)
            # The branch may have moved in between: what was fetched counts.
            git(self.folder, "reset", "--quiet", "--hard", "FETCH_HEAD")
            git(self.folder, "clean", "--quiet", "-ffdx")
            self._commit = git(self.folder, "rev-parse", "HEAD")
        return self._commit


def settings() -> dict[str, str]:
    """Return the variables with which git takes nobody's settings."""
    return {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | settings() | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
