"""What iamrbac writes into a kubeconfig: a cluster, a user and one or more contexts per EKS cluster."""

from __future__ import annotations

import base64
from typing import Any, Final

from iamrbac.kubeconfig.command import Plugin
from iamrbac.usecases.ports import Context

MARK: Final = "iamrbac.dev/cluster"
"""Name of the extension that says which EKS cluster an entry is about and which instance wrote it, so that two clusters
never share one, and `--prune` never takes somebody else's."""
API_VERSION: Final = "client.authentication.k8s.io/v1"
AWS_API_VERSION: Final = "client.authentication.k8s.io/v1beta1"
"""As `aws eks update-kubeconfig` (awscli/customizations/eks/update_kubeconfig.py): older AWS CLIs know no v1."""
Entry = dict[str, Any]


def mark_of(entry: Entry, kind: str) -> Entry:
    """Return what our mark in an entry says, {} without one. `kind` is cluster, user or context."""
    inner = entry.get(kind)
    extensions = inner.get("extensions") if isinstance(inner, dict) else None
    for one in extensions if isinstance(extensions, list) else ():
        if isinstance(one, dict) and one.get("name") == MARK:
            said = one.get("extension")
            return said if isinstance(said, dict) else {}
    return {}


def extension(said: Entry) -> Entry:
    """Return our mark as an item of `extensions`."""
    return {"extension": said, "name": MARK}


def _mark(context: Context) -> Entry:
    said: Entry = {"arn": context.target.arn}
    if context.instance is not None:
        said["instance"] = context.instance
    return said


def user_name(context: Context) -> str:
    """Return what the user's entry is called."""
    return context.user or context.target.name


def cluster_entry(context: Context) -> Entry:
    """Return the entry of `clusters`, keys in kubectl's order."""
    target, said = context.target, _mark(context)
    inner: Entry = {"certificate-authority-data": base64.b64encode(target.certificate_authority.encode()).decode()}
    inner["extensions"] = [extension(said)]
    if target.proxy_url is not None:
        inner["proxy-url"] = said["proxyUrl"] = target.proxy_url
    inner["server"] = target.endpoint
    if target.tls_server_name is not None:
        inner["tls-server-name"] = said["tlsServerName"] = target.tls_server_name
    return {"cluster": inner, "name": target.name}


def user_entry(context: Context, plugin: Plugin) -> Entry:
    """Return the entry of `users`: the exec plug-in."""
    program, *before = plugin.command
    target = context.target
    if plugin.aws:
        arguments = ["--region", target.region, "eks", "get-token", "--cluster-name", target.eks_name]
        arguments += ["--output", "json"]
    else:
        arguments = ["token", "--cluster-name", target.eks_name, "--region", target.region]
    if context.role_arn is not None:
        arguments += ["--role-arn", context.role_arn]
    run: Entry = {"apiVersion": AWS_API_VERSION if plugin.aws else API_VERSION, "args": [*before, *arguments]}
    run["command"] = program
    if context.profile is not None:
        run["env"] = [{"name": "AWS_PROFILE", "value": context.profile}]
    run["interactiveMode"] = "IfAvailable"
    return {"name": user_name(context), "user": {"exec": run, "extensions": [extension(_mark(context))]}}


def context_entry(context: Context) -> Entry:
    """Return the entry of `contexts`."""
    said = _mark(context)
    if context.pinned and context.namespace is not None:
        said["namespace"] = context.namespace
    if context.role_arn is not None:
        said["role"] = context.role_arn
    inner: Entry = {"cluster": context.target.name, "extensions": [extension(said)]}
    if context.namespace is not None:
        inner["namespace"] = context.namespace
    inner["user"] = user_name(context)
    return {"context": inner, "name": context.name}
