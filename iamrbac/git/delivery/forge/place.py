"""Which project of which forge a repository's URL is, and where that forge's API is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from iamrbac.git.delivery.words import without_secrets
from iamrbac.model.errors import DeliveryError
from iamrbac.model.gitops import Forge, ForgeKind

_SCP: Final = re.compile(r"(?:[^@/:]+@)?(?P<host>[^@/:]+):(?P<path>[^:].*)")
_PUBLIC: Final[dict[str, tuple[ForgeKind, str]]] = {
    "github.com": ("github", "https://api.github.com"),
    "ssh.github.com": ("github", "https://api.github.com"),
    "gitlab.com": ("gitlab", "https://gitlab.com/api/v4"),
    "altssh.gitlab.com": ("gitlab", "https://gitlab.com/api/v4"),
}
"""The hosts of the public forges, those for ssh over port 443 too (their documentation)."""
_API: Final[dict[ForgeKind, str]] = {"github": "/api/v3", "gitlab": "/api/v4"}
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Place:
    """A project at a forge."""

    kind: ForgeKind
    api: str
    """The API's URL without a slash at the end."""
    project: str
    """OWNER/NAME, at GitLab with all groups."""

    @property
    def host(self) -> str:
        """The API's host, with its port."""
        return urlsplit(self.api).netloc

    @property
    def public(self) -> bool:
        """It is github.com or gitlab.com."""
        return self.api in {api for _, api in _PUBLIC.values()}

    def new_request(self, branch: str, base: str) -> str:
        """Return the page at which a person opens a pull request of a branch, filled in."""
        web = next((f"https://{host}" for host, (_, api) in _PUBLIC.items() if api == self.api), "")
        web = f"{web or self.api.removesuffix(_API[self.kind]).replace('//api.', '//')}/{quote(self.project)}"
        if self.kind == "github":
            return f"{web}/compare/{quote(base)}...{quote(branch)}?expand=1"
        asked = {"merge_request[source_branch]": branch, "merge_request[target_branch]": base}
        return f"{web}/-/merge_requests/new?{urlencode(asked)}"


def place_of(url: str, forge: Forge | None) -> Place:
    """Return the project that a repository's URL is. Raises DeliveryError where nothing says which forge it is at."""
    host, path, web = _parts(url)
    known = _PUBLIC.get(host.rpartition("@")[2].partition(":")[0].lower()) if host else None
    shown = without_secrets(url) or "this repository"
    if forge is None and known is None:
        hint = "set gitops.forge (kind: github or gitlab, and api) in iamrbac.yaml, or `commit: push`"
        raise DeliveryError("nothing says at which forge a pull request would be opened", where=shown, hint=hint)
    kind = forge.kind if forge is not None else (known or ("github", ""))[0]
    api = (forge.api if forge is not None else None) or (known[1] if known and known[0] == kind else "")
    if not api and not host:
        hint = "set gitops.forge.api in iamrbac.yaml"
        raise DeliveryError("nothing says where the forge's API is", where=shown, hint=hint)
    api = (api or f"https://{host}{_API[kind]}").rstrip("/")
    _refuse_plain(api)
    project = path.strip("/").removesuffix(".git").strip("/")
    if web:
        # A forge below a path of its host has it in both URLs.
        below = urlsplit(api).path.removesuffix(_API[kind]).strip("/")
        project = project.removeprefix(f"{below}/") if below else project
    if project.count("/") < 1 or (kind == "github" and project.count("/") > 1):
        hint = "name OWNER/REPOSITORY of the forge in gitops.repository"
        raise DeliveryError(f"{project or 'its path'} is no project of a forge", where=shown, hint=hint)
    return Place(kind, api, project)


def _parts(url: str) -> tuple[str, str, bool]:
    """Return host (with its port, for the web), path, and whether it is a URL of the web."""
    if "://" in url:
        split = urlsplit(url)
        web = split.scheme in ("http", "https")
        host = split.netloc.rpartition("@")[2]
        return (host if web else host.partition(":")[0]), split.path, web
    match = _SCP.fullmatch(url)
    return (match["host"], match["path"], False) if match else ("", url, False)


def _refuse_plain(api: str) -> None:
    split = urlsplit(api)
    if split.username or split.password:
        hint = "give the token in the environment"
        raise DeliveryError("the URL holds credentials", where=without_secrets(api), hint=hint)
    if split.scheme != "https" and not (split.scheme == "http" and split.hostname in _LOOPBACK):
        raise DeliveryError("a token is only sent over https", where=api, hint="correct gitops.forge.api")
