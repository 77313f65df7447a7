"""A report for auditors: of what the policies mean, or of the clusters as they are. Writes nothing anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from iamrbac.access.judge import Judge
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.documents import Cluster
from iamrbac.model.parse import CONFIG_FILE
from iamrbac.model.waivers import WAIVERS_FILE, Waivers
from iamrbac.rbac.catalogue import Catalogue
from iamrbac.rbac.objects import RbacState
from iamrbac.report import terms
from iamrbac.report.grants import profiles
from iamrbac.report.history import History
from iamrbac.report.matrix import rows
from iamrbac.report.model import ClusterPart, Head, Report, Source, Unknown, Waived
from iamrbac.report.standouts import standouts
from iamrbac.report.strength import Strength
from iamrbac.usecases.ground import Ground
from iamrbac.usecases.lint import Linted, lint_policies
from iamrbac.usecases.load import load, load_beside
from iamrbac.usecases.ports import Repository, Roles
from iamrbac.usecases.select import select

PLACES: Final = (CONFIG_FILE, WAIVERS_FILE, "policies", "templates/roles")
"""What gives or excuses access, whose history is told."""
COMMITS: Final = 3
"""How many of the last commits of a file are told."""
_FEW: Final = 5
_WORST: Final = tuple(Level)
LOOK: Final = "iamrbac report --live"
_DECLARED: Final = ("iamGroup ", "iamUser ", "iamRole ", "permissionSet ")


class Approvals(Protocol):
    """The history of the access repository."""

    def history(self, places: Sequence[str], most: int, *, signatures: bool = False) -> History:
        """Return the last `most` commits of every file at some places. Never raises: the answer says why."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is to be about."""

    at: datetime
    version: str
    source: Source
    people: str
    """Where it is known from who the people are, in words."""
    clusters: tuple[str, ...] = ()
    """Names or labels; without any, all."""
    days: int = 30
    signatures: bool = False
    named: bool = False
    """Somebody said who the members of IAM groups are."""


def make_report(
    ground: Ground,
    repository: Repository,
    roles: Roles,
    builtin: RbacState,
    catalogue: Catalogue,
    approvals: Approvals,
    asked: Asked,
) -> Report:
    """Return the report of a ground that has something to ask. Raises RepositoryError, UsageError."""
    head = Head(ground.instance, asked.at, asked.version, asked.source, asked.people, asked.days)
    loaded = load(repository, roles.names())
    found, broken = load_beside(repository, WAIVERS_FILE, Waivers)
    readable = loaded.documents or loaded.readable
    if readable is None:
        raise ValueError("a ground without a config has nothing to ask")
    selected = select(readable.config.document.clusters, asked.clusters)
    linted = lint_policies(repository, roles, builtin, catalogue, asked.at)
    within = timedelta(days=asked.days)
    waived = linted.waived if linted.valid else ()
    used = Counter((one.finding.id, one.reason, one.not_after) for one in waived)
    history = approvals.history(PLACES, COMMITS, signatures=asked.signatures)
    parts = tuple(_part(one.name, ground) for one in selected)
    names = {one.name for one in selected}
    # A finding that is about a cluster which is not asked for is of another report.
    said = (*loaded.findings, *(linted.findings if linted.valid else ()))
    about = [one for one in said if one.cluster is None or one.cluster in names]
    return Report(
        head,
        parts,
        tuple(sorted(about, key=lambda one: _WORST.index(one.level))),
        tuple(Waived(one.finding, one.reason, one.not_after) for one in waived),
        terms.temporary(readable, selected, asked.at, within),
        terms.waivers(found, used, asked.at, within),
        terms.suspended(readable, {part.name: part.principals for part in parts}),
        terms.gates(readable.config.document.gates),
        linted.valid,
        history,
        (
            *(part.failure for part in parts if part.failure is not None),
            *_not_known(ground, parts, selected, asked),
            *_documents(readable, loaded.findings, broken, linted),
            *_git(history),
        ),
    )


