"""The order in IAM: whatever is interrupted after whichever write, nobody gets in who is in neither state."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.identity.assumable import AssumableRole, GroupPolicy, group_policy, role_arn, trust_policy
from iamrbac.plan.accounts import AccountState, after, plan_account
from iamrbac.plan.iam_order import IamOrder, ordered
from iamrbac.plan.observed import Meta, Observed
from iamrbac.plan.through import through

ACCOUNT = "222233334444"
MEMBERS = {group: tuple(f"arn:aws:iam::{ACCOUNT}:user/{group}-{n}" for n in (1, 2)) for group in "abc"}
USERS = [f"{group}-{n}" for group in "abc" for n in (1, 2)]

# Set → its groups, and who is suspended: what one state of the documents wants in IAM.
STATES = st.tuples(
    st.dictionaries(st.sampled_from(["x", "y"]), st.sets(st.sampled_from("abc"), min_size=1)),
    st.sets(st.sampled_from(USERS)),
)


def wanted(state: tuple[dict[str, set[str]], set[str]]) -> list[Desired]:
    sets, suspended = state
    found: list[Desired] = []
    for one, groups in sets.items():
        name = names.role_name("{instance}.{team}.{set}", "acme", "t", one)
        arn, tags = role_arn("aws", ACCOUNT, name), names.role_tags("acme", "t", one)
        spec = AssumableRole(arn, trust_policy("aws", ACCOUNT, suspended))
        found.append(Desired(Key("", "IamRole", "", name, ACCOUNT), spec, tags))
        policy = names.group_policy_name("acme", "t", one)
        for group in groups:
            key = Key("", "IamGroupPolicy", "", f"{group}/{policy}", ACCOUNT)
            found.append(Desired(key, GroupPolicy(group, policy, group_policy(arn)), tags))
    return found


def observed(items: list[Desired]) -> AccountState:
    seen = [Observed(one.key, one.spec, Meta(labels=one.labels)) for one in items]
    return AccountState(
        ACCOUNT,
        tuple(one for one in seen if one.key.kind == "IamRole"),
        tuple(one for one in seen if one.key.kind == "IamGroupPolicy"),
        MEMBERS,
        (),
    )


def may(state: AccountState) -> set[tuple[str, str]]:
    return {(role, user) for role, users in through([(state, ())]).before.items() for user in users}


def steps(order: IamOrder) -> list[object]:
    return [*chain(order.out, order.roles, order.into, order.drop)]


@given(STATES, STATES)
def test_no_step_lets_anybody_in_who_is_in_neither_state(
    old: tuple[dict[str, set[str]], set[str]], new: tuple[dict[str, set[str]], set[str]]
) -> None:
    state = observed(wanted(old))
    plan = plan_account(wanted(new), state, "acme")
    assert not [finding for finding in plan.findings if finding.level.value == "error"]
    order = ordered(plan.changes)
    assert sorted(map(repr, steps(order))) == sorted(map(repr, plan.changes))
    first, last = may(state), may(observed(wanted(new)))
    done = []
    for change in chain(order.out, order.roles, order.into, order.drop):
        done.append(change)
        mixed = (old[1] - new[1]) and (new[1] - old[1])
        if not mixed:
            assert may(after(state, done)) <= first | last
    assert may(after(state, plan.changes)) == last
    assert not plan_account(wanted(new), observed(wanted(new)), "acme").changes


@given(STATES, STATES)
def test_what_takes_away_goes_before_the_clusters_and_what_gives_after(
    old: tuple[dict[str, set[str]], set[str]], new: tuple[dict[str, set[str]], set[str]]
) -> None:
    state = observed(wanted(old))
    order = ordered(plan_account(wanted(new), state, "acme").changes)
    before = may(after(state, [*order.out, *order.roles]))
    first, last = may(state), may(observed(wanted(new)))
    if not ((old[1] - new[1]) and (new[1] - old[1])):
        assert before <= first
        # A role that goes altogether goes last; its policies, which let people in, have gone by now.
        assert not before - last


def test_a_run_that_does_not_look_everywhere_removes_nothing() -> None:
    state = observed(wanted(({"x": {"a"}}, set())))
    plan = plan_account([], state, "acme", waits="it goes later")
    assert not plan.changes
    assert [finding.id for finding in plan.findings] == ["ROL004"]
