"""What `iamrbac kubeconfig` did, for people and as JSON (design §7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import unified_diff
from typing import Any, Final

from iamrbac.render.plain import printable
from iamrbac.render.whoami import error_json, failure_text
from iamrbac.usecases.kubeconfig import ClusterContexts, KubeconfigResult
from iamrbac.usecases.ports import FileChange, Preview

_COMMENT: Final = re.compile(r"#.*")


def kubeconfig_text(result: KubeconfigResult) -> str:
    """Return a line for each context, and in the last line what became of the file; of a preview, a diff above it."""
    width = max((len(context.name) for one in result.clusters for context in one.contexts), default=0)
    width = max([width, *(len(one.cluster) for one in result.clusters)])
    lines = [line for one in result.clusters for line in _cluster(one, width)]
    done = result.written or result.preview
    lines += [f"{printable(name):{width}}  removed: no longer granted" for name in (done.removed if done else ())]
    text = "\n".join([*lines, _summary(result)]) + "\n"
    return kubeconfig_diff(result.preview) + text if result.preview is not None else text


def kubeconfig_json(result: KubeconfigResult) -> dict[str, Any]:
    """Return the same as `-o json` writes it (render/schemas/kubeconfig.json)."""
    done = result.written or result.preview
    return {
        "formatVersion": 1,
        "file": done.file if done is not None else None,
        "changed": result.written is not None and result.written.changed,
        "currentContext": done.current if done is not None else None,
        "clusters": [_cluster_json(one) for one in result.clusters],
        "removed": list(done.removed) if done is not None else [],
        "unsetContext": done.unset if done is not None else None,
        "diff": kubeconfig_diff(result.preview) if result.preview is not None else None,
    }


def kubeconfig_diff(preview: Preview) -> str:
    """Return what would change as a unified diff; empty without a change. Comments beside it are not shown."""
    changes = (FileChange(preview.file, preview.before, preview.after), *preview.also)
    return "".join(line for change in changes for line in _diff(change))


def _diff(change: FileChange) -> Iterator[str]:
    before, after = (text.splitlines() for text in (change.before, change.after))
    for line in unified_diff(before, after, change.file, change.file, lineterm=""):
        shown = _COMMENT.sub("#…", line) if line.startswith(" ") else line
        yield f"{printable(shown)}\n"


def _cluster(one: ClusterContexts, width: int) -> list[str]:
    unknown = []
    if one.error is not None:
        # Beside a way in that is known there may be a role of which it is not.
        rest = "not all known" if one.contexts else "not known"
        unknown = [f"{one.cluster:{width}}  {rest}: {failure_text(one.error, one.cluster)}"]
    elif not one.contexts:
        return [f"{one.cluster:{width}}  no access"]
    lines = []
    for context in one.contexts:
        if context.pinned or context.namespace is not None:
            lines.append(f"{context.name:{width}}  namespace {context.namespace}")
        elif namespaces := one.reach.get(context.name, one.namespaces):
            lines.append(f"{context.name:{width}}  namespaces {', '.join(namespaces)}")
        else:
            lines.append(context.name)
    return lines + unknown


def _summary(result: KubeconfigResult) -> str:
    done = result.written or result.preview
    if done is None:
        return "No context was written."
    number = sum(len(one.contexts) for one in result.clusters)
    if result.preview is not None:
        changed, verb = result.preview.before != result.preview.after or bool(result.preview.also), "would be written"
    else:
        changed, verb = result.written is not None and result.written.changed, "written"
    parts = [f"{number} {'context' if number == 1 else 'contexts'} {verb if changed else 'there already'}"]
    if done.removed:
        parts.append(f"{len(done.removed)} {'would be removed' if result.preview is not None else 'removed'}")
    if done.unset is not None:
        parts.append(f"no current context any more (it was {printable(done.unset)}): kubectl config use-context NAME")
    elif done.current:
        parts.append(f"current context: {printable(done.current)}")
    also = [one if isinstance(one, str) else one.file for one in done.also]
    place = f"{done.file} and {', '.join(also)}" if also else done.file
    return f"{place}: {'; '.join(parts)}."


def _cluster_json(one: ClusterContexts) -> dict[str, Any]:
    status = "failed" if one.error is not None else "written" if one.contexts else "no-access"
    return {
        "name": one.cluster,
        "status": status,
        "contexts": [{"name": context.name, "namespace": context.namespace} for context in one.contexts],
        "namespaces": list(one.namespaces),
        "error": error_json(one.error),
    }
