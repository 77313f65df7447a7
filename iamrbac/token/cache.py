"""Sessions that are cached on disk, where and how the AWS CLI caches them, so that each finds the other's.

botocore's `JSONFileCache`: `~/.aws/cli/cache/KEY.json`, with what STS or Identity Center answered.
"""

from __future__ import annotations

import os
import stat

from iamrbac.token.lean import epoch, quoted, read_json, sha1, sha256
from iamrbac.token.sign import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from iamrbac.token.ini import Files

CLI_CACHE = "~/.aws/cli/cache"
WINDOW = 15 * 60
"""Seconds that a cached session has to live still: botocore's own (`CachedCredentialFetcher`)."""
OWN_WINDOW = 10 * 60
"""The same for what botocore does not cache: when it must refresh (`_DEFAULT_MANDATORY_REFRESH_TIMEOUT`)."""
_LARGEST = 1_000_000


class Found:
    """Credentials, and when they end in seconds since 1970; None for keys that do not end."""

    __slots__ = ("credentials", "ends")

    def __init__(self, credentials: Credentials, ends: float | None = None) -> None:
        self.credentials = credentials
        self.ends = ends


def session(key: str, now: float, window: int) -> Found | None:
    """Return a cached session that lives longer than `window` seconds still, or None."""
    entry = load(CLI_CACHE, key)
    return None if entry is None else _found(entry, now, window)


def load(folder: str, key: str) -> dict[str, object] | None:
    """Return what is cached under a key, None where nothing is or it is not to be trusted.

    A file that belongs to somebody else or that others may write could hold anybody's credentials: with these kubectl
    would act as somebody else. A broken one is as good as none.
    """
    try:
        entry = read_json(_content(os.path.join(os.path.expanduser(folder), f"{key}.json")))
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) and _complete(entry.get("Credentials")) else None


def role_key(arguments: Mapping[str, str | int]) -> str:
    """Return the key of an assumed role by the arguments of the call that decide it, as botocore's
    `BaseAssumeRoleCredentialFetcher` computes it.

    RoleSessionName is among them only where the profile sets it: botocore makes up another one each time. We leave it
    so for a profile, though that session is named after nobody: another name would be another key, and each of the
    two tools would ask for an MFA code that the other one has.
    """
    pairs = (f"{quoted(name)}: {_scalar(value)}" for name, value in sorted(arguments.items()))
    return sha1(f"{{{', '.join(pairs)}}}".encode()).hexdigest()


def sso_key(arguments: Mapping[str, str]) -> str:
    """Return the key of Identity Center's role credentials, as botocore's `SSOCredentialFetcher` computes it."""
    pairs = (f"{quoted(name)}:{_scalar(value)}" for name, value in sorted(arguments.items()))
    return sha1(f"{{{','.join(pairs)}}}".encode()).hexdigest()


def own_key(kind: str, environ: Mapping[str, str], profile: str, files: Files) -> str:
    """Return the key of what botocore does not cache: made of all that decides the answer.

    That is the way (`process`, `container`, `instance`), the profile, both files to the last byte, each AWS variable,
    the token that a container shows for its credentials, and the machine, since a home folder may be on several.
    """
    settings = sorted(f"{name}={value}" for name, value in environ.items() if name.startswith("AWS_"))
    shown = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") if kind == "container" else None
    machine = os.uname().nodename if hasattr(os, "uname") else environ.get("COMPUTERNAME", "")
    parts = (kind, profile, *files.text, *settings, _text_of(shown), machine, _text_of(_BOOT))
    return f"iamrbac-{kind}-{_digest(*parts)}"


def assumed_key(role_arn: str, source_key: str, environ: Mapping[str, str]) -> str:
    """Return the key of a role that we assumed (`--role-arn`), by the source's access key, which tells the person."""
    endpoint = environ.get("AWS_ENDPOINT_URL_STS") or environ.get("AWS_ENDPOINT_URL") or ""
    return f"iamrbac-role-{_digest(role_arn, source_key, endpoint)}"


def login_session(name: str, environ: Mapping[str, str], now: float) -> Found | None:
    """Return the session of `aws login` (botocore's `LoginProvider`) while it needs no refresh, or None."""
    folder = environ.get("AWS_LOGIN_CACHE_DIRECTORY")
    path = os.path.expandvars(folder) if folder is not None else "~/.aws/login/cache"
    path = os.path.join(os.path.expanduser(path), f"{sha256(name.encode()).hexdigest()}.json")
    try:
        entry = read_json(_content(path))
    except (OSError, ValueError):
        return None
    if not isinstance(entry, dict) or not all(field in entry for field in ("refreshToken", "dpopKey", "clientId")):
        return None
    given = entry.get("accessToken")
    if not isinstance(given, dict) or "accountId" not in given:
        return None
    renamed = {
        "AccessKeyId": given.get("accessKeyId"),
        "SecretAccessKey": given.get("secretAccessKey"),
        "SessionToken": given.get("sessionToken"),
        "Expiration": given.get("expiresAt"),
    }
    return _found({"Credentials": renamed}, now, WINDOW) if _complete(renamed) else None


_BOOT = "/proc/sys/kernel/random/boot_id"


def _found(entry: Mapping[str, object], now: float, window: int) -> Found | None:
    given = entry["Credentials"]
    if not isinstance(given, dict):
        return None
    ends = epoch(given["Expiration"])
    if ends is None or ends - now < window:
        return None
    return Found(Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"] or None), ends)


def _complete(given: object) -> bool:
    if not isinstance(given, dict):
        return False
    key, secret, ends = given.get("AccessKeyId"), given.get("SecretAccessKey"), given.get("Expiration")
    token = given.get("SessionToken", ...)
    texts = isinstance(key, str) and isinstance(secret, str) and isinstance(ends, str) and epoch(ends) is not None
    return texts and bool(key) and bool(secret) and (token is None or isinstance(token, str))


def _content(path: str) -> str:
    """Return a file's text. Raises OSError or ValueError, also for one that is not ours alone."""
    # A link or a pipe is not what anybody wrote here, and opening a pipe would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags), encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST or not _ours(status):
            raise ValueError(path)
        return file.read()


def _ours(status: os.stat_result) -> bool:
    if os.name == "nt":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _text_of(path: str | None) -> str:
    if path is None:
        return ""
    try:
        with open(path) as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def _scalar(value: str | int) -> str:
    return str(value) if isinstance(value, int) else quoted(value)


def _digest(*parts: str) -> str:
    """Return one digest of several texts; each goes in with its length, so that no two lists look alike."""
    content = b"".join(b"%d:%s" % (len(part), part.encode("utf-8", "surrogateescape")) for part in parts)
    return sha256(content).hexdigest()
