"""Judge the tests of access beside the policies: no cluster, no AWS."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

from iamrbac.access.expected import mistake as ids
from iamrbac.access.expected.actions import Actions
from iamrbac.access.expected.coverage import Coverage, coverage
from iamrbac.access.expected.keep import Breach, Keeper
from iamrbac.access.expected.promises import Read, Reader
from iamrbac.access.expected.where import Places
from iamrbac.access.expected.who import Cast
from iamrbac.access.judge import Judge
from iamrbac.access.naming import asked
from iamrbac.access.world import World
from iamrbac.compile.documents import Documents, Sourced
from iamrbac.compile.sets import access_sets
from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.identity.snapshot import Identities
from iamrbac.model.access_tests import TESTS_FOLDER, AccessTest
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import UsageError
from iamrbac.model.origin import Origin
from iamrbac.rbac.catalogue import Catalogue
from iamrbac.rbac.objects import RbacState
from iamrbac.usecases.ask import Answer, answer
from iamrbac.usecases.load import load, load_beside, within
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import Repository, Roles
from iamrbac.usecases.select import select
from iamrbac.usecases.worlds import Worlds, policy_worlds

Outcome: TypeAlias = Literal["passed", "failed", "unknown", "broken"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("passed", "failed", "unknown", "broken")
SHOWN: Final = 3
"""Breaches of one test that are explained; the others are counted."""
MAX_JUDGEMENTS: Final = 20_000_000
"""Of one run: a principal, an action and a place each, about a minute's work."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the person asks for."""

    at: datetime
    """The time that expiries are judged by, with an offset."""
    clusters: tuple[str, ...] = ()
    """Names; empty means all of the config."""
    identities: Identities | None = None
    """Who is in which IAM group; None: members as declared."""
    paths: tuple[str, ...] = ()
    """Files and folders relative to the repository; empty means all tests."""
    list_untested: bool = False
    """Whether every grant that no test speaks of is told."""
    fail_under: int | None = None
    """Percent of the grants that must be tested."""


@dataclass(frozen=True, slots=True)
class Told:
    """A breach with what explains it."""

    breach: Breach
    answer: Answer | None
    """None where no request is to blame."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One test and what became of it."""

    name: str
    origin: Origin
    outcome: Outcome
    """broken: it names what is not there, so it says nothing."""
    told: tuple[Told, ...] = ()
    more: int = 0
    """Breaches that are not explained."""
    findings: tuple[Finding, ...] = ()
    """What it names that is not there; located."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of all tests, or (with `invalid`) why there are none to judge."""

    invalid: bool = False
    """Whether the documents have errors: `findings` are these."""
    findings: tuple[Finding, ...] = ()
    """Everything there is to say, in order, located: also each test that does not hold."""
    cases: tuple[Tried, ...] = ()
    coverage: Coverage | None = None
    fail_under: int | None = None
    files: tuple[str, ...] = ()
    """Files with tests that were judged."""
    worlds: Mapping[str, World] = field(default_factory=dict)
    skipped: int = 0
    """Tests that are about none of the clusters that were asked."""

    def count(self, outcome: Outcome) -> int:
        """How many tests ended so."""
        return sum(case.outcome == outcome for case in self.cases)

    @property
    def refused(self) -> bool:
        """Whether the answer is no: a test does not hold, or says nothing, or too little is tested."""
        known = (finding for finding in self.findings if finding.id != ids.UNKNOWN)
        return self.invalid or any(finding.level is Level.ERROR for finding in known)


def run_tests(
    repository: Repository, roles: Roles, own: RbacState, catalogue: Catalogue, request: RunRequest
) -> Verdict:
    """Judge every test; `own` and `catalogue` are what Kubernetes itself has.

    Raises RepositoryError, and UsageError for an unknown cluster or a path that holds no test.
    """
    loaded = load(repository, roles.names())
    tests, broken = load_beside(repository, TESTS_FOLDER, AccessTest)
    tests, broken = _chosen(tests, broken, request.paths)
    errors = tuple(finding for finding in (*loaded.findings, *broken) if finding.level is Level.ERROR)
    if loaded.documents is None or errors:
        return Verdict(invalid=True, findings=in_order(errors or loaded.findings))
    documents = loaded.documents
    selected = select(documents.config.document.clusters, request.clusters)
    worlds = _worlds(documents, selected, own, roles, request)
    if worlds.failed:
        errors = tuple(finding for finding in worlds.findings if finding.level is Level.ERROR)
        return Verdict(invalid=True, findings=in_order(locate(errors, repository)))
    judges = {name: Judge(world, own.roles) for name, world in worlds.clusters.items()}
    sets = access_sets(documents, request.at)
    guesses = ids.Guesses()
    reader = Reader(
        Cast(documents, sets, judges, request.identities, guesses),
        Places(documents.config.document, judges, guesses),
        Actions(catalogue, lambda: _mentioned(worlds.clusters.values())),
    )
    keeper = Keeper(judges)
    read = list(reader.read(tests))
    cases = [
        _tried(one, keeper, judges, repository) for one in _within_reason(read) if one.promise is not None or one.broken
    ]
    covered = coverage(keeper, judges, sets, selected)
    findings = [finding for case in cases for finding in (*case.findings, *_failed(case))]
    findings += _coverage(covered, request)
    return Verdict(
        findings=in_order(locate(findings, repository)),
        cases=tuple(cases),
        coverage=covered,
        fail_under=request.fail_under,
        files=tuple(one.file for one in tests),
        worlds=worlds.clusters,
        skipped=len(read) - len(cases),
    )


