"""What iamrbac writes into a kubeconfig: a cluster, a user and one or more contexts per EKS cluster."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

MARK: Final = "iamrbac.dev/cluster"
"""Name of the extension that says which EKS cluster an entry is about, so that two clusters never share one."""
API_VERSION: Final = "client.authentication.k8s.io/v1"
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """One context, with the cluster and the user that it joins (both named `cluster`)."""

    name: str
    cluster: str
    arn: str
    """The EKS cluster's ARN."""
    server: str
    certificate_authority: str
    """PEM."""
    command: tuple[str, ...]
    """How to run iamrbac: an absolute path, and arguments before `token`."""
    eks_name: str
    region: str
    profile: str | None = None
    """AWS profile for the token; None: whatever the environment says when kubectl runs."""
    namespace: str | None = None
    """Where kubectl works by default."""
    pinned: bool = False
    """The namespace belongs to the context's name; else one that the person has chosen since is kept."""


def cluster_entry(context: Context) -> Entry:
    """Return the entry of `clusters`, keys in kubectl's order."""
    data = base64.b64encode(context.certificate_authority.encode()).decode()
    return {
        "cluster": {
            "certificate-authority-data": data,
            "extensions": [{"extension": {"arn": context.arn}, "name": MARK}],
            "server": context.server,
        },
        "name": context.cluster,
    }


def user_entry(context: Context) -> Entry:
    """Return the entry of `users`: the exec plug-in."""
    program, *before = context.command
    arguments = [*before, "token", "--cluster-name", context.eks_name, "--region", context.region]
    plugin: Entry = {"apiVersion": API_VERSION, "args": arguments, "command": program}
    if context.profile is not None:
        plugin["env"] = [{"name": "AWS_PROFILE", "value": context.profile}]
    plugin["interactiveMode"] = "IfAvailable"
    return {"name": context.cluster, "user": {"exec": plugin}}


def context_entry(context: Context) -> Entry:
    """Return the entry of `contexts`."""
    inner: Entry = {"cluster": context.cluster}
    if context.namespace is not None:
        inner["namespace"] = context.namespace
    inner["user"] = context.cluster
    return {"context": inner, "name": context.name}
