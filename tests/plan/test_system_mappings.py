"""What maps nodes, Fargate and AWS's own services stays as it is, whatever marks it carries and keys are adopted."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile import names
from iamrbac.compile.desired import Form
from iamrbac.findings.finding import Level
from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.mapping.resolve import resolve
from iamrbac.model.errors import AwsAuthError
from iamrbac.plan.observed import AwsAuth, Meta, Observed
from iamrbac.plan.planner import adoptable, plan_cluster
from iamrbac.plan.simulate import after, before
from tests.plan import builders as b

ROLES = [
    f"arn:aws:iam::111122223333:role/{name}"
    for name in ("eks-node", "Eks-Node", "fargate", "AWSServiceRoleForAmazonEKSNodegroup", "deployer")
]
TYPES = ["STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX"]
GROUPS = st.lists(st.sampled_from(["system:nodes", "system:bootstrappers", b.DEVELOPERS]), unique=True, max_size=2)
USERNAMES = st.sampled_from(["system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}", "someone"])
MARKS = st.dictionaries(
    st.sampled_from([names.INSTANCE_LABEL, names.MANAGED_BY_LABEL, "kapp.k14s.io/app"]),
    st.sampled_from([b.INSTANCE, names.MANAGED_BY, "other"]),
    max_size=3,
)
ROLE = st.sampled_from(ROLES)
ENTRIES = st.builds(
    lambda arn, username, groups, kind, marks: Observed(
        b.key_of(AccessEntry(arn, "", ())), AccessEntry(arn, username, tuple(sorted(groups)), kind), Meta(labels=marks)
    ),
    ROLE,
    USERNAMES,
    GROUPS,
    st.sampled_from(TYPES),
    MARKS,
)
ROWS = st.builds(
    lambda arn, username, groups: AwsAuthRow("mapRoles", arn, username, tuple(groups)), ROLE, USERNAMES, GROUPS
)
WANTED = st.lists(st.tuples(ROLE, st.booleans()), unique_by=lambda one: one[0], max_size=3)
FORMS: list[Form] = ["access-entries", "aws-auth", "external"]


def config_map(rows: list[AwsAuthRow], owned: list[str]) -> AwsAuth:
    text = "".join(f"- rolearn: {r.arn}\n  username: '{r.username}'\n  groups: [{', '.join(r.groups)}]\n" for r in rows)
    return b.config_map("", text, owned)


@given(
    entries=st.lists(ENTRIES, unique_by=lambda item: item.key, max_size=4),
    policies=st.lists(ROLE, unique=True, max_size=2),
    rows=st.lists(ROWS, max_size=4),
    owned=st.lists(ROLE, unique=True, max_size=4),
    wanted=WANTED,
    form=st.sampled_from(FORMS),
    data=st.data(),
)
def test_no_plan_changes_or_hides_them(
    entries: list[Observed],
    policies: list[str],
    rows: list[AwsAuthRow],
    owned: list[str],
    wanted: list[tuple[str, bool]],
    form: Form,
    data: st.DataObject,
) -> None:
    there = [b.foreign(b.association(arn)) for arn in policies]
    state = b.state(*entries, *there, aws_auth=config_map(rows, owned))
    items = [b.entry(arn, b.DEVELOPERS) for arn, _ in wanted]
    if form == "aws-auth":
        items = [(AwsAuthRow("mapRoles", arn, arn, (b.DEVELOPERS,)), {}) for arn, _ in wanted]
    elif form == "access-entries":
        items += [b.association(arn) for arn, policy in wanted if policy]
    keys = sorted(adoptable(state) | {f"AccessEntry/{arn}" for arn in ROLES})
    adopt = data.draw(st.sets(st.sampled_from(keys)))
    try:
        made = plan_cluster(b.desired(*(items if form != "external" else [])), state, form, b.INSTANCE, adopt)
    except AwsAuthError:
        return
    assert state.aws_auth is not None
    there_now = read(state.aws_auth.data).rows
    specs = [item.spec for item in entries if isinstance(item.spec, AccessEntry)]
    system_entries = {spec.principal for spec in specs if is_system(spec)}
    system_rows = {row.arn for row in there_now if is_system(row)}
    for change in made.changes:
        assert not (change.key.kind == "AccessEntry" and change.key.name in system_entries)
        assert not (change.key.kind == "AwsAuthRow" and change.key.name in system_rows)
        if change.key.kind == "AccessPolicyAssociation":
            assert change.key.name.partition("#")[0] not in system_entries
    if made.aws_auth is not None:
        kept = [replace(row, index=0) for row in read(made.aws_auth).rows if is_system(row)]
        had = [replace(row, index=0) for row in there_now if is_system(row)]
        # A policy may want a new row that looks like one of these; it comes after them.
        assert kept[: len(had)] == had
    if any(finding.level is Level.ERROR for finding in made.findings):
        return
    was, will = before(state), after(state, made.changes, made.aws_auth)
    for arn in ROLES:
        mapping = resolve(arn, was.entries, was.reading)
        if mapping is not None and mapping.principal in (system_entries if mapping.source == "entry" else system_rows):
            assert resolve(arn, will.entries, will.reading) == mapping


def test_a_node_s_row_cannot_be_hidden_by_adopting_it() -> None:
    row = AwsAuthRow("mapRoles", b.NODE, "system:node:{{EC2PrivateDNSName}}", ("system:nodes",))
    state = replace(b.state(), aws_auth=config_map([row], []))
    wanted = b.desired(b.entry(b.NODE, b.DEVELOPERS))
    made = plan_cluster(wanted, state, "access-entries", b.INSTANCE, {f"AwsAuthRow/{b.NODE}"})
    (finding,) = made.findings
    assert (finding.id, finding.level) == ("MAP003", Level.ERROR)
    assert "--adopt" not in finding.hint


def test_a_node_s_row_is_not_hidden_either_where_another_row_for_it_counts() -> None:
    node = AwsAuthRow("mapRoles", b.NODE, "system:node:{{EC2PrivateDNSName}}", ("system:nodes",))
    state = replace(b.state(), aws_auth=config_map([node, replace(node, username="someone", groups=())], []))
    made = plan_cluster(
        b.desired(b.entry(b.NODE, b.DEVELOPERS)), state, "access-entries", b.INSTANCE, {f"AwsAuthRow/{b.NODE}"}
    )
    assert [finding.id for finding in made.findings if finding.level is Level.ERROR] == ["MAP003"]


def test_a_node_s_entry_is_not_to_be_deleted_for_a_row() -> None:
    entry = b.foreign(b.entry(b.NODE, type="EC2_LINUX"))
    state = replace(b.state(entry), aws_auth=config_map([], []))
    wanted = b.desired((AwsAuthRow("mapRoles", b.NODE, b.NODE, (b.DEVELOPERS,)), {}))
    (finding,) = plan_cluster(wanted, state, "aws-auth", b.INSTANCE).findings
    assert (finding.id, finding.level) == ("MAP004", Level.ERROR)
    assert finding.hint == "take it out of the policy: that entry is for nodes or AWS's own services"
