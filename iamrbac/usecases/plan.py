"""What would change: read documents, people and clusters, compile, compare, guard. Writes nothing anywhere."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import BaseModel

from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterDesired, ClusterFacts, Form, Kind
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.fleet.part import Part
from iamrbac.identity.snapshot import Identities
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import IamrbacError, UsageError
from iamrbac.plan import guards
from iamrbac.plan.accounts import AccountState
from iamrbac.plan.accounts import adoptable as adoptable_in
from iamrbac.plan.change import AccountPlan, ClusterPlan, FailedAccount, FailedCluster, Plan
from iamrbac.plan.form import choose
from iamrbac.plan.interruption import interruptions
from iamrbac.plan.kept import with_kept
from iamrbac.plan.leavers import leavers
from iamrbac.plan.limits import limit_findings
from iamrbac.plan.observed import ClusterState
from iamrbac.plan.planner import adoptable, managed_principals, owned_objects, plan_cluster
from iamrbac.plan.recreated import with_recreated
from iamrbac.plan.synced import unordered
from iamrbac.usecases.accounts import Wanted, read_accounts, removals_wait, wanted_iam, with_accounts
from iamrbac.usecases.delivered import compare
from iamrbac.usecases.fetched import Fetched, form_of
from iamrbac.usecases.gone import with_gone
from iamrbac.usecases.load import Loaded, load
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.select import select_part
from iamrbac.usecases.states import Read, Reader, count, failed, read_all, seen

CATALOGUE = "POL009"
"""What a catalogue of namespaces lacks: no news where the cluster itself says what it has (POL102, POL103)."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What the person asks for."""

    at: datetime
    """The time that expiries are judged by, with an offset."""
    clusters: tuple[str, ...] = ()
    """Names, or labels (`select` says how they look); empty means all of the config."""
    adopt: frozenset[str] = frozenset()
    """Display keys of unclaimed objects to take over."""
    allowed: guards.Allowances = field(default_factory=guards.Allowances)
    part: Part = field(default_factory=Part)
    """Which of these clusters: a shard, or some waves."""
    without: frozenset[str] = frozenset()
    """Clusters that are left out, since an earlier run that this one goes on from did them."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, or (with `plan` None) the findings that say why the documents mean nothing."""

    plan: Plan | None
    findings: tuple[Finding, ...]
    """Findings of the documents, located."""


def make_plan(edges: Edges, request: PlanRequest, progress: Progress) -> Planned:
    """Plan all selected clusters. A cluster that cannot be read is a FailedCluster; the others go on.

    Raises UsageError for clusters that are not there, RepositoryError, and AwsError when AWS does not know the caller.
    """
    return plan_loaded(edges, load(edges.repository, edges.roles.names()), request, progress)


def plan_loaded(
    edges: Edges, loaded: Loaded, request: PlanRequest, progress: Progress, reader: Reader = read_all
) -> Planned:
    """Plan as `make_plan` does, by documents that are loaded already. `reader` reads people and clusters."""
    if loaded.documents is None or any(finding.level is Level.ERROR for finding in loaded.findings):
        return Planned(None, loaded.findings)
    documents = loaded.documents
    said = tuple(finding for finding in loaded.findings if finding.id != CATALOGUE)
    config = documents.config.document
    asked_for = select_part(config, request.clusters, request.part)
    selected = tuple(one for one in asked_for if one.name not in request.without)
    # What is asked for may leave the shard that has IAM without a cluster.
    leads = request.part.leads(config.clusters)
    caller = caller_of(edges, selected or config.clusters if leads else selected)
    who = f" as {caller}" if caller is not None else ""
    progress.step(f"Reading {'people and ' if who else ''}{count(len(selected), 'cluster')}{who}")
    instance = config.metadata.name
    iam = wanted_iam(documents, request.at) if who else Wanted({})
    with ThreadPoolExecutor(max_workers=1) as beside:
        asked = beside.submit(read_accounts, edges, iam, config)
        identities, read = reader(edges, documents, selected, request.at)
        accounts = asked.result()
    for name, state in read.items():
        progress.note(f"{name}: {seen(state)}")
    states = [one.state if isinstance(one, Fetched) else one for one in read.values()]
    _check_adopt(request.adopt, states, accounts.values())
    plans = _Planner(edges, documents, identities, request).plan(read)
    plans, notes = with_gone(edges.people, plans, config, identities)
    plan = Plan(
        instance=instance,
        clusters=tuple(plans),
        findings=(*said, *notes),
        policy_digest=digest(documents),
        home=config.home.namespace,
        backups=config.keeping,
    )
    waits = removals_wait(plans, [one.name for one in config.clusters if one.mapping != "external"])
    plan = with_accounts(edges, plan, iam, accounts, identities, request.adopt, waits)
    if not leads:
        plan = replace(plan, accounts=tuple(one for one in map(_unwritten, plan.accounts) if one is not None))
    return Planned(guarded(plan, documents, caller, request), said)


