"""Why botocore has no credentials, and what the person can run. kubectl shows it as it is: one line, no secret."""

from __future__ import annotations

import os
from pathlib import Path

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    LoginError,
    MissingDependencyException,
    NoCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from iamrbac.token.errors import TokenError, one_line

_FILES = (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEYS = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"})
_LONGEST = 40
_MOST = 300


def option(profile: str | None) -> str:
    """Return ` --profile NAME` for a command that a person is to run, nothing without a profile."""
    return f" --profile {profile}" if profile else ""


def reason(error: Exception, profile: str | None) -> TokenError:
    """Return what is wrong in one line, with the command that mends it, for the profile in use."""
    named = option(profile)
    look = f"look at `aws sts get-caller-identity{named}`"
    match error:
        case ProfileNotFound():
            return TokenError(str(error), "`aws configure list-profiles` names those that there are" + _unread())
        case SSOError() | TokenRetrievalError():
            return TokenError(f"the AWS single sign-on session is over: {error}", f"run `aws sso login{named}`")
        case LoginError() | MissingDependencyException():
            return TokenError(f"the session of `aws login` is over: {error}", f"run `aws login{named}`")
        case ConfigParseError():
            return TokenError(f"no credentials: {error}", "mend that file (`aws configure list` reads it too)")
        case CredentialRetrievalError() if "custom-process" in str(error):
            return TokenError(
                f"the profile's credential_process failed: {_harmless(str(error))}",
                f"run what `aws configure get credential_process{named}` shows, and see what it says",
            )
        case NoCredentialsError():
            return TokenError(
                "no credentials: Unable to locate credentials",
                f"{look}, or sign in again (`aws sso login{named}`)" + _unread(),
            )
        case ClientError():
            return TokenError(_refusal(error), _after_refusal(error, named, look))
        case RuntimeError() if "expired" in str(error):
            return TokenError(
                "the AWS credentials have expired, and those that came in their place have too",
                f"get new ones, or sign in again (`aws sso login{named}`)",
            )
        case BotoCoreError() | OSError():
            return TokenError(f"no credentials: {error}", f"{look}, or sign in again (`aws sso login{named}`)")
        case _:
            # A KeyError's text is the field that an answer lacks; nothing of the answer is in any of these.
            return TokenError(f"no credentials: {type(error).__name__}: {_harmless(str(error))}", look)


def _refusal(error: ClientError) -> str:
    about = error.response.get("Error", {})
    return f"{error.operation_name} was refused ({about.get('Code', '')}): {about.get('Message', '')}"


def _after_refusal(error: ClientError, named: str, look: str) -> str:
    about = error.response.get("Error", {})
    code, message = about.get("Code", ""), about.get("Message", "")
    if "MultiFactorAuthentication" in message:
        return "try again with a new code from your MFA device"
    if code in _EXPIRED:
        return f"the credentials that call it have expired: get new ones (`aws sso login{named}`, or as your team does)"
    if code in _UNKNOWN_KEYS:
        return f"the access key is not there or not active: `aws configure{named}` takes a new one"
    if "Signature" in code:
        return f"set the machine's clock, or correct the secret key (`aws configure{named}`)"
    if error.operation_name in {"AssumeRole", "AssumeRoleWithWebIdentity"}:
        return f"ask for sts:{error.operation_name} on the role, and that its trust policy names you"
    if error.operation_name == "GetRoleCredentials":
        return "ask for the permission set on the account that the profile names"
    return f"{look}, or sign in again (`aws sso login{named}`)"


def _unread() -> str:
    """Return what to say about an AWS file that is there and that botocore passed over, since it cannot be read."""
    for variable, default in _FILES:
        path = Path(os.path.expandvars(os.environ.get(variable, default))).expanduser()
        if path.is_file() and not os.access(path, os.R_OK):
            return f"; {path} cannot be read"
    return ""


def _harmless(text: str) -> str:
    """Return what another program wrote, without what could be a key or a token, cut to a line that can be read."""
    words = one_line(text).split(" ")
    return " ".join(word if len(word) < _LONGEST else "[...]" for word in words)[:_MOST]
