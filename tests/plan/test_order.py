"""The order of writing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.model.arn import without_path
from iamrbac.plan.change import Action, Change
from iamrbac.plan.observed import AwsAuth
from iamrbac.plan.order import STAGES, gives, phases, rows_that_stay
from iamrbac.plan.planner import plan_cluster
from iamrbac.rbac.objects import RoleRef
from tests.plan import builders as b

SSO = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/"


def change(action: Action, before: b.Item | None = None, after: b.Item | None = None) -> Change:
    """One change from builder items."""
    was = b.observed(before) if before else None
    will = b.desired(after).objects[0] if after else None
    key = was.key if was else b.key_of((after or b.role())[0])
    return Change(key, action, was, will)


def test_grants_go_from_roles_to_bindings_to_principals() -> None:
    changes = [
        change(Action.CREATE, after=b.entry(b.ALICE, b.DEVELOPERS)),
        change(Action.CREATE, after=b.binding()),
        change(Action.CREATE, after=b.association(b.ALICE)),
        change(Action.CREATE, after=b.role()),
    ]
    assert [phase.stage for phase in phases(changes)] == ["roles", "bindings", "principals", "policies"]


def test_revocations_go_the_other_way_round() -> None:
    changes = [
        change(Action.DELETE, before=b.role()),
        change(Action.DELETE, before=b.binding()),
        change(Action.DELETE, before=b.entry(b.ALICE, b.DEVELOPERS)),
    ]
    assert [phase.stage for phase in phases(changes)] == ["leave", "unbind-late", "drop-roles"]


def test_who_moves_from_a_row_to_an_entry_does_not_leave() -> None:
    changes = [
        change(Action.DELETE, before=b.row(b.ALICE, b.DEVELOPERS)),
        change(Action.CREATE, after=b.entry(b.ALICE, b.DEVELOPERS)),
    ]
    assert [phase.stage for phase in phases(changes)] == ["principals", "unmap"]


def test_a_permission_set_whose_role_is_made_anew_is_mapped_before_the_old_one_goes() -> None:
    old, new = (f"{SSO}AWSReservedSSO_Developer_{digits}" for digits in ("0123456789abcdef", "fedcba9876543210"))
    changes = [
        change(Action.DELETE, before=b.association(old)),
        change(Action.DELETE, before=b.entry(old, b.DEVELOPERS)),
        change(Action.CREATE, after=b.entry(new, b.DEVELOPERS)),
        change(Action.CREATE, after=b.association(new)),
    ]
    assert [phase.stage for phase in phases(changes)] == ["principals", "policies", "unmap"]
    rows = [
        change(Action.DELETE, before=b.row(without_path(old), b.DEVELOPERS)),
        change(Action.CREATE, after=b.row(without_path(new), b.DEVELOPERS)),
    ]
    assert [phase.stage for phase in phases(rows)] == ["principals", "unmap"]


def test_another_permission_set_is_somebody_else_who_leaves() -> None:
    old, new = (f"{SSO}AWSReservedSSO_{name}_0123456789abcdef" for name in ("Developer", "Viewer"))
    changes = [
        change(Action.DELETE, before=b.entry(old, b.DEVELOPERS)),
        change(Action.CREATE, after=b.entry(new, b.DEVELOPERS)),
    ]
    assert [phase.stage for phase in phases(changes)] == ["leave", "principals"]


def test_a_group_that_somebody_joins_loses_its_old_binding_first() -> None:
    old = b.binding(set_name="viewers", ref=RoleRef("ClusterRole", "admin"))
    changes = [
        change(Action.DELETE, before=old),
        change(Action.UPDATE, before=b.entry(b.ALICE), after=b.entry(b.ALICE, b.VIEWERS)),
    ]
    assert [phase.stage for phase in phases(changes)] == ["unbind", "principals"]


def test_who_leaves_a_group_whose_rights_grow_leaves_before_they_do() -> None:
    changes = [
        change(Action.UPDATE, before=b.role(b.READ_PODS), after=b.role(b.READ_PODS, b.READ_LOGS)),
        change(Action.UPDATE, before=b.entry(b.ALICE, b.DEVELOPERS), after=b.entry(b.ALICE)),
    ]
    assert [phase.stage for phase in phases(changes)] == ["leave", "roles"]


def groups_of(one: Change) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The groups before and after a change of an entry or a row."""
    was, will = one.before.spec if one.before else None, one.after.spec if one.after else None
    assert isinstance(was, AccessEntry | AwsAuthRow)
    return was.groups, will.groups if isinstance(will, AccessEntry | AwsAuthRow) else ()


GROWS = change(Action.UPDATE, b.role(b.READ_PODS), b.role(b.READ_PODS, b.READ_LOGS))
"""The developers get more."""
MOVES = change(Action.UPDATE, b.entry(b.ALICE, b.DEVELOPERS), b.entry(b.ALICE, b.VIEWERS))


def test_who_moves_out_of_a_group_that_grows_moves_first() -> None:
    assert [phase.stage for phase in phases([GROWS, MOVES])] == ["leave", "roles"]


def test_who_moves_between_two_groups_that_change_is_written_twice() -> None:
    shrinks = change(Action.DELETE, b.binding(set_name="viewers"))
    made = phases([GROWS, MOVES, shrinks])
    assert [phase.stage for phase in made] == ["leave", "roles", "unbind", "principals"]
    first, then = made[0].changes[0], made[-1].changes[0]
    assert (first.partly, *groups_of(first)) == (True, (b.DEVELOPERS,), ())
    assert (then.partly, *groups_of(then)) == (False, (), (b.VIEWERS,))


