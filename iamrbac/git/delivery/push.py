"""One push of one ref, which is where we saw it or is not touched; and what the server makes of it."""

from __future__ import annotations

import re
from typing import Final

from iamrbac.git.command import Said
from iamrbac.git.delivery.command import NETWORK, UserGit
from iamrbac.git.delivery.faults import UNSHALLOW, essence, failed
from iamrbac.git.delivery.words import shown, without_secrets
from iamrbac.model.errors import DeliveryError, MovedError

_MOVED: Final = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|incorrect old value|"
    r"reference already exists|needs force|failed to lock|is at [0-9a-f]+ but expected",
    re.IGNORECASE,
)
_CHECKED_OUT: Final = re.compile("branch is currently checked out|refusing to update checked out branch", re.IGNORECASE)
_BROKE_OFF: Final = re.compile("hung up unexpectedly|unexpected disconnect|rpc failed|empty reply", re.IGNORECASE)
_DISK: Final = re.compile("permission denied|read-only file system|no space left|quota exceeded", re.IGNORECASE)
_SHALLOW: Final = re.compile("shallow update not allowed|shallow file", re.IGNORECASE)
_PROTECTED: Final = re.compile(
    "protected branch|GH006|GH013|not allowed to push|pre-receive hook declined|hook declined"
)


def push(git: UserGit, remote: str, commit: str, branch: str, seen: str | None) -> None:
    """Push a commit as a branch that was at `seen` (None: it was not there).

    Raises MovedError when it is somewhere else now, else DeliveryError; the branch is then as it was.
    """
    where = f"{without_secrets(remote)} {branch}"
    ref = f"refs/heads/{branch}"
    # A lease is a compare and swap: a push without one also succeeds when the branch was put back behind what we saw.
    options = ["--porcelain", "--no-follow-tags", "--recurse-submodules=no", f"--force-with-lease={ref}:{seen or ''}"]
    said = git.run(["push", *options, "--", remote, f"{commit}:{ref}"], timeout=NETWORK)
    if said.code == 0:
        return
    lines = said.out.decode("utf-8", "replace").splitlines()
    refused = next((line.split("\t")[-1] for line in lines if line.startswith("!\t")), "")
    if not refused or refused.startswith("[remote failure]"):
        if _landed(git, remote, ref, commit, said, where):
            return
        raise _unsent(git, failed(said, "nothing was pushed", where), said.err)
    told = [line for line in said.err.splitlines() if line.startswith("remote:")]
    reason = re.fullmatch(r"\[[^]]*\] \((.*)\)", refused)
    raise _refused(reason[1] if reason else refused, essence("\n".join(told)), where)


def _refused(reason: str, said: str, where: str) -> DeliveryError:
    """Explain the status that the server gave the ref."""
    if _SHALLOW.search(reason):
        message = "the server takes no push from a shallow clone; nothing was pushed"
        return DeliveryError(message, where=where, hint=UNSHALLOW)
    if _CHECKED_OUT.search(f"{reason} {said}"):
        hint = "push to a bare repository, or use `commit: local` with its path"
        return DeliveryError("the branch is checked out there; nothing was pushed", where=where, hint=hint)
    if _DISK.search(said):
        message = f"the server could not store it: {reason}: {said}; nothing was pushed"
        return DeliveryError(message, where=where, hint="ask whoever keeps the server")
    if _MOVED.search(reason) or (not _PROTECTED.search(reason) and _MOVED.search(said)):
        return MovedError("the branch moved meanwhile; nothing was pushed", where=where, hint="run again")
    words = f"{reason}: {said}" if said else reason
    hint = "look at what the server says"
    if _PROTECTED.search(f"{reason} {said}"):
        hint = "if the branch is protected, set `commit: pull-request` under gitops in iamrbac.yaml"
    return DeliveryError(f"the server refused the push: {words}; nothing was pushed", where=where, hint=hint)


def _landed(git: UserGit, remote: str, ref: str, commit: str, said: Said, where: str) -> bool:
    """Say whether a push that broke off has moved the branch. Raises DeliveryError where nobody knows."""
    found = git.run(["ls-remote", "--", remote, ref], timeout=NETWORK)
    if found.code == 0:
        return found.out.split()[:1] == [commit.encode()]
    if not _BROKE_OFF.search(said.err):
        return False
    error = failed(said, "whether it was pushed is not known", where)
    hint = "check the network, and run again: what is there already is not pushed twice"
    raise DeliveryError(error.message, where=where, hint=hint)


def _unsent(git: UserGit, error: DeliveryError, said: str) -> DeliveryError:
    """Nothing was sent: the connection, or a pre-push hook of the person's."""
    path = git.run(["rev-parse", "--git-path", "hooks/pre-push"]).out.decode("utf-8", "replace").strip()
    if "git says:" in error.message and path and (git.folder / path).exists():
        hint = "correct what the hook asks for (hooks/pre-push, or core.hooksPath of your git)"
        words = shown("\n".join(line for line in said.splitlines() if not line.startswith("error: failed to push")))
        return DeliveryError(f"a pre-push hook refused: {words or 'it said nothing'}", where=error.where, hint=hint)
    return error
