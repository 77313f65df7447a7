"""Many questions at once: JSON lines in, JSON lines out, in order (design §7)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final

from iamrbac.access.doubts import unknown
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.naming import Asked, find_somebody, known_user
from iamrbac.model.errors import UsageError
from iamrbac.rbac.objects import Request, User

_RESOURCE: Final = ("apiGroup", "resource", "subresource", "name", "namespace")
_TEXTS: Final = ("principal", "user", "verb", "path", *_RESOURCE)
_KEYS: Final = frozenset({"id", "groups", *_TEXTS})


def answer_lines(judge: Judge, instance: str, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Answer each question; blank lines are passed over.

    A question is about a `principal`, as `can` takes it, or about a Kubernetes `user` with `groups`, who has
    system:authenticated too. `allowed` is null, and `error` says why, where a line is no question or it is not known.
    """

    @cache
    def called(principal: str) -> Somebody:
        found = find_somebody(judge, Asked(principal), instance)
        if found is None:
            raise ValueError(f"nobody is called {principal} here")
        return found

    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _answered(judge, called, number, line)


def _answered(judge: Judge, called: Callable[[str], Somebody], number: int, line: bytes) -> dict[str, Any]:
    id_: Any = None
    try:
        value = _value(line)
        if not isinstance(value, dict):
            raise ValueError("it is no JSON object")
        id_ = value.get("id")
        somebody, request = _question(judge, called, value)
    except (ValueError, RecursionError, UsageError) as error:
        return {"id": id_, "allowed": None, "error": f"line {number}: {error}"}
    if next(judge.chains(somebody, request), None) is not None:
        return {"id": id_, "allowed": True, "error": None}
    doubts = unknown(judge, somebody, request)
    return {"id": id_, "allowed": None if doubts else False, "error": "; ".join(doubts) or None}


def _question(judge: Judge, called: Callable[[str], Somebody], value: dict[str, Any]) -> tuple[Somebody, Request]:
    strange = sorted(value.keys() - _KEYS)
    if strange:
        raise ValueError(f"unknown key {', '.join(strange)}")
    groups = value.get("groups") or []
    if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
        raise ValueError("groups is not a list of strings")
    principal, user, verb, path, group, resource, subresource, name, namespace = (_text(value, key) for key in _TEXTS)
    if bool(principal) == bool(user or groups):
        raise ValueError("a question has either principal, or user and groups")
    if not verb:
        raise ValueError("a question needs verb")
    if bool(path) == bool(resource):
        raise ValueError("a question has either resource or path")
    if path and (group or subresource or name or namespace):
        raise ValueError("a path has no apiGroup, subresource, name or namespace")
    request = Request(verb, resource, group, subresource, name, namespace, path)
    return called(principal) if principal else known_user(judge, User(user, tuple(groups))), request


def _value(line: bytes) -> Any:
    try:
        return json.loads(line, parse_constant=_no_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} in column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error


def _text(value: dict[str, Any], key: str) -> str:
    text = value.get(key)
    if text is not None and not isinstance(text, str):
        raise ValueError(f"{key} is not a string")
    return text or ""


def _finite(text: str) -> float:
    """Read a number that can be written again (in an id)."""
    return found if math.isfinite(found := float(text)) else _no_number(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