def test_who_moves_to_an_entry_loses_by_the_row_first_what_is_about_to_grow() -> None:
    changes = [
        GROWS,
        change(Action.DELETE, before=b.row(b.ALICE, b.DEVELOPERS)),
        change(Action.CREATE, after=b.entry(b.ALICE, b.VIEWERS)),
    ]
    made = phases(changes)
    assert [phase.stage for phase in made] == ["leave", "roles", "principals", "unmap"]
    assert groups_of(made[0].changes[0]) == ((b.DEVELOPERS,), ())


def test_a_row_goes_before_the_entry_that_hides_it() -> None:
    changes = [
        change(Action.DELETE, before=b.entry(b.ALICE)),
        change(Action.DELETE, before=b.row(b.ALICE, b.DEVELOPERS)),
    ]
    assert [phase.stage for phase in phases(changes)] == ["hidden", "leave"]


def test_an_entry_that_uncovers_a_row_that_stays_waits_for_what_the_row_s_groups_lose() -> None:
    gone = change(Action.DELETE, before=b.entry(b.ALICE, b.DEVELOPERS))
    changes = [gone, change(Action.DELETE, before=b.binding(set_name="viewers")), GROWS]
    rows = {b.ALICE: frozenset({b.VIEWERS})}
    made = phases(changes, rows)
    assert [phase.stage for phase in made] == ["leave", "roles", "unbind", "unmap"]
    assert groups_of(made[0].changes[0]) == ((b.DEVELOPERS,), ())
    assert gives(gone, rows) == {b.VIEWERS}
    assert [phase.stage for phase in phases(changes)] == ["leave", "roles", "unbind-late"]


def test_the_rows_that_stay_are_those_of_no_change_whosever_they_are() -> None:
    data = edit({}, [AwsAuthRow("mapUsers", arn, arn, (b.VIEWERS,)) for arn in (b.ALICE, b.BOB, b.PAT)], ())
    owned = b.config_map(owned=[b.ALICE, b.BOB]).annotations
    state = b.state(aws_auth=AwsAuth(data, owned, "11"))
    plan = plan_cluster(b.desired(b.row(b.ALICE, b.VIEWERS)), state, "aws-auth", b.INSTANCE)
    assert [one.key.name for one in plan.changes] == [b.BOB]
    assert rows_that_stay(plan).keys() == {b.ALICE, b.PAT}


def test_a_role_that_only_loses_does_so_last_but_before_somebody_joins() -> None:
    less = change(Action.UPDATE, b.role(b.READ_PODS, b.READ_LOGS), b.role(b.READ_PODS))
    joins = change(Action.UPDATE, b.entry(b.ALICE), b.entry(b.ALICE, b.DEVELOPERS))
    assert [phase.stage for phase in phases([less])] == ["unbind-late"]
    assert [phase.stage for phase in phases([less, joins])] == ["unbind", "principals"]


principals = st.sampled_from([b.ALICE, b.BOB, b.PAT])
groups = st.lists(st.sampled_from([b.DEVELOPERS, b.VIEWERS]), unique=True)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[b.Item, b.Item]:
    """Two values of the same object."""
    name = draw(st.sampled_from(["viewers", "developers"]))
    who = draw(principals)
    choices: list[tuple[b.Item, b.Item]] = [
        (b.role(set_name=name), b.role(b.READ_LOGS, set_name=name)),
        (b.binding(set_name=name), b.binding(set_name=name)),
        (b.entry(who, *draw(groups)), b.entry(who, *draw(groups))),
        (b.row(who, *draw(groups)), b.row(who, *draw(groups))),
    ]
    return draw(st.sampled_from(choices))


@st.composite
def random_changes(draw: st.DrawFn) -> list[Change]:
    """Random changes of one cluster, one for each key."""
    made = {}
    for was, will in draw(st.lists(pairs(), max_size=8)):
        action = draw(st.sampled_from([Action.CREATE, Action.UPDATE, Action.DELETE]))
        before = was if action is not Action.CREATE else None
        after = will if action is not Action.DELETE else None
        one = change(action, before, after)
        made[one.key] = one
    return list(made.values())


@given(random_changes())
def test_every_change_is_in_exactly_one_phase_and_phases_keep_their_order(changes: list[Change]) -> None:
    made = phases(changes)
    written = [one for phase in made for one in phase.changes]
    assert sorted(one.key for one in written if not one.partly) == sorted(one.key for one in changes)
    assert all(one.key.kind in ("AccessEntry", "AwsAuthRow") for one in written if one.partly)
    order = [STAGES.index(phase.stage) for phase in made]
    assert order == sorted(set(order))


@given(random_changes())
def test_no_binding_is_written_before_its_role_and_no_role_dropped_before_its_binding(changes: list[Change]) -> None:
    stages = [(phase.stage, one) for phase in phases(changes) for one in phase.changes]
    kinds = [one.key.kind if one.action is not Action.DELETE else f"-{one.key.kind}" for _, one in stages]
    for first, then in (("Role", "RoleBinding"), ("-RoleBinding", "-Role")):
        if first in kinds and then in kinds:
            last_first = max(index for index, kind in enumerate(kinds) if kind == first)
            assert last_first < kinds.index(then)
