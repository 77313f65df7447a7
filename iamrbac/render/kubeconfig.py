"""What `iamrbac kubeconfig` did, for people and as JSON (design §7)."""

from __future__ import annotations

from typing import Any

from iamrbac.render.plain import printable
from iamrbac.render.whoami import error_json, failure_text
from iamrbac.usecases.kubeconfig import ClusterContexts, KubeconfigResult


def kubeconfig_text(result: KubeconfigResult) -> str:
    """Return a line for each context, and in the last line what became of the file."""
    width = max((len(context.name) for one in result.clusters for context in one.contexts), default=0)
    width = max([width, *(len(one.cluster) for one in result.clusters)])
    lines = [line for one in result.clusters for line in _cluster(one, width)]
    return "\n".join([*lines, _summary(result)]) + "\n"


def kubeconfig_json(result: KubeconfigResult) -> dict[str, Any]:
    """Return the same as `-o json` writes it (render/schemas/kubeconfig.json)."""
    written = result.written
    return {
        "formatVersion": 1,
        "file": written.file if written is not None else None,
        "changed": written is not None and written.changed,
        "currentContext": written.current if written is not None else None,
        "clusters": [_cluster_json(one) for one in result.clusters],
    }


def _cluster(one: ClusterContexts, width: int) -> list[str]:
    if one.error is not None:
        return [f"{one.cluster:{width}}  not known: {failure_text(one.error, one.cluster)}"]
    if not one.contexts:
        return [f"{one.cluster:{width}}  no access"]
    lines = []
    for context in one.contexts:
        if context.pinned or context.namespace is not None:
            lines.append(f"{context.name:{width}}  namespace {context.namespace}")
        elif one.namespaces:
            lines.append(f"{context.name:{width}}  namespaces {', '.join(one.namespaces)}")
        else:
            lines.append(context.name)
    return lines


def _summary(result: KubeconfigResult) -> str:
    if result.written is None:
        return "No context was written."
    number = sum(len(one.contexts) for one in result.clusters)
    done = "written" if result.written.changed else "there already"
    current = f"; current context: {printable(result.written.current)}" if result.written.current else ""
    return f"{result.written.file}: {number} {'context' if number == 1 else 'contexts'} {done}{current}."


def _cluster_json(one: ClusterContexts) -> dict[str, Any]:
    status = "failed" if one.error is not None else "written" if one.contexts else "no-access"
    return {
        "name": one.cluster,
        "status": status,
        "contexts": [{"name": context.name, "namespace": context.namespace} for context in one.contexts],
        "namespaces": list(one.namespaces),
        "error": error_json(one.error),
    }
