"""What git's refusals mean, and what to do next. The words are git's own (LC_ALL=C), as of 2.30 to 2.50."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from iamrbac.git.command import Said
from iamrbac.git.delivery.words import shown, without_secrets
from iamrbac.model.errors import DeliveryError

UNSHALLOW: Final = (
    "fetch the whole history: `git fetch --unshallow`, in GitHub Actions `fetch-depth: 0` of actions/checkout"
)
_CREDENTIALS: Final = "give git credentials: a credential helper, an ssh key in the agent, or the token of the CI job"


class BrokenCloneError(DeliveryError):
    """A clone lacks or has damaged what git needs; one of ours is made anew."""


@dataclass(frozen=True, slots=True)
class _Known:
    words: re.Pattern[str]
    message: str
    hint: str
    said: bool = False
    """What git said is shown too."""


def _known(words: str, message: str, hint: str, *, said: bool = False) -> _Known:
    return _Known(re.compile(words, re.IGNORECASE), message, hint, said)


_KNOWN: Final = (
    _known("no space left on device|disk quota exceeded", "the disk is full", "free some space and run again"),
    _known(
        "dubious ownership",
        "git does not touch a repository that another user owns",
        "`git config --global --add safe.directory FOLDER`, if you trust it",
    ),
    _known(
        "please tell me who you are|empty ident name|unable to auto-detect email|auto-detection is disabled",
        "git does not know whose commit it is",
        "`git config --global user.name` and `user.email`, or set gitops.author in iamrbac.yaml",
    ),
    _known(
        "failed to sign the data|couldn't sign message|couldn't load public key|unsupported value for gpg|"
        "user.signingkey|gpg.ssh.defaultkeycommand|cannot run gpg|cannot run ssh-keygen|invalid signing key",
        "the commit could not be signed",
        "correct commit.gpgSign, gpg.format and user.signingKey of your git, or unlock the key",
        said=True,
    ),
    _known(
        "authentication failed|could not read (username|password)|permission denied \\(|terminal prompts disabled|"
        "the requested url returned error: 40[13]|invalid (username|credentials)|access denied|"
        "publickey|http basic: access denied|write access to repository not granted|permission to .* denied|"
        "deploy key|you are not allowed to (push|download)",
        "the server does not let git in",
        _CREDENTIALS,
        said=True,
    ),
    _known(
        "host key verification failed",
        "ssh does not know the server's host key",
        "connect once with ssh, or add it to known_hosts",
    ),
    _known(
        "ssl certificate problem|certificate verif|server certificate|self.signed certificate",
        "the server's certificate is not trusted",
        "set http.sslCAInfo of git to the certificate authority",
        said=True,
    ),
    _known(
        "repository .* not found|does not appear to be a git repository|returned error: 404|"
        "project you were looking for could not be found|no such remote|does not exist|repository not found",
        "there is no such repository, or the credentials may not see it",
        "correct gitops.repository in iamrbac.yaml, or make the repository first",
        said=True,
    ),
    _known(
        "could not resolve host|couldn't connect|failed to connect|connection (refused|timed out|reset)|"
        "could not connect|network is unreachable|no route to host|operation timed out|name or service not known|"
        "temporary failure in name resolution|early eof|the remote end hung up|unexpected disconnect|"
        "the requested url returned error: 5\\d\\d|empty reply from server|rpc failed",
        "the server cannot be reached, or broke off",
        "check the network and the proxy, and run again",
        said=True,
    ),
    _known(
        "shallow update not allowed|shallow file has changed|shallow info",
        "the server takes no push from a shallow clone",
        UNSHALLOW,
    ),
    _known(
        "transport '.*' not allowed",
        "git is configured not to use this kind of URL",
        "use https or ssh, or set protocol.allow of git",
        said=True,
    ),
)
_BROKEN: Final = re.compile(
    r"object file .* is empty|loose object .* is corrupt|bad object|unable to read (tree|sha1|object)|"
    r"missing (blob|tree|commit|object)|not a valid object|packfile .* (cannot|is)|invalid index-pack output|"
    r"index file corrupt|broken ref|bad (ref|signature)|not a git repository|index\.lock'?: File exists|"
    r"\.lock': File exists|unable to find remote helper for '\.'|did not send all necessary objects|"
    r"unable to resolve reference|bad config|inflate: data|mismatched algorithms|not something we can merge|"
    r"not a valid 'HEAD'|does not point to a valid object",
    re.IGNORECASE,
)


def failed(said: Said, doing: str, where: str) -> DeliveryError:
    """Return the error for what git could not do: in our words where they are known, else in its own."""
    where = without_secrets(where)
    for known in _KNOWN:
        if known.words.search(said.err):
            words = f"{known.message} ({essence(said.err)})" if known.said else known.message
            return DeliveryError(f"{doing}: {words}", where=where, hint=known.hint)
    words = essence(said.err) or f"it ended with {said.code}"
    if _BROKEN.search(said.err):
        hint = "look at the repository with `git fsck`"
        return BrokenCloneError(f"{doing}: the repository is broken: {words}", where=where, hint=hint)
    return DeliveryError(f"{doing}: git says: {words}", where=where, hint="try the same with git by hand")


def essence(text: str) -> str:
    """Return the lines that matter of what git said on stderr: errors, and what the server said."""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    marked = [line for line in lines if re.match(r"(fatal|error|remote|ERROR|ssh|gpg)\b.*:", line)]
    told = marked or lines[-2:]
    return shown("\n".join(re.sub(r"^(fatal|error|remote): *", "", line) for line in told))