def _part(name: str, ground: Ground) -> ClusterPart:
    judge = ground.judges.get(name)
    if judge is None:
        failed = next((one for one in ground.failures if one.name == name), None)
        why = f"[{failed.code}] {failed.message}" if failed is not None else "it was not read"
        return ClusterPart(name, failure=Unknown(f"cluster {name}", why, failed.hint if failed is not None else ""))
    found = profiles(judge)
    return ClusterPart(name, rows(found), standouts(name, judge, found))


def _not_known(
    ground: Ground, parts: Iterable[ClusterPart], selected: Sequence[Cluster], asked: Asked
) -> Iterator[Unknown]:
    for part in parts:
        if part.failure is None:
            yield from _of_cluster(part, ground.judges[part.name], asked)
    for note in ground.notes:
        yield Unknown("policy lines", note)
    if asked.source == "clusters":
        creators = "who created a cluster with a CONFIG_MAP is its administrator, and EKS shows nobody who that is"
        yield Unknown("creators of clusters", creators)
        return
    yield Unknown("what is on the clusters", "the policies were asked, not the clusters: what others gave there", LOOK)
    for one in selected:
        if one.namespaces is None:
            why = "iamrbac.yaml lists no namespaces of it, so patterns of namespaces give nothing here"
            yield Unknown(f"cluster {one.name}", why, "list them under namespaces, or ask with --live")
        if one.mapping == "external":
            yield Unknown(f"cluster {one.name}", "somebody else maps people there (mapping: external)", LOOK)
    declared = sorted(
        {one.principal for judge in ground.judges.values() for one in judge.everybody() if _is_declared(one.principal)}
    )
    for name in declared:
        if asked.named:
            yield Unknown(name, f"{asked.people} do not say who that is; it is shown as it is declared")
        elif name.startswith("iamGroup "):
            hint = "iamrbac identities export --out people.json, then --identities people.json"
            yield Unknown(name, "who is in it only IAM knows", hint)


def _is_declared(principal: str) -> bool:
    return principal.startswith(_DECLARED)


def _of_cluster(part: ClusterPart, judge: Judge, asked: Asked) -> Iterator[Unknown]:
    reading = judge.world.reading
    for account in sorted(reading.accounts) if reading is not None else ():
        why = f"aws-auth lets every user and role of account {account} in (mapAccounts): who they are is not listed"
        yield Unknown(f"cluster {part.name}", why)
    unknown = {one.role for row in part.rows for one in row.holdings if one.strength is Strength.UNKNOWN}
    for role in sorted(unknown):
        aws = role.startswith("eksAccessPolicy ")
        why = "AWS does not document what it gives" if aws else "no such role is known here"
        yield Unknown(f"{role} on {part.name}", why, "" if aws or asked.source == "clusters" else LOOK)


def _documents(
    documents: Documents, findings: Iterable[Finding], broken: Sequence[Finding], linted: Linted
) -> Iterator[Unknown]:
    if broken:
        yield Unknown("waivers", "waivers.yaml is invalid, so no waiver counts", "iamrbac lint says why")
    if not linted.valid:
        yield Unknown("risks by rule", "the documents are invalid, so no rule was asked", "iamrbac lint says why")
    if any(one.level is Level.ERROR for one in findings):
        yield Unknown("temporary grants", "documents are invalid, and some may be missing here", "iamrbac validate")
    if documents.config.document.gates:
        yield Unknown("gates", "they judge a change when it is reviewed, and this is no change", "iamrbac diff --base")


def _git(history: History) -> Iterator[Unknown]:
    hint = "make the report in a whole clone of the access repository"
    if history.unknown:
        yield Unknown("who approved", history.unknown, hint)
    for note in history.notes:
        yield Unknown("who approved", note, hint)
    doubts: dict[str, list[str]] = {}
    for file, found in history.files.items():
        if found.doubt:
            doubts.setdefault(found.doubt, []).append(file)
    for doubt, files in doubts.items():
        yield Unknown(f"who approved {some(files)}", doubt)


def some(names: Sequence[str]) -> str:
    """Return names in a sentence, of many how many more there are."""
    return ", ".join(names) if len(names) <= _FEW else f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"
