"""Credentials that need botocore: a session that has to be got or renewed. Imported only when one is needed.

What is got is cached as the AWS CLI caches it, so that the next call finds it without botocore (`credentials.find`).
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, UnknownCredentialError

from iamrbac.token import cache
from iamrbac.token.cache import Found
from iamrbac.token.credentials import profile_name
from iamrbac.token.ini import Files, OddError
from iamrbac.token.prompt import ask
from iamrbac.token.reasons import reason
from iamrbac.token.sign import Credentials
from iamrbac.token.store import SharedCache, store

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_sts import STSClient

# Beside botocore's own errors: a time without an offset is a TypeError there, an answer of a program or an endpoint
# that is no object an AttributeError, one without a field a KeyError, one that has ended already a RuntimeError.
_FAULTS = (BotoCoreError, ClientError, OSError, ValueError, TypeError, AttributeError, KeyError, RuntimeError)
_CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "max_attempts": 3})
# botocore's providers that cache nothing, and what `cache.own_key` calls them.
_OURS = {"custom-process": "process", "container-role": "container", "iam-role": "instance"}


def find(profile: str | None, region: str, role_arn: str | None) -> Found:
    """Return what botocore's chain finds, or with `role_arn` the credentials of that role. Raises TokenError."""
    try:
        session = botocore.session.Session(profile=profile)
        # As `aws --region` does: the STS that assumes a profile's role is the one of the cluster's region.
        session.set_config_variable("region", region)
        _share_cache(session, profile)
        source = _found(session, profile)
        return source if role_arn is None else _assume(session, source, region, role_arn)
    except _FAULTS as error:
        raise reason(error, profile if profile is not None else profile_name(os.environ)) from error


def session_name(caller_arn: str) -> str:
    """Return the RoleSessionName that names the person: what the audit log and {{SessionName}} will show.

    The last part of the caller's ARN (user name, or the name of the session that assumes the role), within
    AWS's own limits: 2 to 64 characters of [A-Za-z0-9_+=,.@-].
    """
    name = re.sub(r"[^\w+=,.@-]", "-", caller_arn.rpartition(":")[2].rpartition("/")[2], flags=re.ASCII)[:64]
    return name if len(name) > 1 else f"{name}-iamrbac"


def _share_cache(session: Session, profile: str | None) -> None:
    """Let sessions be cached where the AWS CLI caches them, and a code be asked for where kubectl leaves us a way."""
    resolver = session.get_component("credential_provider")
    for name in ("assume-role", "assume-role-with-web-identity", "sso"):
        with suppress(UnknownCredentialError):
            resolver.get_provider(name).cache = SharedCache()
    assuming = resolver.get_provider("assume-role")
    named = profile if profile is not None else profile_name(os.environ)
    # The constructor alone takes a prompter, and the chain calls that itself.
    vars(assuming)["_prompter"] = lambda text: ask(text, named, os.environ)


def _found(session: Session, profile: str | None) -> Found:
    found = session.get_credentials()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    if not frozen.access_key or not frozen.secret_key:
        raise NoCredentialsError
    expiry = getattr(found, "_expiry_time", None)
    ends = expiry.timestamp() if isinstance(expiry, datetime) else None
    answer = Found(Credentials(frozen.access_key, frozen.secret_key, frozen.token or None), ends)
    kind = _OURS.get(str(found.method))
    if kind is not None and ends is not None:
        _keep(kind, profile, answer)
    return answer


def _keep(kind: str, profile: str | None, found: Found) -> None:
    asked = profile if profile is not None else profile_name(os.environ)
    with suppress(OddError):
        _store(cache.own_key(kind, os.environ, asked or "default", Files(os.environ)), found)


def _assume(session: Session, source: Found, region: str, role_arn: str) -> Found:
    """Assume a role in the caller's name. The AWS CLI caches no such session: its key is our own."""
    key = cache.assumed_key(role_arn, source.credentials.access_key, os.environ)
    cached = cache.session(key, time.time(), cache.WINDOW)
    if cached is not None:
        return cached
    sts = cast("STSClient", session.create_client("sts", region_name=region, config=_CONFIG))
    caller = sts.get_caller_identity()["Arn"]
    given = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name(caller))["Credentials"]
    credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    found = Found(credentials, given["Expiration"].timestamp())
    _store(key, found)
    return found


def _store(key: str, found: Found) -> None:
    credentials = found.credentials
    if found.ends is None:
        return
    given = {
        "AccessKeyId": credentials.access_key,
        "SecretAccessKey": credentials.secret_key,
        "SessionToken": credentials.token,
        "Expiration": datetime.fromtimestamp(int(found.ends), UTC),
    }
    store(key, {"Credentials": given})
