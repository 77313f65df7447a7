"""No cut between two writes gives anybody too much, nor too little without the plan saying so (design §4, Order).

Random old and new states of one cluster; every prefix of the writes, in the order of the phases and, within a phase,
as listed and reversed, is judged by the authorizer. IAMRBAC_FUZZ says how many pairs of states.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from iamrbac.access.world import World, people, policy_name
from iamrbac.compile import names
from iamrbac.findings.finding import Level
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AwsAuthRow, PolicyAssociation
from iamrbac.model.arn import comparable
from iamrbac.plan import simulate
from iamrbac.plan.change import Change, ClusterPlan
from iamrbac.plan.interruption import interruptions
from iamrbac.plan.observed import AwsAuth
from iamrbac.plan.order import phases, rows_that_stay
from iamrbac.plan.planner import plan_cluster
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import Binding, Request, Role, RoleRef, Rule, Subject, User
from tests.plan import builders as b

EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "60"))
SETS = ("developers", "viewers", "oncall")
NAMESPACES = ("payments", "search")
RULES = (b.READ_PODS, b.READ_LOGS, Rule(("get",), ("",), ("secrets",)))
WHO = (b.ALICE, b.BOB)
STRANGER = "arn:aws:iam::111122223333:user/stranger"
THEIRS = "their-group"
VIEW_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
REQUESTS = [
    Request("get", resource, subresource=subresource, namespace=namespace)
    for resource, subresource in (("pods", ""), ("pods", "log"), ("secrets", ""))
    for namespace in NAMESPACES
]
Piece = tuple[str, str, str]
"""A principal, a namespace, and what it may do there."""


@dataclass(frozen=True)
class Side:
    """One state of the cluster, as far as it is ours."""

    rbac: tuple[b.Item, ...]
    entries: tuple[b.Item, ...]
    rows: tuple[b.Item, ...]


@dataclass(frozen=True)
class Case:
    """A way from one state to another."""

    old: Side
    new: Side
    theirs: tuple[b.Item, ...]


def group(name: str) -> str:
    return names.group_name(b.INSTANCE, "payments", name)


groups = st.lists(st.sampled_from([group(name) for name in SETS]), unique=True, min_size=1, max_size=2)
rules = st.lists(st.sampled_from(RULES), unique=True, min_size=1, max_size=3)


@st.composite
def rbac(draw: st.DrawFn) -> tuple[b.Item, ...]:
    """Roles with their bindings, and bindings to roles of others."""
    found: list[b.Item] = []
    places = st.tuples(st.sampled_from(SETS), st.sampled_from(["one", "two", "edit"]), st.sampled_from(NAMESPACES))
    for set_name, name, namespace in draw(st.lists(places, unique=True, min_size=1, max_size=6)):
        ref = RoleRef("ClusterRole", name) if name in ("view", "edit") else None
        if ref is None:
            found.append(b.role(*draw(rules), set_name=set_name, role=name, namespace=namespace))
        found.append(b.binding(set_name=set_name, role=name, namespace=namespace, ref=ref))
    return tuple(found)


@st.composite
def sides(draw: st.DrawFn, forms: st.SearchStrategy[str]) -> Side:
    """A state with everybody mapped by an entry, a row, both or nothing."""
    entries: list[b.Item] = []
    rows: list[b.Item] = []
    for who in WHO:
        form = draw(forms)
        if form in ("entry", "both"):
            entries.append(b.entry(who, *draw(groups)))
            for policy in draw(st.lists(st.sampled_from([b.ADMIN_POLICY, VIEW_POLICY]), unique=True, max_size=1)):
                places = draw(st.sampled_from([(), ("payments",), ("payments", "search")]))
                scope = PolicyAssociation(who, policy, "namespace" if places else "cluster", places)
                entries.append((scope, {}))
        if form in ("row", "both"):
            rows.append(b.row(who, *draw(groups)))
    return Side(draw(rbac()), tuple(entries), tuple(rows))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Two states of ours, and others' objects that stay."""
    old = draw(sides(st.sampled_from(["entry", "row", "both", "none"])))
    new = draw(sides(st.sampled_from(draw(st.sampled_from([("entry",) * 4 + ("none",), ("row",) * 4 + ("none",)])))))
    same_rows = draw(st.booleans())
    if new.rows and old.rows and same_rows:
        # As a move from entries to rows looks that was cut after the rows were written.
        new = replace(new, rows=old.rows)
    theirs: list[b.Item] = [
        (Role("ClusterRole", None, "view", (b.READ_PODS,)), {}),
        (Role("ClusterRole", None, "edit", (b.READ_PODS, RULES[2])), {}),
        (b.entry(STRANGER, THEIRS, group("viewers"))[0], {}),
    ]
    if draw(st.booleans()):
        subject = Subject("Group", draw(st.sampled_from([THEIRS, group("developers")])))
        theirs.append((Binding("ClusterRoleBinding", None, "theirs", RoleRef("ClusterRole", "view"), (subject,)), {}))
    return Case(old, new, tuple(theirs))