def sentence(breach: Breach) -> str:
    """Return a breach in words."""
    who = breach.person.text if breach.person is not None else "nobody"
    where = f"({breach.cluster})"
    more = f", and {breach.more} more like it" if breach.more else ""
    match breach.why:
        case "allowed" | "denied":
            verb = "may" if breach.why == "allowed" else "may not"
            what = asked(breach.request) if breach.request is not None else breach.wish.text
            return f"{who} {verb} {what} {where}{more}"
        case "unmapped":
            return f"{who} may not {breach.wish.text} {where}: nothing maps it there"
        case "nobody":
            return f"nobody may {breach.wish.text} {where}: nobody is meant there"
        case "unknown":
            of_person = breach.person.unknown if breach.person is not None else ""
            policies = " and ".join(breach.policies)
            why = of_person or f"AWS does not document what {policies} gives"
            return f"whether {who} may {breach.wish.text} {where} is not known: {why}"


def _chosen(
    tests: tuple[Sourced[AccessTest], ...], broken: tuple[Finding, ...], paths: Collection[str]
) -> tuple[tuple[Sourced[AccessTest], ...], tuple[Finding, ...]]:
    files = {*(one.file for one in tests), *(one.file or "" for one in broken)}
    for path in paths:
        if not any(within(file, path) for file in files):
            hint = f"name a file *.yaml in {TESTS_FOLDER}/, or a folder of such"
            raise UsageError("this holds no test of access", where=path, hint=hint)
    if not paths:
        return tests, broken
    return (
        tuple(one for one in tests if any(within(one.file, path) for path in paths)),
        tuple(one for one in broken if any(within(one.file or "", path) for path in paths)),
    )


def _worlds(
    documents: Documents, clusters: Collection[Cluster], own: RbacState, roles: Roles, request: RunRequest
) -> Worlds:
    """Return what the policies mean. Where somebody else maps, nobody knows people: members stay as declared."""
    external = [one for one in clusters if one.mapping == "external"]
    mapped = [one for one in clusters if one.mapping != "external"]
    parts = [
        policy_worlds(documents, some, own, roles.render, request.at, identities)
        for some, identities in ((mapped, request.identities), (external, None))
        if some
    ]
    found = {name: world for part in parts for name, world in part.clusters.items()}
    return Worlds(
        {one.name: found[one.name] for one in clusters if one.name in found},
        tuple(finding for part in parts for finding in part.findings),
    )


def _mentioned(worlds: Iterable[World]) -> Mapping[str, set[str]]:
    """Return the resources that roles name, by API group."""
    every = {id(role.rules): role.rules for world in worlds for role in world.rbac.roles}
    found: dict[str, set[str]] = {}
    for rules in every.values():
        for rule in rules:
            for group in rule.api_groups:
                found.setdefault(group, set()).update(resource.partition("/")[0] for resource in rule.resources)
    return found


def _within_reason(several: Iterable[Read]) -> Iterator[Read]:
    """Yield what was read, without promises from that one on by which all together are more than one run judges."""
    left = MAX_JUDGEMENTS
    for read in several:
        if read.promise is not None:
            left -= read.promise.judgements
            if left < 0:
                message = f"not judged: the tests ask more than {MAX_JUDGEMENTS:,} things in all"
                hint = "ask about fewer principals, namespaces or actions"
                origin = read.origin
                found = Finding(ids.TOO_MUCH, Level.ERROR, message, hint, origin.file, origin.path, object=read.name)
                yield replace(read, promise=None, findings=(*read.findings, found))
                continue
        yield read


def _tried(read: Read, keeper: Keeper, judges: Mapping[str, Judge], repository: Repository) -> Tried:
    findings = locate(read.findings, repository)
    if read.promise is None:
        return Tried(read.name, read.origin, "broken", findings=findings)
    breaches = list(keeper.breaches(read.promise))
    failed = [breach for breach in breaches if breach.why != "unknown"]
    outcome: Outcome = "failed" if failed else "unknown" if breaches else "passed"
    shown = (failed or breaches)[:SHOWN]
    told = tuple(Told(breach, _answer(breach, judges)) for breach in shown)
    return Tried(read.name, read.origin, outcome, told, len(failed or breaches) - len(shown), findings)


def _answer(breach: Breach, judges: Mapping[str, Judge]) -> Answer | None:
    if breach.request is None or breach.person is None:
        return None
    return answer(breach.cluster, judges[breach.cluster], breach.person.somebody, breach.request)


def _failed(case: Tried) -> Iterator[Finding]:
    """A test that does not hold as a finding, for whoever reads nothing else."""
    if not case.told:
        return
    more = f" (and {case.more} more)" if case.more else ""
    message = f"{case.name}: {sentence(case.told[0].breach)}{more}"
    id_ = ids.BROKEN if case.outcome == "failed" else ids.UNKNOWN
    hint = "iamrbac test shows by which chain, or what is missing"
    yield Finding(id_, Level.ERROR, message, hint, case.origin.file, case.origin.path, object=case.name)


def _coverage(covered: Coverage, request: RunRequest) -> Iterator[Finding]:
    if request.fail_under is not None and covered.percent < request.fail_under:
        counted = f"{covered.tested} of {covered.total} grants are tested ({covered.percent} %)"
        message = f"{counted}, fewer than {request.fail_under} %"
        yield Finding(ids.COVERAGE, Level.ERROR, message, "iamrbac test --coverage lists those that no test speaks of")
    for grant in covered.untested if request.list_untested else ():
        message = f"no test speaks of {grant.role}, which this line gives to {grant.team}/{grant.set_name}"
        hint = "write a `can` for it in tests/access/"
        origin = grant.origin
        yield Finding(
            ids.UNTESTED, Level.INFO, message, hint, origin.file, origin.path, object=f"{grant.team}/{grant.set_name}"
        )