def _unwritten(account: AccountPlan | FailedAccount) -> AccountPlan | FailedAccount | None:
    """Return an account of which another shard has what is to change; None where nothing is left to say."""
    if isinstance(account, FailedAccount):
        return account
    return replace(account, changes=()) if account.findings or account.wanted else None


def caller_of(edges: Edges, clusters: Iterable[Cluster]) -> str | None:
    """Return the ARN of whoever runs this; None where AWS is not needed: all by Git, and somebody else maps."""
    if all(one.delivery == "gitops" and one.mapping == "external" for one in clusters):
        return None
    return edges.aws.caller().arn


def _check_adopt(
    adopt: Collection[str],
    states: Iterable[ClusterState | FailedCluster],
    accounts: Collection[AccountState | FailedAccount],
) -> None:
    """Refuse a key that names nothing: an override that is not in force must not look as if it were.

    A cluster that was not read may have it. Raises UsageError.
    """
    states = tuple(states)
    if not adopt or any(isinstance(state, FailedCluster | FailedAccount) for state in (*states, *accounts)):
        return
    there = {key for state in states if isinstance(state, ClusterState) for key in adoptable(state)}
    there |= {key for one in accounts if isinstance(one, AccountState) for key in adoptable_in(one)}
    unknown = sorted(set(adopt) - there)
    if unknown:
        raise UsageError(
            f"--adopt names nothing that is there: {', '.join(unknown)}", hint="copy the key from what `plan` says"
        )


