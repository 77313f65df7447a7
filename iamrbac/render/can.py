"""Answers about access for people and as JSON (design §7): the chain of a yes, the nearest misses of a no."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from iamrbac.access.judge import Chain, Somebody
from iamrbac.access.nearest import Lack, Miss
from iamrbac.access.world import World, shown_role
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, Request, Rule
from iamrbac.rbac.wire import rule_to_json
from iamrbac.render.plain import printable
from iamrbac.usecases.ask import Answer

Line = Callable[[Origin], str]
"""Origin → FILE:LINE."""
Paint = Callable[[str, str], str]
_WORDS = {True: ("yes", "good"), False: ("no", "error"), None: ("unknown", "warning")}


def answers_text(
    answers: Sequence[Answer], worlds: dict[str, World], request: Request, name: str, line: Line, paint: Paint
) -> str:
    """Return one block for each cluster: the answer, then why."""
    blocks = []
    for answer in answers:
        word, style = _WORDS[answer.allowed]
        verb = "may" if answer.allowed else "may not" if answer.allowed is False else "may or may not"
        said = printable(f"{name} {verb} {asked(request)} ({answer.cluster})")
        why = [f"     {printable(one)}" for one in _why(answer, worlds[answer.cluster], request, line)]
        blocks.append("\n".join([f"{paint(word, style)}  {said}", *why]))
    return "\n".join(blocks) + "\n"


def answers_json(answers: Sequence[Answer], worlds: dict[str, World], line: Line) -> dict[str, Any]:
    """Return the same as `-o json` writes it; at the top what is true of all the clusters together."""
    each = [_answer_json(answer, worlds[answer.cluster], line) for answer in answers]
    states = [answer.allowed for answer in answers]
    allowed = False if False in states else None if None in states else True
    return {
        "formatVersion": 1,
        "allowed": allowed,
        "reason": "; ".join(dict.fromkeys(one["reason"] for one in each)),
        "via": [via for one in each for via in one["via"]],
        "nearest": [miss for one in each for miss in one["nearest"]],
        "clusters": each,
    }


def asked(request: Request) -> str:
    """Return a request as a person says it: `get pods/log a in payments`."""
    if request.path:
        return f"{request.verb} {request.path}"
    resource = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    group = f".{request.api_group}" if request.api_group not in ("", "*") else ""
    name = f" {request.name}" if request.name else ""
    where = f"in {request.namespace}" if request.namespace else "in the whole cluster"
    return f"{request.verb} {resource}{group}{name} {where}"


def rule_text(rule: Rule) -> str:
    """Return a rule as a person says it: `get, list on pods, pods/log named a`."""
    if rule.non_resource_urls:
        return f"{', '.join(rule.verbs)} on {', '.join(rule.non_resource_urls)}"
    groups = [group for group in rule.api_groups if group]
    named = f" named {', '.join(rule.resource_names)}" if rule.resource_names else ""
    suffix = f" ({', '.join(groups)})" if groups else ""
    return f"{', '.join(rule.verbs)} on {', '.join(rule.resources)}{suffix}{named}"


def binding_text(binding: Binding) -> str:
    """Return a binding's kind and name, its namespace before it."""
    return (
        f"{binding.kind} {binding.namespace}/{binding.name}" if binding.namespace else f"{binding.kind} {binding.name}"
    )


def because(origins: Iterable[Origin], line: Line) -> str:
    """Return the policy lines in brackets; "" for none."""
    lines = ", ".join(dict.fromkeys(line(origin) for origin in origins))
    return f" ({lines})" if lines else ""


def chain_lines(chain: Chain, world: World, line: Line) -> Iterator[str]:
    """Yield the steps of a chain, from the principal to the rule."""
    one = chain.somebody
    if one.principal:
        yield f"{one.principal}{because(world.members.get(one.principal, ()), line)}"
    if chain.policy:
        yield f"→ EKS access policy {chain.policy}"
    elif chain.binding is None:
        yield "→ group system:masters, which may do everything"
    else:
        if chain.subject is not None:
            yield f"→ {chain.subject.kind} {chain.subject.name}"
        yield f"→ {binding_text(chain.binding)}{because(chain.origins, line)}"
        yield f"→ {shown_role(world, chain.binding)}"
    if chain.rule is not None:
        yield f"→ {rule_text(chain.rule)}"


def _why(answer: Answer, world: World, request: Request, line: Line) -> Iterator[str]:
    if answer.somebody is None:
        yield "nothing maps this principal there"
        return
    if answer.chains:
        yield from chain_lines(answer.chains[0], world, line)
        if len(answer.chains) > 1:
            yield f"and in {len(answer.chains) - 1} more ways (-o json shows them)"
        return
    for policy in answer.unknown:
        yield f"AWS does not document what {policy} gives: only the cluster knows (--live does not know either)"
    for miss in answer.misses:
        yield _miss_text(miss, world, request, line)


