"""Credentials that need no library: from the environment, or a static profile of the shared files.

Anything else (SSO, an assumed role, a process, a container) is left to botocore. What is found here is what botocore
would find: environment first unless a profile was asked for by option, then the credentials file, then the config.
"""

from __future__ import annotations

import configparser
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path

from iamrbac.token.errors import TokenError
from iamrbac.token.sign import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A profile with one of these gets its credentials in a way that only botocore knows.
_NOT_STATIC = ("role_arn", "web_identity_token_file", "credential_process", "credential_source", "source_profile")
_NOT_STATIC_PREFIXES = ("sso_", "login_")
_KEY, _SECRET = "aws_access_key_id", "aws_secret_access_key"


def from_environment(environ: Mapping[str, str]) -> Credentials | None:
    """Return the environment's credentials, or None without them. Raises TokenError when they are half there."""
    key = environ.get("AWS_ACCESS_KEY_ID")
    if not key:
        return None
    secret = environ.get("AWS_SECRET_ACCESS_KEY")
    if not secret:
        raise TokenError("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY", "set both, or neither")
    return Credentials(key, secret, environ.get("AWS_SECURITY_TOKEN") or environ.get("AWS_SESSION_TOKEN") or None)


def expiry(environ: Mapping[str, str]) -> datetime | None:
    """Return when the environment's credentials end, where it says so (AWS_CREDENTIAL_EXPIRATION)."""
    text = environ.get("AWS_CREDENTIAL_EXPIRATION")
    if not text:
        return None
    try:
        ends = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ends if ends.tzinfo else ends.replace(tzinfo=UTC)


def profile_name(environ: Mapping[str, str]) -> str | None:
    """Return the profile that the environment asks for, in botocore's order."""
    return environ.get("AWS_DEFAULT_PROFILE") or environ.get("AWS_PROFILE") or None


def from_profile(environ: Mapping[str, str], profile: str) -> Credentials | None:
    """Return a static profile's credentials, or None where only botocore can know (or can say what is wrong)."""
    try:
        shared = _section(_path(environ, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), profile, _plain)
        config = _section(_path(environ, "AWS_CONFIG_FILE", "~/.aws/config"), profile, _config_name)
    except (OSError, ValueError, configparser.Error):
        return None
    if any(_not_static(name) for name in (*shared, *config)):
        return None
    section = shared if _KEY in shared else config
    key, secret = section.get(_KEY), section.get(_SECRET)
    if not key or not secret or "\n" in key + secret:
        return None
    token = section.get("aws_security_token") or section.get("aws_session_token") or None
    return Credentials(key, secret, token)


def _not_static(name: str) -> bool:
    return name in _NOT_STATIC or name.startswith(_NOT_STATIC_PREFIXES)


def _path(environ: Mapping[str, str], variable: str, default: str) -> Path:
    return Path(os.path.expandvars(environ.get(variable) or default)).expanduser()


def _section(path: Path, profile: str, name_of: Callable[[str], str | None]) -> dict[str, str]:
    """Return a profile's settings from one file; {} where the file or the profile is not there."""
    parser = configparser.RawConfigParser()
    parser.read(path)
    section = next((name for name in parser.sections() if name_of(name) == profile), None)
    return dict(parser[section]) if section is not None else {}


def _plain(section: str) -> str:
    return section


def _config_name(section: str) -> str | None:
    """Return the profile that a section of the config file describes: [default], or [profile "NAME"]."""
    if section == "default":
        return section
    words = shlex.split(section)
    return words[1] if len(words) == 2 and words[0] == "profile" else None
