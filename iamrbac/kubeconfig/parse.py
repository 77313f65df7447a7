"""A kubeconfig's text as the YAML parser's nodes, with their places. JSON is read as the YAML that it is."""

from __future__ import annotations

import json
from copy import copy
from typing import Any, Final

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from iamrbac.model.errors import KubeconfigError

MOST_NODES: Final = 200_000
"""Aliases can make a small text huge; no kubeconfig is."""
BY_HAND: Final = "correct it by hand, or write to another file with --kubeconfig FILE"


class _Loader(yaml.SafeLoader):
    """Reports an alias at its own place, not at the place of its anchor."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if not self.check_event(yaml.AliasEvent):
            return super().compose_node(parent, index)
        event = self.current_event
        alias = copy(super().compose_node(parent, index))
        if alias is not None:
            alias.start_mark, alias.end_mark = event.start_mark, event.end_mark
        if isinstance(alias, CollectionNode):
            alias.flow_style = True
        return alias


def is_json(text: str) -> bool:
    """Whether a text is a JSON object."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return False
    try:
        return isinstance(json.loads(text.removeprefix("\ufeff")), dict)
    except (ValueError, RecursionError):
        return False


def parse(text: str) -> Node | None:
    """Return the root node, None for a text without content. Raises KubeconfigError with line and column."""
    if "\t" in text and is_json(text):
        # A tab is a blank in JSON, where no text has one as it is, and nothing in YAML.
        text = text.replace("\t", " ")
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        if error.problem == "but found another document":
            raise KubeconfigError(f"it has more than one YAML document{place}", hint=BY_HAND) from error
        raise KubeconfigError(f"it is not YAML: {error.problem or error.context}{place}", hint=BY_HAND) from error
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise KubeconfigError(f"it is not YAML: {reason}", hint=BY_HAND) from error


def value_of(node: Node) -> Any:
    """Return a node as dict, list and str: no scalar is taken for anything but its text. Raises KubeconfigError."""
    left = [MOST_NODES]

    def read(one: Node, above: frozenset[int]) -> Any:
        left[0] -= 1
        if left[0] < 0 or id(one) in above:
            raise KubeconfigError("its aliases make it endless", hint=BY_HAND)
        inside = above | {id(one)}
        if isinstance(one, MappingNode):
            return _mapping([(read(key, inside), read(value, inside), key) for key, value in one.value])
        if isinstance(one, SequenceNode):
            return [read(inner, inside) for inner in one.value]
        return one.value

    return read(node, frozenset())


def _mapping(pairs: list[tuple[Any, Any, Node]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value, node in pairs:
        if not isinstance(key, str) or key in result:
            line = node.start_mark.line + 1
            why = f"{key!r} is there twice" if isinstance(key, str) else "a key is not a text"
            raise KubeconfigError(f"{why} (line {line})", hint=BY_HAND)
        result[key] = value
    return result
