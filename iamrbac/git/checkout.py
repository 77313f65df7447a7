"""The access repository for `sync`: fetched, verified, and checked out at one commit, detached.

Credentials, ssh and proxies are those of whoever runs it; nothing of the repository runs. Hooks are off, and filters
have nothing to be: a commit can only name what the configuration defines, and while files are written there is none
but the clone's own (git-config(1), gitattributes(5)). Submodules are not fetched.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from iamrbac.git.delivery.command import LOCAL, UserGit
from iamrbac.git.delivery.faults import BrokenCloneError, failed
from iamrbac.git.delivery.words import without_secrets
from iamrbac.model.errors import CheckoutError, DeliveryError, UsageError
from iamrbac.usecases.sync_report import Taken, Trouble

UNSIGNED: Final = "SYN001"
MOVED: Final = "SYN002"
_URL: Final = re.compile(r"(https?|ssh|git|file)://[^-]|[0-9A-Za-z_.][0-9A-Za-z_.-]*@[0-9A-Za-z][0-9A-Za-z.-]*:[^:-]")
_WHOLE: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_TIP: Final = "refs/iamrbac/branch"
_SETTINGS: Final = (
    f"core.hooksPath={os.devnull}",
    f"core.attributesFile={os.devnull}",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    "submodule.recurse=false",
)
_NO_CONFIG: Final = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": ""}
"""For what writes files: no filter is defined, and what a partial clone lacks is not fetched."""
_ONLY_SSH: Final = (
    "gpg.ssh.program=ssh-keygen",
    # Whoever else is in somebody's keyring is none of the allowed signers.
    *(f"{key}.program={os.devnull}" for key in ("gpg", "gpg.openpgp", "gpg.x509")),
    # Without it a key of nobody's makes a good signature too.
    "gpg.minTrustLevel=fully",
)
_GOOD: Final = re.compile('Good "git" signature for (.+) with ')
_FETCH: Final = (
    *("fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap="),
    "--update-shallow",
)


@dataclass(frozen=True, slots=True)
class Place:
    """What is to be fetched."""

    url: str
    branch: str
    path: str = ""
    """The access repository's folder in it."""
    commit: str = ""
    """The commit that is wanted, whatever the branch says; "" for the branch's newest."""
    signers: Path | None = None
    """The file of allowed signers (ssh-keygen(1)); None: signatures are not asked for."""

    def __post_init__(self) -> None:
        """Raise UsageError for what git could take for something else."""
        where = without_secrets(self.url)
        if not _URL.match(self.url) and not self.url.startswith("/"):
            hint = "write a URL (https, ssh, git@HOST:PATH, file) or a path that begins with /"
            raise UsageError("--repository is no place of a repository", where=where, hint=hint)
        if self.commit and not _WHOLE.fullmatch(self.commit):
            raise UsageError("--commit is no whole commit", where=self.commit, hint="write all of it, in lower case")
        if not self.commit and (not self.branch or self.branch.startswith("-")):
            raise UsageError("--repository needs the branch", where=where, hint="name it with --branch")
        if Path(self.path).is_absolute() or ".." in Path(self.path).parts or ".git" in Path(self.path).parts:
            raise UsageError("--path is no folder of the repository", where=self.path, hint="write e.g. access")


