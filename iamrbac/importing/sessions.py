"""Kubernetes users whose names are filled in for each session of a role, and the sessions that bindings name."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

from iamrbac.rbac.objects import User

_SESSION = re.compile(re.escape("{{SessionName}}") + "|" + re.escape("{{SessionNameRaw}}"))


def named_sessions(user: User, users: Sequence[str], groups: Sequence[str]) -> frozenset[str]:
    """Return the sessions by which a mapping's user or groups become one of these names (both sorted)."""
    found = set(_matching(user.name, users))
    for group in user.groups:
        found |= set(_matching(group, groups))
    return frozenset(found)


def as_session(user: User, session: str) -> User:
    """Return the user of one session."""
    return User(_filled(user.name, session), tuple(_filled(group, session) for group in user.groups))


def by_session(users: Collection[str], names: Collection[str]) -> frozenset[str]:
    """Return the names that are one session's of a user whose name has a template."""
    ordered = sorted(names)
    return frozenset(_filled(user, session) for user in users for session in _matching(user, ordered))


def _matching(template: str, names: Sequence[str]) -> Iterator[str]:
    """Yield each session that makes a template one of the names."""
    first = _SESSION.search(template)
    if first is None:
        return
    prefix = template[: first.start()]
    pattern = re.compile(re.escape(prefix) + "(.+)" + _rest(template[first.end() :]))
    for name in names[bisect_left(names, prefix) :]:
        if not name.startswith(prefix):
            return
        match = pattern.fullmatch(name)
        if match is not None:
            yield match.group(1)


def _rest(text: str) -> str:
    """Return what follows the first template; the same session stands in each further one."""
    return r"\1".join(re.escape(part) for part in _SESSION.split(text))


def _filled(text: str, session: str) -> str:
    return text.replace("{{SessionName}}", session.replace("@", "-")).replace("{{SessionNameRaw}}", session)
