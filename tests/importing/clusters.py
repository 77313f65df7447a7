"""Random clusters for import: mappings of every kind, RBAC that names them, and an IAM that knows them or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from iamrbac.access.world import World
from iamrbac.compile.check import check
from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterFacts, Key, RoleFault, RoleRequest
from iamrbac.compile.documents import Documents, Sourced
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import IamName, Identities, Missing
from iamrbac.importing.proof import Proof, after, prove
from iamrbac.importing.proposal import Proposal, Source, Taken
from iamrbac.importing.propose import propose
from iamrbac.importing.texts import policy_file
from iamrbac.importing.who import asked, who
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.arn import Arn, default_username
from iamrbac.model.documents import Config
from iamrbac.plan.form import choose
from iamrbac.plan.observed import AuthenticationMode, AwsAuth, ClusterState, Meta, Observed, Target
from iamrbac.rbac.objects import Binding, RbacState, Role, RoleRef, Rule, Subject
from tests.access.worlds import ACCOUNT, BUILTIN, PEOPLE, POLICIES, policy_arn
from tests.rbac import strategies as rbac

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROBOT = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/alice"
NAMESPACES = frozenset({*rbac.NAMESPACES, "default", "kube-system", "iamrbac-system"})
GROUPS = ("dev", "Ops Team", "system:masters", "view", "developer")
NAMES = ("ann", "bob", "admin:{{SessionName}}")
CONFIG = Config.model_validate(
    {
        "apiVersion": "iamrbac.dev/v1alpha1",
        "kind": "Config",
        "metadata": {"name": "acme"},
        "identity": {"account": ACCOUNT, "groups": "users"},
        "clusters": [{"name": "one", "account": ACCOUNT, "region": "eu-west-1"}],
    }
)
OWNED = Config.model_validate(
    {**CONFIG.model_dump(by_alias=True, exclude_unset=True), "namespaces": [{"name": "bl*", "owner": "dev"}]}
)


@dataclass(frozen=True)
class Outcome:
    """What came of one cluster."""

    proposal: Proposal
    findings: tuple[Finding, ...]
    proof: Proof | None
    before: World
    after: World | None


def outcome(state: ClusterState, config: Config, identities: Identities, taken: Taken | None = None) -> Outcome:
    """Propose, check, compile and prove, as the use case does."""
    cluster = config.clusters[0]
    form = choose(cluster, state, "acme")
    assert not isinstance(form, Finding)
    source = Source(cluster, state, form)
    judged = who(source, "acme", identities)
    taken = taken or Taken(templates=frozenset({"developer", "viewer"}))
    proposal = propose([source], {"one": judged}, config, identities, taken)
    documents = Documents(
        Sourced("iamrbac.yaml", config), tuple(Sourced(policy_file(one), one) for one in proposal.policies)
    )
    findings = check(documents, (*taken.templates, *proposal.templates))

    def render(request: RoleRequest) -> tuple[Rule, ...] | RoleFault:
        return proposal.templates[request.template]

    facts = {"one": ClusterFacts(form, state.namespaces)}
    compiled = compile_documents(documents, identities, facts, AT, render)
    findings = (*findings, *compiled.findings)
    desired = compiled.clusters.get("one")
    if desired is None:
        return Outcome(proposal, findings, None, judged.world, None)
    world = after(judged.world, desired, judged.people)
    return Outcome(proposal, findings, prove("one", judged.world, world, BUILTIN.roles, AT), judged.world, world)


def errors(findings: tuple[Finding, ...]) -> list[str]:
    return [one.message for one in findings if one.level is Level.ERROR]


def state_of(
    mode: AuthenticationMode,
    entries: tuple[AccessEntry, ...] = (),
    associations: tuple[PolicyAssociation, ...] = (),
    aws_auth: dict[str, str] | None = None,
    state: RbacState | None = None,
    namespaces: frozenset[str] = NAMESPACES,
) -> ClusterState:
    """A cluster as it would be read."""
    rbac_state = state or RbacState()
    arn = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/one"
    target = Target("one", "one", arn, "eu-west-1", "https://x", "PEM", mode)
    objects = [
        Observed(Key("one", "AccessEntry", "", one.principal), one, Meta(created=datetime(2026, 1, 1, tzinfo=UTC)))
        for one in entries
    ]
    objects += [
        Observed(Key("one", "AccessPolicyAssociation", "", f"{one.principal}#{one.policy}"), one)
        for one in associations
    ]
    items: list[Role | Binding] = [*rbac_state.roles, *BUILTIN.roles, *rbac_state.bindings, *BUILTIN.bindings]
    objects += [Observed(Key("one", one.kind, one.namespace or "", one.name), one) for one in items]
    return ClusterState(
        target, namespaces, tuple(objects), AwsAuth(aws_auth, {}, "1") if aws_auth is not None else None
    )


def known(state: ClusterState, *, missing: frozenset[str] = frozenset()) -> Identities:
    """IAM's answers about everybody who is mapped; roles have a path that aws-auth does not tell."""
    source = Source(CONFIG.clusters[0], state, "access-entries")
    full = {f"{Arn.parse(one).kind}/{Arn.parse(one).name}": one for one in PEOPLE}
    wanted = asked([source], CONFIG)
    answers: dict[IamName, str | Missing] = {
        name: Missing() if name.name in missing else full.get(name.name, f"arn:aws:iam::{name.account}:{name.name}")
        for name in wanted.principals
    }
    groups = {
        IamName(ACCOUNT, "dev"): (PEOPLE[0], PEOPLE[1]),
        IamName(ACCOUNT, "ops"): (PEOPLE[1],),
    }
    return Identities(dict(groups), dict(answers))


