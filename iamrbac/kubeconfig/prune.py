"""Which of our entries go: contexts that are no longer granted, then users and clusters that no context names any more.

Ours is what has our mark, and what an instance may remove is what its own name is written in. Entries from before the
mark had an instance get one when they are written again, and are never removed without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from iamrbac.kubeconfig.entries import Entry, mark_of
from iamrbac.usecases.ports import Context, Prune, WantedContexts

_Grant = tuple[str, str | None, str | None]
"""ARN of a cluster, ARN of a role, namespace."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed."""

    contexts: tuple[str, ...] = ()
    unset: str | None = None
    """The one of them that was the current context."""


def pruned(files: Sequence[dict[str, Any]], wanted: WantedContexts, current: str | None) -> Pruned:
    """Remove from the files' data what `wanted.prune` says; nothing without it. Somebody else's is never touched."""
    prune = wanted.prune
    if prune is None:
        return Pruned()
    names = {context.name for context in wanted.contexts}
    granted = {_grant(context) for context in wanted.contexts} | prune.granted

    def stale(entry: Entry) -> bool:
        said = mark_of(entry, "context")
        if entry.get("name") in names or said.get("instance") != prune.instance:
            return False
        inner = entry["context"]
        if not prune.keep.isdisjoint({str(said.get("arn")), str(inner.get("cluster"))}):
            return False
        return (str(said.get("arn")), said.get("role"), said.get("namespace")) not in granted

    gone = [str(entry.get("name")) for data in files for entry in _entries(data, "contexts") if stale(entry)]
    for data in files:
        _keep(data, "contexts", [entry for entry in _entries(data, "contexts") if not stale(entry)])
        if data.get("current-context") in gone:
            data["current-context"] = ""
    for section, kind in (("users", "user"), ("clusters", "cluster")):
        _sweep(files, section, kind, prune)
    return Pruned(tuple(dict.fromkeys(gone)), current if current in gone else None)


def _sweep(files: Sequence[dict[str, Any]], section: str, kind: str, prune: Prune) -> None:
    """Remove users or clusters of ours to which no context of any file refers."""
    named = {
        entry["context"].get(kind)
        for data in files
        for entry in _entries(data, "contexts")
        if isinstance(entry.get("context"), dict)
    }

    def left_over(entry: Entry) -> bool:
        said = mark_of(entry, kind)
        if said.get("instance") != prune.instance or entry.get("name") in named:
            return False
        return prune.keep.isdisjoint({str(said.get("arn")), str(entry.get("name"))}) and (
            kind == "cluster" or is_ours(entry)
        )

    for data in files:
        _keep(data, section, [entry for entry in _entries(data, section) if not left_over(entry)])


def is_ours(user: Entry) -> bool:
    """Whether a user's entry is as we write it: `iamrbac token`, or with our mark `aws eks get-token`."""
    inner = user.get("user")
    plugin = inner.get("exec") if isinstance(inner, dict) else None
    command = plugin.get("command") if isinstance(plugin, dict) else None
    arguments = plugin.get("args") if isinstance(plugin, dict) else None
    if not isinstance(command, str) or not isinstance(arguments, list):
        return False
    program = command.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    if "token" in arguments and (program == "iamrbac" or arguments[:2] == ["-m", "iamrbac"]):
        return True
    return program == "aws" and "get-token" in arguments and bool(mark_of(user, "user"))


def _grant(context: Context) -> _Grant:
    return context.target.arn, context.role_arn, context.namespace if context.pinned else None


def _entries(data: dict[str, Any], section: str) -> Iterator[Entry]:
    found = data.get(section)
    return iter(found if isinstance(found, list) else ())


def _keep(data: dict[str, Any], section: str, entries: list[Entry]) -> None:
    if isinstance(data.get(section), list) and len(entries) != len(data[section]):
        data[section] = entries
