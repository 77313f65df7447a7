"""A kubeconfig as text: changed only at the places where its value changes, every other byte as it was.

The places are those that the YAML parser reports. Whatever the edits made of it is parsed again and compared with what
was meant, so that a shape that this editor does not understand is refused, not broken.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yaml.nodes import Node

from iamrbac.kubeconfig.command import Plugin
from iamrbac.kubeconfig.edits import Editor, UneditableError, applied
from iamrbac.kubeconfig.parse import BY_HAND, is_json, parse, value_of
from iamrbac.kubeconfig.render import block
from iamrbac.kubeconfig.values import SECTIONS, current_of, merged, values
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import WantedContexts


@dataclass(frozen=True, slots=True)
class Document:
    """One file's text; empty for a file that is not there."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """What becomes of the files."""

    texts: tuple[str, ...]
    current: str | None
    """The current context, as kubectl will read it."""
    removed: tuple[str, ...] = ()
    unset: str | None = None


def merge(documents: Sequence[Document], home: int, wanted: WantedContexts, plugin: Plugin) -> Result:
    """Return the kubeconfigs with our entries in them; the same texts again when they are there already.

    `home` is the one for new entries. Raises KubeconfigError when a text is no kubeconfig, or an entry of the same name
    is not ours.
    """
    roots = [_read(one) for one in documents]
    befores = [value for _, value in roots]
    read = [values(one.file, value) for one, value in zip(documents, befores, strict=True)]
    found = merged(read, home, wanted, plugin)
    texts = tuple(
        _written(one, root, before, after)
        for one, (root, before), after in zip(documents, roots, found.data, strict=True)
    )
    return Result(texts, found.current, found.pruned.contexts, found.pruned.unset)


def _read(document: Document) -> tuple[Node | None, Any]:
    try:
        root = parse(document.text)
        return root, None if root is None else value_of(root)
    except KubeconfigError as error:
        raise KubeconfigError(error.message, where=document.file, hint=error.hint) from error


def _written(document: Document, root: Node | None, before: Any, after: dict[str, Any]) -> str:
    text = document.text
    if after == (before if isinstance(before, dict) else {}):
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    try:
        if root is None or not before or isinstance(before, str):
            after = {"apiVersion": "v1", "kind": "Config", **after}
            result = _fresh(text, root, after, newline)
        else:
            result = applied(text, Editor(text, newline).change(root, before, after, None))
            if is_json(text) and not is_json(result):
                raise UneditableError
        if not _says(result, after):
            raise UneditableError
    except UneditableError as error:
        message = "it is written in a way that cannot be edited safely"
        raise KubeconfigError(message, where=document.file, hint=BY_HAND) from error
    return result


def _says(text: str, value: Any) -> bool:
    try:
        root = parse(text)
        return root is not None and value_of(root) == value
    except KubeconfigError:
        return False


def _fresh(text: str, root: Node | None, after: dict[str, Any], newline: str) -> str:
    """Return a new document below whatever comments there are."""
    if is_json(text):
        return json.dumps(after, indent=2, ensure_ascii=False).replace("\n", newline) + newline
    kept = text if root is None else text[: root.start_mark.index] + text[root.end_mark.index :]
    kept = kept.rstrip()
    body = newline.join(block(after)) + newline
    return f"{kept}{newline}{body}" if kept else body


def undone(before: Sequence[str], after: Sequence[str], now: Sequence[str]) -> bool:
    """Whether something that was changed between two states is as it was before. Raises KubeconfigError."""
    was, will, found = _said(before), _said(after), _said(now)
    return any(found.get(key) == was.get(key) for key in was.keys() | will.keys() if will.get(key) != was.get(key))


def _said(texts: Sequence[str]) -> dict[tuple[str, str], Any]:
    """Return all entries, and the current context, of files read as one."""
    files = [values("", value) for _, value in (_read(Document("", text)) for text in texts)]
    entries = {
        (section, str(entry.get("name"))): entry
        for one in reversed(files)
        for section in SECTIONS
        for entry in one.data.get(section) or ()
        if isinstance(entry, dict)
    }
    return {**entries, ("current-context", ""): current_of(files)}
