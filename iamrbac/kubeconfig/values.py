"""The merge as values: what kubeconfigs should say after ours is in them. How it is written is `text`'s affair.

All scalars are texts here, as `text.value_of` reads them. Where KUBECONFIG names several files, the first that has an
entry decides, as in kubectl, so an entry is changed where it is (client-go, tools/clientcmd/config.go: ModifyConfig).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from iamrbac.kubeconfig.command import Plugin
from iamrbac.kubeconfig.entries import (
    MARK,
    Entry,
    cluster_entry,
    context_entry,
    extension,
    mark_of,
    user_entry,
)
from iamrbac.kubeconfig.prune import Pruned, is_ours, pruned
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import Context, WantedContexts

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
SECTIONS: Final = ("clusters", "users", "contexts")
_HINT: Final = "rename or remove it, or write to another file with --kubeconfig FILE"


@dataclass(frozen=True, slots=True)
class Values:
    """One file's data."""

    file: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """What the files should say."""

    data: tuple[dict[str, Any], ...]
    current: str | None
    pruned: Pruned


class _ClashError(Exception):
    """An entry of that name is somebody else's."""


def values(file: str, data: Any) -> Values:
    """Return one file's data, ready to be changed. Raises KubeconfigError for what is no kubeconfig."""
    if data is None or (isinstance(data, str) and data in NULLS):
        data = {}
    if not isinstance(data, dict):
        raise KubeconfigError(
            "it is not a kubeconfig: expected clusters, users and contexts", where=file, hint="name another file"
        )
    for section in SECTIONS:
        entries = data.get(section)
        if entries is None or (isinstance(entries, str) and entries in NULLS):
            continue
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            raise KubeconfigError(f"`{section}` is not a list of entries", where=file, hint="correct it by hand")
        names = [one.get("name") for one in entries]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise KubeconfigError(
                f"{section[:-1]} {twice} is there {names.count(twice)} times, which kubectl refuses",
                where=file,
                hint="leave one of them, or write to another file with --kubeconfig FILE",
            )
    return Values(file, deepcopy(data))


def merged(files: Sequence[Values], home: int, wanted: WantedContexts, plugin: Plugin) -> Merged:
    """Return the files' data with our entries added, brought up to date or pruned; nothing else is changed.

    `home` is the file for what is new. Raises KubeconfigError when an entry of the same name is not ours, naming all
    such entries.
    """
    clashes: list[tuple[str, str]] = []
    for context in wanted.contexts:
        for section, entry, update in (
            ("clusters", cluster_entry(context), _update_cluster),
            ("users", user_entry(context, plugin), _update_user),
            ("contexts", context_entry(context), _updater_of_context(files, context)),
        ):
            there = _find(files, section, entry["name"])
            try:
                if there is None:
                    _add(files[home], section, entry)
                else:
                    update(there[1], entry)
            except _ClashError as clash:
                clashes.append((there[0].file if there is not None else files[home].file, str(clash)))
    if clashes:
        where = clashes[0][0]
        told = (text if file == where else f"{file}: {text}" for file, text in clashes)
        raise KubeconfigError("; ".join(dict.fromkeys(told)), where=where, hint=_HINT)
    before = current_of(files)
    gone = pruned([one.data for one in files], wanted, before)
    if wanted.current is not None:
        gone = Pruned(gone.contexts)
    _set_current(files, home, wanted.current, None if gone.unset is not None else wanted.fallback)
    return Merged(tuple(one.data for one in files), current_of(files), gone)


def current_of(files: Sequence[Values]) -> str | None:
    """Return the current context as kubectl reads it: of the first file that names one."""
    for one in files:
        name = one.data.get("current-context")
        if isinstance(name, str) and name not in NULLS:
            return name
    return None


def _entries(one: Values, section: str) -> list[Entry]:
    found = one.data.get(section)
    return found if isinstance(found, list) else []


def _find(files: Sequence[Values], section: str, name: str) -> tuple[Values, Entry] | None:
    return next(((one, entry) for one in files for entry in _entries(one, section) if entry.get("name") == name), None)


def _add(file: Values, section: str, entry: Entry) -> None:
    if not isinstance(file.data.get(section), list):
        file.data[section] = []
    file.data[section].append(entry)


