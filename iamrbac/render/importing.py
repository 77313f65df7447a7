"""What `iamrbac import` found: the sum, what is proposed, what cannot be said, and the proof."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeAlias

from iamrbac.access.effective import Delta, Effect
from iamrbac.access.principals import Names
from iamrbac.identity.members import describe
from iamrbac.importing.proof import Proof
from iamrbac.importing.proposal import Unsaid
from iamrbac.model.documents import Access, AccessPolicy, ClusterRoleRef, EksAccessPolicy
from iamrbac.rbac.wire import rule_to_json
from iamrbac.render.plain import printable
from iamrbac.render.rules import rule_text, some
from iamrbac.usecases.importing import Imported
from iamrbac.usecases.states import count

Paint: TypeAlias = Callable[[str, str], str]
_RULES = 4


def importing_text(found: Imported, written: Collection[str], where: str, paint: Paint) -> str:
    """Return what `import` shows; `written` are the paths of new files below `where`."""
    return "\n".join(_lines(found, written, where, paint)) + "\n"


def importing_json(found: Imported, written: Collection[str]) -> dict[str, Any]:
    """Return the same as `-o json` writes it (render/schemas/import.json)."""
    proposal = found.proposal
    return {
        "formatVersion": 1,
        "equal": found.equal,
        "clusters": [proof_json(one) for one in found.proofs],
        "failed": [
            {"cluster": one.name, "code": one.code, "message": one.message, "hint": one.hint} for one in found.failures
        ],
        "policies": [one.model_dump(mode="json", by_alias=True, exclude_unset=True) for one in proposal.policies],
        "templates": {name: [rule_to_json(rule) for rule in rules] for name, rules in proposal.templates.items()},
        "unsaid": [
            {"cluster": one.cluster, "what": one.what, "why": one.why, "access": one.access} for one in proposal.unsaid
        ],
        "notes": list(proposal.notes),
        "written": sorted(written),
    }


def _lines(found: Imported, written: Collection[str], where: str, paint: Paint) -> Iterator[str]:
    proposal = found.proposal
    yield paint(_headline(found), "bold")
    yield from (f"note: {printable(note)}" for note in proposal.notes)
    yield from (
        f"{one.name}: not read: [{one.code}] {printable(one.message)}. Next: {one.hint}" for one in found.failures
    )
    for policy in proposal.policies:
        yield ""
        yield from _policy(policy, paint)
    if proposal.templates:
        yield ""
        yield paint("templates", "bold")
        for name, rules in proposal.templates.items():
            yield f"  {name}"
            yield from (f"      {one}" for one in _few([printable(rule_text(rule)) for rule in rules]))
    for title, access in (("cannot be said", True), ("left as it is", False)):
        unsaid = [one for one in proposal.unsaid if one.access is access]
        if unsaid:
            yield ""
            yield paint(title, "bold")
            yield from _unsaid(unsaid)
    yield ""
    yield paint("proof", "bold")
    for proof in found.proofs:
        yield from proof_lines(proof, paint)
    yield from (f"  {one.name}: nothing is proved, since it was not read or compiled" for one in found.failures)
    yield f"{_files(written, where)}."


def _headline(found: Imported) -> str:
    proposal = found.proposal
    people = {person.arn for some in proposal.people.values() for person in some}
    lines = sum(len(one.spec.access) for one in proposal.policies)
    said = ", ".join(
        (
            count(len(people), "principal"),
            count(len(proposal.policies), "team"),
            f"{lines} line{'' if lines == 1 else 's'} of access",
            count(len(proposal.templates), "template"),
        )
    )
    differing = sum(len(one.deltas) for one in found.proofs)
    verdict = "equal" if found.equal else f"not equal: {count(differing, 'principal')} with other access than before"
    if not found.equal and not differing:
        verdict = "not proved for every cluster"
    return f"{count(len(found.proofs), 'cluster')}: {said}; {verdict}."


def _policy(policy: AccessPolicy, paint: Paint) -> Iterator[str]:
    yield paint(policy.metadata.name, "bold")
    for name, members in policy.spec.members.items():
        yield f"  {name}: {printable(some([describe(one) for one in members], most=6))}"
    for line in policy.spec.access:
        to = f"{', '.join(line.to)}: " if line.to is not None else ""
        place = ", ".join(line.namespaces) if line.namespaces is not None else "the whole cluster"
        clusters = ", ".join(line.clusters)
        yield f"  + {to}{_role(line)} in {place} on {clusters}"


def _role(line: Access) -> str:
    if isinstance(line.role, ClusterRoleRef):
        return f"clusterRole {line.role.cluster_role}"
    if isinstance(line.role, EksAccessPolicy):
        return f"eksAccessPolicy {line.role.eks_access_policy}"
    return line.role if isinstance(line.role, str) else line.role.template


def _unsaid(unsaid: Collection[Unsaid]) -> Iterator[str]:
    together: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in unsaid:
        together[one.what, one.why].append(one.cluster)
    for (what, why), clusters in together.items():
        yield f"  {printable(what)} ({', '.join(dict.fromkeys(clusters))}): {printable(why)}"


def proof_lines(proof: Proof, paint: Paint) -> Iterator[str]:
    """Yield a proof, line by line: the verdict, then who gains and who loses what."""
    asked = f"{count(proof.principals, 'principal')}, {count(proof.requests, 'deciding request')}"
    yield f"  {proof.cluster}: {'equal' if proof.equal else 'not equal'} ({asked})"
    names = Names([one.principal for one in proof.deltas])
    for delta in proof.deltas:
        name = printable(names.short(delta.principal))
        if delta.login:
            sign, word = ("+", "gains") if delta.login == "gain" else ("-", "loses")
            yield f"    {paint(sign, _style(sign))} {name} {word} the login"
        for effect in delta.effects:
            yield from _effect(name, effect, paint)
    yield from (f"    ! {printable(str(one))} is answered otherwise: please report this" for one in proof.unlike)


def _effect(name: str, effect: Effect, paint: Paint) -> Iterator[str]:
    sign, word = ("+", "gains") if effect.change == "gain" else ("-", "loses")
    place = ", ".join(effect.namespaces)
    roles = some([giver.role for giver in effect.givers])
    told = f"{roles} {f'in {place}' if place else 'in the whole cluster'}"
    yield f"    {paint(sign, _style(sign))} {name} {word} {printable(told)}"
    shown = [rule_text(rule) for rule in effect.rules] + [f"what {one} gives" for one in effect.unknown]
    yield from (f"        {printable(one)}" for one in _few(shown))


def _style(sign: str) -> str:
    return "good" if sign == "+" else "error"


def _few(lines: list[str]) -> list[str]:
    if len(lines) <= _RULES + 1:
        return lines
    return [*lines[:_RULES], f"and {len(lines) - _RULES} more rules (-o json shows all)"]


def _files(written: Collection[str], where: str) -> str:
    return f"{count(len(written), 'file')} written below {printable(where)}" if written else "Nothing was written"


def proof_json(proof: Proof) -> dict[str, Any]:
    """Return a proof as `-o json` writes it."""
    return {
        "cluster": proof.cluster,
        "equal": proof.equal,
        "principals": proof.principals,
        "requests": proof.requests,
        "adopt": list(proof.adopt),
        "changes": [change for delta in proof.deltas for change in _delta_json(delta)],
    }


def _delta_json(delta: Delta) -> Iterator[dict[str, Any]]:
    empty: dict[str, list[Any]] = {"namespaces": [], "roles": [], "rules": [], "unknown": []}
    if delta.login:
        yield {"principal": delta.principal, "change": delta.login, "login": True, **empty}
    for effect in delta.effects:
        yield {
            "principal": delta.principal,
            "change": effect.change,
            "login": False,
            "namespaces": [one for one in effect.namespaces if one],
            "roles": [one.role for one in effect.givers],
            "rules": [rule_to_json(rule) for rule in effect.rules],
            "unknown": list(effect.unknown),
        }