_usernames = st.sampled_from(NAMES)
_groups = st.lists(st.sampled_from(GROUPS), max_size=2, unique=True).map(lambda some: tuple(sorted(some)))


@st.composite
def _entry(draw: st.DrawFn) -> AccessEntry:
    principal = draw(st.sampled_from(PEOPLE))
    username = draw(st.one_of(st.just(default_username(principal)), _usernames))
    if "/" not in principal.split(":user/")[0][-4:] and ":user" in principal and "{{" in username:
        username = "ann"
    return AccessEntry(principal, username, draw(_groups))


_entries = st.lists(_entry(), max_size=3, unique_by=lambda one: one.principal).map(tuple)


@st.composite
def _associations(draw: st.DrawFn, entries: tuple[AccessEntry, ...]) -> tuple[PolicyAssociation, ...]:
    found = []
    for entry in entries:
        for policy in draw(st.lists(st.sampled_from(POLICIES), max_size=2, unique=True)):
            places = draw(st.sampled_from(((), ("blue",), ("blue", "green"), ("gone",), ("bl*",), ("*",))))
            if places:
                found.append(PolicyAssociation(entry.principal, policy_arn(policy), "namespace", places))
            else:
                found.append(PolicyAssociation(entry.principal, policy_arn(policy), "cluster"))
    return tuple(found)


_subjects = st.sampled_from(
    (
        *(Subject("Group", one) for one in GROUPS),
        Subject("Group", "system:authenticated"),
        Subject("User", "ann"),
        Subject("User", "admin:alice"),
        Subject("User", PEOPLE[0]),
        Subject("User", ROBOT),
        Subject("ServiceAccount", "ann", "blue"),
    )
)


@st.composite
def _rbac(draw: st.DrawFn) -> RbacState:
    state = draw(rbac.states())
    kept = [one for one in state.bindings if one.kind == "RoleBinding" or one.role_ref.kind == "ClusterRole"]
    bindings = tuple(replace(one, subjects=(*one.subjects, *draw(st.lists(_subjects, max_size=3)))) for one in kept)
    # A Role holds no URLs.
    roles = tuple(
        replace(one, rules=tuple(rule for rule in one.rules if not rule.non_resource_urls)) if one.namespace else one
        for one in state.roles
    )
    renamed = draw(st.sampled_from(("r1", "R 1!", "developer")))
    roles = tuple(replace(one, name=renamed) if one.name == "r1" else one for one in roles)
    bindings = tuple(
        replace(one, role_ref=replace(one.role_ref, name=renamed)) if one.role_ref.name == "r1" else one
        for one in bindings
    )
    more = [
        Binding(
            "ClusterRoleBinding" if one.namespace is None and wide else "RoleBinding",
            None if one.namespace is None and wide else one.namespace or "green",
            f"of-{at}",
            RoleRef(one.kind, one.name),
            tuple(draw(st.lists(_subjects, min_size=1, max_size=3))),
        )
        for at, one in enumerate(roles)
        if (wide := draw(st.booleans())) or one.namespace
    ]
    return RbacState(roles, (*bindings, *more))


@dataclass(frozen=True)
class Case:
    """A cluster, a config and what IAM knows."""

    state: ClusterState
    config: Config
    identities: Identities

    def __repr__(self) -> str:
        """What is not Kubernetes' own, or nobody could read it."""
        own = [*BUILTIN.roles, *BUILTIN.bindings]
        objects = [one.spec for one in self.state.objects if one.spec not in own]
        mode = self.state.target.authentication_mode
        return f"Case({mode}, {objects}, {self.state.aws_auth}, owned={self.config is OWNED}, {self.identities})"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any cluster of any habit."""
    mode: AuthenticationMode = draw(st.sampled_from(("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")))
    entries = () if mode == "CONFIG_MAP" else draw(_entries)
    associations = draw(_associations(entries))
    rows = "".join(
        f"- {{rolearn: 'arn:aws:iam::{ACCOUNT}:role/{name}', username: '{user}', groups: {list(groups)}}}\n"
        for name, user, groups in draw(
            st.lists(st.tuples(st.sampled_from(("robot", "admin")), _usernames, _groups), max_size=2)
        )
    )
    users = "".join(
        f"- {{userarn: '{arn}', username: ann, groups: {list(groups)}}}\n"
        for arn, groups in draw(st.lists(st.tuples(st.sampled_from(PEOPLE[:2]), _groups), max_size=2))
    )
    data = draw(st.sampled_from(({"mapRoles": rows, "mapUsers": users}, {"mapRoles": "- [", "mapUsers": users})))
    data = {**data, "mapAccounts": draw(st.sampled_from(("", "", "", f'- "{ACCOUNT}"')))}
    state = state_of(mode, entries, associations, data, draw(_rbac()))
    missing = draw(st.sampled_from((frozenset[str](), frozenset({"user/ann"}))))
    return Case(state, draw(st.sampled_from((CONFIG, OWNED))), known(state, missing=missing))
