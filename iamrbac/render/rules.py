"""Requests, rules and bindings in words: what matters for the question, and how much more there is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from iamrbac.access.held import subject_text
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, Request, Rule, Subject

Line = Callable[[Origin], str]
"""Origin → FILE:LINE."""
_SHOWN = 3


def rule_text(rule: Rule, request: Request | None = None, most: int = _SHOWN) -> str:
    """Return a rule as a person says it: `get, list on pods, pods/log and 9 more (apps) named a`.

    What a request is about comes first, and of each kind there are not many more than `most`.
    """
    request = request or Request("")
    verbs = some(rule.verbs, {request.verb, "*"}, len(rule.verbs))
    if rule.non_resource_urls:
        return f"{verbs} on {some(rule.non_resource_urls, {request.path, '*'}, most)}"
    own = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    resources = some(rule.resources, {own, f"*/{request.subresource}", "*"}, most)
    groups = some([group or "core" for group in rule.api_groups], {request.api_group or "core", "*"}, most)
    named = f" named {some(rule.resource_names, {request.name}, most)}" if rule.resource_names else ""
    return f"{verbs} on {resources}{f' ({groups})' if groups != 'core' else ''}{named}"


def binding_text(binding: Binding) -> str:
    """Return a binding's kind and name, its namespace before it."""
    return (
        f"{binding.kind} {binding.namespace}/{binding.name}" if binding.namespace else f"{binding.kind} {binding.name}"
    )


def subjects_text(binding: Binding) -> str:
    """Return whom a binding names."""
    return some([subject_text(one, binding.namespace) for one in binding.subjects]) or "nobody"


def set_name(subjects: Sequence[Subject]) -> str:
    """Return TEAM/SET for the one group of ours that is named; "" for all else."""
    parts = subjects[0].name.split(":") if len(subjects) == 1 and subjects[0].kind == "Group" else []
    return f"{parts[2]}/{parts[3]}" if len(parts) == 4 and parts[0] == "iamrbac" else ""


def because(origins: Iterable[Origin], line: Line) -> str:
    """Return the policy lines in brackets; "" for none."""
    lines = ", ".join(dict.fromkeys(line(origin) for origin in origins))
    return f" ({lines})" if lines else ""


def some(items: Sequence[str], first: Collection[str] = (), most: int = _SHOWN) -> str:
    """Return the items, those that matter first; few of many. One more would take as much room as its name."""
    ordered = sorted(items, key=lambda item: item not in first)
    if len(ordered) <= most + 1:
        return ", ".join(ordered)
    matter = sum(item in first for item in ordered)
    shown = matter or most
    return f"{', '.join(ordered[:shown])} and {len(ordered) - shown} more"
