"""A cluster's authentication mode: asked for by one call, true some time after (eks-facts §1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from botocore.exceptions import ClientError

from iamrbac.aws.cluster import EksCluster
from iamrbac.aws.errors import aws_call, code_of, one_line, text_of
from iamrbac.model.errors import AwsError
from iamrbac.plan.observed import AuthenticationMode
from iamrbac.usecases.migrate_ports import ModeSeen

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import ClusterTypeDef, UpdateTypeDef


def change(cluster: EksCluster, mode: AuthenticationMode) -> str:
    """Begin the change; return the update's id, "" where an update is under way or this is the mode already."""

    def begin() -> str:
        try:
            answer = cluster.client.update_cluster_config(
                name=cluster.target.eks_name, accessConfig={"authenticationMode": mode}
            )
        except ClientError as error:
            if code_of(error) == "ResourceInUseException" or f"update from {mode} to {mode}" in text_of(error):
                return ""
            raise
        return answer["update"]["id"]

    return cluster.call(begin)


def seen(cluster: EksCluster, update: str) -> ModeSeen:
    """Return the mode now, whether the cluster is being changed, and why the update failed ("" where it did not)."""

    def ask() -> tuple[ClusterTypeDef, UpdateTypeDef | None]:
        name, client = cluster.target.eks_name, cluster.client
        found = client.describe_update(name=name, updateId=update)["update"] if update else None
        return client.describe_cluster(name=name)["cluster"], found

    described, found = cluster.call(ask)
    with aws_call(cluster.target.name, "eks"):
        mode = mode_of(cluster.target.name, described)
        status = found["status"] if found is not None else ""
        busy = described["status"] == "UPDATING" or status == "InProgress"
    if found is None or status not in ("Failed", "Cancelled"):
        return ModeSeen(mode, busy)
    errors = [f"{one.get('errorCode', '')}: {one.get('errorMessage', '')}" for one in found.get("errors", [])]
    return ModeSeen(mode, busy, one_line("; ".join(errors)) or f"EKS says {status} and no reason")


def mode_of(cluster: str, described: ClusterTypeDef) -> AuthenticationMode:
    """Return the authenticationMode; clusters that are older than access entries name none and have the ConfigMap."""
    said = described.get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP")
    if said not in get_args(AuthenticationMode):
        raise AwsError(
            f"EKS names an authenticationMode that is not known here: {said!r}",
            where=cluster,
            hint="install a newer iamrbac",
        )
    return said
