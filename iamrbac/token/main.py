"""`iamrbac token`: prints an ExecCredential for kubectl. Only the standard library unless the credentials need more."""

from __future__ import annotations

import getopt
import json
import os
import re
import sys
from datetime import UTC, datetime

from iamrbac.token import credentials as static
from iamrbac.token.errors import TokenError
from iamrbac.token.sign import LIFETIME, MAX_TOKEN, presign, token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iamrbac.token.sign import Credentials

USAGE = """\
Usage: iamrbac token --cluster-name NAME --region REGION [--profile PROFILE] [--role-arn ARN]

Print a token for one EKS cluster as an ExecCredential; kubectl calls this (the exec plug-in of a kubeconfig).

  --cluster-name NAME   the cluster's name at EKS
  --region REGION       the cluster's region
  --profile PROFILE     AWS profile; default: AWS_PROFILE, or whatever credentials the AWS CLI would take
  --role-arn ARN        assume this role first; its session is named after you
  --help                show this and exit
"""
_OPTIONS = ["cluster-name=", "region=", "profile=", "role-arn=", "help"]
_API_VERSIONS = ("client.authentication.k8s.io/v1beta1", "client.authentication.k8s.io/v1")
_CLUSTER = r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}"
_REGION = r"[a-z]{2,}(-[a-z]+)+-[0-9]+"
_ROLE = r"arn:[a-z-]+:iam::[0-9]{12}:role/.+"


class _UsageError(Exception):
    """The command line is wrong."""


def run(argv: Sequence[str]) -> int:
    """Print the ExecCredential and return the exit code: 0, 1 without credentials, 64 for usage."""
    try:
        options = _parse(argv)
        if options is None:
            sys.stdout.write(USAGE)
            return 0
        answer = _exec_credential(options, os.environ, datetime.now(UTC))
    except _UsageError as error:
        sys.stderr.write(f"error: [ERR064] {error}. Next: iamrbac token --help\n")
        return 64
    except TokenError as error:
        sys.stderr.write(f"error: [ERR207] {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(answer + "\n")
    return 0


def _parse(argv: Sequence[str]) -> dict[str, str] | None:
    """Return the options by name, or None when help is asked for. Raises _UsageError."""
    try:
        pairs, rest = getopt.gnu_getopt(list(argv), "h", _OPTIONS)
    except getopt.GetoptError as error:
        raise _UsageError(str(error)) from error
    options = {name.lstrip("-"): value for name, value in pairs}
    if "help" in options or "h" in options:
        return None
    if rest:
        raise _UsageError(f"unexpected argument {rest[0]!r}")
    _check(options, "cluster-name", _CLUSTER)
    _check(options, "region", _REGION)
    if "role-arn" in options:
        _check(options, "role-arn", _ROLE)
    return options


def _check(options: Mapping[str, str], name: str, pattern: str) -> None:
    if name not in options:
        raise _UsageError(f"--{name} is missing")
    if not re.fullmatch(pattern, options[name], re.ASCII):
        raise _UsageError(f"--{name} {options[name]!r} is not valid")


def _exec_credential(options: Mapping[str, str], environ: Mapping[str, str], now: datetime) -> str:
    """Return the ExecCredential as JSON. Raises TokenError."""
    found, ends = _credentials(options, environ, now)
    signed = token(presign(found, options["region"], options["cluster-name"], now))
    if len(signed) > MAX_TOKEN:
        raise TokenError(
            f"the token has {len(signed)} characters and EKS takes {MAX_TOKEN}: the AWS session token is too long",
            "use a session with fewer or shorter session tags",
        )
    until = now + LIFETIME if ends is None else min(now + LIFETIME, ends)
    return json.dumps(
        {
            "kind": "ExecCredential",
            "apiVersion": _api_version(environ),
            "spec": {},
            "status": {"expirationTimestamp": until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "token": signed},
        }
    )


def _credentials(
    options: Mapping[str, str], environ: Mapping[str, str], now: datetime
) -> tuple[Credentials, datetime | None]:
    """Return credentials as the AWS CLI would take them, and when they end where that is known."""
    asked = options.get("profile") or None
    role = options.get("role-arn")
    if role is None and asked is None and (found := static.from_environment(environ)) is not None:
        ends = static.expiry(environ)
        if ends is not None and ends <= now:
            raise TokenError("the AWS credentials in the environment have expired", "get new ones and try again")
        return found, ends
    profile = asked or static.profile_name(environ)
    if role is None and (found := static.from_profile(environ, profile or "default")) is not None:
        return found, None
    from iamrbac.token import chain

    return chain.find(asked, options["region"], role), None


def _api_version(environ: Mapping[str, str]) -> str:
    """Return the apiVersion that kubectl asks for in KUBERNETES_EXEC_INFO; v1beta1 when it does not say."""
    text = environ.get("KUBERNETES_EXEC_INFO")
    if not text:
        return _API_VERSIONS[0]
    try:
        asked = json.loads(text).get("apiVersion")
    except (ValueError, AttributeError):
        asked = None
    if asked in _API_VERSIONS:
        return str(asked)
    sys.stderr.write(f"note: KUBERNETES_EXEC_INFO asks for no version that is known; answering {_API_VERSIONS[0]}\n")
    return _API_VERSIONS[0]
