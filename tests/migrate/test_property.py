"""Any cluster of any habit: what is not stood against is equal, and what was done is seen as done."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from iamrbac.identity.snapshot import Identities
from iamrbac.mapping.objects import AccessEntry
from iamrbac.migrate.migration import migration, reading_of
from iamrbac.migrate.people import wanted
from iamrbac.migrate.types import Asked, Fate, Migration
from iamrbac.migrate.undo import undo
from iamrbac.model.arn import Arn
from iamrbac.plan.change import Change
from iamrbac.plan.observed import AuthenticationMode, AwsAuth, ClusterState, Meta, Observed
from iamrbac.plan.simulate import edited_aws_auth
from tests.access.worlds import ACCOUNT, BUILTIN, PEOPLE
from tests.importing.clusters import AT, Case, cases, state_of

_SETTINGS = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def known(state: ClusterState) -> Identities:
    """IAM's answers: roles have a path that aws-auth does not tell."""
    full = {f"{Arn.parse(one).kind}/{Arn.parse(one).name}": one for one in PEOPLE}
    names = wanted(reading_of(state).rows, {}).principals
    return Identities(principals={one: full.get(one.name, f"arn:aws:iam::{one.account}:{one.name}") for one in names})


def found_in(state: ClusterState, asked: Asked | None = None) -> Migration:
    return migration(state, "acme", known(state), asked or Asked(), BUILTIN.roles, AT)


def done(state: ClusterState, changes: tuple[Change, ...], *, rows: tuple[Change, ...] = ()) -> ClusterState:
    """The cluster after these writes."""
    objects = {item.key: item for item in state.objects}
    for change in changes:
        objects.pop(change.key, None)
        if change.after is not None:
            objects[change.key] = Observed(change.key, change.after.spec, Meta(labels=change.after.labels))
    data = edited_aws_auth(state, rows)
    map_ = AwsAuth(data, {}, "2") if data is not None else state.aws_auth
    now = state.target.authentication_mode
    mode: AuthenticationMode = "API_AND_CONFIG_MAP" if now == "CONFIG_MAP" else now
    return replace(
        state, target=replace(state.target, authentication_mode=mode), objects=tuple(objects.values()), aws_auth=map_
    )


@_SETTINGS
@given(cases())
def test_what_nothing_stands_against_is_equal(case: Case) -> None:
    """And where it is not, the proof is what stands against it: a row without a username got one."""
    found = found_in(case.state, Asked(leave=frozenset({ACCOUNT})))
    if found.proof is not None and not found.proof.equal:
        assert [one.id for one in found.blockers] == ["MIG013"]
        assert any("has no username" in note for row in found.rows for note in row.notes)


@_SETTINGS
@given(cases())
def test_what_was_done_is_seen_and_can_be_undone_while_the_rows_are_there(case: Case) -> None:
    asked = Asked(leave=frozenset({ACCOUNT}))
    found = found_in(case.state, asked)
    if found.blockers:
        return
    entries = tuple(change for pair in found.create for change in pair)
    beside = done(case.state, entries)
    again = found_in(beside, asked)
    assert not again.blockers
    assert not again.create
    assert [one.key for one in again.remove] == [one.key for one in found.remove]
    back = undo(beside, "acme")
    assert not back.blockers
    made = {change.key for change in entries if isinstance(change.after and change.after.spec, AccessEntry)}
    assert {one.key for one in back.remove} == made
    after = found_in(done(case.state, entries, rows=found.remove), asked)
    assert after.done(keep_rows=False)
    if made:
        assert undo(done(case.state, entries, rows=found.remove), "acme").blockers


def state(text: str, users: str = "", **more: str) -> ClusterState:
    return state_of("CONFIG_MAP", aws_auth={"mapRoles": text, "mapUsers": users, **more})


ROBOT = f"arn:aws:iam::{ACCOUNT}:role/robot"


def test_all_that_stands_against_it_is_told_at_once() -> None:
    rows = f"""\
- {{rolearn: "{ROBOT}", username: "system:x"}}
- {{rolearn: "arn:aws:iam::{ACCOUNT}:root", username: root}}
- {{rolearn: "arn:aws:iam::{ACCOUNT}:role/AWSServiceRoleForBatch", username: batch}}
- {{sso: {{permissionSetName: Dev, accountID: "{ACCOUNT}"}}, username: dev}}
"""
    users = f"- {{userarn: '{PEOPLE[0]}', username: ann, groups: ['system:authenticated']}}\n"
    found = found_in(state(rows, users, mapAccounts='- "444455556666"'))
    assert [one.id for one in found.blockers] == ["MIG004", "MIG006", "MIG007", "MIG003", "MIG002", "MIG008"]
    assert all(one.hint for one in found.blockers)
    left = Asked(
        leave=frozenset(
            {
                ROBOT.lower(),
                f"arn:aws:iam::{ACCOUNT}:root",
                f"arn:aws:iam::{ACCOUNT}:role/awsserviceroleforbatch",
                PEOPLE[0],
                "444455556666",
                "maproles[3]",
            }
        )
    )
    assert found_in(state(rows, users, mapAccounts='- "444455556666"'), left).blockers == ()


def test_a_section_that_does_not_parse_stands_against_it() -> None:
    found = found_in(state("- [", f"- {{userarn: '{PEOPLE[0]}', username: ann}}\n"))
    assert [one.id for one in found.blockers] == ["MIG001"]


def test_two_spellings_of_a_user_stand_against_it() -> None:
    users = "".join(
        f"- {{userarn: '{arn}', username: {name}}}\n" for name, arn in (("a", PEOPLE[0]), ("b", PEOPLE[0].upper()))
    )
    users = users.replace("ARN:AWS:IAM", "arn:aws:iam")
    found = found_in(state("", users))
    assert [one.id for one in found.blockers] == ["MIG010"]


def test_more_entries_than_a_cluster_has_room_for() -> None:
    entries = tuple(AccessEntry(f"arn:aws:iam::{ACCOUNT}:user/u{at}", f"u{at}") for at in range(3000))
    crowded = state_of("API_AND_CONFIG_MAP", entries, aws_auth={"mapRoles": f"- {{rolearn: '{ROBOT}', username: r}}\n"})
    found = found_in(crowded)
    assert [one.id for one in found.blockers] == ["MIG012"]


def test_rows_of_nodes_stay_and_get_entries_where_that_is_asked() -> None:
    node = f"""\
- {{rolearn: "{ROBOT}", username: "system:node:{{{{EC2PrivateDNSName}}}}", groups: ["system:nodes"]}}
"""
    found = found_in(state(node))
    assert [one.fate for one in found.rows] == [Fate.NODES]
    assert found.leftover == (f"mapRoles {ROBOT}",)
    assert not found.create
    asked = found_in(state(node), Asked(nodes=True))
    made = [pair[0].after.spec for pair in asked.create if pair[0].after is not None]
    assert [one.type for one in made if isinstance(one, AccessEntry)] == ["EC2_LINUX"]
    assert not asked.remove
    assert asked.leftover == ()
    assert asked.proof is not None
    assert asked.proof.equal


def test_the_last_of_two_rows_counts_and_both_go() -> None:
    rows = "".join(f"- {{rolearn: '{ROBOT}', username: {name}, groups: [{name}]}}\n" for name in ("one", "two"))
    found = found_in(state(rows))
    assert [one.fate for one in found.rows] == [Fate.HIDDEN, Fate.ENTRY]
    assert found.rows[1].entry is not None
    assert found.rows[1].entry.groups == ("two",)
    assert len(found.remove) == 1
    assert edited_aws_auth(found.state, found.remove) is not None
