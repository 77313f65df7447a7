"""Whose credentials these are and how they came about, for whoever looks for what is wrong with them. No secret."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.eks import pem
from iamrbac.aws.errors import DENIED, aws_call, code_of
from iamrbac.aws.session import ANY_REGION, session
from iamrbac.diagnosis.facts import Described, Fault, Identity, Refused, SeenEntry, Source, Step
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.arn import Arn
from iamrbac.model.errors import AwsError
from iamrbac.plan.observed import Target
from iamrbac.usecases.ports import OwnAccess

_QUICK: Final = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
"""Somebody waits for the answer, and no answer is one."""
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEY: Final = frozenset({"InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException"})
_SIGNATURE: Final = frozenset({"SignatureDoesNotMatch", "IncompleteSignature", "RequestTimeTooSkewed"})
Sign: TypeAlias = Callable[[Target, str, str, str | None], str]
"""Target, access key, secret, session token → an EKS token."""
Open: TypeAlias = Callable[[Target, Callable[[], str]], OwnAccess]
"""Target, fresh tokens → its answers."""
_DEEPEST: Final = 10
"""Profiles that name one another; a circle of them is botocore's to refuse."""


class OwnAws:
    """AWS as one profile sees it, maybe by a role that it assumes: what a kubeconfig's plug-in would sign with."""

    def __init__(
        self,
        profile: str | None = None,
        role_arn: str | None = None,
        region: str = "",
        sign: Sign | None = None,
        open_: Open | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._profile = profile
        self.role = AssumeRole(role_arn=role_arn) if role_arn else None
        self._region = region or ANY_REGION
        self._sign = sign
        self._open = open_
        self._clock = clock
        self._accounts: Accounts | None = None

    @property
    def accounts(self) -> Accounts:
        """The credentials of the profile and of the role. Raises AwsError where the AWS files name no such profile."""
        if self._accounts is None:
            self._accounts = Accounts(session(self._profile, self._region))
        return self._accounts

    def identity(self) -> Identity:
        """Return who AWS says this is (sts:GetCallerIdentity), or why it does not; nothing is raised."""
        source = Source(profile=self._profile)
        try:
            source = self._source()
            answer = self._ask()
        except AwsError as error:
            return Identity(source, refused=refused(error), offset=self._offset(_headers(error)))
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        return Identity(source, answer["Arn"], answer["Account"], answer["UserId"], offset=self._offset(headers))

    def described(self, name: str, region: str) -> Described | Refused:
        """Return what EKS says of a cluster, or why it does not; nothing is raised."""
        try:
            client = self._session().client("eks", region_name=region, config=_QUICK)
            with aws_call(name, "eks"):
                found = client.describe_cluster(name=name)["cluster"]
                return Described(
                    found["arn"],
                    found["status"],
                    # A cluster that is being made has neither yet.
                    found.get("endpoint", "").rstrip("/"),
                    pem(name, data) if (data := found.get("certificateAuthority", {}).get("data")) else "",
                    found.get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP"),
                )
        except AwsError as error:
            return refused(error)

    def entries(self, name: str, region: str, like: Callable[[str], bool]) -> tuple[SeenEntry, ...] | None:
        """Return the access entries whose principal is like somebody; None where they may not be read."""
        try:
            client = self._session().client("eks", region_name=region, config=_QUICK)
            with aws_call(name, "eks"):
                pages = client.get_paginator("list_access_entries").paginate(clusterName=name)
                listed = [one for page in pages for one in page["accessEntries"]]
                found = (
                    client.describe_access_entry(clusterName=name, principalArn=one)["accessEntry"]
                    for one in listed
                    if like(one)
                )
                return tuple(_seen(one) for one in found)
        except AwsError:
            return None

    def made(self, arn: str) -> datetime | None:
        """Return when IAM made a user or role; None where it does not say."""
        try:
            parsed = Arn.parse(arn)
            iam = self._session().client("iam", region_name=self._region, config=_QUICK)
            with aws_call(arn, "iam"):
                if parsed.kind == "user":
                    made = iam.get_user(UserName=parsed.name)["User"]["CreateDate"]
                else:
                    made = iam.get_role(RoleName=parsed.name)["Role"]["CreateDate"]
        except (AwsError, ValueError):
            return None
        return made.replace(microsecond=0)

    def access(self, target: Target) -> OwnAccess:
        """Return the cluster's answers about the caller, by tokens as the plug-in would sign them."""
        if self._open is None:
            raise ValueError("nothing opens a cluster")
        return self._open(target, lambda: self._token(target))

    def token_length(self, target: Target) -> int | None:
        """Return how long a token for a cluster is; None where there are no credentials to sign it with."""
        try:
            return len(self._token(target))
        except AwsError:
            return None

    def _token(self, target: Target) -> str:
        if self._sign is None:
            raise ValueError("nothing signs tokens")
        found = self.accounts.keys(self.role, self._region)
        return self._sign(target, found.access_key or "", found.secret_key or "", found.token)

    def _session(self) -> boto3.Session:
        return self.accounts.clients(self.role, self._region).session

    def _ask(self) -> Any:
        found = self._session()
        with aws_call("the AWS credentials", "sts"):
            return found.client(
                "sts", region_name=found.region_name or self._region, config=_QUICK
            ).get_caller_identity()

    def _source(self) -> Source:
        with aws_call("the AWS configuration"):
            core = botocore.session.Session(profile=self._profile)
            profiles = core.full_config.get("profiles", {})
            name = self._profile or core.profile
            # Asking for them may be what fails: a role that may not be assumed, a sign-in that is over.
            provider = _provider(self.accounts)
        steps = tuple(_chain(profiles, name, provider))
        if self.role is not None:
            steps = (Step("plug-in", f"role {self.role.role_arn}"), *steps)
        return Source(provider, name, steps, _expires(os.environ) if provider == "env" else None)

    def _offset(self, headers: Mapping[str, str]) -> timedelta | None:
        date = headers.get("date")
        try:
            return parsedate_to_datetime(date) - self._clock() if date else None
        except (ValueError, TypeError):
            return None


def refused(error: AwsError) -> Refused:
    """Return why AWS did not answer, by the first cause that says it."""
    return Refused(_fault(error), error.message, error.hint)


def _fault(error: AwsError) -> Fault:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ClientError):
            return _of_client(cause)
        for kinds, fault in _KINDS:
            if isinstance(cause, kinds):
                return fault
        cause = cause.__cause__
    return "other"