def _miss_text(miss: Miss, world: World, request: Request, line: Line) -> str:
    role = shown_role(world, miss.binding)
    where = f"in {miss.binding.namespace}" if miss.binding.namespace else "in the whole cluster"
    gives = f" ({rule_text(miss.rule)})" if miss.rule is not None else ""
    lacks = " and ".join(_LACKS[lack](miss, request) for lack in miss.lacks)
    change = f". One change would allow it: {_CHANGES[miss.lacks[0]](miss, request)}" if len(miss.lacks) == 1 else ""
    return f"near: {role}{gives} {where}{because(miss.origins, line)} {lacks}{change}"


def _subjects(miss: Miss) -> str:
    return ", ".join(f"{one.kind.lower()} {one.name}" for one in miss.binding.subjects) or "nobody"


def _resource(request: Request) -> str:
    return f"{request.resource}/{request.subresource}" if request.subresource else request.resource


_Say = Callable[[Miss, Request], str]
_LACKS: dict[Lack, _Say] = {
    "namespace": lambda _, request: f"is not about {request.namespace or 'the whole cluster'}",
    "name": lambda miss, request: (
        f"is about {', '.join(miss.rule.resource_names if miss.rule else ())} alone, "
        f"not {request.name or 'without a name'}"
    ),
    "verb": lambda _, request: f"lacks the verb {request.verb}",
    "resource": lambda _, request: f"lacks {_resource(request)}",
    "group": lambda _, request: f'is not about the API group "{request.api_group}"',
    "path": lambda _, request: f"lacks {request.path}",
    "subject": lambda miss, _: f"is given to {_subjects(miss)}",
    "role": lambda miss, _: f"leads nowhere: there is no {miss.binding.role_ref.kind} {miss.binding.role_ref.name}",
}
_CHANGES: dict[Lack, _Say] = {
    "namespace": lambda _, request: (
        f"the namespace {request.namespace} in that line" if request.namespace else "scope: cluster in that line"
    ),
    "name": lambda _, request: f"the name {request.name} in the rule" if request.name else "the rule without names",
    "verb": lambda _, request: f"the verb {request.verb} in the rule",
    "resource": lambda _, request: f"{_resource(request)} in the rule",
    "group": lambda _, request: f'the API group "{request.api_group}" in the rule',
    "path": lambda _, request: f"{request.path} in the rule",
    "subject": lambda miss, _: f"to be one of {_subjects(miss)}",
    "role": lambda miss, _: f"a {miss.binding.role_ref.kind} {miss.binding.role_ref.name} that gives it",
}


def _answer_json(answer: Answer, world: World, line: Line) -> dict[str, Any]:
    return {
        "cluster": answer.cluster,
        "allowed": answer.allowed,
        "reason": _reason(answer, world),
        "user": None if answer.somebody is None else _user_json(answer.somebody),
        "via": [chain_json(chain, world, line) for chain in answer.chains],
        "nearest": [_miss_json(miss, world, line) for miss in answer.misses],
    }


def _user_json(somebody: Somebody) -> dict[str, Any]:
    return {
        "principal": somebody.principal or None,
        "username": somebody.user.name,
        "groups": list(somebody.user.groups),
        "source": somebody.source,
    }


def chain_json(chain: Chain, world: World, line: Line) -> dict[str, Any]:
    """Return one way of being allowed."""
    return {
        "principal": chain.somebody.principal or None,
        "subject": None if chain.subject is None else {"kind": chain.subject.kind, "name": chain.subject.name},
        "binding": None if chain.binding is None else binding_text(chain.binding),
        "role": role_text(chain, world),
        "rule": None if chain.rule is None else rule_to_json(chain.rule),
        "because": [line(origin) for origin in chain.origins],
    }


def _miss_json(miss: Miss, world: World, line: Line) -> dict[str, Any]:
    return {
        "binding": binding_text(miss.binding),
        "role": shown_role(world, miss.binding),
        "rule": None if miss.rule is None else rule_to_json(miss.rule),
        "lacks": list(miss.lacks),
        "because": [line(origin) for origin in miss.origins],
    }


def role_text(chain: Chain, world: World) -> str:
    """Return what a chain gives, as a policy calls it."""
    if chain.policy:
        return f"eksAccessPolicy {chain.policy}"
    return "system:masters" if chain.binding is None else shown_role(world, chain.binding)


def _reason(answer: Answer, world: World) -> str:
    if answer.somebody is None:
        return "nothing maps this principal"
    if answer.chains:
        return f"allowed by {role_text(answer.chains[0], world)}"
    if answer.unknown:
        return f"the rules of {', '.join(answer.unknown)} are not documented"
    return "nothing allows it"
