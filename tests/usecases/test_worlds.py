"""What policies mean on clusters, as worlds: members as declared, or people."""

from __future__ import annotations

from typing import Any

from iamrbac.access.world import World, policy_name
from iamrbac.compile.documents import Documents
from iamrbac.identity.snapshot import IamName, Identities
from iamrbac.rbac.objects import RbacState
from iamrbac.roles.builtin import builtin
from iamrbac.usecases.worlds import Worlds, policy_worlds
from tests.compile.builders import (
    ACCOUNT,
    NOW,
    PEOPLE,
    cluster,
    config,
    documents,
    grant,
    identities,
    line,
    policy,
    render,
    user,
)

BUILTIN = builtin().rbac
NOTHING = RbacState()
EDIT = {"eksAccessPolicy": "AmazonEKSEditPolicy"}


def worlds(found: Documents, people: Identities | None = None, builtin_: RbacState = NOTHING) -> Worlds:
    return policy_worlds(found, found.config.document.clusters, builtin_, render, NOW, people)


def production(found: Documents, people: Identities | None = None) -> World:
    return worlds(found, people).clusters["production"]


def one(members: dict[str, Any], *lines: dict[str, Any], **changes: Any) -> Documents:
    places = {"namespaces": ["payments", "search"]}
    clusters = [cluster("staging", **places), cluster("production", **places, **changes)]
    return documents([policy("payments", members, lines)], config_=config(clusters=clusters))


def entries(world: World) -> dict[str, tuple[str, ...]]:
    return {entry.principal: entry.groups for entry in world.entries}


def test_a_member_of_several_sets_is_one_with_the_groups_of_all() -> None:
    found = one({"a": [{"iamGroup": "x"}], "b": [{"iamGroup": "x"}, {"iamUser": "ann"}]}, line())
    group = "iamrbac:acme:payments:"
    world = production(found)
    assert entries(world) == {"iamGroup x": (f"{group}a", f"{group}b"), "iamUser ann": (f"{group}b",)}
    assert [origin.path for origin in world.members["iamGroup x"]] == [
        ("spec", "members", "a", 0),
        ("spec", "members", "b", 0),
    ]


def test_a_set_without_access_on_a_cluster_is_not_there() -> None:
    found = one({"a": [{"iamGroup": "x"}]}, line(clusters=["staging"]))
    assert entries(production(found)) == {}
    assert list(entries(worlds(found).clusters["staging"])) == ["iamGroup x"]


def test_the_same_member_by_name_and_by_arn_is_one_and_namesakes_are_two() -> None:
    found = one({"a": [{"iamUser": "ann"}], "b": [{"iamUser": user("ann")}]}, line())
    assert list(entries(production(found))) == [f"iamUser {user('ann')}"]
    other = "999999999999"
    found = one({"a": [{"iamUser": "ann"}, {"iamUser": "ann", "account": other}]}, line())
    assert set(entries(production(found))) == {f"iamUser ann (account {PEOPLE})", f"iamUser ann (account {other})"}


def test_the_suspended_are_not_there() -> None:
    found = one({"a": [{"iamUser": "ann"}, {"iamUser": "bob"}]}, line())
    config_ = found.config.document.model_copy(update={"suspended": (user("ann"),)})
    assert list(entries(production(documents(found.policies, config_=config_)))) == ["iamUser bob"]


def test_access_policies_of_members_and_of_their_sets() -> None:
    found = one({"a": [{"iamGroup": "x"}]}, line(role=EDIT), line(namespaces=["search"], role=EDIT))
    world = production(found)
    assert [(one_.principal, policy_name(one_.policy), one_.namespaces) for one_ in world.associations] == [
        ("iamGroup x", "AmazonEKSEditPolicy", ("payments", "search"))
    ]
    (grants,) = world.policies.values()
    assert [origin.path for one_ in grants for origin in one_.origins]


def test_people_instead_of_members() -> None:
    found = one({"a": [{"iamGroup": "x-y"}]}, line())
    world = production(found, identities(x_y=[user("ann"), user("staff/bob")]))
    assert set(entries(world)) == {user("ann"), user("staff/bob")}
    assert all(world.members[name] for name in entries(world))


def test_a_permission_set_is_itself_or_its_role() -> None:
    found = one({"a": [{"permissionSet": "Developer"}]}, line())
    assert list(entries(production(found))) == ["permissionSet Developer"]
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Developer_0123456789abcdef"
    people = Identities({}, {IamName(ACCOUNT, "permissionSet/Developer"): arn})
    assert list(entries(production(found, people))) == [arn]


def test_a_row_is_the_entry_that_would_do_the_same() -> None:
    found = one({"a": [{"iamGroup": "x-y"}]}, line(), mapping="aws-auth")
    world = production(found, identities(x_y=[user("ann")]))
    (entry,) = world.entries
    assert (entry.principal, entry.username) == (user("ann"), user("ann"))
    assert world.reading is None


def test_roles_of_ours_are_called_as_policies_do_and_stand_beside_kubernetes_own() -> None:
    found = one({"a": [{"iamGroup": "x"}]}, line(), line(namespaces=["search"], role={"clusterRole": "view"}))
    world = worlds(found, builtin_=BUILTIN).clusters["production"]
    assert set(world.display.values()) == {"viewer"}
    assert {key[0] for key in world.origins} == {"RoleBinding"}
    assert len(world.origins) == 2
    assert {role.name for role in BUILTIN.roles} <= {role.name for role in world.rbac.roles}


def test_a_temporary_grant_counts_until_it_ends() -> None:
    access = [line(clusters=["production"])]
    running = grant("inc", [{"iamUser": "dana"}], access, "2026-06-02T00:00:00Z")
    over = grant("old", [{"iamUser": "eve"}], access, "2026-05-01T00:00:00Z")
    found = documents([policy("payments", {"a": [{"iamGroup": "x"}]}, [line()])], [running, over])
    assert set(entries(production(found))) == {"iamGroup x", "iamUser dana"}


def test_what_cannot_be_compiled_is_a_finding() -> None:
    found = one({"a": [{"iamGroup": "x"}]}, line(role="broken"))
    assert worlds(found).failed
    assert not worlds(one({"a": [{"iamGroup": "x"}]}, line())).failed