_KINDS: Final[tuple[tuple[tuple[type[BaseException], ...], Fault], ...]] = (
    ((ProfileNotFound,), "no-profile"),
    ((NoCredentialsError,), "missing"),
    ((PartialCredentialsError,), "partial"),
    ((SSOError, TokenRetrievalError, UnauthorizedSSOTokenError), "sso"),
    ((HTTPClientError, NoConnectionError), "unreachable"),
    # botocore's own RuntimeError, the only one that becomes an AwsError.
    ((RuntimeError,), "expired"),
)


def _of_client(error: ClientError) -> Fault:
    code = code_of(error)
    if code in DENIED:
        return "assume-denied" if error.operation_name.startswith("AssumeRole") else "denied"
    if code in _EXPIRED:
        return "expired"
    if code in _UNKNOWN_KEY:
        return "unknown-key"
    if code in _SIGNATURE:
        return "signature"
    return "not-found" if code == "ResourceNotFoundException" else "other"


def _headers(error: AwsError) -> Mapping[str, str]:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ClientError):
            return cause.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        cause = cause.__cause__
    return {}


def _provider(accounts: Accounts) -> str:
    found = accounts.own.session.get_credentials()
    return found.method if found is not None else ""


def _chain(profiles: Mapping[str, Mapping[str, Any]], name: str | None, provider: str) -> Iterator[Step]:
    """Yield the links from a profile to the keys, as the AWS files name them."""
    if provider == "env":
        yield Step("environment", "AWS_ACCESS_KEY_ID")
        return
    seen: set[str] = set()
    wanted = name or "default"
    while wanted not in seen and len(seen) < _DEEPEST:
        seen.add(wanted)
        said = profiles.get(wanted, {})
        yield Step(f"profile {wanted}", _how(said, provider))
        source = said.get("source_profile")
        if not isinstance(source, str) or "role_arn" not in said:
            return
        wanted = source


def _how(said: Mapping[str, Any], provider: str) -> str:
    if "role_arn" in said:
        via = said.get("credential_source") or (said.get("web_identity_token_file") and "a web identity token")
        return f"role {said['role_arn']}" + (f", by {via}" if via else "")
    if "sso_session" in said or "sso_start_url" in said:
        place = said.get("sso_session") or said.get("sso_start_url")
        return f"SSO {place}, {said.get('sso_role_name', '?')} in account {said.get('sso_account_id', '?')}"
    if "credential_process" in said:
        return "credential_process"
    if "aws_access_key_id" in said:
        return "static keys"
    return provider


def _expires(environ: Mapping[str, str]) -> datetime | None:
    try:
        ends = datetime.fromisoformat(environ["AWS_CREDENTIAL_EXPIRATION"])
    except (KeyError, ValueError):
        return None
    return ends if ends.tzinfo else ends.replace(tzinfo=UTC)


def _seen(entry: Mapping[str, Any]) -> SeenEntry:
    groups = tuple(sorted(set(entry.get("kubernetesGroups", ()))))
    found = AccessEntry(entry["principalArn"], entry["username"], groups, entry.get("type", "STANDARD"))
    return SeenEntry(found, entry.get("createdAt"))
