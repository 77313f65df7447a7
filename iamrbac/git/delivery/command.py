"""The person's own git: its configuration, hooks, signing, credential helpers and ssh are all in force.

Only what would steer git to another repository is taken out of the environment (a hook that runs iamrbac exports
GIT_DIR and GIT_INDEX_FILE; `git rev-parse --local-env-vars` lists them), and what git says comes in plain English,
since we read it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from iamrbac.git.command import Said
from iamrbac.model.errors import DeliveryError

LOCAL: Final = 600.0
"""Seconds that a command on this machine may take."""
NETWORK: Final = 1800.0
"""Seconds for a command that talks to a server, or that runs hooks; somebody may have to type a passphrase."""
_MOST_SAID: Final = 64 * 1024
_STEERING: Final = frozenset(
    (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_INDEX_FILE",
        "GIT_INDEX_VERSION",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_QUARANTINE_PATH",
        "GIT_NAMESPACE",
        "GIT_PREFIX",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_SHALLOW_FILE",
        "GIT_GRAFT_FILE",
        "GIT_REPLACE_REF_BASE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_ATTR_SOURCE",
        "GIT_CONFIG",
        "GIT_DEFAULT_HASH",
        "GIT_REFLOG_ACTION",
        "GIT_LITERAL_PATHSPECS",
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
    )
)
_SETTINGS: Final = (
    "--no-pager",
    *("-c", "color.ui=false"),
    # A daemon for a folder that is gone in a second.
    *("-c", "core.fsmonitor=false"),
)


class UserGit:
    """Runs git in one folder, as the person would."""

    def __init__(self, folder: Path, settings: Sequence[str] = (), *, bare: bool = False) -> None:
        """Take a folder and more settings (`name=value`). Raises DeliveryError where there is no git.

        `bare`: the folder itself is the repository, and it is meant (safe.bareRepository).
        """
        found = shutil.which("git")
        if found is None or not Path(found).is_absolute():
            raise DeliveryError("there is no git on the PATH", hint="install git 2.30 or newer")
        self.folder = folder
        self._settings = tuple(settings)
        meant = (f"--git-dir={folder}",) if bare else ()
        self._command = (found, *_SETTINGS, *meant, *(word for one in settings for word in ("-c", one)))

    def within(self, folder: Path, *settings: str) -> UserGit:
        """Return the same for a work tree, with some more settings."""
        return UserGit(folder, (*self._settings, *settings))

    def run(
        self,
        arguments: Sequence[str],
        given: bytes = b"",
        *,
        most: int = 1 << 20,
        timeout: float = LOCAL,
        environment: Mapping[str, str] | None = None,
    ) -> Said:
        """Run one command with `given` as its input; `cut` says that it answered more than `most` bytes.

        Raises DeliveryError where it cannot be started or does not end.
        """
        # Files, so that neither side waits for the other, nor we for what a hook left running in the background.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as asked:
            asked.write(given)
            asked.seek(0)
            try:
                process = subprocess.Popen(
                    [*self._command, *arguments],
                    cwd=self.folder,
                    env=environment_of_git(os.environ) | dict(environment or {}),
                    stdin=asked,
                    stdout=out,
                    stderr=err,
                )
            except OSError as error:
                hint = "correct the installation of git"
                raise DeliveryError(f"git cannot be started: {error.strerror}", hint=hint) from error
            _wait(process, arguments, timeout)
            out.seek(0)
            err.seek(0)
            answer = out.read(most + 1)
            said = err.read(_MOST_SAID).decode("utf-8", "backslashreplace")
            return Said(process.returncode, answer[:most], said, cut=len(answer) > most)


def environment_of_git(mine: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that git gets: the person's, without what is about another repository."""
    kept = {name: value for name, value in mine.items() if name not in _STEERING}
    kept["LC_ALL"] = "C"
    # Trees of large files are read for their names only; a pointer that is checked out is committed as it was.
    kept["GIT_LFS_SKIP_SMUDGE"] = "1"
    if not os.isatty(0):
        kept["GIT_TERMINAL_PROMPT"] = "0"
    return kept


def _wait(process: subprocess.Popen[bytes], arguments: Sequence[str], timeout: float) -> None:
    """Wait for the end. On any way out git is stopped by SIGTERM first, on which it takes away its lock files."""
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired as error:
        hint = "look whether it waits for something (the network, a hook), then run again"
        raise DeliveryError(f"`git {arguments[0]}` did not end within {timeout:.0f} s", hint=hint) from error
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
