"""What clusters give today as policies and templates: read, propose, compile, prove. Writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from iamrbac.compile.check import check
from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterDesired, ClusterFacts, Compiled, RoleFault, RoleRequest
from iamrbac.compile.documents import Documents, Sourced
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import IamName, Identities, Unreadable
from iamrbac.identity.ways import ways
from iamrbac.importing.proof import Proof, after, prove
from iamrbac.importing.proposal import Proposal, Source, Taken
from iamrbac.importing.propose import propose
from iamrbac.importing.texts import files, policy_file
from iamrbac.importing.who import Who, asked, who
from iamrbac.mapping.resolve import identity
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import IamrbacError
from iamrbac.plan.change import FailedCluster
from iamrbac.plan.form import choose
from iamrbac.plan.keys import display_key
from iamrbac.plan.planner import adoptable
from iamrbac.plan.simulate import before
from iamrbac.rbac.objects import Rule
from iamrbac.usecases.load import load
from iamrbac.usecases.ports import Edges, People, Progress
from iamrbac.usecases.read import read_cluster
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, count, failed, seen


@dataclass(frozen=True, slots=True)
class Imported:
    """A proposal with its proof, or findings that say why there is none."""

    proposal: Proposal = field(default_factory=Proposal)
    proofs: tuple[Proof, ...] = ()
    """One for each cluster that could be read and compiled."""
    failures: tuple[FailedCluster, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Errors of the documents that are there, or of those that are proposed: then there is nothing to write."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path → text."""

    @property
    def equal(self) -> bool:
        """Whether everybody has on every cluster what they had."""
        return bool(self.proofs) and not self.failures and all(one.equal for one in self.proofs)


def import_access(edges: Edges, clusters: Sequence[str], at: datetime, progress: Progress) -> Imported:
    """Propose policies for the selected clusters (all without names).

    A cluster that cannot be read is a failure, and the others go on. One where somebody else maps is left out with a
    note, and a failure where it was asked for by its name. Raises UsageError, RepositoryError, and AwsError when AWS
    does not know the caller.
    """
    templates = edges.roles.names()
    loaded = load(edges.repository, templates)
    documents = loaded.documents
    if documents is None or _errors(loaded.findings):
        return Imported(findings=loaded.findings)
    config = documents.config.document
    selected = select(config.clusters, tuple(clusters))
    external = [] if clusters else [one.name for one in selected if one.mapping == "external"]
    selected = tuple(one for one in selected if one.name not in external)
    progress.step(f"Reading {count(len(selected), 'cluster')} as {edges.aws.caller().arn}")
    sources, failures = _read(edges, selected, config, progress)
    identities, notes = _identities(edges.people, sources, config, progress)
    judged = {source.cluster.name: who(source, config.metadata.name, identities) for source in sources}
    taken = Taken(frozenset(one.document.metadata.name for one in documents.policies), frozenset(templates))
    proposal = propose(sources, judged, config, identities, taken)
    proposed = tuple(Sourced(policy_file(one), one) for one in proposal.policies)
    whole = Documents(documents.config, (*documents.policies, *proposed), documents.grants)
    refused = _errors(check(whole, (*templates, *proposal.templates)))
    if refused:
        return Imported(proposal, failures=failures, findings=refused)
    compiled = _compiled(Documents(documents.config, proposed), sources, identities, proposal.templates, at)
    proofs, uncompiled = _proofs(sources, judged, compiled, edges, at)
    proposal = _noted(proposal, (*map(_left_out, external), *notes))
    return Imported(proposal, proofs, (*failures, *uncompiled), files=files(proposal))


def _left_out(cluster: str) -> str:
    return f"{cluster} is left out: somebody else maps people there (mapping: external)"


def _noted(proposal: Proposal, notes: tuple[str, ...]) -> Proposal:
    return Proposal(proposal.policies, proposal.templates, proposal.people, proposal.unsaid, (*notes, *proposal.notes))


