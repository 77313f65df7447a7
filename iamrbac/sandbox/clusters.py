"""One cluster of a sandbox: EKS's side in moto, a Kubernetes API, and the authentication between them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from iamrbac.model.arn import Arn, partition_of, without_path
from iamrbac.rbac.objects import Role
from iamrbac.sandbox.authenticator import Authenticator
from iamrbac.sandbox.aws.eks.api import EksApi
from iamrbac.sandbox.aws.keys import unique_id
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.kube.server import EmbeddedCluster
from iamrbac.sandbox.kube.status import StatusError
from iamrbac.sandbox.people import CLUSTER_ROLE, NODE_ROLE, Directory
from iamrbac.sandbox.world import ClusterPlan, World

if TYPE_CHECKING:
    from iamrbac.sandbox.controlplane.sts import StsProxy


class Cluster(Protocol):
    """A Kubernetes API of a sandbox, embedded or real."""

    name: str

    @property
    def url(self) -> str:
        """https://127.0.0.1:PORT. Only after `launch`."""
        ...

    @property
    def ca_pem(self) -> str:
        """The certificate authority of the API's certificate, PEM. Only after `launch`."""
        ...

    @property
    def token(self) -> str:
        """The token of a member of system:masters whom neither entries nor rows map. Only after `launch`."""
        ...

    @property
    def store(self) -> Store:
        """Its objects, past all authorization. Only after `wait`."""
        ...

    def aws_auth_data(self) -> Mapping[str, str] | None:
        """The data of the ConfigMap kube-system/aws-auth; None when there is none."""
        ...

    def launch(self) -> None:
        """Start it, without waiting."""
        ...

    def wait(self) -> None:
        """Wait until it is of use, with all that is there from the start."""
        ...

    def check(self) -> None:
        """Raise where it has ended by itself."""
        ...

    def stop(self) -> None:
        """End it; fine where it does not run."""
        ...


class Store(Protocol):
    """The objects of a cluster, for who sets it up."""

    def get(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        """An object, or None. Raises KeyError for a kind that is not served."""
        ...

    def list(self, kind: str, namespace: str | None = None) -> list[dict[str, Any]]:
        """All objects of a kind, of one namespace or of all, sorted by namespace and name."""
        ...

    def put(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create or replace an object; a missing namespace is created."""
        ...


def make_cluster(
    plan: ClusterPlan, world: World, directory: Directory, eks: EksApi, root: Path, sts: StsProxy | None = None
) -> Cluster:
    """Make a cluster as its platform engineer would have left it, not started yet; on real servers where there is an
    `sts` for their token check. Raises SandboxError.
    """
    account, region, name = plan.cluster.account, plan.cluster.region, plan.cluster.eks
    access = eks.clusters.create(account, region, name, directory.role_arn(CLUSTER_ROLE, account), plan.mode)
    node_role = directory.role_arn(NODE_ROLE, account)
    admins = tuple(
        profile.arn
        for profile in directory.profiles.values()
        if any(profile.user == admin.user for admin in world.admins) and profile.account in (world.account, account)
    )
    if plan.cluster.role is not None:
        # By it plan and apply come, as an administrator.
        admins = (*admins, plan.cluster.role.role_arn)
    manifests = list(_manifests(root, plan.manifests))
    if plan.mode != "CONFIG_MAP":
        for arn in admins:
            eks.make_admin(access, arn)
        access.create(node_role, eks.clusters.now(), unique_id, type_="EC2_LINUX")
    if plan.mode != "API":
        manifests.append(aws_auth(node_role, admins if plan.mode == "CONFIG_MAP" else ()))
    return _embedded(plan, eks, manifests) if sts is None else _real(plan, eks, manifests, sts)


def connect(plan: ClusterPlan, cluster: Cluster, eks: EksApi) -> None:
    """Let EKS say where a launched cluster's API is."""
    ca = base64.b64encode(cluster.ca_pem.encode()).decode()
    eks.clusters.connect(plan.cluster.account, plan.cluster.region, plan.cluster.eks, cluster.url, ca)


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
    rows = {arn: without_path(arn) for arn in admins}
    roles += "".join(_admin("rolearn", row) for arn, row in rows.items() if Arn.parse(arn).kind == "role")
    users = "".join(_admin("userarn", row) for arn, row in rows.items() if Arn.parse(arn).kind == "user")
    data = {"mapRoles": roles, **({"mapUsers": users} if users else {})}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": data,
    }


def _admin(key: str, arn: str) -> str:
    return (
        "# The platform team. Ask before you change this.\n"
        f"- {key}: {arn}\n"
        f"  username: {arn.rsplit('/', 1)[-1]}\n"
        "  groups:\n"
        "    - system:masters\n"
    )


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


def _real(plan: ClusterPlan, eks: EksApi, manifests: list[dict[str, Any]], sts: StsProxy) -> Cluster:
    # Not at the top: whoever uses the embedded API alone does not wait for it.
    from iamrbac.sandbox.controlplane.authenticator import Place
    from iamrbac.sandbox.controlplane.cluster import RealCluster
    from iamrbac.sandbox.controlplane.eks import EksFront

    def built_in() -> Mapping[str, Role]:
        return cluster.builtin_roles()

    about = plan.cluster
    # The authenticator reads aws-auth in the cluster itself.
    judge = Authenticator(eks.clusters, about.account, about.region, about.eks, lambda: None, built_in)
    place = Place(about.eks, partition_of(about.region), about.region, sts.url, sts.ca_pem)
    cluster = RealCluster(about.name, EksFront(place, judge.mappings, judge.allows), plan.namespaces, manifests)
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
