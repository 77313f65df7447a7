"""Many questions at once: JSON lines in, JSON lines out, in order (design §7)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from iamrbac.access.judge import Judge
from iamrbac.rbac.objects import Request, User
from iamrbac.rbac.subjects import with_authenticated

_RESOURCE = ("apiGroup", "resource", "subresource", "name", "namespace")


def answer_lines(judge: Judge, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Answer each question about a Kubernetes user; blank lines are passed over.

    `allowed` is null, and `error` says why, where a line is no question.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        value: Any = None
        try:
            value = json.loads(line)
            user, request = _question(value)
        except (ValueError, RecursionError) as error:
            found = value.get("id") if isinstance(value, dict) else None
            yield {"id": found, "allowed": None, "error": f"line {number}: {error}"}
            continue
        allowed = judge.authorizer.allowed_by(with_authenticated(user), request) is not None
        yield {"id": value.get("id"), "allowed": allowed, "error": None}


def _question(value: Any) -> tuple[User, Request]:
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    unknown = sorted(value.keys() - {"id", "user", "groups", "verb", "path", *_RESOURCE})
    if unknown:
        raise ValueError(f"unknown key {', '.join(unknown)}")
    groups = value.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
        raise ValueError("groups is not a list of strings")
    texts = {name: _text(value, name) for name in ("user", "verb", "path", *_RESOURCE)}
    if not texts["verb"] or not (texts["user"] or groups):
        raise ValueError("a question needs verb, and user or groups")
    if bool(texts["path"]) == bool(texts["resource"]):
        raise ValueError("a question has either resource or path")
    request = Request(
        texts["verb"],
        texts["resource"],
        texts["apiGroup"],
        texts["subresource"],
        texts["name"],
        texts["namespace"],
        texts["path"],
    )
    return User(texts["user"], tuple(groups)), request


def _text(value: dict[str, Any], name: str) -> str:
    text = value.get(name, "")
    if not isinstance(text, str):
        raise ValueError(f"{name} is not a string")
    return text
