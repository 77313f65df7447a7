"""What git, a server or a hook said, as it may be shown: without credentials, without control characters, short."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

TOKENS: Final = (
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
)
"""Variables whose values are never shown, wherever they turn up."""
_WEB: Final = re.compile(r"(?i)\b(https?://)[^/\s@'\"]+@")
_OTHER: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^/\s:@'\"]+):[^/\s@'\"]+@")
_QUERY: Final = re.compile(r"(?i)([?&](?:private_token|access_token|token|password|job_token)=)[^&\s'\"]+")
_ESCAPE: Final = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
_SHORTEST: Final = 8
_LINES: Final = 6
_LETTERS: Final = 600


def without_secrets(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the text with the credentials of URLs, and the tokens of the environment, replaced by ***."""
    for name in TOKENS:
        secret = environment.get(name, "")
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "***")
    # A user name without a password is a token at many forges, but for ssh it is part of the address.
    return _QUERY.sub(r"\1***", _OTHER.sub(r"\1:***@", _WEB.sub(r"\1***@", text)))


def shown(text: str) -> str:
    """Return what somebody said in one line: its first lines, and its last one, without what a terminal obeys."""
    clean = _ESCAPE.sub("", without_secrets(text).replace("\r", "\n").replace("\t", " "))
    clean = "".join(letter for letter in clean if letter == "\n" or letter.isprintable())
    lines = [line.strip() for line in clean.splitlines() if line.strip()]
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], "…", lines[-1]]
    joined = "; ".join(line.rstrip(".;") for line in lines)
    return joined if len(joined) <= _LETTERS else joined[: _LETTERS - 1] + "…"
