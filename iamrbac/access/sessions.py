"""Users whose name or groups have a template in them: somebody else in each session of a role, on each node."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from iamrbac.rbac.objects import User
from iamrbac.rbac.subjects import SubjectKey, keys_of

_TEMPLATE = re.compile(r"(\{\{\w+\}\})")
# What a session, an instance or an access key may be called (STS: [\w+=,.@-]*).
_NAME = r"[A-Za-z0-9_+=,.@-]+"


@dataclass(frozen=True, slots=True)
class Sessions:
    """The subjects that somebody may turn out to be."""

    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    """Kind, and what the name matches."""

    def are(self, key: SubjectKey) -> bool:
        """Return whether some session is this user, or in this group."""
        return any(kind == key.kind and pattern.fullmatch(key.name) for kind, pattern in self.patterns)


@cache
def sessions(user: User) -> Sessions | None:
    """Return who a user may turn out to be; None for one who is the same in every session. Kept: many ask again."""
    found = tuple((key.kind, _pattern(key.name)) for key in keys_of(user) if _TEMPLATE.search(key.name))
    return Sessions(found) if found else None


def _pattern(text: str) -> re.Pattern[str]:
    parts = (_NAME if _TEMPLATE.fullmatch(part) else re.escape(part) for part in _TEMPLATE.split(text))
    return re.compile("".join(parts))
