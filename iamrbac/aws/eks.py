"""EKS and STS as a port: who calls, what a cluster is, whom it maps, and the writes that change it."""

from __future__ import annotations

import base64
import binascii
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from iamrbac.aws import modes, reader, writer
from iamrbac.aws.accounts import Accounts
from iamrbac.aws.cluster import EksCluster
from iamrbac.aws.errors import aws_call, code_of
from iamrbac.compile.desired import Desired
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import AwsError
from iamrbac.plan.observed import AuthenticationMode, Observed, Target
from iamrbac.usecases.migrate_ports import ModeSeen
from iamrbac.usecases.ports import Caller

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import ClusterTypeDef

USABLE: Final = frozenset({"ACTIVE", "UPDATING"})
"""States in which the cluster's API is there (the AWS CLI makes kubeconfigs for the same two)."""


class EksApi:
    """The Aws port. Used from several threads at once; calls about one cluster are limited together.

    A cluster is asked by the role that the config names for it; with `assume` False, by whoever runs this.
    """

    def __init__(self, accounts: Accounts, sleep: Callable[[float], None] = time.sleep, *, assume: bool = True) -> None:
        self._accounts = accounts
        self._sleep = sleep
        self._assume = assume

    def caller(self) -> Caller:
        """sts:GetCallerIdentity of whoever runs this. Raises AwsError with the next step."""
        return self._accounts.caller()

    def target(self, cluster: Cluster) -> Target:
        """DescribeCluster. Raises AwsError, also when it is not the config's cluster or cannot be used yet."""
        described = self._describe(cluster)
        with aws_call(cluster.name, "eks"):
            arn, status = described["arn"], described["status"]
            _check_place(cluster, arn)
            if status not in USABLE:
                raise AwsError(
                    f"the cluster is {status}, its API cannot be used",
                    where=cluster.name,
                    hint=f"wait until it is ACTIVE: aws eks wait cluster-active --name {cluster.eks}",
                )
            return Target(
                name=cluster.name,
                eks_name=cluster.eks,
                arn=arn,
                region=cluster.region,
                endpoint=described["endpoint"].rstrip("/"),
                certificate_authority=pem(cluster.name, described["certificateAuthority"]["data"]),
                authentication_mode=_mode(cluster, described),
                role=self._role(cluster),
                proxy_url=cluster.proxy_url,
                tls_server_name=cluster.tls_server_name,
            )

    def mappings(self, target: Target) -> tuple[Observed, ...]:
        """All access entries with tags, and all associations; () where the mode has none. Raises AwsError."""
        return reader.read(self._cluster(target)) if target.authentication_mode != "CONFIG_MAP" else ()

    def create(self, target: Target, desired: Desired) -> None:
        """Create an entry or associate a policy. Raises ExistsError when it is there already, AwsError else."""
        writer.create(self._cluster(target), desired, self._sleep)

    def update(self, target: Target, observed: Observed, desired: Desired) -> None:
        """Change what differs. Raises ConflictError when it is no longer as observed, AwsError else."""
        writer.update(self._cluster(target), observed, desired)

    def delete(self, target: Target, observed: Observed) -> None:
        """Delete an entry or disassociate a policy; already gone is fine.

        Raises ConflictError when it is no longer as observed, AwsError else.
        """
        writer.delete(self._cluster(target), observed)

    def change_mode(self, target: Target, mode: AuthenticationMode) -> str:
        """UpdateClusterConfig; return the update's id, "" where another is under way or it is the mode already.

        Raises AwsError.
        """
        return modes.change(self._cluster(target), mode)

    def seen_mode(self, target: Target, update: str) -> ModeSeen:
        """DescribeCluster, and DescribeUpdate where an update's id is known. Raises AwsError."""
        return modes.seen(self._cluster(target), update)

    def _role(self, cluster: Cluster) -> AssumeRole | None:
        return cluster.role if self._assume else None

    def _cluster(self, target: Target) -> EksCluster:
        clients = self._accounts.clients(target.role, target.region)
        budget = clients.budget(target.region, target.eks_name)
        return EksCluster(clients.eks(target.region), budget, target, self._accounts.gate.about)

    def _describe(self, cluster: Cluster) -> ClusterTypeDef:
        role = self._role(cluster)
        eks = self._accounts.clients(role, cluster.region).eks(cluster.region)
        with aws_call(cluster.name, "eks"):
            try:
                return eks.describe_cluster(name=cluster.eks)["cluster"]
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
        own = role.account if role is not None else self.caller().account
        raise AwsError(
            f"EKS has no cluster {cluster.eks} in account {own}, region {cluster.region}",
            where=cluster.name,
            hint=f"use credentials of account {cluster.account}, or write assumeRole for it in iamrbac.yaml"
            if own != cluster.account
            else "correct name, eksName or region in iamrbac.yaml",
        )


def _check_place(cluster: Cluster, arn: str) -> None:
    """Refuse a cluster of the same name in another account or region. Raises AwsError."""
    parts = arn.split(":")
    if len(parts) < 6:
        raise AwsError(f"EKS answered with an ARN that is none: {arn!r}", where=cluster.name, hint="check the endpoint")
    if (parts[3], parts[4]) != (cluster.region, cluster.account):
        raise AwsError(
            f"the credentials reach {arn}, and iamrbac.yaml says account {cluster.account}, region {cluster.region}",
            where=cluster.name,
            hint=f"use credentials of account {cluster.account}, or correct iamrbac.yaml",
        )


def pem(cluster: str, data: str) -> str:
    """Return the certificate authority that EKS names for a cluster as PEM. Raises AwsError when it is none."""
    try:
        text = base64.b64decode(data, validate=True).decode("ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (binascii.Error, UnicodeDecodeError, ssl.SSLError, ValueError) as error:
        raise AwsError(
            "certificateAuthority is not a certificate", where=cluster, hint="check the endpoint that answered"
        ) from error
    return text


def _mode(cluster: Cluster, described: ClusterTypeDef) -> AuthenticationMode:
    """Return the authenticationMode; clusters that are older than access entries name none and have the ConfigMap."""
    return modes.mode_of(cluster.name, described)