def digest(documents: Documents) -> str:
    """SHA-256 of what the documents say, whatever their order, comments and spelling.

    In which order a fleet is changed is none of it: a run that was stopped goes on with another.
    """
    policies = [one.document for one in documents.policies]
    models: list[BaseModel] = [*policies, *(one.document for one in documents.grants)]
    config = documents.config.document.model_dump_json(by_alias=True, exclude={"fleet"})
    parts = sorted([config, *(model.model_dump_json(by_alias=True) for model in models)])
    return "sha256:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Planner:
    edges: Edges
    documents: Documents
    identities: Identities
    request: PlanRequest

    def plan(self, read: Mapping[str, Read]) -> list[ClusterPlan | FailedCluster]:
        """Compile for every cluster that was read, then compare each."""
        forms = {name: self._form(name, one) for name, one in read.items() if not isinstance(one, FailedCluster)}
        facts = {
            name: self._facts(name, one, form)
            for name, one in read.items()
            if not isinstance(one, FailedCluster) and not isinstance(form := forms[name], Finding)
        }
        compiled = compile_documents(self.documents, self.identities, facts, self.request.at, self.edges.roles.render)
        findings = locate(compiled.findings, self.edges.repository)
        plans: list[ClusterPlan | FailedCluster] = []
        for name, one in read.items():
            form_ = forms.get(name)
            if isinstance(one, FailedCluster):
                plans.append(one)
            elif isinstance(form_, Finding):
                plans.append(FailedCluster(name, form_.id, form_.message, form_.hint))
            elif form_ is not None:
                about = tuple(finding for finding in findings if finding.cluster in {name, None})
                plans.append(self._one(name, one, form_, compiled.clusters.get(name), about))
        return plans

    def _form(self, name: str, one: ClusterState | Fetched) -> Form | Finding:
        cluster = self._cluster(name)
        return form_of(cluster, one) if isinstance(one, Fetched) else choose(cluster, one, self._instance)

    def _facts(self, name: str, one: ClusterState | Fetched, form: Form) -> ClusterFacts:
        state = one.state if isinstance(one, Fetched) else one
        # Of a cluster that was not asked only the catalogue is known, where it has one.
        unknown = state.partial and self._cluster(name).namespaces is None
        return ClusterFacts(form, None if unknown else state.namespaces, state.target.partition)

    @property
    def _instance(self) -> str:
        return self.documents.config.document.metadata.name

    def _cluster(self, name: str) -> Cluster:
        return next(one for one in self.documents.config.document.clusters if one.name == name)

    def _one(
        self,
        name: str,
        one: ClusterState | Fetched,
        form: Form,
        desired: ClusterDesired | None,
        findings: tuple[Finding, ...],
    ) -> ClusterPlan | FailedCluster:
        errors = [finding for finding in findings if finding.level is Level.ERROR]
        if desired is None or errors:
            return _uncompiled(name, errors)
        try:
            plan = self._compared(one, form, desired)
        except IamrbacError as error:
            return failed(name, error)
        plan = replace(plan, findings=locate(plan.findings, self.edges.repository))
        return _with(plan, tuple(finding for finding in findings if finding.cluster == name))

    def _compared(self, one: ClusterState | Fetched, form: Form, desired: ClusterDesired) -> ClusterPlan:
        """Compare with the cluster, or with its branch. Raises AwsAuthError, DeliveryError."""
        if not isinstance(one, Fetched):
            plan, kept = self._planned(desired, one, form)
            return self._finished(_with(plan, (*kept, *interruptions(plan))), one, desired)
        compared = compare(self.edges.deliveries, one, desired)
        direct = not compared.half.carries("AccessEntry")
        plan, kept = self._planned(compared.desired, compared.state, form, keeps=direct)
        if compared.quiet and plan.changes:
            # What entries give depends on the objects that were left out.
            compared = compare(self.edges.deliveries, one, desired, whole=True)
            plan, kept = self._planned(compared.desired, compared.state, form, keeps=direct)
        said = (*compared.findings, *kept, *unordered(plan, compared.half))
        return self._finished(_with(replace(plan, git=compared.half), said), one.state, compared.desired)

    def _planned(
        self, desired: ClusterDesired, state: ClusterState, form: Form, *, keeps: bool = True
    ) -> tuple[ClusterPlan, tuple[Finding, ...]]:
        """Plan a cluster with what its mappings keep of before, and what there is to say of that. Raises AwsAuthError.

        Entries that are written from Git keep nothing: their form has no place for what is kept.
        """
        kept: tuple[Finding, ...] = ()
        if keeps:
            desired, kept = with_kept(desired, state, form, self._instance, self.request.adopt)
        return plan_cluster(desired, state, form, self._instance, self.request.adopt), kept

    def _finished(self, plan: ClusterPlan, state: ClusterState, desired: ClusterDesired) -> ClusterPlan:
        plan = with_recreated(plan, state.objects, desired.objects, self.identities.created, self._instance)
        return replace(plan, findings=(*plan.findings, *limit_findings(plan, self._instance)))


def _uncompiled(name: str, errors: list[Finding]) -> FailedCluster:
    """All of a cluster's errors in its one status line, so that none is lost."""
    lines = [f"{error.file}:{error.line}: {error.message}" if error.file else error.message for error in errors]
    return FailedCluster(
        name,
        errors[0].id if errors else "ERR402",
        "; ".join(lines) or "the policies could not be compiled",
        errors[0].hint if errors else "run `iamrbac validate`",
    )


def _with(plan: ClusterPlan, findings: tuple[Finding, ...]) -> ClusterPlan:
    return replace(plan, findings=(*findings, *plan.findings))


def guarded(plan: Plan, documents: Documents, caller: str | None, request: PlanRequest) -> Plan:
    """Add the guards' refusals, each to its cluster."""
    config = documents.config.document
    managed = {cluster.name: managed_principals(cluster.state, config.metadata.name) for cluster in plan.planned}
    owned: Counter[Kind] = Counter()
    for cluster in plan.planned:
        owned += owned_objects(cluster.state, config.metadata.name)
    refusals = guards.check(
        [guards.Stakes(cluster) for cluster in plan.planned],
        config.guards,
        caller,
        leavers(documents, request.at),
        request.allowed,
        managed,
        owned,
    )
    clusters = tuple(
        cluster
        if isinstance(cluster, FailedCluster)
        else _with(cluster, tuple(finding for finding in refusals if finding.cluster == cluster.name))
        for cluster in plan.clusters
    )
    general = tuple(finding for finding in refusals if finding.cluster is None)
    return replace(plan, clusters=clusters, findings=(*plan.findings, *general))
