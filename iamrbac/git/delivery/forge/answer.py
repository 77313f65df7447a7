"""What a forge's API answers, and its refusals in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from iamrbac.git.delivery.forge.place import Place
from iamrbac.git.delivery.words import shown
from iamrbac.model.errors import DeliveryError

NO_ANSWER: Final = 0
_PERMISSIONS: Final = {
    "github": "a token that may write pull requests and contents of this repository (in GitHub Actions: "
    "permissions: contents: write, pull-requests: write)",
    "gitlab": "a token of scope api, of a member who may open merge requests (a project access token will do)",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what came with it."""

    status: int
    body: bytes


class Api(Protocol):
    """A way to a forge's API."""

    def call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Answer:
        """Ask; `path` begins with a slash and may have a query. Raises DeliveryError where no answer comes."""
        ...


def value(place: Place, answer: Answer, doing: str) -> Any:
    """Return the JSON of a good answer. Raises DeliveryError for any other."""
    if not 200 <= answer.status < 300:
        raise _refusal(place, answer, doing)
    try:
        return json.loads(answer.body)
    except ValueError as error:
        hint = "look whether gitops.forge.api is the URL of an API"
        raise DeliveryError(f"{doing}: the answer is not JSON", where=place.api, hint=hint) from error


def _refusal(place: Place, answer: Answer, doing: str) -> DeliveryError:
    """Say what each status means (docs.github.com/rest, docs.gitlab.com/api/rest)."""
    said = _said(answer.body)
    words = f" ({said})" if said else ""
    permissions = f"use {_PERMISSIONS[place.kind]}"
    message, hint = f"the forge refused with {answer.status}{words}", "look at what it says"
    if answer.status == 401:
        message, hint = f"the forge does not accept the token{words}", permissions
    elif answer.status == 429 or (answer.status == 403 and "rate limit" in said.lower()):
        message, hint = f"the forge wants fewer requests{words}", "run again later"
    elif answer.status == 403:
        message, hint = f"the token may not do this{words}", permissions
    elif answer.status == 404:
        message = f"there is no project {place.project}, or the token may not see it"
        hint = f"correct gitops.repository or gitops.forge, or {permissions}"
    elif 300 <= answer.status < 400:
        message = "the forge sends us elsewhere, and a token is not carried there"
        hint = "correct gitops.repository (was it renamed?) or gitops.forge.api"
    elif answer.status >= 500:
        message, hint = f"the forge has a fault of its own ({answer.status})", "run again later"
    return DeliveryError(f"{doing}: {message}", where=f"{place.project} at {place.host}", hint=hint)


def _said(body: bytes) -> str:
    """Return the words of an error: `message` and `errors` of GitHub, `message` or `error` of GitLab."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    parts = [found.get("message") or found.get("error") or found.get("error_description") or ""]
    parts += [one.get("message", "") if isinstance(one, dict) else one for one in found.get("errors") or ()]
    return shown("\n".join(part if isinstance(part, str) else json.dumps(part) for part in parts if part))
