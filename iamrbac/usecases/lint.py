"""Is it dangerous: the rules of lint asked of the policies, or of manifests, and what the waivers leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from iamrbac.access.judge import Judge
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.findings.waivers import UNUSED, Judged, weigh
from iamrbac.lint.book import Book
from iamrbac.lint.engine import by_holder, judge_documents, judge_grants, judge_objects
from iamrbac.lint.grants import Places, manifest_grants, policy_grants
from iamrbac.lint.matter import Shelf, Sourced, Spot
from iamrbac.lint.merge import merged
from iamrbac.lint.paths import judge_paths
from iamrbac.model.gates import Lint
from iamrbac.model.parse import CONFIG_FILE
from iamrbac.model.waivers import WAIVERS_FILE, Waiver, Waivers
from iamrbac.rbac.catalogue import Catalogue
from iamrbac.rbac.objects import Binding, RbacState, Role
from iamrbac.usecases.base import BaseRules
from iamrbac.usecases.diff import eks
from iamrbac.usecases.ground import FILES, file_ground
from iamrbac.usecases.load import load, load_beside
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import Repository, Roles
from iamrbac.usecases.worlds import policy_worlds

OTHER_RULES = f"{WAIVERS_FILE} or `lint` in {CONFIG_FILE} differs from the base: its own count once they are merged"
_RULES = "IAM"


@dataclass(frozen=True, slots=True)
class WaivedFinding:
    """A finding that does not count, and why."""

    finding: Finding
    reason: str
    not_after: str


@dataclass(frozen=True, slots=True)
class Linted:
    """Everything that lint has to say, located and in order."""

    findings: tuple[Finding, ...]
    waived: tuple[WaivedFinding, ...] = ()
    settings: Lint = field(default_factory=Lint)
    valid: bool = True
    """False: the documents are wrong, and the findings say so; nothing was judged."""
    notes: tuple[str, ...] = ()
    """What to know beside it."""

    def fails(self, level: Level | None) -> bool:
        """Return whether there is a finding of a level or above; None: never, unless the documents are wrong."""
        if not self.valid:
            return True
        order = (Level.ERROR, Level.WARNING, Level.INFO)
        return level is not None and any(order.index(one.level) <= order.index(level) for one in self.findings)


def lint_policies(
    repository: Repository,
    roles: Roles,
    builtin: RbacState,
    catalogue: Catalogue,
    at: datetime,
    base: BaseRules | None = None,
    *,
    reviewed: bool = False,
) -> Linted:
    """Return what the rules say of everything that the policies give at a time, on every cluster, less what is waived.

    Of a branch that is `reviewed` the settings and waivers of the base count, which are the defaults and none where the
    base is no access repository; else the repository's own. Raises RepositoryError when the repository cannot be read.
    """
    loaded = load(repository, roles.names())
    found, broken = load_beside(repository, WAIVERS_FILE, Waivers)
    documents = loaded.documents
    wrong = _errors((*loaded.findings, *broken))
    if documents is None or wrong:
        return Linted(in_order(wrong), valid=False)
    config = documents.config.document
    worlds = policy_worlds(_all_there(documents), config.clusters, builtin, roles.render, at)
    if worlds.failed:
        return Linted(in_order(locate(_errors(worlds.findings), repository)), valid=False)
    own = BaseRules(config, found, repository)
    nothing = BaseRules(config.model_copy(update={"lint": Lint()}), (), repository)
    judging = base or (nothing if reviewed else own)
    settings = judging.config.lint
    places = Places(settings.privileged_namespaces)
    book = Book(builtin.roles, catalogue)
    judged = list(judge_documents(Shelf(documents, at)))
    for name, world in worlds.clusters.items():
        judge = Judge(world, builtin.roles)
        grants = tuple(policy_grants(name, judge, places))
        holders = by_holder(grants)
        judged += judge_grants(grants, holders, book)
        judged += judge_paths(holders, judge)
    # A waiver loosens, so it knows a cluster only as the base has it, where the base has it.
    before = {eks(cluster): cluster for cluster in judging.config.clusters}
    clusters = {cluster.name: before.get(eks(cluster), cluster) for cluster in config.clusters}
    weighed = weigh(judged, judging.waivers(_RULES), clusters, at)
    taken: dict[Waiver, list[Judged]] = defaultdict(list)
    for one in weighed.waived:
        taken[one.waiver].append(one.judged)
    waived = [
        WaivedFinding(finding, waiver.reason, waiver.not_after)
        for waiver, some in taken.items()
        for finding in locate(merged(some), repository)
    ]
    waived.sort(key=lambda one: (one.finding.file or "", one.finding.line or 0, one.finding.id, one.finding.message))
    # What the branch mends needs the base's waiver no longer; that is told when it is merged.
    of_waivers = [one for one in weighed.findings if not reviewed or one.id != UNUSED]
    findings = (*locate(merged(weighed.kept), repository), *locate(of_waivers, judging.repository))
    notes = (OTHER_RULES,) if (config.lint, found) != (settings, judging.documents) else ()
    return Linted(in_order(findings), tuple(waived), settings, notes=notes)


def lint_manifests(
    placed: Iterable[tuple[Role | Binding, str, int]],
    broken: tuple[Finding, ...],
    builtin: RbacState,
    catalogue: Catalogue,
    settings: Lint | None = None,
) -> Linted:
    """Return what the rules say of manifests, each with its file and line, beside Kubernetes' own roles.

    What is word for word Kubernetes' own is passed over, since every cluster has it. `broken` says what could not be
    read.
    """
    wrong = _errors(broken)
    if wrong:
        return Linted(in_order(wrong), valid=False)
    settings = Lint() if settings is None else settings
    items = tuple(placed)
    own = frozenset((*builtin.roles, *builtin.bindings))
    sourced = tuple(Sourced(item, Spot(file, (), line)) for item, file, line in items if item not in own)
    judge = file_ground((item for item, _, _ in items), (), builtin).judges[FILES]
    book = Book(judge.world.rbac.roles, catalogue)
    grants = tuple(manifest_grants(sourced, judge, Places(settings.privileged_namespaces)))
    holders = by_holder(grants)
    judged = [*judge_objects(sourced, book), *judge_grants(grants, holders, book), *judge_paths(holders, judge)]
    return Linted(in_order(merged(judged)), settings=settings)


def _all_there(documents: Documents) -> Documents:
    """Return the documents for clusters that make what is missing: a line on a namespace that is not there yet counts.

    The run that finds the namespace grants there, and nobody reviews the line again.
    """
    config = documents.config.document
    clusters = tuple(cluster.model_copy(update={"manage_namespaces": True}) for cluster in config.clusters)
    sourced = replace(documents.config, document=config.model_copy(update={"clusters": clusters}))
    return replace(documents, config=sourced)


def _errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.level is Level.ERROR)
