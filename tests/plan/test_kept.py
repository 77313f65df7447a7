"""What an adopted mapping keeps of before: names on which other people's bindings depend, and no more."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Form
from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.plan.change import Action, ClusterPlan
from iamrbac.plan.keeps import Kept, kept_by, rows_after, tags_of
from iamrbac.plan.kept import MOST_TAGS, with_kept
from iamrbac.plan.observed import AwsAuth, ClusterState, Meta, Observed
from iamrbac.plan.planner import plan_cluster
from iamrbac.rbac.objects import Binding, RoleRef, Subject
from tests.plan import builders as b

TAG_VALUE = re.compile(r"[\w\s.:/=+\-@]*")
ADOPT = frozenset({f"AccessEntry/{b.ALICE}"})
OURS = b.desired(b.entry(b.ALICE, b.DEVELOPERS))
VIEW = RoleRef("ClusterRole", "view")


def bound(kind: str, name: str, by: str = "chart") -> Observed:
    subject = Subject("Group" if kind == "Group" else "User", name)
    return b.foreign((Binding("RoleBinding", "search", by, VIEW, (subject,)), {}), {names.MANAGED_BY_LABEL: "Helm"})


def was(username: str, *groups: str) -> Observed:
    return b.foreign((AccessEntry(b.ALICE, username, tuple(sorted(groups))), {}))


def planned(
    state: ClusterState,
    adopt: frozenset[str] = frozenset(),
    desired: ClusterDesired = OURS,
    form: Form = "access-entries",
) -> tuple[ClusterPlan, list[tuple[str, str]]]:
    keeping, findings = with_kept(desired, state, form, b.INSTANCE, adopt)
    plan = plan_cluster(keeping, state, form, b.INSTANCE, adopt)
    return plan, [(one.id, one.message) for one in findings]


def applied(state: ClusterState, plan: ClusterPlan) -> ClusterState:
    """The cluster after the plan: what was written is as it was wanted, with our marks."""
    after = {one.key: one for one in state.objects}
    for change in plan.changes:
        if change.after is None:
            del after[change.key]
        else:
            labels = {**change.after.labels}
            after[change.key] = Observed(change.key, change.after.spec, Meta(labels=labels, version="9"))
    return replace(state, objects=tuple(after.values()))


@given(st.frozensets(st.text(min_size=1, max_size=30), max_size=5), st.booleans())
def test_tags_say_what_is_kept_in_letters_that_tags_have(groups: frozenset[str], username: bool) -> None:
    kept = Kept(groups, username)
    tags = tags_of(kept)
    assert kept_by({**tags, "team": "search", names.INSTANCE_LABEL: "acme"}) == kept
    assert all(TAG_VALUE.fullmatch(value) for value in tags.values())
    assert bool(kept) == bool(tags)


def test_an_adopted_entry_keeps_the_group_that_somebody_elses_binding_names_and_no_other() -> None:
    state = b.state(was(b.ALICE, "devs", "nobody-binds-this", "system:authenticated-by-hand"), bound("Group", "devs"))
    plan, said = planned(state, ADOPT)
    (change,) = plan.changes
    assert change.action is Action.ADOPT
    assert change.after is not None
    assert change.after.spec == AccessEntry(b.ALICE, b.ALICE, ("devs", b.DEVELOPERS))
    assert said == [
        (
            "OWN006",
            "1 mapping keeps the group devs of before: RoleBinding/search/chart, not of this repository, names it",
        )
    ]
    assert plan.access == ()


def test_what_is_kept_stays_while_it_is_named_and_goes_when_it_is_not() -> None:
    first = b.state(was(b.ALICE, "devs"), bound("Group", "devs"))
    second = applied(first, planned(first, ADOPT)[0])
    plan, said = planned(second)
    assert plan.changes == ()
    assert [id_ for id_, _ in said] == ["OWN006"]
    without = replace(second, objects=tuple(one for one in second.objects if one.key.kind != "RoleBinding"))
    last, said = planned(without)
    (change,) = last.changes
    assert change.after is not None
    assert (change.action, change.after.spec) == (Action.UPDATE, AccessEntry(b.ALICE, b.ALICE, (b.DEVELOPERS,)))
    assert not any(label.startswith(names.KEEPS) for label in change.after.labels)
    assert said == []


def test_a_group_that_somebody_adds_by_hand_is_not_kept_although_a_binding_names_it() -> None:
    first = b.state(was(b.ALICE, "devs"), bound("Group", "devs"), bound("Group", "admins", "other"))
    second = applied(first, planned(first, ADOPT)[0])
    entry = next(one for one in second.objects if isinstance(one.spec, AccessEntry))
    changed = replace(entry, spec=AccessEntry(b.ALICE, b.ALICE, ("admins", "devs", b.DEVELOPERS)))
    third = replace(second, objects=(changed, *(one for one in second.objects if one is not entry)))
    (change,) = planned(third)[0].changes
    assert change.after is not None
    assert change.after.spec == AccessEntry(b.ALICE, b.ALICE, ("devs", b.DEVELOPERS))


def test_whoever_leaves_keeps_nothing() -> None:
    first = b.state(was(b.ALICE, "devs"), bound("Group", "devs"))
    second = applied(first, planned(first, ADOPT)[0])
    (change,) = planned(second, desired=b.desired())[0].changes
    assert change.action is Action.DELETE


def test_nothing_is_kept_of_what_is_not_adopted() -> None:
    state = b.state(was(b.ALICE, "devs"), bound("Group", "devs"))
    plan, said = planned(state)
    assert (plan.changes, said) == ((), [])
    assert [one.id for one in plan.findings] == ["OWN002"]


def test_the_user_name_is_kept_where_a_binding_names_it_or_one_of_its_sessions() -> None:
    for username, subject in (("alice", "alice"), ("dev:{{SessionName}}", "dev:alice")):
        state = b.state(was(username), bound("User", subject))
        (change,) = planned(state, ADOPT)[0].changes
        assert change.after is not None
        assert change.after.spec == AccessEntry(b.ALICE, username, (b.DEVELOPERS,))
        again = applied(state, planned(state, ADOPT)[0])
        assert planned(again)[0].changes == ()
    state = b.state(was("alice"), bound("User", "bob"))
    (change,) = planned(state, ADOPT)[0].changes
    assert change.after is not None
    assert change.after.spec == AccessEntry(b.ALICE, b.ALICE, (b.DEVELOPERS,))


def test_bindings_of_ours_and_of_kubernetes_groups_hold_nothing() -> None:
    ours = b.observed(b.binding(Subject("Group", "devs")))
    state = b.state(was(b.ALICE, "devs", "system:masters"), ours, bound("Group", "system:masters"))
    (change, *_) = planned(
        state, ADOPT, b.desired(b.entry(b.ALICE, b.DEVELOPERS), b.binding(Subject("Group", "devs")))
    )[0].changes
    assert change.after is not None
    assert change.after.spec == AccessEntry(b.ALICE, b.ALICE, (b.DEVELOPERS,))


def test_where_others_bindings_were_not_read_all_is_kept() -> None:
    state = replace(b.state(was("alice", "devs")), partial=True)
    keeping, findings = with_kept(OURS, state, "access-entries", b.INSTANCE, ADOPT)
    assert keeping.objects[0].spec == AccessEntry(b.ALICE, "alice", ("devs", b.DEVELOPERS))
    assert [one.message for one in findings] == [
        "1 mapping keeps the group devs of before: who binds what here was not read",
        "1 mapping keeps the user alice of before: who binds what here was not read",
    ]


def test_more_than_tags_can_say_is_refused() -> None:
    groups = [f"g{index}" for index in range(MOST_TAGS + 1)]
    state = b.state(was(b.ALICE, *groups), *(bound("Group", group, group) for group in groups))
    _, findings = with_kept(OURS, state, "access-entries", b.INSTANCE, ADOPT)
    assert [(one.id, one.level.value, one.object) for one in findings] == [
        ("OWN007", "error", f"AccessEntry/{b.ALICE}")
    ]


USERS = f"- userarn: {b.ALICE}\n  username: alice\n  groups: [devs, idle]\n"
ROW = b.desired(b.row(b.ALICE, b.DEVELOPERS))
ADOPT_ROW = frozenset({f"AwsAuthRow/{b.ALICE}"})


def test_an_adopted_row_keeps_them_too_and_the_annotation_says_so() -> None:
    first = b.state(bound("Group", "devs"), bound("User", "alice", "other"), aws_auth=b.config_map(USERS))
    plan, said = planned(first, ADOPT_ROW, ROW, "aws-auth")
    (change,) = plan.changes
    assert change.after is not None
    assert change.after.spec == AwsAuthRow("mapUsers", b.ALICE, "alice", ("devs", b.DEVELOPERS))
    assert [id_ for id_, _ in said] == ["OWN006", "OWN006"]
    assert plan.aws_auth is not None
    assert first.aws_auth is not None
    kept = rows_after(first.aws_auth, b.INSTANCE, plan.changes)
    assert kept is not None
    assert json.loads(kept) == {b.ALICE: {f"{names.KEEPS}0": "devs", f"{names.KEEPS}username": "true"}}
    annotations = {names.rows_annotation(b.INSTANCE): json.dumps([b.ALICE]), names.keeps_annotation(b.INSTANCE): kept}
    second = replace(first, aws_auth=AwsAuth(plan.aws_auth, annotations, "12"))
    assert planned(second, desired=ROW, form="aws-auth")[0].changes == ()
    # The bindings go: so do the names, and the annotation.
    third = replace(second, objects=())
    last = planned(third, desired=ROW, form="aws-auth")[0]
    assert last.aws_auth is not None
    (row,) = read(last.aws_auth).rows
    assert (row.username, row.groups) == (b.ALICE, (b.DEVELOPERS,))
    assert third.aws_auth is not None
    assert rows_after(third.aws_auth, b.INSTANCE, last.changes) is None


def test_an_entry_that_hides_an_adopted_row_has_the_rows_names() -> None:
    state = b.state(bound("Group", "devs"), bound("User", "alice", "other"), aws_auth=b.config_map(USERS))
    (change,) = planned(state, ADOPT_ROW)[0].changes
    assert change.after is not None
    assert change.after.spec == AccessEntry(b.ALICE, "alice", ("devs", b.DEVELOPERS))
    again = applied(state, planned(state, ADOPT_ROW)[0])
    assert planned(again)[0].changes == ()


def test_an_annotation_that_says_nothing_keeps_nothing() -> None:
    for text in ("{", "[]", f'{{"{b.ALICE}": 1}}', f'{{"{b.ALICE}": {{"{names.KEEPS}0": 1}}}}'):
        annotations = {names.rows_annotation(b.INSTANCE): json.dumps([b.ALICE]), names.keeps_annotation("acme"): text}
        state = b.state(bound("Group", "devs"), aws_auth=AwsAuth({"mapUsers": USERS}, annotations, "1"))
        (change,) = planned(state, desired=ROW, form="aws-auth")[0].changes
        assert change.after is not None
        assert change.after.spec == AwsAuthRow("mapUsers", b.ALICE, b.ALICE, (b.DEVELOPERS,))
