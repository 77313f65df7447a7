"""The port Deliveries: delivery repositories by what the config calls them, and the access repository's own commit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from iamrbac.git.delivery.command import UserGit
from iamrbac.git.delivery.faults import failed
from iamrbac.git.delivery.history import is_ancestor
from iamrbac.git.delivery.repository import GitDelivery
from iamrbac.git.delivery.stores import clone_of, own
from iamrbac.git.delivery.words import without_secrets
from iamrbac.model.errors import DeliveryError
from iamrbac.usecases.deliveries import PolicyRevision

_URL: Final = re.compile(r"(https?|ssh|git|file)://[^-]|[0-9A-Za-z_.][0-9A-Za-z_.-]*@[0-9A-Za-z][0-9A-Za-z.-]*:[^:-]")
_PLACES: Final = ("iamrbac.yaml", "policies", "templates", "waivers.yaml", "tests/access")
"""What of the access repository decides who may do what."""
_OLDEST: Final = (2, 30)
_COMMIT: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


class GitDeliveries:
    """Delivery repositories of the access repository at a folder."""

    def __init__(self, root: Path, parse: Callable[[str, bytes], object]) -> None:
        """Take the access repository's folder, and what reads a file's value (`parse` of the port)."""
        self._root = root
        self._parse = parse

    def open(self, repository: str, *, local: bool = False) -> GitDelivery:
        """Return a repository by what the config calls it; a path is relative to the access repository.

        `local`: it is committed to, and never pushed. stores.py says what each means. Raises DeliveryError.
        """
        _refuse_old(UserGit(self._root))
        if not _URL.match(repository):
            if not repository.startswith((".", "/")):
                hint = "write a URL (https, ssh, git@HOST:PATH, file) or a path that begins with / or ."
                raise DeliveryError("this is no place of a repository", where=without_secrets(repository), hint=hint)
            return GitDelivery(own(self._root / repository, repository, local=local))
        if local:
            hint = "name a path under gitops.repository, or set `commit: push`"
            where = without_secrets(repository)
            raise DeliveryError("`commit: local` needs a repository on this machine", where=where, hint=hint)
        return GitDelivery(clone_of(repository))

    def revision(self) -> PolicyRevision:
        """Return the access repository's own commit; no commit outside of git, and where there is no git.

        Raises DeliveryError where it cannot be known.
        """
        try:
            git = UserGit(self._root)
        except DeliveryError:
            return PolicyRevision(None, changed=False)
        where = str(self._root)
        inside = git.run(["rev-parse", "--is-inside-work-tree"])
        if inside.code != 0 and "not a git repository" in inside.err:
            return PolicyRevision(None, changed=False)
        if inside.code != 0 or inside.out.strip() != b"true":
            raise failed(inside, "its commit cannot be known", where)
        head = git.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        status = ["--no-optional-locks", "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"]
        said = git.run([*status, "--", *_PLACES], most=1, environment={"GIT_OPTIONAL_LOCKS": "0"})
        if said.code != 0:
            raise failed(said, "its changes cannot be known", where)
        return PolicyRevision(head.out.decode().strip() or None, changed=bool(said.out))

    def since(self, commit: str) -> int | None:
        """Count the commits after one that changed the policies; None where it is not in the history here.

        Raises DeliveryError where that cannot be known.
        """
        if not _COMMIT.fullmatch(commit):
            return None
        git = UserGit(self._root)
        where = str(self._root)
        if git.run(["rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"]).code != 0:
            return None
        if not is_ancestor(git, commit, "HEAD", where):
            return None
        said = git.run(["rev-list", "--count", f"{commit}..HEAD", "--", *_PLACES])
        if said.code != 0:
            raise failed(said, "its history cannot be read", where)
        return int(said.out)

    def parse(self, file: str, content: bytes) -> object:
        """Return the value of a YAML or JSON file, one document. Raises ValueError, saying what and where."""
        return self._parse(file, content)


def _refuse_old(git: UserGit) -> None:
    said = git.run(["version"]).out.decode("utf-8", "replace")
    match = re.search(r"(\d+)\.(\d+)", said)
    if match is not None and (int(match[1]), int(match[2])) < _OLDEST:
        raise DeliveryError(f"this git is too old: {said.strip()}", hint="install git 2.30 or newer")
