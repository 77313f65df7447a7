"""git as a reader of objects and nothing else: no shell, no hook, no filter, no network, no work tree touched.

Only plumbing runs (rev-parse, merge-base, ls-tree, cat-file), which starts no command of its own. Whatever a branch
holds (attributes with filters, submodules, what looks like a repository) is bytes here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from iamrbac.model.errors import HistoryError

_GLOBAL: Final = (
    "--no-pager",
    "--no-replace-objects",
    "--literal-pathspecs",
    # A folder of a branch may hold what looks like a bare repository, with a config of its own.
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.warnAmbiguousRefs=true"),
)
_OURS: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # What a partial clone lacks is not fetched: no protocol is allowed.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "LC_ALL": "C",
}
_KEPT: Final = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES")
"""Where a person's or a machine's own settings are, such as safe.directory. All else is about another repository (a
hook runs with GIT_DIR and GIT_INDEX_FILE) or changes what git does."""
_MOST_SAID: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Said:
    """What one git command answered."""

    code: int
    out: bytes
    err: str
    cut: bool = False
    """There was more than asked for, and git was stopped."""


class Git:
    """Runs git in one folder."""

    def __init__(self, folder: Path) -> None:
        """Take a folder of a repository. Raises HistoryError where there is no git."""
        found = shutil.which("git")
        if found is None or not Path(found).is_absolute():
            raise HistoryError("there is no git on the PATH", hint="install git 2.30 or newer")
        self.folder = folder
        self._command = (found, *_GLOBAL)

    def run(self, arguments: Sequence[str], given: bytes = b"", most: int = 1 << 20) -> Said:
        """Run one command with `given` as its input; it is stopped where it answers more than `most` bytes.

        Raises HistoryError where it cannot be started.
        """
        # Files, so that neither side ever waits for the other to read.
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as asked:
            asked.write(given)
            asked.seek(0)
            try:
                process = subprocess.Popen(
                    [*self._command, *arguments],
                    cwd=self.folder,
                    env=_environment(os.environ),
                    stdin=asked,
                    stdout=subprocess.PIPE,
                    stderr=said,
                )
            except OSError as error:
                hint = "correct the installation of git"
                raise HistoryError(f"git cannot be started: {error.strerror}", hint=hint) from error
            with process:
                out = process.stdout.read(most + 1) if process.stdout is not None else b""
                if len(out) > most:
                    process.kill()
                    return Said(-1, out[:most], "", cut=True)
            said.seek(0)
            return Said(process.returncode, out, said.read(_MOST_SAID).decode("utf-8", "backslashreplace"))


def _environment(mine: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in mine.items() if not name.startswith("GIT_") or name in _KEPT} | _OURS
