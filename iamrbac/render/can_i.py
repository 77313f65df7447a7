"""What the clusters themselves say to whoever asks, for people and as JSON (the shape of `can`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iamrbac.access.naming import asked
from iamrbac.rbac.objects import Request
from iamrbac.render.can import Paint, failure_json
from iamrbac.render.plain import printable
from iamrbac.usecases.can_i import MyRulings, Ruling

_NOBODY = "nothing maps me there"
_NOTHING = "nothing allows it"


def rulings_text(found: MyRulings, request: Request, paint: Paint) -> str:
    """Return one block for each cluster: the answer, whom it takes me for, and why, as far as it says."""
    return "\n".join("\n".join(_block(one, request, paint)) for one in found.rulings)


def rulings_json(found: MyRulings) -> dict[str, Any]:
    """Return the same as `can -o json` writes it: a cluster tells no chain and no misses."""
    reasons = [*(_reason(one) for one in found.rulings), *(f"{one.name} could not be read" for one in found.failures)]
    return {
        "formatVersion": 1,
        "allowed": allowed(found),
        "reason": "; ".join(dict.fromkeys(reasons)),
        "via": [],
        "nearest": [],
        "clusters": [_ruling(one) for one in found.rulings],
        "failed": [failure_json(one) for one in found.failures],
    }


def allowed(found: MyRulings) -> bool | None:
    """Return whether all clusters say yes; None where one was not heard, and none says no."""
    states = {one.allowed for one in found.rulings}
    return False if False in states else None if found.failures else True


def _block(one: Ruling, request: Request, paint: Paint) -> Iterator[str]:
    word, style, verb = ("yes", "good", "may") if one.allowed else ("no", "error", "may not")
    yield f"{paint(word, style)}  {printable(f'I {verb} {asked(request)} ({one.cluster})')}"
    if one.user is not None:
        groups = ", ".join(one.user.groups)
        yield f"     {printable(one.user.name)}{printable(f', in {groups}') if groups else ''}"
    yield f"     {printable(_reason(one))}"


def _reason(one: Ruling) -> str:
    if one.user is None:
        return _NOBODY
    return one.reason or ("the cluster does not say why" if one.allowed else _NOTHING)


def _ruling(one: Ruling) -> dict[str, Any]:
    user = one.user
    return {
        "cluster": one.cluster,
        "allowed": one.allowed,
        "reason": _reason(one),
        "user": None
        if user is None
        else {"principal": None, "username": user.name, "groups": list(user.groups), "source": "self"},
        "via": [],
        "nearest": [],
        "unknown": [],
    }
