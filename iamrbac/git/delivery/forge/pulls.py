"""Pull requests of our branches: find the open one, change it, or open one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from iamrbac.git.delivery.forge.answer import Api, value
from iamrbac.git.delivery.forge.cli import NAMES, CliApi
from iamrbac.git.delivery.forge.http import HttpApi
from iamrbac.git.delivery.forge.place import Place, place_of
from iamrbac.model.errors import DeliveryError
from iamrbac.model.gitops import Forge

_TAKEN: Final = (409, 422)
"""How GitLab and GitHub say that somebody else has just opened one of this branch."""
_FINDING: Final = "open pull requests cannot be listed"
_OPENING: Final = "the branch is pushed, but its pull request cannot be opened"
_UPDATING: Final = "the branch is pushed, but its pull request cannot be changed"


@dataclass(frozen=True, slots=True)
class Found:
    """An open pull request."""

    number: int
    url: str


class PullRequests(Protocol):
    """The pull requests of one project. Every method raises DeliveryError."""

    def find(self, branch: str, base: str) -> Found | None:
        """Return the open one from a branch of the project itself to a base branch."""
        ...

    def open(self, branch: str, base: str, title: str, body: str) -> str:
        """Open one and return its URL."""
        ...

    def update(self, found: Found, title: str, body: str) -> str:
        """Change title and body of one and return its URL."""
        ...


def pull_requests(url: str, forge: Forge | None) -> PullRequests:
    """Return the pull requests of the project that a repository's URL is; no request is made.

    Raises DeliveryError where nothing says which forge it is, and where there are no credentials for it.
    """
    place = place_of(url, forge)
    api = _api(place, os.environ)
    return GitLab(place, api) if place.kind == "gitlab" else GitHub(place, api)


class GitHub:
    """Pull requests of GitHub (docs.github.com/rest/pulls/pulls)."""

    def __init__(self, place: Place, api: Api) -> None:
        self._place = place
        self._api = api
        self._path = f"/repos/{quote(place.project)}/pulls"

    def find(self, branch: str, base: str) -> Found | None:
        """Return the open one from a branch of this repository, not of a fork."""
        owner = self._place.project.partition("/")[0]
        query = urlencode({"state": "open", "head": f"{owner}:{branch}", "base": base, "per_page": "100"})
        for one in _list(value(self._place, self._api.call("GET", f"{self._path}?{query}"), _FINDING)):
            head = one.get("head") or {}
            full = (head.get("repo") or {}).get("full_name", "")
            if head.get("ref") == branch and full.lower() == self._place.project.lower():
                return _found(self._place, one, "number", "html_url")
        return None

    def open(self, branch: str, base: str, title: str, body: str) -> str:
        """Open one and return its URL."""
        request = {"title": title, "body": body, "head": branch, "base": base}
        answer = self._api.call("POST", self._path, request)
        if answer.status in _TAKEN and (other := self.find(branch, base)) is not None:
            return self.update(other, title, body)
        return _found(self._place, value(self._place, answer, _OPENING), "number", "html_url").url

    def update(self, found: Found, title: str, body: str) -> str:
        """Change title and body of one and return its URL."""
        answer = self._api.call("PATCH", f"{self._path}/{found.number}", {"title": title, "body": body})
        value(self._place, answer, _UPDATING)
        return found.url


class GitLab:
    """Merge requests of GitLab (docs.gitlab.com/api/merge_requests)."""

    def __init__(self, place: Place, api: Api) -> None:
        self._place = place
        self._api = api
        self._path = f"/projects/{quote(place.project, safe='')}/merge_requests"

    def find(self, branch: str, base: str) -> Found | None:
        """Return the open one from a branch of this project, not of a fork."""
        wanted = {"state": "opened", "source_branch": branch, "target_branch": base, "per_page": "100"}
        for one in _list(value(self._place, self._api.call("GET", f"{self._path}?{urlencode(wanted)}"), _FINDING)):
            own = one.get("source_project_id") == one.get("target_project_id")
            if own and one.get("source_branch") == branch:
                return _found(self._place, one, "iid", "web_url")
        return None

    def open(self, branch: str, base: str, title: str, body: str) -> str:
        """Open one and return its URL."""
        request = {"source_branch": branch, "target_branch": base, "title": title, "description": body}
        answer = self._api.call("POST", self._path, request)
        if answer.status in _TAKEN and (other := self.find(branch, base)) is not None:
            return self.update(other, title, body)
        return _found(self._place, value(self._place, answer, _OPENING), "iid", "web_url").url

    def update(self, found: Found, title: str, body: str) -> str:
        """Change title and description of one and return its URL."""
        answer = self._api.call("PUT", f"{self._path}/{found.number}", {"title": title, "description": body})
        value(self._place, answer, _UPDATING)
        return found.url


def _api(place: Place, environment: Mapping[str, str]) -> Api:
    names = _token_names(place, environment)
    token = next((environment[name] for name in names if environment.get(name)), None)
    if token is not None:
        return HttpApi(place, token)
    command = which(NAMES[place.kind])
    if command is not None and Path(command).is_absolute():
        return CliApi(place, command)
    told = f"there is no token for {place.host} in the environment, and no {NAMES[place.kind]} on the PATH"
    if place.kind == "gitlab" and environment.get("CI_JOB_TOKEN"):
        told += "; a CI_JOB_TOKEN cannot open merge requests"
    raise DeliveryError(told, where=place.project, hint=f"set {' or '.join(names)}, or `commit: push`")


def _token_names(place: Place, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables for a host, as `gh help environment` has them: a token for github.com goes nowhere else.

    In GitHub Actions GITHUB_TOKEN is the token of the host in GITHUB_API_URL, whichever that is.
    """
    if place.kind == "gitlab":
        return ("GITLAB_TOKEN",)
    host = urlsplit(place.api).hostname or ""
    if place.public or host.endswith(".ghe.com"):
        return ("GH_TOKEN", "GITHUB_TOKEN")
    own = ("GH_TOKEN", "GITHUB_TOKEN") if urlsplit(environment.get("GITHUB_API_URL", "")).netloc == place.host else ()
    return ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", *own)


def _list(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _found(place: Place, one: Any, number: str, url: str) -> Found:
    if isinstance(one, dict) and isinstance(one.get(number), int) and isinstance(one.get(url), str):
        return Found(one[number], one[url])
    hint = "look whether gitops.forge.kind and gitops.forge.api fit together"
    raise DeliveryError("the forge's answer is not a pull request", where=place.api, hint=hint)
