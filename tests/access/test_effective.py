"""A change of access case by case: what ends, what is not known, what another right covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.access.effective import Delta, by_identity, delta, deltas
from iamrbac.access.judge import Judge
from iamrbac.access.world import World
from iamrbac.compile.desired import PolicyGrant
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, BindingKind, RbacState, Role, RoleRef, Rule, Subject
from iamrbac.roles.builtin import builtin
from tests.access.explained import AT
from tests.access.test_effective_property import worlds

ANN = "iamUser ann"
TEAM = "iamrbac:acme:blue:developers"
GRANT = "iamrbac:acme:blue:temporary.inc"
READ = Rule(("get", "list"), ("",), ("pods",))
WRITE = Rule(("create", "delete"), ("",), ("pods",))
SOON, LATER = (AT + timedelta(days=days) for days in (10, 60))


def world(
    *given: tuple[str, str | None, tuple[Rule, ...] | str],
    ends: datetime | None = None,
    policies: Mapping[str, tuple[PolicyGrant, ...]] | None = None,
    carried: tuple[str, ...] = (TEAM, GRANT),
) -> World:
    """Ann carries both groups; each of `given` is a group, a namespace, and rules or the name of a ClusterRole."""
    roles: list[Role] = []
    bindings: list[Binding] = []
    for number, (group, namespace, what) in enumerate(given):
        name = what if isinstance(what, str) else "-".join(verb.strip("*") for rule in what for verb in rule.verbs)
        if not isinstance(what, str) and name not in {role.name for role in roles}:
            roles.append(Role("ClusterRole", None, name, what))
        kind: BindingKind = "ClusterRoleBinding" if namespace is None else "RoleBinding"
        bindings.append(
            Binding(kind, namespace, f"b{number}", RoleRef("ClusterRole", name), (Subject("Group", group),))
        )
    associations = tuple(
        PolicyAssociation(ANN, one.policy, "cluster" if one.namespaces is None else "namespace", one.namespaces or ())
        for group in carried
        for one in (policies or {}).get(group, ())
    )
    return World(
        (AccessEntry(ANN, ANN, carried),),
        associations,
        rbac=RbacState(tuple(roles), tuple(bindings)),
        ends={GRANT: ends} if ends is not None else {},
        policies=policies or {},
    )


def change(before: World, after: World) -> Delta | None:
    found = deltas("a cluster", Judge(before, builtin().rbac.roles), Judge(after, builtin().rbac.roles), AT)
    assert len(found) <= 1
    return found[0] if found else None


def told(delta: Delta | None) -> list[tuple[str, tuple[str, ...], tuple[Rule, ...], datetime | None, datetime | None]]:
    return [(one.change, one.namespaces, one.rules, one.starts, one.until) for one in delta.effects] if delta else []


def test_the_same_rules_by_other_names_are_no_change() -> None:
    split = world((TEAM, "blue", (READ,)), (GRANT, "blue", (WRITE,)), (TEAM, "blue", (READ,)))
    assert change(world((TEAM, "blue", (READ, WRITE))), split) is None


def test_places_with_the_same_change_are_told_together() -> None:
    after = world((TEAM, "green", (READ,)), (TEAM, "blue", (READ,)), (TEAM, "red", (WRITE,)))
    assert told(change(world(), after)) == [
        ("gain", ("blue", "green"), (READ,), None, None),
        ("gain", ("red",), (WRITE,), None, None),
    ]


def test_a_grant_that_ends_later_is_a_gain_from_its_old_end_on() -> None:
    before, after = (world((GRANT, "blue", (READ,)), ends=ends) for ends in (SOON, LATER))
    assert told(change(before, after)) == [("gain", ("blue",), (READ,), SOON, LATER)]
    assert told(change(after, before)) == [("lose", ("blue",), (READ,), SOON, LATER)]


def test_what_was_given_for_good_and_is_given_for_a_time_is_lost_then() -> None:
    after = world((GRANT, "blue", (READ,)), ends=SOON)
    assert told(change(world((TEAM, "blue", (READ,))), after)) == [("lose", ("blue",), (READ,), SOON, None)]


def test_what_a_grant_gives_beside_the_same_for_good_is_nothing_new() -> None:
    before = world((TEAM, "blue", (READ,)))
    assert change(before, world((TEAM, "blue", (READ,)), (GRANT, "blue", (READ,)), ends=SOON)) is None


def test_a_grant_that_is_over_counts_for_nothing() -> None:
    assert change(world(), world((GRANT, "blue", (READ,)), ends=AT)) is None


def test_a_wider_right_says_where_it_was_held_before() -> None:
    found = change(world((TEAM, "blue", (READ,))), world((TEAM, None, (READ,))))
    assert told(found) == [("gain", ("",), (READ,), None, None)]
    assert found is not None
    assert found.effects[0].elsewhere == ("blue",)


def test_a_star_is_more_than_all_verbs_that_there_are() -> None:
    star = Rule(("*",), ("",), ("pods",))
    assert told(change(world((TEAM, "blue", (READ,))), world((TEAM, "blue", (star,))))) == [
        ("gain", ("blue",), (star,), None, None)
    ]


def test_a_role_that_only_the_cluster_has_is_not_known_and_not_nothing() -> None:
    found = change(world(), world((TEAM, "blue", "storage-admin")))
    assert found is not None
    (effect,) = found.effects
    assert (effect.rules, effect.unknown) == ((), ("clusterRole storage-admin",))
    assert change(world((TEAM, "blue", "storage-admin")), world((GRANT, "blue", "storage-admin"))) is None


def test_an_access_policy_that_aws_does_not_document_is_not_known_unless_everything_is_held_already() -> None:
    everything = (Rule(("*",), ("*",), ("*",)), Rule(("*",), non_resource_urls=("*",)))
    policies = {TEAM: (PolicyGrant("AmazonEKSHybridPolicy", ("blue",), (Origin("p.yaml"),)),)}
    found = change(world(), world(policies=policies))
    assert found is not None
    assert found.effects[0].unknown == ("eksAccessPolicy AmazonEKSHybridPolicy",)
    assert [giver.origins for giver in found.effects[0].givers] == [(Origin("p.yaml"),)]
    assert change(world((TEAM, None, everything)), world((TEAM, None, everything), policies=policies)) is None


def test_an_access_policy_for_a_time_in_the_whole_cluster_does_not_hide_one_for_good_in_a_namespace() -> None:
    grant: Mapping[str, tuple[PolicyGrant, ...]] = {TEAM: (PolicyGrant("AmazonEKSViewPolicy", ("blue",)),)}
    both = {**grant, GRANT: (PolicyGrant("AmazonEKSViewPolicy", None),)}
    found = change(world(policies=grant), world(policies=both, ends=SOON))
    assert [(way, places, until) for way, places, _, _, until in told(found)] == [("gain", ("",), SOON)]


def test_who_is_the_same_by_another_name_is_compared_with_itself() -> None:
    before = replace(world((TEAM, "blue", (READ,))), same={ANN: "iamuser 1 user/ann"})
    other = "arn:aws:iam::111122223333:user/staff/ann"
    after = replace(before, entries=(AccessEntry(other, other, (TEAM,)),), same={other: "iamuser 1 user/ann"})
    assert change(before, after) is None


def test_two_who_would_be_the_same_stay_two() -> None:
    both = replace(
        world((TEAM, "blue", (READ,))),
        entries=(AccessEntry("a", "a", (TEAM,)), AccessEntry("b", "b", ())),
        same={"a": "one", "b": "one"},
    )
    assert sorted(by_identity(Judge(both))) == ["a", "b"]


@settings(max_examples=60)
@given(worlds(), worlds(), st.booleans(), st.data())
def test_nobody_is_overlooked_by_the_glance(before: World, other: World, same_rbac: bool, data: st.DataObject) -> None:
    """`deltas` leaves out whom a glance finds unchanged: that is exactly everybody of whom `delta` says nothing."""
    entries = tuple(
        data.draw(st.sampled_from((one, replace(one, groups=()), replace(one, username="ann"))))
        for one in before.entries
    )
    after = replace(before, entries=entries) if same_rbac else replace(before, rbac=other.rbac)
    had, has = Judge(before), Judge(after)
    old, new = by_identity(had), by_identity(has)
    each = (delta("a cluster", had, old.get(key), has, new.get(key), AT) for key in sorted(old.keys() | new.keys()))
    assert deltas("a cluster", had, has, AT) == tuple(one for one in each if one is not None)
