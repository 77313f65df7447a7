"""Answers about access for people and as JSON (design §7): the chain of a yes, the nearest misses of a no."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from iamrbac.access.held import subject_text
from iamrbac.access.judge import Chain, Somebody
from iamrbac.access.naming import asked
from iamrbac.access.world import World, shown_role
from iamrbac.plan.change import FailedCluster
from iamrbac.rbac.objects import Request, Subject
from iamrbac.rbac.wire import rule_to_json
from iamrbac.render.misses import miss_json, miss_lines
from iamrbac.render.plain import printable
from iamrbac.render.rules import Line, because, binding_text, rule_text
from iamrbac.usecases.ask import Answer

Paint: TypeAlias = Callable[[str, str], str]
_WORDS = {True: ("yes", "good"), False: ("no", "error"), None: ("unknown", "warning")}
_VERBS = {True: "may", False: "may not", None: "may or may not"}


def answers_text(
    answers: Sequence[Answer], worlds: Mapping[str, World], request: Request, name: str, line: Line, paint: Paint
) -> str:
    """Return one block for each cluster: the answer, then why."""
    blocks = []
    for answer in answers:
        word, style = _WORDS[answer.allowed]
        said = printable(f"{name} {_VERBS[answer.allowed]} {asked(request)} ({answer.cluster})")
        reasons = [f"     {printable(one)}" for one in why(answer, worlds[answer.cluster], request, line)]
        blocks.append("\n".join([f"{paint(word, style)}  {said}", *reasons]))
    return "\n".join(blocks)


def answers_json(
    answers: Sequence[Answer], failures: Sequence[FailedCluster], worlds: Mapping[str, World], line: Line
) -> dict[str, Any]:
    """Return the same as `-o json` writes it; at the top what is true of all the clusters together."""
    each = [answer_json(answer, worlds[answer.cluster], line) for answer in answers]
    reasons = [*(one["reason"] for one in each), *(f"{one.name} could not be read" for one in failures)]
    return {
        "formatVersion": 1,
        "allowed": together(answers, failures),
        "reason": "; ".join(dict.fromkeys(reasons)),
        "via": [{"cluster": one["cluster"], **via} for one in each for via in one["via"]],
        "nearest": [{"cluster": one["cluster"], **miss} for one in each for miss in one["nearest"]],
        "clusters": each,
        "failed": [failure_json(one) for one in failures],
    }


def together(answers: Sequence[Answer], failures: Sequence[FailedCluster]) -> bool | None:
    """Return whether all clusters say yes; None where it is not known of one, and none says no."""
    states = [answer.allowed for answer in answers]
    return False if False in states else None if None in states or failures else True


def failure_json(failure: FailedCluster) -> dict[str, Any]:
    """Return a cluster that could not be read."""
    return {
        "cluster": failure.name,
        "code": failure.code,
        "message": failure.message,
        "hint": failure.hint or None,
    }


def chain_lines(chain: Chain, world: World, request: Request, line: Line) -> Iterator[str]:
    """Yield the steps of a chain, from the principal to the rule."""
    yield from _principal(chain.somebody, world, line)
    if chain.subject is not None:
        namespace = chain.binding.namespace if chain.binding is not None else None
        yield f"→ {subject_text(chain.subject, namespace)}"
    if chain.policy:
        yield f"→ EKS access policy {chain.policy}{because(chain.origins, line)}"
    elif chain.binding is None:
        yield "→ everything, whatever RBAC says"
    else:
        yield f"→ {binding_text(chain.binding)}{because(chain.origins, line)}"
        yield f"→ {shown_role(world, chain.binding)}"
    if chain.rule is not None:
        yield f"→ {rule_text(chain.rule, request)}"


def chain_json(chain: Chain, world: World, line: Line) -> dict[str, Any]:
    """Return one way of being allowed."""
    return {
        "principal": chain.somebody.principal or None,
        "subject": None if chain.subject is None else _subject_json(chain.subject, chain),
        "binding": None if chain.binding is None else binding_text(chain.binding),
        "role": role_text(chain, world),
        "rule": None if chain.rule is None else rule_to_json(chain.rule),
        "because": [line(origin) for origin in chain.origins],
    }


def role_text(chain: Chain, world: World) -> str:
    """Return what a chain gives, as a policy calls it."""
    if chain.policy:
        return f"eksAccessPolicy {chain.policy}"
    return "system:masters" if chain.binding is None else shown_role(world, chain.binding)


def why(answer: Answer, world: World, request: Request, line: Line) -> Iterator[str]:
    """Yield what explains an answer: the chain of a yes, what comes nearest to a no."""
    if answer.chains:
        yield from chain_lines(answer.chains[0], world, request, line)
        more = len(answer.chains) - 1
        if more:
            yield f"and in {more} more {'ways' if more > 1 else 'way'} (-o json shows all)"
        return
    if answer.suspended:
        yield "suspended in iamrbac.yaml: nothing anywhere, whatever the policies say"
        return
    if answer.somebody is None:
        yield "nothing maps this principal there"
    else:
        yield from _principal(answer.somebody, world, line)
    yield from (f"not known: {one}" for one in answer.unknown)
    for miss in answer.misses:
        yield from miss_lines(miss, world, request, answer.somebody, line)
    if not answer.misses and not answer.unknown:
        yield "nothing comes near"


def _principal(somebody: Somebody, world: World, line: Line) -> Iterator[str]:
    if somebody.principal:
        yield f"{somebody.principal}{because(world.members.get(somebody.principal, ()), line)}"


def answer_json(answer: Answer, world: World, line: Line) -> dict[str, Any]:
    """Return what one cluster says."""
    return {
        "cluster": answer.cluster,
        "allowed": answer.allowed,
        "reason": _reason(answer, world),
        "user": None if answer.somebody is None else _user_json(answer.somebody),
        "via": [chain_json(chain, world, line) for chain in answer.chains],
        "nearest": [miss_json(miss, world, answer.request, answer.somebody, line) for miss in answer.misses],
        "unknown": list(answer.unknown),
    }


def _user_json(somebody: Somebody) -> dict[str, Any]:
    # Of a member as declared no more is known than its name: it is no user of a cluster's.
    declared = " " in somebody.principal
    return {
        "principal": somebody.principal or None,
        "username": None if declared else somebody.user.name or None,
        "groups": list(somebody.user.groups),
        "source": "declared" if declared else somebody.source,
    }


def _subject_json(subject: Subject, chain: Chain) -> dict[str, Any]:
    place = chain.binding.namespace if chain.binding is not None else None
    namespace = (subject.namespace or place) if subject.kind == "ServiceAccount" else None
    return {"kind": subject.kind, "namespace": namespace, "name": subject.name}


def _reason(answer: Answer, world: World) -> str:
    if answer.chains:
        return f"allowed by {role_text(answer.chains[0], world)}"
    if answer.suspended:
        return "suspended"
    if answer.somebody is None:
        return "nothing maps this principal"
    return "; ".join(answer.unknown) or "nothing allows it"