def _errors(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(one for one in findings if one.level is Level.ERROR)


def _read(
    edges: Edges, selected: Sequence[Cluster], config: Config, progress: Progress
) -> tuple[list[Source], tuple[FailedCluster, ...]]:
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        found = list(pool.map(lambda one: _source(edges, one, config.metadata.name), selected))
    for one in found:
        if isinstance(one, Source):
            progress.note(f"{one.cluster.name}: {seen(one.state)}")
    return [one for one in found if isinstance(one, Source)], tuple(
        one for one in found if isinstance(one, FailedCluster)
    )


def _source(edges: Edges, cluster: Cluster, instance: str) -> Source | FailedCluster:
    if cluster.mapping == "external":
        return FailedCluster(
            cluster.name,
            "MAP002",
            "somebody else maps people here (mapping: external)",
            "import it with another mapping",
        )
    try:
        state = read_cluster(cluster, edges.aws, edges.kube)
    except IamrbacError as error:
        return failed(cluster.name, error)
    form = choose(cluster, state, instance)
    if isinstance(form, Finding):
        return FailedCluster(cluster.name, form.id, form.message, form.hint)
    return Source(cluster, state, form)


def _identities(
    people: People, sources: Sequence[Source], config: Config, progress: Progress
) -> tuple[Identities, tuple[str, ...]]:
    """Ask IAM who is mapped, and who is in which group; what it does not say is a note."""
    groups: frozenset[str] = frozenset()
    notes: list[str] = []
    if config.people is None:
        notes.append("identity.account is not set, so no IAM group is looked at")
    elif sources:
        kind = IamName(config.people, "group")
        found = people.existing((kind,), ways(config)).get(kind)
        if isinstance(found, frozenset):
            groups = found
        else:
            notes.append(f"no IAM group is looked at: {found.reason if found is not None else 'IAM did not say'}")
    wanted = asked(sources, config, [IamName(config.people or "", group) for group in groups])
    progress.step(f"Asking IAM about {count(len(wanted.principals), 'principal')} and {count(len(groups), 'group')}")
    identities = people.identities(wanted)
    answers = (*identities.principals.values(), *identities.groups.values())
    unread = dict.fromkeys(one.reason for one in answers if isinstance(one, Unreadable))
    notes += [f"not known, and taken as it is mapped: {reason}" for reason in unread]
    return identities, tuple(notes)


def _compiled(
    documents: Documents,
    sources: Sequence[Source],
    identities: Identities,
    templates: Mapping[str, tuple[Rule, ...]],
    at: datetime,
) -> Compiled:
    def render(request: RoleRequest) -> tuple[Rule, ...] | RoleFault:
        return templates[request.template]

    facts = {
        one.cluster.name: ClusterFacts(one.form, one.state.namespaces, one.state.target.partition) for one in sources
    }
    return compile_documents(documents, identities, facts, at, render)


def _proofs(
    sources: Sequence[Source], judged: Mapping[str, Who], compiled: Compiled, edges: Edges, at: datetime
) -> tuple[tuple[Proof, ...], tuple[FailedCluster, ...]]:
    defaults = edges.builtin().roles
    proofs: list[Proof] = []
    failures: list[FailedCluster] = []
    for source in sources:
        name = source.cluster.name
        desired = compiled.clusters.get(name)
        if desired is None:
            errors = [one for one in _errors(compiled.findings) if one.cluster in (name, None)]
            lines = "; ".join(one.message for one in errors) or "the proposal could not be compiled"
            failures.append(FailedCluster(name, errors[0].id if errors else "ERR402", lines, "write this part by hand"))
        else:
            world = judged[name].world
            proof = prove(name, world, after(world, desired, judged[name].people), defaults, at)
            proofs.append(replace(proof, adopt=_adopt(source, desired)))
    return tuple(proofs), tuple(failures)


def _adopt(source: Source, desired: ClusterDesired) -> tuple[str, ...]:
    """Return the keys of what is there already, and of the rows that lose their effect by an entry of ours."""
    entries = {identity(item.key.name) for item in desired.objects if item.key.kind == "AccessEntry"}
    reading = before(source.state).reading
    rows = reading.rows if reading is not None else ()
    hidden = {f"AwsAuthRow/{row.arn}" for row in rows if identity(row.arn) in entries}
    wanted = {display_key(item.key) for item in desired.objects} | hidden
    return tuple(sorted(adoptable(source.state) & wanted))
