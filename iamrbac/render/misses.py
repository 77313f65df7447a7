"""Near misses of a "no": what comes near, what it lacks, and the one change that would allow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from iamrbac.access.judge import Somebody
from iamrbac.access.nearest import Lack, Miss
from iamrbac.access.world import World, policy_name, shown_role
from iamrbac.rbac.objects import Request
from iamrbac.rbac.wire import rule_to_json
from iamrbac.render.rules import Line, because, binding_text, rule_text, set_name, some, subjects_text

_Say: TypeAlias = Callable[[Miss, Request], str]


def miss_lines(miss: Miss, world: World, request: Request, somebody: Somebody | None, line: Line) -> Iterator[str]:
    """Yield two lines: what comes near, and what it lacks."""
    gives = f": {rule_text(miss.rule, request)}" if miss.rule is not None else ""
    yield f"near: {_role(miss, world)} {_place(miss)}{because(miss.origins, line)}{gives}"
    lacks = " and ".join(_LACKS[lack](miss, request) for lack in miss.lacks)
    change = _change(miss, world, request, somebody)
    yield f"      {lacks}{f'; one change would allow it: {change}' if change else ''}"


def miss_json(miss: Miss, world: World, request: Request, somebody: Somebody | None, line: Line) -> dict[str, Any]:
    """Return a near miss as `-o json` writes it."""
    return {
        "binding": binding_text(miss.binding) if miss.binding is not None else None,
        "role": _role(miss, world),
        "rule": None if miss.rule is None else rule_to_json(miss.rule),
        "lacks": list(miss.lacks),
        "change": _change(miss, world, request, somebody) or None,
        "because": [line(origin) for origin in miss.origins],
    }


def _role(miss: Miss, world: World) -> str:
    if miss.policy is not None:
        return f"eksAccessPolicy {policy_name(miss.policy.policy)}"
    return shown_role(world, miss.binding) if miss.binding is not None else ""


def _place(miss: Miss) -> str:
    if miss.policy is not None:
        return f"in {', '.join(miss.policy.namespaces)}"
    namespace = miss.binding.namespace if miss.binding is not None else None
    return f"in {namespace}" if namespace else "in the whole cluster"


def _subjects(miss: Miss) -> str:
    return subjects_text(miss.binding) if miss.binding is not None else "nobody"


def _role_ref(miss: Miss) -> str:
    return f"{miss.binding.role_ref.kind} {miss.binding.role_ref.name}" if miss.binding is not None else "role"


def _resource(request: Request) -> str:
    return f"{request.resource}/{request.subresource}" if request.subresource else request.resource


def _names(miss: Miss) -> str:
    return some(miss.rule.resource_names if miss.rule is not None else ())


_LACKS: Mapping[Lack, _Say] = {
    "namespace": lambda _, request: f"is not about {request.namespace or 'the whole cluster'}",
    "name": lambda miss, request: (
        f"is about {_names(miss)} alone, {f'not {request.name}' if request.name else 'and none is named here'}"
    ),
    "verb": lambda _, request: f"lacks the verb {request.verb}",
    "resource": lambda _, request: f"lacks {_resource(request)}",
    "group": lambda _, request: f"is not about {_group(request)}",
    "path": lambda _, request: f"lacks {request.path}",
    "subject": lambda miss, _: f"is given to {_subjects(miss)}",
    "role": lambda miss, _: f"gives nothing: there is no {_role_ref(miss)}",
}


def _group(request: Request) -> str:
    return f"the API group {request.api_group}" if request.api_group else "the core API group"


def _change(miss: Miss, world: World, request: Request, somebody: Somebody | None) -> str:
    """Return the one change, in the words of the policy where the miss is ours; "" where it takes several."""
    if len(miss.lacks) != 1:
        return ""
    (lack,) = miss.lacks
    ours = bool(miss.origins)
    if lack == "namespace":
        if ours:
            return f"the namespace {request.namespace} in that line" if request.namespace else "scope: cluster there"
        return f"the same in {request.namespace}" if request.namespace else "the same for the whole cluster"
    if lack == "subject":
        # Nobody makes a service account a member of a set.
        subject = somebody is not None and not somebody.principal and somebody.source == "subject"
        return "a binding of the same role that names it" if subject else _membership(miss)
    if lack == "role":
        return f"a {_role_ref(miss)} that gives it"
    if ours and _role(miss, world).startswith("clusterRole "):
        return f"another role in that line, with {_WANTS[lack](miss, request)}"
    return f"{_WANTS[lack](miss, request)} in {f'the template of {_role(miss, world)}' if ours else 'the rule'}"


def _membership(miss: Miss) -> str:
    subjects = miss.binding.subjects if miss.binding is not None else ()
    called = set_name(subjects)
    if len(subjects) > 1:
        return f"to be one of {_subjects(miss)}"
    return f"to be {'in ' if called or subjects[0].kind == 'Group' else ''}{called or _subjects(miss)}"


_WANTS: Mapping[Lack, _Say] = {
    "name": lambda _, request: f"the name {request.name}" if request.name else "no names",
    "verb": lambda _, request: f"the verb {request.verb}",
    "resource": lambda _, request: _resource(request),
    "group": lambda _, request: _group(request),
    "path": lambda _, request: request.path,
}
