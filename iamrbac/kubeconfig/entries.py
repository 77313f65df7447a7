"""What iamrbac writes into a kubeconfig: a cluster, a user and one or more contexts per EKS cluster."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

from iamrbac.usecases.ports import Context

MARK: Final = "iamrbac.dev/cluster"
"""Name of the extension that says which EKS cluster an entry is about, so that two clusters never share one."""
API_VERSION: Final = "client.authentication.k8s.io/v1"
Entry = dict[str, Any]


def cluster_entry(context: Context) -> Entry:
    """Return the entry of `clusters`, keys in kubectl's order."""
    data = base64.b64encode(context.target.certificate_authority.encode()).decode()
    return {
        "cluster": {
            "certificate-authority-data": data,
            "extensions": [{"extension": {"arn": context.target.arn}, "name": MARK}],
            "server": context.target.endpoint,
        },
        "name": context.target.name,
    }


def user_entry(context: Context, command: Sequence[str]) -> Entry:
    """Return the entry of `users`: the exec plug-in. `command` is how to run iamrbac: a program, first arguments."""
    program, *before = command
    arguments = [*before, "token", "--cluster-name", context.target.eks_name, "--region", context.target.region]
    plugin: Entry = {"apiVersion": API_VERSION, "args": arguments, "command": program}
    if context.profile is not None:
        plugin["env"] = [{"name": "AWS_PROFILE", "value": context.profile}]
    plugin["interactiveMode"] = "IfAvailable"
    return {"name": context.target.name, "user": {"exec": plugin}}


def context_entry(context: Context) -> Entry:
    """Return the entry of `contexts`."""
    inner: Entry = {"cluster": context.target.name}
    if context.namespace is not None:
        inner["namespace"] = context.namespace
    inner["user"] = context.target.name
    return {"context": inner, "name": context.name}
