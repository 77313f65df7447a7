"""One cluster of a sandbox: EKS's side in moto, the embedded Kubernetes API, and the authenticator between them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from iamrbac.rbac.objects import Role
from iamrbac.sandbox.authenticator import Authenticator
from iamrbac.sandbox.aws.eks.api import EksApi
from iamrbac.sandbox.aws.keys import unique_id
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.kube.server import EmbeddedCluster
from iamrbac.sandbox.kube.status import StatusError
from iamrbac.sandbox.people import CLUSTER_ROLE, NODE_ROLE, Directory
from iamrbac.sandbox.world import ClusterPlan, World


def make_cluster(plan: ClusterPlan, world: World, directory: Directory, eks: EksApi, root: Path) -> EmbeddedCluster:
    """Make a cluster as its platform engineer would have left it, and start its API. Raises SandboxError."""
    account, region, name = plan.cluster.account, plan.cluster.region, plan.cluster.eks
    access = eks.clusters.create(account, region, name, directory.role_arn(CLUSTER_ROLE, account), plan.mode)
    node_role = directory.role_arn(NODE_ROLE, account)
    admins = tuple(
        profile.arn
        for profile in directory.profiles.values()
        if any(profile.user == admin.user for admin in world.admins) and profile.account in (world.account, account)
    )
    manifests = list(_manifests(root, plan.manifests))
    if plan.mode != "CONFIG_MAP":
        for arn in admins:
            eks.make_admin(access, arn)
        access.create(node_role, eks.clusters.now(), unique_id, type_="EC2_LINUX")
    if plan.mode != "API":
        manifests.append(aws_auth(node_role, admins if plan.mode == "CONFIG_MAP" else ()))
    cluster = _embedded(plan, eks, manifests)
    cluster.start()
    eks.clusters.connect(account, region, name, cluster.url, base64.b64encode(cluster.ca_pem.encode()).decode())
    return cluster


def aws_auth(node_role: str, admins: tuple[str, ...]) -> dict[str, Any]:
    """Return the ConfigMap as eksctl and people after it write it, comments included."""
    roles = (
        "# Written by eksctl. Without this row the nodes are NotReady.\n"
        "- groups:\n"
        "  - system:bootstrappers\n"
        "  - system:nodes\n"
        f"  rolearn: {node_role}\n"
        "  username: system:node:{{EC2PrivateDNSName}}\n"
    )
    users = "".join(
        "# The platform team. Ask before you change this.\n"
        f"- userarn: {arn}\n"
        f"  username: {arn.rsplit('/', 1)[-1]}\n"
        "  groups:\n"
        "    - system:masters\n"
        for arn in admins
    )
    data = {"mapRoles": roles, **({"mapUsers": users} if users else {})}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": data,
    }


def _embedded(plan: ClusterPlan, eks: EksApi, manifests: list[dict[str, Any]]) -> EmbeddedCluster:
    def data() -> Mapping[str, str] | None:
        return cluster.aws_auth_data()

    def built_in() -> Mapping[str, Role]:
        return cluster.builtin_roles()

    place = (plan.cluster.account, plan.cluster.region, plan.cluster.eks)
    authenticator = Authenticator(eks.clusters, *place, data, built_in)
    try:
        cluster = EmbeddedCluster(
            plan.cluster.name, authenticator.authenticate, authenticator.allows, plan.namespaces, manifests
        )
    except StatusError as error:
        raise SandboxError(f"the API refuses a manifest: {error}", where=plan.manifests or plan.cluster.name) from error
    except KeyError as error:
        text = f"the embedded API has no kind {error}"
        raise SandboxError(text, where=plan.manifests or plan.cluster.name, hint="leave it out") from error
    return cluster


def _manifests(root: Path, folder: str | None) -> Iterator[dict[str, Any]]:
    """Yield all manifests of a folder, files in the order of their names."""
    if folder is None:
        return
    if not (root / folder).is_dir():
        raise SandboxError("is not a folder", where=folder, hint="make it, or leave `manifests` out of sandbox.yaml")
    for path in sorted((root / folder).rglob("*.y*ml")):
        where = path.relative_to(root).as_posix()
        try:
            documents = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            text = " ".join(str(error).split())
            raise SandboxError(f"cannot be read: {text}", where=where, hint="correct the file") from error
        for document in documents:
            if document is not None and not _is_manifest(document):
                raise SandboxError("a document is no manifest: kind and metadata.name are needed", where=where)
            if document is not None:
                yield document


def _is_manifest(document: object) -> bool:
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        return False
    metadata = document.get("metadata")
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