class Checkout:
    """A clone in a folder of ours, brought to one commit at each `take`."""

    def __init__(self, place: Place, folder: Path, timeout: float = LOCAL) -> None:
        """Take what is fetched, where it is kept, and the seconds that one command of git may take."""
        self._place = place
        self._folder = folder
        self._clone = folder / "clone"
        self._last = folder / "commit"
        self._timeout = timeout
        self._where = without_secrets(place.url)

    def take(self, last: str = "") -> Taken:
        """Fetch, verify and check out. Raises CheckoutError where any of it is not known.

        `last` is the commit that was worked on before, where somebody else knows it better than the folder.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._folder / "lock", timeout=0):
                return self._sound(last)
        except Timeout as error:
            hint = "give each process a --work-dir of its own"
            raise CheckoutError("another process works there", where=str(self._folder), hint=hint) from error
        except OSError as error:
            hint = "name a folder that can be written with --work-dir"
            raise CheckoutError(
                f"it cannot be written: {error.strerror}", where=str(self._folder), hint=hint
            ) from error
        except DeliveryError as error:
            hint = error.hint.replace("gitops.repository in iamrbac.yaml", "--repository")
            raise CheckoutError(error.message, where=error.where or self._where, hint=hint) from error

    def _sound(self, last: str) -> Taken:
        try:
            return self._taken(last)
        except BrokenCloneError:
            # Also what a killed git left behind (index.lock).
            shutil.rmtree(self._clone, ignore_errors=True)
            return self._taken(last)

    def _taken(self, last: str) -> Taken:
        git = self._opened()
        commit = self._fetched(git)
        signer, refusal = self._signed(git, commit) if self._place.signers is not None else ("", None)
        refusal = refusal or self._moved(git, commit, last if _WHOLE.fullmatch(last) else self._remembered())
        if refusal is not None:
            return Taken(self._clone, commit, signer, (refusal,))
        self._written(git, commit)
        return Taken(self._root(), commit, signer)

    def _opened(self) -> UserGit:
        """Return the clone, made where it is not there or is another repository's."""
        if self._clone.is_dir() and (self._clone / ".git").is_dir():
            git = UserGit(self._clone, _SETTINGS)
            url = git.run(["config", "--local", "--get", "remote.origin.url"])
            if url.code == 0 and os.fsdecode(url.out.rstrip(b"\n")) == self._place.url:
                return git
        shutil.rmtree(self._clone, ignore_errors=True)
        self._clone.mkdir(mode=0o700)
        git = UserGit(self._clone, _SETTINGS)
        for words in (["init", "--quiet", "--template="], ["config", "--local", "remote.origin.url", self._place.url]):
            self._run(git, words, "no clone can be made")
        return git

    def _fetched(self, git: UserGit) -> str:
        """Return the commit, which is there then with what leads to it from the one before."""
        if self._place.commit:
            return self._pinned(git, self._place.commit)
        first = () if self._parsed(git, _TIP) else ("--depth=1",)
        self._fetch(git, [*first, "--", "origin", f"+refs/heads/{self._place.branch}:{_TIP}"])
        found = self._parsed(git, _TIP)
        if found is None:
            raise CheckoutError("it has no such commit", where=self._where, hint="try the same with git by hand")
        return found

    def _pinned(self, git: UserGit, commit: str) -> str:
        if self._parsed(git, commit) is None:
            said = git.run([*_FETCH, "--depth=1", "--", "origin", commit], timeout=self._timeout)
            if said.code != 0 and self._place.branch:
                # Not every server gives a commit by its id.
                depth = ["--unshallow"] if self._shallow(git) else []
                self._fetch(git, [*depth, "--", "origin", f"+refs/heads/{self._place.branch}:{_TIP}"])
            elif said.code != 0:
                raise failed(said, "it cannot be fetched", self._where)
        if self._parsed(git, commit) is None:
            raise CheckoutError(f"there is no commit {commit} there", where=self._where, hint="correct --commit")
        return commit

    def _fetch(self, git: UserGit, words: Sequence[str]) -> None:
        said = git.run([*_FETCH, *words], timeout=self._timeout)
        if "couldn't find remote ref" in said.err.lower():
            message = f"it has no branch {self._place.branch}"
            raise CheckoutError(message, where=self._where, hint="correct --branch")
        if said.code != 0:
            raise failed(said, "it cannot be fetched", self._where)

    def _signed(self, git: UserGit, commit: str) -> tuple[str, Trouble | None]:
        """Return who signed a commit, or why nothing of it is done."""
        signers = self._place.signers
        if signers is None or not signers.is_file():
            hint = "correct --allowed-signers"
            raise CheckoutError("there is no such file of allowed signers", where=str(signers), hint=hint)
        asked = git.within(self._clone, *_ONLY_SSH, f"gpg.ssh.allowedSignersFile={signers.absolute()}")
        said = asked.run(["verify-commit", "--raw", commit], timeout=self._timeout)
        good = _GOOD.search(said.err)
        if said.code == 0 and good is not None:
            return good[1], None
        if shutil.which("ssh-keygen") is None:
            raise CheckoutError("signatures need ssh-keygen", where=self._where, hint="install OpenSSH's client")
        why = "signed by nobody of the allowed signers" if said.err.strip() else "not signed"
        hint = f"sign it with an SSH key of {signers.name} (`git commit -S`, gpg.format=ssh), or add its key there"
        return "", Trouble(UNSIGNED, f"commit {commit[:12]} of {self._where} is {why}", hint)

    def _moved(self, git: UserGit, commit: str, last: str) -> Trouble | None:
        """Return why a commit is not worked on: it does not come after the one before. A pinned one was asked for."""
        if self._place.commit or last in ("", commit):
            return None
        if not self._leads(git, last, commit):
            if self._shallow(git):
                self._fetch(git, ["--unshallow", "--", "origin", f"+refs/heads/{self._place.branch}:{_TIP}"])
            if not self._leads(git, last, commit):
                message = f"{self._place.branch} is at {commit[:12]}, which does not come after {last[:12]}"
                hint = f"push a commit that comes after it; if it is meant: --commit {commit} until then"
                return Trouble(MOVED, f"{self._where}: {message}: it was pushed by force", hint)
        return None

    def _leads(self, git: UserGit, earlier: str, later: str) -> bool:
        if self._parsed(git, earlier) is None:
            return False
        return git.run(["merge-base", "--is-ancestor", earlier, later]).code == 0

    def _written(self, git: UserGit, commit: str) -> None:
        for words in (["checkout", "--quiet", "--force", "--detach", commit, "--"], ["clean", "-ffdxq"]):
            self._run(git, words, "it cannot be checked out")
        self._last.write_text(f"{commit}\n", encoding="ascii")

    def _root(self) -> Path:
        """Return the access repository's folder, which no link leads out of the clone."""
        found = (self._clone / self._place.path).resolve()
        top = self._clone.resolve()
        inside = found.is_relative_to(top) and ".git" not in found.relative_to(top).parts
        if not inside or not found.is_dir():
            hint = "correct --path"
            raise CheckoutError(f"it has no folder {self._place.path}", where=self._where, hint=hint)
        return found

    def _remembered(self) -> str:
        with suppress(OSError, UnicodeDecodeError):
            text = self._last.read_text(encoding="ascii").strip()
            return text if _WHOLE.fullmatch(text) else ""
        return ""

    def _parsed(self, git: UserGit, name: str) -> str | None:
        said = git.run(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"])
        return said.out.decode().strip() if said.code == 0 else None

    def _shallow(self, git: UserGit) -> bool:
        return git.run(["rev-parse", "--is-shallow-repository"]).out.strip() == b"true"

    def _run(self, git: UserGit, words: Sequence[str], doing: str) -> None:
        said = git.run(words, timeout=self._timeout, environment=_NO_CONFIG)
        if said.code != 0:
            raise failed(said, doing, self._where)
