"""The credentials of a run: its own, and those of every role that it assumes to enter another account.

botocore assumes the roles and does so again before the credentials end. They are kept in this process alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import ClientError, NoCredentialsError

from iamrbac.aws.errors import DENIED, aws_call, code_of
from iamrbac.aws.gate import Gate
from iamrbac.aws.session import Clients, keys, shared_loader
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.arn import Arn, partition_of
from iamrbac.model.errors import AwsError
from iamrbac.usecases.ports import Caller

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

SHORTEST_SESSION_NAME = 2
"""Characters that STS wants at least (botocore's model of AssumeRole)."""


class Accounts:
    """Gives clients and keys for each role, which is assumed once, when it is first needed. Used by several threads."""

    def __init__(
        self, own: boto3.Session, called: Callable[[str], None] | None = None, gate: Gate | None = None
    ) -> None:
        """Take the session of whoever runs this; `called` is told of each request to AWS, by the API's name.

        `gate` is asked before each request about a cluster, and raises where it may not be sent.
        """
        self._session = own
        self._called = called
        self._gate = gate
        self.gate = gate or Gate()
        self._watch(own)
        self.own = Clients(own)
        self._lock = threading.Lock()
        self._caller_lock = threading.Lock()
        self._caller: Caller | None = None
        self._assumed: dict[AssumeRole, Clients] = {}

    def caller(self) -> Caller:
        """Return who runs this (sts:GetCallerIdentity, asked once). Raises AwsError with the next step."""
        with self._caller_lock:
            if self._caller is None:
                self._caller = _who(self.own, "the AWS credentials")
            return self._caller

    def entered(self, role: AssumeRole, region: str) -> Caller:
        """Assume a role and return whom AWS takes its session for. Raises AwsError with the next step."""
        return _who(self.clients(role, region), role.role_arn)

    def clients(self, role: AssumeRole | None, region: str) -> Clients:
        """Return the clients of a role, of whoever runs this without one; the role's are of the partition of `region`.

        Nothing is assumed before a client or `keys` is used. Raises AwsError where it is not known who runs this.
        """
        if role is None:
            return self.own
        name = role.session_name or session_name(self.caller().arn)
        with self._lock:
            if role not in self._assumed:
                self._assumed[role] = Clients(self._enter(role, name, self._near(region)))
            return self._assumed[role]

    def keys(self, role: AssumeRole | None, region: str) -> ReadOnlyCredentials:
        """Return a role's credentials as they are now, refreshed when they were about to end. Raises AwsError."""
        return keys(self.clients(role, region).session)

    def _near(self, region: str) -> str:
        """Return the session's region where that is of the same partition: any other STS of it is as good."""
        own = self._session.region_name
        return own if own is not None and partition_of(own) == partition_of(region) else region

    def _enter(self, role: AssumeRole, name: str, region: str) -> boto3.Session:
        """Return a session that assumes a role; profile and endpoints are those of whoever runs this."""
        own = self._session.profile_name
        core = botocore.session.Session(profile=None if own == "default" else own)
        core.register_component("data_loader", shared_loader())
        core.register_component(
            "credential_provider", CredentialResolver([_Assumed(self._credentials(role, name, region))])
        )
        core.set_config_variable("region", region)
        entered = boto3.Session(botocore_session=core)
        self._watch(entered)
        return entered

    def _watch(self, session: boto3.Session) -> None:
        if self._gate is not None:
            self._gate.watch(session)
        called = self._called
        if called is not None:
            # `before-send.eks.DescribeCluster`; whoever returns nothing lets it be sent.
            session.events.register("before-send", lambda event_name, **_: called(event_name.split(".")[1]))

    def _credentials(self, role: AssumeRole, name: str, region: str) -> DeferredRefreshableCredentials:
        arguments = {"RoleSessionName": name}
        if role.external_id is not None:
            arguments["ExternalId"] = role.external_id

        def sts(*_: Any, **__: Any) -> Any:
            # One client for all roles, which signs by the same credentials that the fetcher names.
            return self.own.sts(region)

        def fetch() -> dict[str, Any]:
            try:
                with aws_call(role.role_arn, "sts"):
                    source = self._session.get_credentials()
                    if source is None:
                        raise NoCredentialsError
                    fetcher = AssumeRoleCredentialFetcher(sts, source, role.role_arn, extra_args=arguments)
                    return fetcher.fetch_credentials()
            except AwsError as error:
                raise self._refused(role, error) from error

        return DeferredRefreshableCredentials(fetch, "assume-role")

    def _refused(self, role: AssumeRole, error: AwsError) -> AwsError:
        hint = error.hint
        if isinstance(cause := error.__cause__, ClientError) and code_of(cause) in DENIED:
            extra = (
                "with the external ID of iamrbac.yaml" if role.external_id else "and see if it asks for an externalId"
            )
            hint = f"allow {self.caller().arn} sts:AssumeRole on it, let its trust policy name that caller, {extra}"
        return AwsError(f"account {role.account} cannot be entered: {error.message}", where=role.role_arn, hint=hint)


class _Assumed(CredentialProvider):
    """A session's only provider: the assumed role's credentials, never those of the environment."""

    METHOD = "assume-role"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        """Return the credentials, which are fetched when they are first used."""
        return self._credentials


def _who(clients: Clients, where: str) -> Caller:
    with aws_call(where, "sts"):
        answer = clients.sts().get_caller_identity()
        return Caller(answer["Account"], answer["Arn"], answer["UserId"])


def session_name(caller: str) -> str:
    """Return the name of whoever calls, for the sessions of assumed roles: the person stays in the audit log.

    A user's name, or the session's name of who came by a role (Identity Center puts the person's name there).
    """
    try:
        arn = Arn.parse(caller)
    except ValueError:
        return "iamrbac"
    name = arn.session or arn.name
    # What STS takes as a session's name is what IAM takes as a user's, but for the shortest.
    return name if len(name) >= SHORTEST_SESSION_NAME else f"iamrbac-{name}"
