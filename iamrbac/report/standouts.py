"""Who stands out on a cluster: administrators, who can become more than what is granted, who reads secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from iamrbac.access.abilities import READ_SECRETS
from iamrbac.access.escalation import FULL, MASTER, Danger, dangers, foremost
from iamrbac.access.guise import ANY_GROUP, ANY_USER, CLUSTER_ADMIN, NODE
from iamrbac.access.judge import Judge
from iamrbac.access.powers import Held, Power
from iamrbac.findings.finding import Level
from iamrbac.lint.rules import BY_ID
from iamrbac.report.grants import Holding, Profile
from iamrbac.report.strength import Strength

Kind: TypeAlias = Literal["administrator", "escalation", "secrets", "unknown"]
KINDS: tuple[Kind, ...] = ("administrator", "escalation", "secrets", "unknown")
_LIST = Power(("list", "watch"), "secrets")
_MAY_READ = frozenset({Strength.ADMINISTRATOR, Strength.ESCALATES, Strength.SECRETS})
_WIDE = frozenset(one.text for one in (CLUSTER_ADMIN, NODE, ANY_USER, ANY_GROUP))


@dataclass(frozen=True, slots=True)
class Standout:
    """Something that some people can do on a cluster and that an auditor wants to know of."""

    kind: Kind
    cluster: str
    principals: tuple[str, ...]
    namespaces: tuple[str, ...]
    """"" is the whole cluster."""
    says: str
    rule: str = ""
    """The rule of lint that speaks of it; "" where none does."""
    path: tuple[str, ...] = ()
    """The steps to it, of what takes several."""

    @property
    def level(self) -> Level:
        """How much it weighs: what the rule of lint says of the whole cluster, or of a namespace."""
        rule = BY_ID.get(self.rule)
        if rule is None:
            return Level.WARNING if self.kind == "unknown" else Level.ERROR
        return (rule.levels.cluster if "" in self.namespaces else rule.levels.namespace) or Level.WARNING


def standouts(cluster: str, judge: Judge, found: Iterable[Profile]) -> tuple[Standout, ...]:
    """Return what stands out on a cluster, the worst first; people who stand out alike are told together."""
    told: dict[tuple[Kind, str, str, tuple[str, ...], tuple[str, ...]], set[str]] = {}
    for profile in found:
        for kind, says, rule, path, places in _of(judge, profile):
            told.setdefault((kind, says, rule, path, places), set()).update(profile.principals)
    made = (
        Standout(kind, cluster, tuple(sorted(people)), places, says, rule, path)
        for (kind, says, rule, path, places), people in told.items()
    )
    return tuple(sorted(made, key=lambda one: (KINDS.index(one.kind), one.principals, one.says, one.namespaces)))


def _of(judge: Judge, profile: Profile) -> Iterator[tuple[Kind, str, str, tuple[str, ...], tuple[str, ...]]]:
    found = foremost(dangers(judge, profile.somebody)) if profile.somebody is not None else ()
    places: dict[tuple[Kind, str, str, tuple[str, ...]], list[str]] = {}
    for danger in found:
        kind = _kind(danger)
        if kind is not None:
            path = danger.path if len(danger.path) > 1 else ()
            key = (kind, f"{danger.ability}, and so become {danger.becomes}", danger.rule, path)
            if danger.rule in (FULL, MASTER):
                key = (kind, danger.ability, danger.rule, path)
            places.setdefault(key, []).append(danger.namespace)
    for namespace, holdings in profile.holdings.items():
        for one in holdings:
            if profile.somebody is None and one.strength is Strength.ADMINISTRATOR:
                places.setdefault(("administrator", "may do everything", FULL, ()), []).append(namespace)
            elif profile.somebody is None and one.strength is Strength.ESCALATES:
                places.setdefault(("escalation", f"can take more by {one.role}", "", ()), []).append(namespace)
            if one.strength is Strength.UNKNOWN:
                says = f"holds {one.role}, and what that gives is not known here"
                places.setdefault(("unknown", says, "", ()), []).append(namespace)
        for says, rule in dict.fromkeys(told for one in holdings for told in _secrets(one, namespace)):
            places.setdefault(("secrets", says, rule, ()), []).append(namespace)
    for (kind, says, rule, path), where in places.items():
        yield kind, says, rule, path, tuple(sorted(set(where)))


def _kind(danger: Danger) -> Kind | None:
    if danger.rule in (FULL, MASTER):
        return "administrator"
    # Of what stays within the namespace where it is given lint's findings speak: any role that makes pods has it.
    return "escalation" if danger.becomes in _WIDE or danger.becomes.startswith("administrator") else None


def _secrets(one: Holding, namespace: str) -> Iterator[tuple[str, str]]:
    """Yield how a role reads secrets, with the rule of lint about that."""
    if one.strength not in _MAY_READ or one.rules is None:
        return
    held = Held((), one.rules) if namespace else Held(one.rules)
    reach = held.reach(READ_SECRETS)
    if held.reach(_LIST) is not None:
        yield "reads every secret", "IAM020"
    elif reach is not None:
        yield ("reads secrets", "IAM021") if reach.unlimited else ("reads secrets by name", "IAM021")
