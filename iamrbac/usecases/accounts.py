"""IAM's part of a plan: which accounts to read, and what would change there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from iamrbac.compile.desired import Desired
from iamrbac.compile.documents import Documents
from iamrbac.compile.iam import iam_objects
from iamrbac.compile.sets import access_sets
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.assumable import AssumableRole, GroupPolicy
from iamrbac.identity.snapshot import IamName, Identities
from iamrbac.identity.suspended import Suspended
from iamrbac.identity.ways import ways
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.arn import comparable
from iamrbac.model.documents import Config
from iamrbac.model.errors import IamrbacError
from iamrbac.plan.accounts import AccountState, plan_account
from iamrbac.plan.change import AccountPlan, ClusterPlan, FailedAccount, FailedCluster, Plan
from iamrbac.plan.through import Through, through
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import Edges

_ACCOUNTS_AT_ONCE = 4
ReadAccounts = Mapping[str, AccountState | FailedAccount]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the documents want in IAM, by account; accounts where only our own leftovers may be have nothing."""

    objects: Mapping[str, tuple[Desired, ...]]

    def roles(self, account: str) -> list[str]:
        """Return the names of the roles that are wanted in an account."""
        return [item.key.name for item in self.objects[account] if isinstance(item.spec, AssumableRole)]

    def groups(self, account: str) -> list[str]:
        """Return the groups that are to have a policy in an account, each once."""
        specs = [item.spec for item in self.objects[account]]
        return sorted({spec.group for spec in specs if isinstance(spec, GroupPolicy)})


def wanted_iam(documents: Documents, at: datetime) -> Wanted:
    """Return what the documents want in IAM. The people's account is looked at even where they want nothing there."""
    config = documents.config.document
    try:
        suspended = Suspended(config.suspended)
    except ValueError:
        # Compiling says so, and gives nothing.
        return Wanted({})
    objects: dict[str, list[Desired]] = defaultdict(list)
    if config.identity is not None:
        objects[config.identity.account] = []
    for item in iam_objects(config, access_sets(documents, at), suspended)[0]:
        objects[item.key.account].append(item)
    return Wanted({account: tuple(items) for account, items in sorted(objects.items())})


def read_accounts(edges: Edges, wanted: Wanted, config: Config) -> ReadAccounts:
    """Read every account, a few at a time; an error becomes the account's status."""

    by = ways(config)

    def read(account: str) -> AccountState | FailedAccount:
        groups = wanted.groups(account)
        try:
            # Who is in the groups of the policies is asked beside this, with everybody else.
            roles = wanted.roles(account)
            return edges.iam.account(account, config.metadata.name, roles, groups, known=groups, way=by.get(account))
        except IamrbacError as error:
            where = f"{error.where}: " if error.where else ""
            return FailedAccount(account, error.code, where + error.message, error.hint)

    with ThreadPoolExecutor(max_workers=_ACCOUNTS_AT_ONCE) as pool:
        return dict(zip(wanted.objects, pool.map(read, wanted.objects), strict=True))


def with_accounts(
    edges: Edges,
    plan: Plan,
    wanted: Wanted,
    read: ReadAccounts,
    identities: Identities,
    adopt: Collection[str],
    waits: str,
) -> Plan:
    """Add the accounts to a plan, and to each cluster what the users of roles gain and lose there.

    `waits` says why nothing is removed from IAM.
    """
    accounts: list[AccountPlan | FailedAccount] = []
    findings: list[Finding] = []
    known: list[tuple[AccountState, AccountPlan]] = []
    for account, state in read.items():
        if isinstance(state, FailedAccount):
            if wanted.objects[account]:
                accounts.append(state)
            else:
                findings.append(_unknown(state))
            continue
        state = _with_members(state, identities)
        one = plan_account(wanted.objects[account], state, plan.instance, adopt, waits)
        one = replace(one, findings=locate(one.findings, edges.repository))
        known.append((state, one))
        if one.changes or one.findings or one.wanted:
            accounts.append(one)
    who = through((state, one.changes) for state, one in known)
    clusters = [_cluster(one, who, accounts, wanted) for one in plan.clusters]
    return replace(plan, accounts=tuple(accounts), clusters=tuple(clusters), findings=(*plan.findings, *findings))


def removals_wait(plan_clusters: Sequence[ClusterPlan | FailedCluster], every: Sequence[str]) -> str:
    """Return why nothing may be removed from IAM in this run; "" where it may."""
    failed = [one.name for one in plan_clusters if isinstance(one, FailedCluster)]
    missing = sorted(set(every) - {one.name for one in plan_clusters})
    if missing:
        return f"it goes when a run looks at every cluster (not at: {', '.join(missing)})"
    return f"it goes when every cluster can be planned (not: {', '.join(failed)})" if failed else ""


def _with_members(state: AccountState, identities: Identities) -> AccountState:
    asked = {
        name.name: users
        for name, users in identities.groups.items()
        if name == IamName(state.account, name.name) and isinstance(users, tuple)
    }
    return replace(state, members={**state.members, **asked})


def _cluster(
    cluster: ClusterPlan | FailedCluster,
    who: Through,
    accounts: Sequence[AccountPlan | FailedAccount],
    wanted: Wanted,
) -> ClusterPlan | FailedCluster:
    if isinstance(cluster, FailedCluster):
        return cluster
    for one in accounts:
        if isinstance(one, FailedAccount):
            specs = [item.spec for item in wanted.objects[one.account]]
            roles = {comparable(spec.arn) for spec in specs if isinstance(spec, AssumableRole)}
            if roles & _mapped(cluster):
                message = f"whether its IAM roles are there is not known: {one.message}"
                return FailedCluster(cluster.name, one.code, message, one.hint)
    return who.with_members(cluster)


def _mapped(cluster: ClusterPlan) -> frozenset[str]:
    """Return whom a cluster's changes would map, as a cluster knows them."""
    return frozenset(
        comparable(change.after.spec.principal if isinstance(change.after.spec, AccessEntry) else change.key.name)
        for change in cluster.changes
        if change.after is not None and change.key.kind in ("AccessEntry", "AwsAuthRow")
    )


def _unknown(state: FailedAccount) -> Finding:
    return Finding(
        "ROL005",
        Level.INFO,
        f"whether roles of ours are left in account {state.account} is not known: {state.message}",
        state.hint,
    )
