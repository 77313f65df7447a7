"""Where the objects of a delivery repository are on this machine, and where they are fetched from.

What `gitops.repository` says, and what happens:

- a URL, or the path of a bare repository (which is then the server): a bare clone of our own in the cache; fetched
  from and pushed to the URL.
- a path with a work tree, or `.`, the repository around the access repository: its own object store; fetched from and
  pushed to its remote `origin`, through refs below refs/iamrbac/. Its branches, its index and its files stay as they
  are; refs/remotes/origin/BRANCH moves with our push, as it does with any push.
- the same with `commit: local`, or a bare repository with it: its own branches are read, and moved; no remote.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from filelock import FileLock, Timeout

from iamrbac.git.delivery.command import UserGit
from iamrbac.git.delivery.faults import failed
from iamrbac.git.delivery.words import without_secrets
from iamrbac.model.errors import DeliveryError

_PATIENCE: Final = 1800.0
"""Seconds that another run may hold a repository."""
_FOREGROUND: Final = ("gc.autoDetach=false", "maintenance.autoDetach=false")
ORIGIN: Final = "origin"


@dataclass(frozen=True, slots=True)
class Store:
    """An object store, and a remote."""

    git: UserGit
    remote: str | None
    """What git fetches from and pushes to: a URL or the name of a remote. None: branches of the store itself."""
    where: str
    """What it is called in messages."""
    url: str
    """What says which forge it is at; "" where nothing does."""
    ours: bool
    """It is a clone in the cache, which may be made anew."""
    _lock: FileLock = field(repr=False)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out; a clone of ours is there then. Raises DeliveryError."""
        try:
            self._lock.acquire(timeout=_PATIENCE)
        except Timeout as error:
            hint = "wait for the other run of iamrbac, or stop it"
            raise DeliveryError("another run has been using it for long", where=self.where, hint=hint) from error
        except OSError as error:
            raise _uncached(Path(self._lock.lock_file), error) from error
        try:
            if self.ours and not self._sound():
                self.remake()
            yield
        finally:
            self._lock.release()

    def remake(self, ids: str = "sha1") -> None:
        """Make a clone of ours anew, empty, for a remote with this kind of ids. Raises DeliveryError."""
        folder = self.git.folder
        try:
            with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as temporary:
                made = Path(temporary) / "clone"
                said = UserGit(folder.parent).run(["init", "--quiet", "--bare", f"--object-format={ids}", str(made)])
                if said.code != 0:
                    raise failed(said, "no clone can be made", self.where)
                shutil.rmtree(folder, ignore_errors=True)
                made.rename(folder)
        except OSError as error:
            raise _uncached(folder, error) from error

    def ref(self, name: str, kind: str = "heads") -> str:
        """Return our own ref for a branch or tag of the remote; names that are folders of each other do not clash."""
        return f"refs/iamrbac/{kind}/{quote(name, safe='')}"

    def _sound(self) -> bool:
        return self.git.folder.is_dir() and self.git.run(["rev-parse", "--is-bare-repository"]).code == 0


def clone_of(url: str) -> Store:
    """Return the clone of ours of a URL; it is made when it is used."""
    folder = cache()
    name = hashlib.sha256(url.encode()).hexdigest()[:32]
    git = UserGit(folder / f"{name}.git", _FOREGROUND, bare=True)
    return Store(git, url, without_secrets(url), url, True, _lock(folder, name))


def own(path: Path, name: str, *, local: bool) -> Store:
    """Return a repository of the person's, at a path or around it; `name` is what the config calls it.

    Raises DeliveryError where there is none, or no remote to push to.
    """
    if not path.is_dir():
        hint = "correct gitops.repository in iamrbac.yaml, or clone it there"
        raise DeliveryError("there is no such folder", where=name, hint=hint)
    git = UserGit(path)
    said = git.run(["rev-parse", "--is-bare-repository", "--absolute-git-dir"])
    if said.code != 0 and "safe.bareRepository" in said.err:
        git = UserGit(path, bare=True)
        said = git.run(["rev-parse", "--is-bare-repository", "--absolute-git-dir"])
    if said.code != 0:
        raise _no_repository(said.err, name) or failed(said, "it cannot be read", name)
    bare, _, folder = os.fsdecode(said.out.rstrip(b"\n")).partition("\n")
    if bare == "true":
        if not local:
            return clone_of(Path(folder).resolve().as_uri())
        git = UserGit(Path(folder), bare=True)
    else:
        git = UserGit(_top(git, path, name))
    remote, url = (None, "") if local else _origin(git, name)
    common = git.run(["rev-parse", "--path-format=absolute", "--git-common-dir"])
    # git 2.30 does not know the option, and says it back.
    place = os.fsdecode(common.out.rstrip(b"\n")).rpartition("\n")[2]
    place = str((git.folder / place).resolve())
    return Store(git, remote, name, url, False, _lock(cache(), hashlib.sha256(os.fsencode(place)).hexdigest()[:32]))


def cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the private folder of our clones, XDG_CACHE_HOME/iamrbac/gitops. Raises DeliveryError."""
    home = environment.get("XDG_CACHE_HOME", "")
    try:
        # The specification says to ignore a relative path.
        base = Path(home) if home.startswith("/") else Path.home() / ".cache"
    except RuntimeError as error:
        hint = "set XDG_CACHE_HOME to a folder that you can write"
        raise DeliveryError("there is no home folder for clones", hint=hint) from error
    folder = base / "iamrbac" / "gitops"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise _uncached(folder, error) from error
    return folder


def _lock(folder: Path, name: str) -> FileLock:
    return FileLock(folder / f"{name}.lock")


def _top(git: UserGit, path: Path, name: str) -> Path:
    said = git.run(["rev-parse", "--show-toplevel"])
    if said.code != 0:
        raise failed(said, "its top cannot be found", name)
    top = Path(os.fsdecode(said.out.rstrip(b"\n")))
    if name != "." and top.resolve() != path.resolve():
        hint = "name the top of a repository, or clone one there"
        raise DeliveryError("the folder is no repository, it is inside of one", where=name, hint=hint)
    return top


def _origin(git: UserGit, name: str) -> tuple[str, str]:
    """Return the remote to use, and the URL that says which forge it is at."""
    urls = git.run(["config", "--get-all", f"remote.{ORIGIN}.url"]).out.decode("utf-8", "replace").splitlines()
    if not urls:
        hint = f"`git remote add {ORIGIN} URL` there, or set `commit: local` under gitops in iamrbac.yaml"
        raise DeliveryError(f"the repository has no remote `{ORIGIN}` to push to", where=name, hint=hint)
    url = urls[0]
    if not re.match(r"[a-z][a-z0-9+.-]*://|[^/]+:", url) and not url.startswith("/"):
        # git takes it from the folder in which it runs, and a push runs in a temporary work tree.
        return str((git.folder / url).resolve()), url
    return ORIGIN, url


def _no_repository(said: str, name: str) -> DeliveryError | None:
    if "not a git repository" not in said:
        return None
    hint = "`git init` there, or correct gitops.repository in iamrbac.yaml"
    return DeliveryError("it is in no git repository", where=name, hint=hint)


def _uncached(folder: Path, error: OSError) -> DeliveryError:
    hint = "set XDG_CACHE_HOME to a folder that you can write"
    with suppress(ValueError):
        folder = folder.relative_to(Path.cwd())
    return DeliveryError(f"the cache of clones cannot be written: {error.strerror}", where=str(folder), hint=hint)
