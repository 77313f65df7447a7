"""A forge's API through its own command line, `gh api` or `glab api`, which has credentials of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from typing import Final

from iamrbac.git.delivery.forge.answer import Answer
from iamrbac.git.delivery.forge.place import Place
from iamrbac.git.delivery.words import shown
from iamrbac.model.errors import DeliveryError

NAMES: Final = {"github": "gh", "gitlab": "glab"}
_STATUS: Final = re.compile(r"\(?HTTP (\d{3})\)?|^(?:glab: )?(\d{3}) ", re.MULTILINE)
_TIMEOUT: Final = 120
_QUIET: Final = {
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "NO_PROMPT": "1",
    "NO_COLOR": "1",
    "CLICOLOR_FORCE": "0",
}


class CliApi:
    """Asks one forge by a command."""

    def __init__(self, place: Place, command: str) -> None:
        """Take the project and the command's absolute path."""
        self._place = place
        self._name = NAMES[place.kind]
        self._command = command

    def call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Answer:
        """Ask once. Raises DeliveryError where no answer comes."""
        # The commands name a forge by the host that people know, and add the API's path themselves.
        host = self._place.host.removeprefix("api.")
        arguments = [self._command, "api", "--hostname", host, "--method", method, path.removeprefix("/")]
        if body is not None:
            arguments += ["--input", "-", "--header", "Content-Type: application/json"]
        try:
            done = subprocess.run(
                arguments,
                input=json.dumps(body).encode() if body is not None else b"",
                capture_output=True,
                env=os.environ | _QUIET,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            hint = "look whether the pull request is there, then run again"
            raise DeliveryError(f"`{self._name} api` did not end", where=host, hint=hint) from error
        except OSError as error:
            hint = "correct its installation, or give a token in the environment"
            raise DeliveryError(f"{self._name} cannot be started: {error.strerror}", where=host, hint=hint) from error
        if done.returncode == 0:
            return Answer(200, done.stdout)
        said = done.stderr.decode("utf-8", "replace")
        status = _STATUS.search(said)
        if status is not None:
            return Answer(int(status[1] or status[2]), done.stdout)
        hint = f"`{self._name} auth status`, `{self._name} auth login`"
        raise DeliveryError(f"`{self._name} api` says: {shown(said)}", where=host, hint=hint)
