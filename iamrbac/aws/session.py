"""One AWS session for a run: credentials, profile, region and endpoints from where the AWS CLI takes them."""

from __future__ import annotations

import platform
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader, create_loader
from botocore.utils import JSONFileCache

from iamrbac import __version__
from iamrbac.aws.errors import aws_call

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sts import STSClient

CALLS_AT_ONCE = 4
"""To one cluster, or to IAM. EKS publishes no rate limits (eks-facts 1.2): few at a time, and botocore slows all of a
region's calls down when one is throttled."""
CONNECTIONS = 8 * CALLS_AT_ONCE
"""Kept open to one service of a region: as many clusters as are read at once, each with its calls."""
CONFIG = Config(
    retries={"mode": "adaptive", "total_max_attempts": 6},
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=CONNECTIONS,
    user_agent_extra=f"iamrbac/{__version__}",
)
ANY_REGION = "us-east-1"
"""Where IAM and STS are asked when nothing names a region; outside the partition `aws` AWS_REGION has to be set."""
# The AWS CLI's own cache of assumed roles, so that a profile with an MFA device asks for one code, not for many.
_CLI_CACHE = "~/.aws/cli/cache"


def session(profile: str | None = None, region: str | None = None) -> boto3.Session:
    """Return a session. `profile` beats the environment; `region` is for where the environment names none.

    Raises AwsError when there is no such profile, or the AWS files do not parse.
    """
    with aws_call("the AWS configuration"):
        core = botocore.session.Session(profile=profile)
        if region is not None and core.get_config_variable("region") is None:
            core.set_config_variable("region", region)
        core.register_component("data_loader", shared_loader())
        core.set_default_client_config(Config(user_agent=_user_agent(core)))
        resolver = core.get_component("credential_provider")
        for provider in ("assume-role", "assume-role-with-web-identity"):
            with suppress(KeyError):
                resolver.get_provider(provider).cache = JSONFileCache(str(Path(_CLI_CACHE).expanduser()))
        return boto3.Session(botocore_session=core)


def _user_agent(core: botocore.session.Session) -> str:
    """Return what AWS's logs show; botocore would make its own anew twice for each call, a tenth of the call's time."""
    app = core.get_config_variable("user_agent_appid")
    agent = f"Boto3/{boto3.__version__} lang/python#{platform.python_version()}"
    return f"{agent} app/{app}" if app else agent


@cache
def shared_loader() -> Loader:
    """Return the one loader of all sessions: AWS's models are read and kept once, however many accounts there are."""
    # AWS_DATA_PATH and `data_path` of the profile, as botocore's own sessions take it.
    return create_loader(botocore.session.Session().get_config_variable("data_path"))


def keys(of: boto3.Session) -> ReadOnlyCredentials:
    """Return the session's credentials as they are now, refreshed when they were about to end. Raises AwsError."""
    with aws_call("the AWS credentials"):
        found = of.get_credentials()
        if found is None:
            raise NoCredentialsError
        return found.get_frozen_credentials()


class Clients:
    """The session's clients, each made once (making one is slow and not safe from several threads; using it is)."""

    def __init__(self, of: boto3.Session) -> None:
        self.session = of
        self._region = of.region_name or ANY_REGION
        self._lock = threading.Lock()
        self._eks: dict[str, EKSClient] = {}
        self._budgets: dict[tuple[str, str], threading.BoundedSemaphore] = {}
        self._iam: IAMClient | None = None
        self._sts: dict[str, STSClient] = {}

    def eks(self, region: str) -> EKSClient:
        """EKS in a region."""
        with self._lock:
            if region not in self._eks:
                self._eks[region] = self.session.client("eks", region_name=region, config=CONFIG)
            return self._eks[region]

    def budget(self, region: str, cluster: str) -> threading.BoundedSemaphore:
        """What keeps the calls about one cluster few at a time, whoever makes them."""
        with self._lock:
            return self._budgets.setdefault((region, cluster), threading.BoundedSemaphore(CALLS_AT_ONCE))

    def iam(self) -> IAMClient:
        """IAM, which is the same in every region of a partition."""
        with self._lock:
            if self._iam is None:
                self._iam = self.session.client("iam", region_name=self._region, config=CONFIG)
            return self._iam

    def sts(self, region: str | None = None) -> STSClient:
        """STS in a region, or in the session's; any other of the partition would say the same."""
        region = region or self._region
        with self._lock:
            if region not in self._sts:
                self._sts[region] = self.session.client("sts", region_name=region, config=CONFIG)
            return self._sts[region]
