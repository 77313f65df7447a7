"""A kubeconfig as it may be shown: without the credentials of others, and with long data cut short."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from iamrbac.kubeconfig.edits import Edit, applied
from iamrbac.kubeconfig.parse import is_json, parse, value_of
from iamrbac.kubeconfig.prune import is_ours
from iamrbac.kubeconfig.values import NULLS
from iamrbac.model.errors import KubeconfigError

HIDDEN: Final = "***"
_LONG: Final = 160
_START: Final = 8


def shown(text: str) -> str:
    """Return the text to look at: what a diff of it says is right, but it is no kubeconfig. JSON is laid out in lines.

    Raises KubeconfigError for what is no YAML.
    """
    root = parse(text)
    if not isinstance(root, MappingNode):
        return text
    hidden = applied(text, sorted({Edit(*_span(text, node), said) for node, said in _cut(root)}))
    if is_json(hidden):
        return json.dumps(json.loads(hidden.removeprefix("\ufeff")), indent=2, ensure_ascii=False) + "\n"
    return hidden


def _span(text: str, node: Node) -> tuple[int, int]:
    start, end = node.start_mark.index, node.end_mark.index
    return start, start + len(text[start:end].rstrip())


def _cut(root: MappingNode) -> Iterator[tuple[ScalarNode, str]]:
    """Yield the scalars that are not shown as they are, and what stands there instead."""
    for key, section in root.value:
        for entry in section.value if isinstance(section, SequenceNode) else [section]:
            ours = key.value != "users" or is_ours(_plain(entry))
            for path, scalar in _scalars(entry, ()):
                if scalar.value in NULLS:
                    continue
                if _secret(path, scalar.value, key.value, ours=ours):
                    yield scalar, json.dumps(HIDDEN)
                elif len(scalar.value) > _LONG or path[-1:] == ("certificate-authority-data",):
                    digest = hashlib.sha256(scalar.value.encode()).hexdigest()[:_START]
                    cut = f"{scalar.value[:_START]}… ({len(scalar.value):,} characters, SHA-256 {digest}…)"
                    yield scalar, json.dumps(cut, ensure_ascii=False)


def _secret(path: tuple[str, ...], value: str, section: str, *, ours: bool) -> bool:
    if section == "users":
        return path != ("name",) and (not ours or ("env" in path and path[-1] == "value"))
    return path[-1:] == ("proxy-url",) and "@" in value


def _scalars(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ScalarNode]]:
    if isinstance(node, MappingNode):
        profile = any((key.value, value.value) == ("name", "AWS_PROFILE") for key, value in node.value)
        for key, value in node.value:
            if not profile:
                yield from _scalars(value, (*path, str(key.value)))
    elif isinstance(node, SequenceNode):
        for one in node.value:
            yield from _scalars(one, path)
    elif isinstance(node, ScalarNode):
        yield path, node


def _plain(node: Node) -> dict[str, Any]:
    try:
        value = value_of(node)
    except KubeconfigError:
        return {}
    return value if isinstance(value, dict) else {}
