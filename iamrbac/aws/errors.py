"""Every failure of botocore as one AwsError: which call, which code, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as NoConnectionError,
)
from botocore.parsers import ResponseParserError

from iamrbac.model.errors import AwsError

_SIGN_IN = "sign in again (`aws sso login`, or new keys), then check with `aws sts get-caller-identity`"
_ENDPOINT = "check AWS_ENDPOINT_URL and the proxy: what answered does not speak the AWS API"
_EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "IncompleteSignature",
    }
)
_PROCESS = "check the profile's credential_process and the files that it names"
STILL_EXPIRED = "Credentials were refreshed, but the refreshed credentials are still expired"
"""How botocore's RuntimeError begins (credentials.py, `_protected_refresh`)."""
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})


def code_of(error: ClientError) -> str:
    """Return AWS's error code, "" without one."""
    return str(error.response.get("Error", {}).get("Code", ""))


def text_of(error: ClientError) -> str:
    """Return AWS's own message as one line."""
    return one_line(str(error.response.get("Error", {}).get("Message", "")))


def one_line(text: str) -> str:
    """Return the text with all runs of white space as one blank, without a final full stop."""
    return " ".join(text.split()).rstrip(".")


@contextmanager
def aws_call(where: str, service: str = "") -> Iterator[None]:
    """Run calls to AWS; raise AwsError for whatever botocore raises. `service` is the prefix of IAM actions (eks)."""
    try:
        yield
    except ClientError as error:
        raise AwsError(_refusal(error, service), where=where, hint=_hint(error, service)) from error
    except ResponseParserError as error:
        raise AwsError("the answer could not be parsed", where=where, hint=_ENDPOINT) from error
    except KeyError as error:
        # A field that has to be there is not: unknown is not empty.
        raise AwsError(f"the answer has no {error.args[0]}", where=where, hint=_ENDPOINT) from error
    except RuntimeError as error:
        # botocore has no error of its own for credentials whose end has passed (AWS_CREDENTIAL_EXPIRATION).
        if not str(error).startswith(STILL_EXPIRED):
            raise
        raise AwsError("the credentials have expired", where=where, hint=_SIGN_IN) from error
    except OSError as error:
        # The profile's credential_process, which is not there or may not be run.
        program = f"{error.filename}: " if isinstance(error.filename, str) else ""
        raise AwsError(f"{program}{error.strerror}", where=where, hint=_PROCESS) from error
    except (BotoCoreError, ValueError) as error:
        # botocore raises a plain ValueError for an endpoint that is no URL.
        raise AwsError(one_line(str(error)), where=where, hint=_next_step(error)) from error


def _action(error: ClientError, service: str) -> str:
    return f"{service}:{error.operation_name}" if service else error.operation_name


def _refusal(error: ClientError, service: str) -> str:
    action = _action(error, service)
    tries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
    after = f" after {tries + 1} attempts" if tries and code_of(error) in _THROTTLED else ""
    return f"{action} failed with {code_of(error) or 'an unknown error'}{after}: {text_of(error) or 'no reason given'}"


def _hint(error: ClientError, service: str) -> str:
    code = code_of(error)
    if code in _EXPIRED:
        return _SIGN_IN
    if code in DENIED:
        return f"ask for the IAM permission {_action(error, service)}"
    if code in _THROTTLED:
        return "try again in a minute; another program may be using up the account's request rate"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == str(status):
        return _ENDPOINT
    if status >= 500:
        return "try again; if it stays, see https://health.aws.amazon.com"
    return "correct what AWS names, then run the same command again"


def _next_step(error: Exception) -> str:
    if isinstance(error, ProfileNotFound):
        return "set AWS_PROFILE to one of `aws configure list-profiles`"
    if isinstance(error, NoRegionError | InvalidRegionError):
        return "set AWS_REGION"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run `aws configure`"
    if isinstance(error, SSOError | TokenRetrievalError):
        return "run `aws sso login`"
    if isinstance(error, SSLError):
        return "check the clock, the proxy and AWS_CA_BUNDLE"
    if isinstance(error, HTTPClientError | NoConnectionError):
        return "check the network, the proxy and AWS_ENDPOINT_URL"
    if isinstance(error, ValueError):
        return "correct AWS_ENDPOINT_URL or the setting that is named"
    return "check with `aws sts get-caller-identity`"