def planned(case: Case) -> ClusterPlan:
    """Return the plan from the old state to the new."""
    rows = [spec for spec, _ in case.old.rows if isinstance(spec, AwsAuthRow)]
    config_map = AwsAuth(edit({}, rows, ()), b.config_map(owned=[row.arn for row in rows]).annotations, "11")
    objects = [b.observed(item) for item in (*case.old.rbac, *case.old.entries)]
    state = b.state(*objects, *(b.foreign(item) for item in case.theirs), aws_auth=config_map)
    wanted = b.desired(*case.new.rbac, *case.new.entries, *case.new.rows)
    return plan_cluster(wanted, state, "aws-auth" if case.new.rows else "access-entries", b.INSTANCE)


def at(plan: ClusterPlan, written: list[Change]) -> World:
    """Return the cluster after some writes."""
    last = {change.key: change for change in written}.values()
    return simulate.after(plan.state, last, simulate.edited_aws_auth(plan.state, last))


def access(world: World) -> frozenset[Piece]:
    """Return all that everybody may do."""
    authorizer = Authorizer(world.rbac)
    found: set[Piece] = set()
    for one in people(world):
        user, name = User(one.username, one.groups), comparable(one.principal)
        for request in REQUESTS:
            if authorizer.allowed_by(user, request) is not None:
                found.add((name, request.namespace, f"{request.resource}/{request.subresource}"))
        for given_ in world.associations:
            if one.source == "entry" and given_.principal == one.principal:
                places = given_.namespaces or NAMESPACES
                found |= {(name, place, policy_name(given_.policy)) for place in places}
    return frozenset(found)


def prefixes(plan: ClusterPlan) -> Iterator[list[Change]]:
    """Yield the writes that are done at each point where an apply may be cut."""
    for step in (1, -1):
        written: list[Change] = []
        for phase in phases(plan.changes, rows_that_stay(plan)):
            for change in phase.changes[::step]:
                written.append(change)
                yield list(written)


def dangling(world: World) -> list[str]:
    """Return the bindings of ours whose role is not there."""
    there = {(role.kind, role.namespace, role.name) for role in world.rbac.roles}
    return [
        one.name
        for one in world.rbac.bindings
        if one.role_ref.kind == "Role" and ("Role", one.namespace, one.role_ref.name) not in there
    ]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_no_cut_gives_too_much_nor_takes_what_stays(case: Case) -> None:
    plan = planned(case)
    assume(not any(finding.level is Level.ERROR for finding in plan.findings))
    old, new = access(simulate.before(plan.state)), access(at(plan, list(plan.changes)))
    told = {finding.object for finding in interruptions(plan)}
    for written in prefixes(plan):
        world = at(plan, written)
        now = access(world)
        assert now <= old | new
        assert not dangling(world)
        assert {who for who, _, _ in (old & new) - now} <= told
