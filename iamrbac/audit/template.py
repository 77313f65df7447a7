"""The smallest role that would have allowed what was used: merged, never widened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from iamrbac.rbac.covers import Atom, ResourceAtom, UrlAtom, compact
from iamrbac.rbac.match import ALL
from iamrbac.rbac.objects import Request, Rule

_ORDER: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_MARKS: Final = (ALL, "{")
UNSEEN: Final = frozenset({"bind", "escalate"})
"""Verbs that no request has: they are judged beside one, and no event tells of it."""


def atom_of(request: Request, rule: Rule) -> Atom | None:
    """Return the least that allows a request which `rule` allows; its name only where the rule has names.

    None for what no real request has in it: a star would mean more than was used, and a brace something to Jinja.
    """
    resource = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    if any(mark in part for part in (request.verb, request.api_group, resource, request.path) for mark in _MARKS):
        return None
    if request.path:
        return UrlAtom(request.path, request.verb)
    return ResourceAtom(request.api_group, resource, request.verb, request.name if rule.resource_names else None)


def smallest(used: Iterable[Atom]) -> tuple[Rule, ...]:
    """Return rules with exactly these atoms, in a fixed order."""
    return compact(sorted(set(used), key=_order))


def _order(atom: Atom) -> tuple[object, ...]:
    rank = _ORDER.index(atom.verb) if atom.verb in _ORDER else len(_ORDER)
    if isinstance(atom, UrlAtom):
        return (True, atom.url, "", "", rank, atom.verb)
    return (False, atom.group, atom.resource, atom.name or "", rank, atom.verb)
