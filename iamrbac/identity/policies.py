"""What IAM says to one request, as far as documents show it: yes, no, or perhaps where it is not known here.

The order is IAM's own ("Policy evaluation logic"): a Deny wins, then an Allow is needed. Of conditions those that our
own documents use are judged; any other makes a statement one that perhaps matches. What no document of the account
shows (service control policies, session policies) is not judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeAlias

Tri: TypeAlias = bool | None
"""None: perhaps."""


class Said(Enum):
    """What policies say to a request."""

    DENY = "deny"
    NOTHING = "nothing"
    PERHAPS = "perhaps"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to AWS."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys, in lower case, and what is known of them: one that is not here is not in the request."""
    unknown: frozenset[str] = frozenset()
    """Keys, in lower case, that are in some requests and not in others."""


_VARIABLE: Final = re.compile(r"\$\{([A-Za-z:]+)\}")


def decide(documents: Iterable[str], request: Request) -> Said:
    """Return what identity policies say together. A document that cannot be read is a perhaps."""
    verdicts = [(deny, _matches(one, request)) for deny, one in _all(documents)]
    return _together(verdicts)


def trusts(document: str, request: Request, user: str, account: str) -> tuple[Said, Said]:
    """Return what a role's trust says to a user: by naming the account, and by naming the user (or everybody).

    Where only the account is named the user's own policies have to allow it too (IAM guide, "Cross-account policy
    evaluation": in one account, a principal's own ARN is enough).
    """
    named: list[tuple[bool, Tri]] = []
    delegated: list[tuple[bool, Tri]] = []
    for deny, one in _all([document]):
        if one is None:
            named.append((deny, None))
            continue
        who = _principal(one, user, account)
        match = _both(who is not None, _matches(one, request))
        if deny:
            named.append((True, match))
            delegated.append((True, match))
        elif who == "account":
            delegated.append((False, match))
        elif who == "user":
            named.append((False, match))
    return _together(delegated), _together(named)


def _together(verdicts: Iterable[tuple[bool, Tri]]) -> Said:
    verdicts = tuple(verdicts)
    if any(deny and match for deny, match in verdicts):
        return Said.DENY
    allowed = [match for deny, match in verdicts if not deny and match is not False]
    if not allowed:
        return Said.NOTHING
    doubt = any(deny and match is None for deny, match in verdicts)
    return Said.ALLOW if any(allowed) and not doubt else Said.PERHAPS


def _all(documents: Iterable[str]) -> Iterator[tuple[bool, Mapping[str, Any] | None]]:
    """Yield (is it a Deny, the statement); None for what cannot be read."""
    for text in documents:
        yield from _statements(text)


@lru_cache(maxsize=4096)
def _statements(text: str) -> tuple[tuple[bool, Mapping[str, Any] | None], ...]:
    try:
        value = json.loads(text)
        found = value["Statement"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ((False, None),)
    found = found if isinstance(found, list) else [found]
    return tuple((one.get("Effect") == "Deny", one) if isinstance(one, dict) else (False, None) for one in found)


def _matches(statement: Mapping[str, Any] | None, request: Request) -> Tri:
    if statement is None:
        return None
    action = _listed(statement, "Action", request.action, request, any_case=True)
    # A trust policy has no Resource: it is the role's own.
    resource = _listed(statement, "Resource", request.resource, request) if _has(statement, "Resource") else True
    return _both(_both(action, resource), _conditions(statement.get("Condition") or {}, request))


def _has(statement: Mapping[str, Any], key: str) -> bool:
    return key in statement or f"Not{key}" in statement


def _listed(statement: Mapping[str, Any], key: str, value: str, request: Request, *, any_case: bool = False) -> Tri:
    found = _any_like(_items(statement.get(key, statement.get(f"Not{key}", ()))), value, request, any_case=any_case)
    return found if key in statement else _not(found)


def _items(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _any_like(patterns: Iterable[str], value: str, request: Request, *, any_case: bool = False) -> Tri:
    answers = [_like(pattern, value, request, any_case=any_case) for pattern in patterns]
    return True if any(answers) else None if None in answers else False


def _like(pattern: str, value: str, request: Request, *, any_case: bool = False) -> Tri:
    filled = _filled(pattern, request)
    if filled is None:
        return None
    if filled is _ABSENT:
        return False
    return _pattern(str(filled), any_case).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _pattern(text: str, any_case: bool) -> re.Pattern[str]:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in text)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if any_case else 0))


_ABSENT: Final = object()


def _filled(text: str, request: Request) -> object:
    """Return a text with its variables filled in; _ABSENT where one is not in the request, None where nobody knows."""
    keys = [key.lower() for key in _VARIABLE.findall(text)]
    if any(key in request.unknown for key in keys) or ("${" in text and not keys):
        return None
    if any(key not in request.context for key in keys):
        return _ABSENT
    return _VARIABLE.sub(lambda match: request.context[match[1].lower()], text)


def _conditions(conditions: Mapping[str, Any], request: Request) -> Tri:
    answer: Tri = True
    for operator, keys in conditions.items():
        if not isinstance(keys, dict):
            return None
        for key, values in keys.items():
            answer = _both(answer, _condition(operator, key.lower(), _items(values), request))
    return answer


def _condition(operator: str, key: str, values: list[str], request: Request) -> Tri:
    plain = operator.removesuffix("IfExists")
    if key in request.unknown or plain not in ("Null", "StringEquals", "StringLike", "StringNotEquals"):
        return None
    if plain == "Null":
        return (key not in request.context) == (values[0].lower() == "true")
    value = request.context.get(key)
    if value is None:
        return plain != operator or plain == "StringNotEquals"
    if plain == "StringLike":
        return _any_like(values, value, request)
    found: Tri = False
    for text in values:
        filled = _filled(text, request)
        if filled == value:
            found = True
            break
        found = None if filled is None else found
    return _not(found) if plain == "StringNotEquals" else found


def _principal(statement: Mapping[str, Any], user: str, account: str) -> str | None:
    """Return whether a trust's statement means the user: "user", "account", or None for not at all."""
    if "NotPrincipal" in statement:
        # Whoever is not named is meant.
        return None if _principal({"Principal": statement["NotPrincipal"]}, user, account) else "user"
    named = statement.get("Principal")
    if named == "*":
        return "user"
    found = _items(named.get("AWS", ())) if isinstance(named, dict) else []
    if "*" in found or user in found:
        return "user"
    return "account" if any(one == account or one.endswith(f":iam::{account}:root") for one in found) else None


def _both(one: Tri, other: Tri) -> Tri:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _not(one: Tri) -> Tri:
    return None if one is None else not one
