"""Writes of entries and associations: only what was planned, only over what was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from iamrbac.compile.desired import Desired, Key
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.errors import AwsError, ConflictError, ExistsError
from iamrbac.plan.observed import Observed
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from tests.aws.conftest import ACCOUNT, World, refusal

NOW = datetime(2026, 11, 24, tzinfo=UTC)
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
TAGS = {"iamrbac.dev/instance": "acme"}
INVALID = refusal(400, "InvalidParameterException", "The specified principalArn is invalid: invalid principal.")


def entry(principal: str, *groups: str, username: str = "") -> Desired:
    name = principal.rpartition("/")[2]
    default = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{{{{SessionName}}}}"
    key = Key("development", "AccessEntry", "", principal)
    return Desired(key, AccessEntry(principal, username or default, groups), TAGS)


def association(principal: str, *namespaces: str) -> Desired:
    key = Key("development", "AccessPolicyAssociation", "", f"{principal}#{VIEW}")
    return Desired(key, PolicyAssociation(principal, VIEW, "namespace" if namespaces else "cluster", namespaces))


def there(world: World, key: Key) -> Observed:
    return next(one for one in world.api.mappings(world.target) if one.key == key)


def bodies(world: World, operation: str) -> list[bytes]:
    """Note what is sent from now on."""
    sent: list[bytes] = []

    def note(request: AwsRequest) -> Reply | None:
        sent.append(request.body)
        return None

    world.faults.replies[operation] = [note] * 10
    return sent


def test_what_is_created_is_what_is_read(world: World) -> None:
    role = world.role("deployer", "/ci/")
    wanted = entry(role, "iamrbac:acme:payments:deployer")
    world.api.create(world.target, wanted)
    world.api.create(world.target, association(role, "payments", "search"))
    found = world.api.mappings(world.target)
    assert [(one.key, one.spec, one.meta.labels) for one in found] == [
        (wanted.key, wanted.spec, TAGS),
        (association(role).key, association(role, "payments", "search").spec, {}),
    ]


@pytest.mark.parametrize("username", ["", "deploy-bot"])
def test_a_username_is_sent_only_when_it_is_not_what_eks_would_choose(world: World, username: str) -> None:
    role = world.role("deployer")
    sent = bodies(world, "eks:CreateAccessEntry")
    world.api.create(world.target, entry(role, username=username))
    assert [b'"username"' in body for body in sent] == [bool(username)]
    assert there(world, entry(role).key).spec == entry(role, username=username).spec


def test_create_refuses_what_is_there(world: World) -> None:
    role = world.role("deployer")
    world.access.create(role, NOW, lambda _: "AROA")
    world.access.associate(role, VIEW, "namespace", ["payments"], NOW)
    with pytest.raises(ExistsError, match="is there already"):
        world.api.create(world.target, entry(role))
    with pytest.raises(ExistsError, match="is there already"):
        world.api.create(world.target, association(role))
    assert world.access.entries[role].associations[VIEW].namespaces == ("payments",)


def test_a_principal_that_was_just_made_is_waited_for(world: World) -> None:
    role = world.role("deployer")
    world.faults.replies["eks:CreateAccessEntry"] = [INVALID, INVALID]
    api = world.api
    api.create(world.target, entry(role))
    assert world.waits == [1.0, 2.0]
    assert role in world.access.entries


def test_a_principal_that_does_not_exist_is_an_error_after_a_while(world: World) -> None:
    nobody = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    with pytest.raises(AwsError) as caught:
        world.api.create(world.target, entry(nobody))
    assert world.waits == [1.0, 2.0, 4.0]
    assert "invalid principal" in str(caught.value)
    assert caught.value.where == "development"


def test_another_refusal_is_not_waited_for(world: World) -> None:
    role = world.role("deployer")
    with pytest.raises(AwsError, match="cannot start with system:"):
        world.api.create(world.target, entry(role, "system:masters"))
    assert world.waits == []


@pytest.mark.parametrize(
    ("groups", "username", "sent"),
    [
        (("b",), "", {b"kubernetesGroups"}),
        (("a",), "bot", {b"username"}),
        (("b",), "bot", {b"kubernetesGroups", b"username"}),
        ((), "", {b"kubernetesGroups"}),
    ],
)
def test_update_sends_only_what_differs(world: World, groups: tuple[str, ...], username: str, sent: set[bytes]) -> None:
    role = world.role("deployer")
    world.api.create(world.target, entry(role, "a"))
    before = there(world, entry(role).key)
    noted = bodies(world, "eks:UpdateAccessEntry")
    world.api.update(world.target, before, entry(role, *groups, username=username))
    assert there(world, before.key).spec == entry(role, *groups, username=username).spec
    assert [{name for name in (b"kubernetesGroups", b"username") if name in body} for body in noted] == [sent]
    assert "eks:TagResource" not in world.server.front.calls


def test_what_is_given_back_loses_our_tags_and_nobody_elses(world: World) -> None:
    role = world.role("deployer")
    world.access.create(role, NOW, lambda _: "AROA", groups=("a",), tags={"owner": "platform", **TAGS})
    before = there(world, entry(role).key)
    wanted = replace(entry(role, "old"), labels={}, released=True)
    world.api.update(world.target, before, wanted)
    after = there(world, entry(role).key)
    assert (after.spec, after.meta.labels) == (wanted.spec, {"owner": "platform"})


def test_adopting_tags_the_entry_and_leaves_what_is_right(world: World) -> None:
    role = world.role("deployer")
    world.access.create(role, NOW, lambda _: "AROA", groups=("a",), tags={"owner": "platform"})
    before = there(world, entry(role).key)
    world.api.update(world.target, before, entry(role, "a"))
    assert there(world, before.key).meta.labels == {"owner": "platform", **TAGS}
    assert "eks:UpdateAccessEntry" not in world.server.front.calls


def test_a_new_scope_replaces_the_old_one(world: World) -> None:
    role = world.role("deployer")
    world.api.create(world.target, entry(role))
    world.api.create(world.target, association(role, "payments"))
    before = there(world, association(role).key)
    world.api.update(world.target, before, association(role, "search"))
    assert there(world, before.key).spec == association(role, "search").spec
    world.api.update(world.target, there(world, before.key), association(role))
    assert there(world, before.key).spec == association(role).spec


@pytest.mark.parametrize("action", ["update", "delete"])
@pytest.mark.parametrize("what", ["entry", "association", "tags"])
def test_what_changed_since_it_was_read_is_left_alone(world: World, action: str, what: str) -> None:
    role = world.role("deployer")
    world.api.create(world.target, entry(role, "a"))
    world.api.create(world.target, association(role, "payments"))
    wanted = association(role, "search") if what == "association" else entry(role, "b")
    before = there(world, wanted.key)
    theirs = world.access.entries[role]
    if what == "entry":
        theirs.groups = ("theirs",)
    elif what == "tags":
        theirs.tags["iamrbac.dev/instance"] = "other"
    else:
        world.access.associate(role, VIEW, "namespace", ["theirs"], NOW)
    shown = replace(theirs, associations=dict(theirs.associations))
    with pytest.raises(ConflictError, match="changed since it was read"):
        if action == "update":
            world.api.update(world.target, before, wanted)
        else:
            world.api.delete(world.target, before)
    assert world.access.entries[role] == shown


@pytest.mark.parametrize("what", ["entry", "association"])
def test_what_is_gone_is_no_fault_of_a_delete(world: World, what: str) -> None:
    role = world.role("deployer")
    world.api.create(world.target, entry(role))
    world.api.create(world.target, association(role))
    before = there(world, (entry if what == "entry" else association)(role).key)
    world.api.delete(world.target, before)
    world.api.delete(world.target, before)
    assert before.key not in [one.key for one in world.api.mappings(world.target)]
    with pytest.raises(ConflictError):
        world.api.update(world.target, before, entry(role, "b") if what == "entry" else association(role, "x"))


def test_deleting_an_association_of_an_entry_that_is_gone_is_no_fault(world: World) -> None:
    role = world.role("deployer")
    world.api.create(world.target, entry(role))
    world.api.create(world.target, association(role))
    before = there(world, association(role).key)
    world.access.delete(role)
    world.api.delete(world.target, before)


def test_a_missing_cluster_is_not_a_missing_entry(world: World) -> None:
    role = world.role("deployer")
    world.api.create(world.target, entry(role))
    before = there(world, entry(role).key)
    gone = replace(world.target, eks_name="gone")
    with pytest.raises(AwsError, match="No cluster found"):
        world.api.delete(gone, before)