def _update_cluster(there: Entry, wanted: Entry) -> None:
    """Bring server, CA and proxy up to date. Ours is the entry with our mark, or one for the same server."""
    inner, will = _inner(there, "cluster", f"cluster {there['name']}"), wanted["cluster"]
    said, arn = mark_of(there, "cluster"), mark_of(wanted, "cluster")["arn"]
    if not _marks(inner) and inner.get("server", "").rstrip("/") != will["server"]:
        raise _ClashError(f"cluster {there['name']} is there already, for {inner.get('server') or 'no server'}")
    if _marks(inner) and said.get("arn") != arn:
        raise _ClashError(f"cluster {there['name']} is there already, for {said.get('arn') or 'another EKS cluster'}")
    for key, ours in (("proxy-url", "proxyUrl"), ("tls-server-name", "tlsServerName")):
        # One that a person has put in stays, until the config names another.
        if key not in will and key in inner and inner[key] == said.get(ours):
            del inner[key]
    _mark(inner, wanted, "cluster")
    inner.update({key: value for key, value in will.items() if key != "extensions"})


def _update_user(there: Entry, wanted: Entry) -> None:
    """Bring the exec plug-in up to date; ours is the one that we would write. Other variables are kept."""
    name = f"user {there['name']}"
    inner = _inner(there, "user", name)
    plugin, will = inner.get("exec"), wanted["user"]["exec"]
    said = mark_of(there, "user")
    if not isinstance(plugin, dict) or not is_ours(there):
        raise _ClashError(f"{name} is there already, with other credentials")
    if said and said.get("arn") != mark_of(wanted, "user")["arn"]:
        raise _ClashError(f"{name} is there already, for {said.get('arn') or 'another EKS cluster'}")
    plugin.update({key: value for key, value in will.items() if key != "env"})
    variables = _variables(plugin.get("env"), will.get("env", []))
    if variables or "env" in plugin:
        plugin["env"] = variables
    _mark(inner, wanted, "user")


def _variables(there: Any, wanted: list[Entry]) -> list[Any]:
    """Return the plug-in's variables with AWS_PROFILE as wanted; the person's own ones stay where they are."""
    variables = there if isinstance(there, list) else []
    ours = [isinstance(one, dict) and one.get("name") == "AWS_PROFILE" for one in variables]
    if not any(ours):
        return [*variables, *wanted]
    return [kept for one, is_ours in zip(variables, ours, strict=True) for kept in (wanted if is_ours else [one])]


def _updater_of_context(files: Sequence[Values], context: Context) -> Callable[[Entry, Entry], None]:
    def update(there: Entry, wanted: Entry) -> None:
        name = f"context {there['name']}"
        inner, will = _inner(there, "context", name), wanted["context"]
        if (inner.get("cluster"), inner.get("user")) != (will["cluster"], will["user"]):
            user = _find(files, "users", str(inner.get("user")))
            same = mark_of(there, "context").get("arn") == context.target.arn
            if not same or user is None or not is_ours(user[1]):
                joined = f"cluster {inner.get('cluster')} and user {inner.get('user')}"
                raise _ClashError(f"{name} is there already, for {joined}")
            inner.update({key: will[key] for key in ("cluster", "user")})
        if "namespace" in will and (context.pinned or inner.get("namespace", "") in NULLS):
            inner["namespace"] = will["namespace"]
        _mark(inner, wanted, "context")

    return update


def _marks(inner: Entry) -> list[Entry]:
    extensions = inner.get("extensions")
    found = extensions if isinstance(extensions, list) else []
    return [one for one in found if isinstance(one, dict) and one.get("name") == MARK]


def _mark(inner: Entry, wanted: Entry, kind: str) -> None:
    """Put our mark among an entry's extensions, or bring it up to date."""
    said = mark_of(wanted, kind)
    there = _marks(inner)
    if there:
        there[0]["extension"] = said
    else:
        others = inner.get("extensions")
        inner["extensions"] = [*(others if isinstance(others, list) else []), extension(said)]


def _inner(entry: Entry, key: str, name: str) -> Entry:
    inner = entry.get(key)
    if not isinstance(inner, dict):
        raise _ClashError(f"{name} is there already, and has no `{key}`")
    return inner


def _set_current(files: Sequence[Values], home: int, current: str | None, fallback: str | None) -> None:
    if current is None and fallback is not None:
        names = {entry.get("name") for one in files for entry in _entries(one, "contexts")}
        current = fallback if current_of(files) not in names else None
    if current is not None and current != current_of(files):
        files[home].data["current-context"] = current
