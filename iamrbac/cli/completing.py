"""What the shell completes: names from the access repository, with no network; nothing where it cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from iamrbac.model.errors import IamrbacError

VARIABLE = "_IAMRBAC_COMPLETE"
"""What the shell's script sets when it asks for completions."""


def asked() -> list[str] | None:
    """Return the words that the shell wants to have completed; None where this is no such run."""
    if VARIABLE not in os.environ:
        return None
    words = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    return words.split()[1:]


def register() -> None:
    """Make typer know the shells whose scripts it writes."""
    from typer.completion import completion_init

    completion_init()


def clusters(context: typer.Context, incomplete: str) -> list[str]:
    """Names of clusters, and their labels as `--cluster` takes them."""
    return _beginning(incomplete, _cluster_words(_documents(context)))


def namespaces(context: typer.Context, incomplete: str) -> list[str]:
    """Namespaces that the config or a policy names."""
    return _beginning(incomplete, _namespaces(_documents(context)))


def teams(context: typer.Context, incomplete: str) -> list[str]:
    """Teams that have a policy."""
    named = (_at(one, "metadata", "name") for one in _documents(context) if one.get("kind") == "AccessPolicy")
    return _beginning(incomplete, named)


def roles(context: typer.Context, incomplete: str) -> list[str]:
    """Templates of the repository and shipped ones, and the roles that every cluster has for people."""
    from iamrbac import wiring
    from iamrbac.compile.request.draft import CLUSTER_ROLES

    root = context.params.get("repo")
    try:
        found = Path(wiring.repository(Path(root) if root else None).root)
    except IamrbacError:
        return _beginning(incomplete, (*wiring.roles(None).names(), *CLUSTER_ROLES))
    return _beginning(incomplete, (*wiring.roles(found).names(), *CLUSTER_ROLES))


def _beginning(incomplete: str, words: Iterable[object]) -> list[str]:
    return sorted({word for word in words if isinstance(word, str) and word.startswith(incomplete)})


def _documents(context: typer.Context) -> list[Mapping[str, Any]]:
    """Return the config and the policies as they are written: nothing is judged while somebody types."""
    from iamrbac import wiring

    root = context.params.get("repo")
    try:
        read = wiring.repository(Path(root) if root else None).read()
    except IamrbacError:
        return []
    raw = (*((read.config,) if read.config is not None else ()), *read.documents)
    return [one.value for one in raw if isinstance(one.value, Mapping)]


def _cluster_words(documents: Iterable[Mapping[str, Any]]) -> Iterator[object]:
    for cluster in _all(documents, "clusters"):
        yield cluster.get("name")
        labels = cluster.get("labels")
        if isinstance(labels, Mapping):
            yield from (f"{key}={value}" for key, value in labels.items())


def _namespaces(documents: Iterable[Mapping[str, Any]]) -> Iterator[object]:
    documents = list(documents)
    for one in (*_all(documents, "clusters"), *_all(documents, "spec", "access")):
        names = one.get("namespaces")
        if isinstance(names, list):
            yield from (name for name in names if isinstance(name, str) and "*" not in name and "?" not in name)


def _all(documents: Iterable[Mapping[str, Any]], *keys: str) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        found = _at(document, *keys)
        if isinstance(found, list):
            yield from (one for one in found if isinstance(one, Mapping))


def _at(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
