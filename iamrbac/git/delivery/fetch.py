"""Branches, tags and commits of a remote, fetched into refs of our own and nothing else."""

from __future__ import annotations

import re
from typing import Final

from iamrbac.git.delivery.command import NETWORK
from iamrbac.git.delivery.faults import UNSHALLOW, failed
from iamrbac.git.delivery.stores import Store
from iamrbac.model.errors import DeliveryError

_HEX: Final = re.compile("[0-9a-fA-F]{4,64}")
_WHOLE: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_REVISION: Final = re.compile(r"(?P<name>[0-9A-Za-z_][0-9A-Za-z_./+-]*)(?P<back>(?:[~^][0-9]*)*)")
_OPTIONS: Final = (
    "--quiet",
    "--no-tags",
    "--no-prune",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    # Without it the person's own remote branches would move too.
    "--refmap=",
)


def branch_commit(store: Store, branch: str) -> str | None:
    """Return the commit of a branch as it is now; None where it is not there. Raises DeliveryError."""
    if store.remote is None:
        return parsed(store, f"refs/heads/{branch}")
    return _fetched(store, f"refs/heads/{branch}", store.ref(branch))


def head_commit(store: Store) -> str | None:
    """Return the commit of the default branch; None in an empty repository."""
    if store.remote is None:
        return parsed(store, "HEAD")
    return _fetched(store, "HEAD", "refs/iamrbac/HEAD")


def revision_commit(store: Store, revision: str) -> str:
    """Return the commit that an id, a tag or a branch is, with ~ and ^ as git has them. Raises DeliveryError."""
    match = _REVISION.fullmatch(revision)
    if match is None:
        raise DeliveryError("this is no revision", where=revision, hint="name a commit, a tag or a branch")
    name, back = match["name"], match["back"]
    start = parsed(store, name) if _HEX.fullmatch(name) else None
    start = start or _named(store, name) or _by_id(store, name)
    found = parsed(store, f"{start}{back}") if start else None
    if found is None:
        raise DeliveryError(f"there is no revision {revision} there", where=store.where, hint=_absence(store))
    return found


def parsed(store: Store, name: str) -> str | None:
    """Return the commit that a name or an id is in the store; None where it is not there."""
    said = store.git.run(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"])
    return said.out.decode().strip() if said.code == 0 else None


def _named(store: Store, name: str) -> str | None:
    if name.startswith("refs/"):
        return parsed(store, name) if store.remote is None else _fetched(store, name, store.ref(name, "asked"))
    tag = f"refs/tags/{name}"
    both = [
        branch_commit(store, name),
        parsed(store, tag) if store.remote is None else _fetched(store, tag, store.ref(name, "tags")),
    ]
    found = {one for one in both if one is not None}
    if len(found) > 1:
        hint = f"write the whole name: refs/tags/{name} or refs/heads/{name}"
        raise DeliveryError(f"{name} is the name of a tag and of a branch", where=store.where, hint=hint)
    return next(iter(found), None)


def _by_id(store: Store, name: str) -> str | None:
    """Ask for a commit that no branch led to so far; not every server gives it."""
    if store.remote is None or not _WHOLE.fullmatch(name):
        return None
    said = store.git.run(["fetch", *_OPTIONS, *_quiet(store), "--", store.remote, name], timeout=NETWORK)
    return parsed(store, name) if said.code == 0 else None


def _fetched(store: Store, theirs: str, ours: str) -> str | None:
    remote = store.remote or ""
    arguments = ["fetch", *_OPTIONS, *_quiet(store), "--", remote, f"+{theirs}:{ours}"]
    said = store.git.run(arguments, timeout=NETWORK)
    if said.code == 0:
        return parsed(store, ours)
    if "couldn't find remote ref" in said.err or "Couldn't find remote ref" in said.err:
        store.git.run(["update-ref", "-d", ours])
        return None
    raise failed(said, "it cannot be fetched", store.where)


def _quiet(store: Store) -> tuple[str, ...]:
    """Housekeeping is done in a clone of ours, and left to the person in a repository of his."""
    return () if store.ours else ("--no-auto-maintenance",)


def _absence(store: Store) -> str:
    if store.git.run(["rev-parse", "--is-shallow-repository"]).out.strip() == b"true":
        return UNSHALLOW
    return "name a commit, a tag or a branch of the delivery repository"
