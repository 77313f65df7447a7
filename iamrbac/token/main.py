"""`iamrbac token`: prints an ExecCredential for kubectl. Only the standard library unless the credentials need more."""

from __future__ import annotations

import os
import sys
import time

from iamrbac.token import cache
from iamrbac.token import credentials as known
from iamrbac.token.errors import TokenError
from iamrbac.token.lean import read_json
from iamrbac.token.sign import LIFETIME, MAX_TOKEN, signed_url, token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from iamrbac.token.cache import Found

USAGE = """\
Usage: iamrbac token --cluster-name NAME --region REGION [--profile PROFILE] [--role-arn ARN]

Print a token for one EKS cluster as an ExecCredential; kubectl calls this (the exec plug-in of a kubeconfig).

  --cluster-name NAME   the cluster's name at EKS
  --region REGION       the cluster's region
  --profile PROFILE     AWS profile; default: AWS_PROFILE, or whatever credentials the AWS CLI would take
  --role-arn ARN        assume this role first; its session is named after you
  --help                show this and exit

Sessions are cached in ~/.aws/cli/cache, as the AWS CLI caches them.
"""
_OPTIONS = ("cluster-name", "region", "profile", "role-arn")
_API_VERSIONS = ("client.authentication.k8s.io/v1beta1", "client.authentication.k8s.io/v1")
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_WORD = _LOWER + _LOWER.upper() + _DIGITS


class _UsageError(Exception):
    """The command line is wrong."""


def run(argv: Sequence[str]) -> int:
    """Print the ExecCredential and return the exit code: 0, 1 without credentials, 64 for usage."""
    try:
        options = _parse(argv)
        if options is None:
            sys.stdout.write(USAGE)
            return 0
        answer = _exec_credential(options, os.environ, time.time())
    except _UsageError as error:
        sys.stderr.write(f"error: [ERR064] {error}. Next: iamrbac token --help\n")
        return 64
    except TokenError as error:
        sys.stderr.write(f"error: [ERR207] {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    try:
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
    except OSError as error:
        sys.stderr.write(f"error: [ERR207] the token was not written: {error.strerror}. Next: try again\n")
        return 1
    return 0


def _parse(argv: Sequence[str]) -> dict[str, str] | None:
    """Return the options by name, or None when help is asked for. Raises _UsageError."""
    options: dict[str, str] = {}
    rest = list(argv)
    while rest:
        argument = rest.pop(0)
        if argument in {"--help", "-h"}:
            return None
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("-"):
            raise _UsageError(f"unexpected argument {argument!r}")
        if not argument.startswith("--") or name not in _OPTIONS:
            raise _UsageError(f"option {argument.partition('=')[0]} not recognized")
        if not equals and not rest:
            raise _UsageError(f"option --{name} requires argument")
        options[name] = value if equals else rest.pop(0)
    _check(options, "cluster-name", _is_cluster)
    _check(options, "region", _is_region)
    if "role-arn" in options:
        _check(options, "role-arn", _is_role)
    return options


def _check(options: Mapping[str, str], name: str, valid: Callable[[str], bool]) -> None:
    if name not in options:
        raise _UsageError(f"--{name} is missing")
    if not valid(options[name]):
        raise _UsageError(f"--{name} {options[name]!r} is not valid")


def _is_cluster(name: str) -> bool:
    """Return whether it is a name as EKS gives them: `[0-9A-Za-z][A-Za-z0-9_-]{0,99}`."""
    return 1 <= len(name) <= 100 and name[0] in _WORD and not name.strip(_WORD + "_-")


def _is_region(name: str) -> bool:
    """Return whether it is like a region: words of lower-case letters, then a number, with `-` between them."""
    first, *words, number = name.split("-") if name.count("-") > 1 else ("", "", "")
    letters = len(first) > 1 and all(word and not word.strip(_LOWER) for word in (first, *words))
    return letters and bool(number) and not number.strip(_DIGITS)


def _is_role(arn: str) -> bool:
    """Return whether it is the ARN of a role: `arn:PARTITION:iam::ACCOUNT:role/NAME`."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return False
    head, partition, service, region, account, text = parts
    return (
        (head, service, region) == ("arn", "iam", "")
        and bool(partition)
        and not partition.strip(_LOWER + "-")
        and len(account) == 12
        and not account.strip(_DIGITS)
        and len(text) > len("role/")
        and text.startswith("role/")
        and "\n" not in text
    )


def _exec_credential(options: Mapping[str, str], environ: Mapping[str, str], now: float) -> str:
    """Return the ExecCredential as JSON. Raises TokenError."""
    found = _credentials(options, environ, now)
    if found.ends is not None and found.ends <= now:
        raise TokenError("the AWS credentials have expired", "get new ones and try again")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    try:
        signed = token(signed_url(found.credentials, options["region"], options["cluster-name"], stamp))
    except UnicodeError as error:
        raise TokenError("the AWS credentials are not text", "look at them for what is not UTF-8") from error
    if len(signed) > MAX_TOKEN:
        raise TokenError(
            f"the token has {len(signed)} characters and EKS takes {MAX_TOKEN}: the AWS session token is too long",
            "use a session with fewer or shorter session tags",
        )
    until = now + LIFETIME if found.ends is None else min(now + LIFETIME, found.ends)
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
    # Letters, digits and -_. alone, the token too: nothing for which JSON would need an escape.
    return (
        f'{{"kind": "ExecCredential", "apiVersion": "{_api_version(environ)}", "spec": {{}}, '
        f'"status": {{"expirationTimestamp": "{ends}", "token": "{signed}"}}}}'
    )


def _credentials(options: Mapping[str, str], environ: Mapping[str, str], now: float) -> Found:
    """Return credentials as the AWS CLI would take them: what is at hand, else what botocore gets."""
    asked = options.get("profile") or None
    role = options.get("role-arn")
    found = known.find(environ, asked, now)
    if found is not None and role is not None:
        key = cache.assumed_key(role, found.credentials.access_key, environ)
        found = cache.session(key, now, cache.WINDOW)
    if found is not None:
        return found
    from iamrbac.token import chain

    return chain.find(asked, options["region"], role)


def _api_version(environ: Mapping[str, str]) -> str:
    """Return the apiVersion that kubectl asks for in KUBERNETES_EXEC_INFO; v1beta1 when it does not say."""
    text = environ.get("KUBERNETES_EXEC_INFO")
    if not text:
        return _API_VERSIONS[0]
    try:
        info = read_json(text)
    except ValueError:
        info = None
    asked = info.get("apiVersion") if isinstance(info, dict) else None
    if asked in _API_VERSIONS:
        return str(asked)
    sys.stderr.write(f"note: KUBERNETES_EXEC_INFO asks for no version that is known; answering {_API_VERSIONS[0]}\n")
    return _API_VERSIONS[0]
