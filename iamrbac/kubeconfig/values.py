"""The merge as values: what a kubeconfig should say after ours is in it. How it is written is `text`'s affair.

All scalars are texts here, as `text.value_of` reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from iamrbac.kubeconfig.entries import MARK, Entry, cluster_entry, context_entry, user_entry
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import Context

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_HINT = "rename or remove it, or write to another file with --kubeconfig FILE"


class _ClashError(Exception):
    """An entry of that name is somebody else's."""


def merged(
    data: Any, contexts: Sequence[Context], command: Sequence[str], current: str | None, fallback: str | None
) -> dict[str, Any]:
    """Return the data with our entries added or brought up to date; nothing else is changed.

    `current` becomes the current context; `fallback` only where there is none, or one that is not there.
    Raises KubeconfigError when an entry of the same name is not ours, naming all such entries.
    """
    result: dict[str, Any] = deepcopy(data) if isinstance(data, dict) else {}
    if not isinstance(data, dict) and not (data is None or (isinstance(data, str) and data in NULLS)):
        raise KubeconfigError("it is not a kubeconfig: expected clusters, users and contexts", hint="name another file")
    clashes: list[str] = []
    for context in contexts:
        for section, entry, update in (
            ("clusters", cluster_entry(context), _update_cluster),
            ("users", user_entry(context, command), _update_user),
            ("contexts", context_entry(context), _updater_of_context(context)),
        ):
            try:
                _put(result, section, entry, update)
            except _ClashError as clash:
                clashes.append(str(clash))
    if clashes:
        raise KubeconfigError("; ".join(dict.fromkeys(clashes)), hint=_HINT)
    _set_current(result, current, fallback)
    return result


def _put(data: dict[str, Any], section: str, entry: Entry, update: Callable[[Entry, Entry], None]) -> None:
    entries = data.get(section)
    if entries is None or (isinstance(entries, str) and entries in NULLS):
        entries = data[section] = []
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise _ClashError(f"`{section}` is not a list of entries")
    same = [one for one in entries if one.get("name") == entry["name"]]
    if not same:
        entries.append(entry)
    elif len(same) > 1:
        raise _ClashError(f"{section[:-1]} {entry['name']} is there {len(same)} times")
    else:
        update(same[0], entry)


def _update_cluster(there: Entry, wanted: Entry) -> None:
    """Bring server and CA up to date. Ours is the entry with our mark, or one for the same server."""
    inner, will = _inner(there, "cluster", f"cluster {there['name']}"), wanted["cluster"]
    arn = will["extensions"][0]["extension"]["arn"]
    marks = inner.get("extensions", [])
    marks = marks if isinstance(marks, list) else []
    mark = next((one for one in marks if isinstance(one, dict) and one.get("name") == MARK), None)
    if mark is None and inner.get("server", "").rstrip("/") != will["server"]:
        raise _ClashError(f"cluster {there['name']} is there already, for {inner.get('server') or 'no server'}")
    if mark is not None and mark.get("extension") != {"arn": arn}:
        other = mark.get("extension")
        named = other.get("arn") if isinstance(other, dict) else None
        raise _ClashError(f"cluster {there['name']} is there already, for {named or 'another EKS cluster'}")
    if mark is None:
        inner["extensions"] = [*marks, *will["extensions"]]
    inner["server"] = will["server"]
    inner["certificate-authority-data"] = will["certificate-authority-data"]


def _update_user(there: Entry, wanted: Entry) -> None:
    """Bring the exec plug-in up to date; ours is the one that runs `iamrbac token`. Other variables are kept."""
    name = f"user {there['name']}"
    inner = _inner(there, "user", name)
    plugin, will = inner.get("exec"), wanted["user"]["exec"]
    if not isinstance(plugin, dict) or not _is_ours(plugin):
        raise _ClashError(f"{name} is there already, with other credentials")
    plugin.update({key: value for key, value in will.items() if key != "env"})
    variables = _variables(plugin.get("env"), will.get("env", []))
    if variables or "env" in plugin:
        plugin["env"] = variables


def _variables(there: Any, wanted: list[Entry]) -> list[Any]:
    """Return the plug-in's variables with AWS_PROFILE as wanted; the person's own ones stay where they are."""
    variables = there if isinstance(there, list) else []
    ours = [isinstance(one, dict) and one.get("name") == "AWS_PROFILE" for one in variables]
    if not any(ours):
        return [*variables, *wanted]
    return [kept for one, is_ours in zip(variables, ours, strict=True) for kept in (wanted if is_ours else [one])]


def _updater_of_context(context: Context) -> Callable[[Entry, Entry], None]:
    def update(there: Entry, wanted: Entry) -> None:
        name = f"context {there['name']}"
        inner, will = _inner(there, "context", name), wanted["context"]
        if (inner.get("cluster"), inner.get("user")) != (will["cluster"], will["user"]):
            joined = f"cluster {inner.get('cluster')} and user {inner.get('user')}"
            raise _ClashError(f"{name} is there already, for {joined}")
        if "namespace" in will and (context.pinned or inner.get("namespace", "") in NULLS):
            inner["namespace"] = will["namespace"]

    return update


def _is_ours(plugin: Entry) -> bool:
    command, arguments = plugin.get("command"), plugin.get("args")
    if not isinstance(command, str) or not isinstance(arguments, list) or "token" not in arguments:
        return False
    program = command.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    return program == "iamrbac" or arguments[:2] == ["-m", "iamrbac"]


def _inner(entry: Entry, key: str, name: str) -> Entry:
    inner = entry.get(key)
    if not isinstance(inner, dict):
        raise _ClashError(f"{name} is there already, and has no `{key}`")
    return inner


def _set_current(data: dict[str, Any], current: str | None, fallback: str | None) -> None:
    if current is None and fallback is not None:
        names = {one.get("name") for one in data.get("contexts", ())}
        current = fallback if data.get("current-context") not in names else None
    if current is not None:
        data["current-context"] = current
