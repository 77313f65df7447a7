"""Credentials that need botocore: SSO, assumed roles, processes, containers. Imported only when they are needed."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound, SSOError
from botocore.utils import JSONFileCache

from iamrbac.token.errors import TokenError
from iamrbac.token.sign import Credentials

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_sts import STSClient

# The AWS CLI's own cache, so that a profile that asks for an MFA code does not ask at every kubectl call.
CLI_CACHE = "~/.aws/cli/cache"
_CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "max_attempts": 3})
_LOG_IN = "check the credentials with `aws sts get-caller-identity`, or sign in again (`aws sso login`)"


def find(profile: str | None, region: str, role_arn: str | None) -> Credentials:
    """Return what botocore's chain finds, or with `role_arn` the credentials of that role. Raises TokenError."""
    try:
        session = botocore.session.Session(profile=profile)
        _share_cache(session)
        if role_arn is not None:
            return _assume(session, region, role_arn)
        return _frozen(session)
    except ProfileNotFound as error:
        raise TokenError(str(error), "`aws configure list-profiles` names those that there are") from error
    except SSOError as error:
        raise TokenError(str(error), "run `aws sso login`") from error
    except ClientError as error:
        raise TokenError(_client_message(error), _client_hint(error)) from error
    except (BotoCoreError, OSError, ValueError) as error:
        raise TokenError(f"no credentials: {error}", _LOG_IN) from error


def session_name(caller_arn: str) -> str:
    """Return the RoleSessionName that names the person: what the audit log and {{SessionName}} will show.

    The last part of the caller's ARN (user name, or the name of the session that assumes the role), within
    AWS's own limits: 2 to 64 characters of [A-Za-z0-9_+=,.@-].
    """
    name = re.sub(r"[^\w+=,.@-]", "-", caller_arn.rpartition(":")[2].rpartition("/")[2], flags=re.ASCII)[:64]
    return name if len(name) > 1 else f"{name}-iamrbac"


def _share_cache(session: Session) -> None:
    """Let assumed roles be cached where the AWS CLI caches them."""
    resolver = session.get_component("credential_provider")
    for provider in ("assume-role", "assume-role-with-web-identity"):
        with suppress(KeyError):
            resolver.get_provider(provider).cache = JSONFileCache(str(Path(CLI_CACHE).expanduser()))


def _frozen(session: Session) -> Credentials:
    found = session.get_credentials()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    if not frozen.access_key or not frozen.secret_key:
        raise NoCredentialsError
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token or None)


def _assume(session: Session, region: str, role_arn: str) -> Credentials:
    sts = cast("STSClient", session.create_client("sts", region_name=region, config=_CONFIG))
    caller = sts.get_caller_identity()["Arn"]
    given = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name(caller))["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def _client_message(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    return f"{error.operation_name} was refused ({code}): {error.response.get('Error', {}).get('Message', '')}"


def _client_hint(error: ClientError) -> str:
    if error.operation_name == "AssumeRole":
        return "ask for sts:AssumeRole on the role, and that its trust policy names you"
    return _LOG_IN
