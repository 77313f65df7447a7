"""A change of the policies judged by the base: its gates refuse, its waivers accept, its owners consent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from iamrbac.access.gates import Refusal, Rules, refusals
from iamrbac.access.refused import OF_GATES, findings, judged, some_of
from iamrbac.compile.check.owners import Owners
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.findings.waivers import UNUSED, weigh
from iamrbac.identity.snapshot import Identities
from iamrbac.model.origin import Origin
from iamrbac.model.waivers import WAIVERS_FILE, Waiver, Waivers
from iamrbac.rbac.objects import RbacState
from iamrbac.usecases.base import BaseRules, base_rules
from iamrbac.usecases.diff import Change, Invalid, Meaning, Tree, change, eks, meaning
from iamrbac.usecases.load import load_beside
from iamrbac.usecases.locate import locate

NO_RULES = (
    "the base has no iamrbac.yaml, so it has no gates, and nobody refuses anything: those of the head count once it "
    "is merged"
)


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared, and by whose rules."""

    base: Tree | None
    """Where the head left the base; None where that had no iamrbac.yaml."""
    head: Tree
    rules: Tree | None
    """The base as it is now: its gates, waivers and owners judge. None where it has no iamrbac.yaml."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two revisions, as they were asked for and as commits."""

    sides: Sides
    base: str
    tip: str
    """The base's commit now."""
    start: str
    """The commit at which the head left the base: what the head is compared with."""
    head: str | None
    """None is the work tree."""
    commit: str
    """The head's commit; of a work tree the one that it was checked out from."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a waiver of the base takes from the gates."""

    waiver: Waiver
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A change, and what the base says to it."""

    change: Change
    refusals: tuple[Finding, ...] = ()
    """Each an error, located in the head."""
    accepted: tuple[Accepted, ...] = ()
    warnings: tuple[Finding, ...] = ()
    """About the base's waivers, located there."""
    notes: tuple[str, ...] = ()
    """What to know beside it."""
    gates: int = 0
    """How many the base has."""


def review(sides: Sides, builtin: RbacState, at: datetime, people: Identities | None = None) -> Review | Invalid:
    """Return what a change means at the time `at`, and what the base's gates say to it; or why nothing can be said.

    With `people` members are the people that a snapshot knows.
    Raises RepositoryError where a repository cannot be read at all.
    """
    head = meaning(sides.head, "head", builtin, at, people)
    if isinstance(head, Invalid):
        return head
    base = meaning(sides.base, "base", builtin, at, people) if sides.base is not None else None
    if isinstance(base, Invalid):
        return base
    rules = base_rules(sides.rules.repository) if sides.rules is not None else None
    if isinstance(rules, tuple):
        return Invalid("base", rules)
    found = change(base, head, builtin, at)
    notes = [*found.notes, *(_undeclared(head) if people is not None else ())]
    if rules is None:
        return Review(found, notes=(NO_RULES, *notes))
    judging = _rules(rules, head.documents, at)
    waivers, _ = load_beside(sides.head.repository, WAIVERS_FILE, Waivers)
    notes += _other_rules(rules, head.documents, waivers)
    return _weighed(found, refusals(judging, found.deltas, found.dangers), judging, rules, sides, tuple(notes))


def _rules(base: BaseRules, head: Documents, at: datetime) -> Rules:
    config = base.config
    before = {eks(cluster): cluster for cluster in config.clusters}
    # A branch that calls production otherwise, or gives it other labels, does not lead it past its gates.
    clusters = {
        cluster.name: (before[eks(cluster)], cluster) if eks(cluster) in before else (cluster,)
        for cluster in head.config.document.clusters
    }
    return Rules(config.gates, Owners(config.namespaces, config.home.namespace), clusters, _has_reason(head), at)


def _has_reason(head: Documents) -> Callable[[Origin], bool]:
    lines = {
        Origin(one.file, ("spec", "access", index)): line.reason is not None
        for one in head.policies
        for index, line in enumerate(one.document.spec.access)
    }
    # A temporary grant cannot be without one.
    grants = {one.file for one in head.grants}

    def has_reason(origin: Origin) -> bool:
        return lines.get(origin, False) or origin.file in grants

    return has_reason


def _weighed(
    found: Change, refused: Iterable[Refusal], rules: Rules, base: BaseRules, sides: Sides, notes: tuple[str, ...]
) -> Review:
    """Take from what is refused what the base's waivers accept. Nobody accepts for the owner of a namespace."""
    owners = [one for one in refused if one.kind == "owner"]
    by_gates = {id(one): (one, refusal) for refusal in refused if refusal.kind != "owner" for one in (judged(refusal),)}
    # A waiver loosens, so it knows a cluster only as the base has it, where the base has it.
    clusters = {name: some[0] for name, some in rules.clusters.items()}
    weighed = weigh([one for one, _ in by_gates.values()], base.waivers(OF_GATES), clusters, rules.at)
    accepted: dict[int, list[Refusal]] = defaultdict(list)
    waivers = {id(one.waiver): one.waiver for one in weighed.waived}
    for one in weighed.waived:
        accepted[id(one.waiver)].append(by_gates[id(one.judged)][1])
    kept = [by_gates[id(one)][1] for one in weighed.kept]
    # A waiver of a gate is there before the change that needs it, and no longer needed after: that is no mistake.
    warnings = [one for one in weighed.findings if one.id != UNUSED]
    return Review(
        found,
        in_order(locate(findings((*owners, *kept)), sides.head.repository)),
        tuple(
            Accepted(waivers[which], in_order(locate(map(_told, findings(some)), sides.head.repository)))
            for which, some in accepted.items()
        ),
        locate(warnings, base.repository),
        notes,
        len(rules.gates),
    )


def _told(finding: Finding) -> Finding:
    """Return what is accepted as what it is then: nothing to mend."""
    return replace(finding, level=Level.INFO, hint="")


def _undeclared(head: Meaning) -> Iterator[str]:
    """Say who is shown as declared although people were asked for."""
    unknown = sorted({name for world in head.worlds.values() for name in world.same if " " in name})
    if unknown:
        yield f"not in the snapshot of people, and shown as declared: {some_of(unknown)}"


def _other_rules(base: BaseRules, head: Documents, waivers: object) -> Iterator[str]:
    """Say which of the rules the branch changes: they do not count for itself."""
    config = head.config.document
    changed = [
        name
        for name, here, there in (
            ("gates", config.gates, base.config.gates),
            ("owners of namespaces", config.namespaces, base.config.namespaces),
            (WAIVERS_FILE, waivers, base.documents),
        )
        if here != there
    ]
    if changed:
        yield f"the head has other {' and '.join(changed)} than the base: they count once they are merged"
