"""Roles and group policies on IAM: read whole or not at all, changed only as the plan saw them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from moto.iam.models import AWSManagedPolicy, iam_backends

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.iam import IamApi
from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.identity.assumable import PATH, AssumableRole, GroupPolicy, group_policy, role_arn, trust_policy
from iamrbac.identity.snapshot import Unreadable
from iamrbac.model.errors import AwsError, ConflictError, ExistsError
from iamrbac.plan.accounts import AccountState
from tests.aws.conftest import ACCOUNT, World, query_refusal

NAME = "acme.payments.oncall"
ARN = role_arn("aws", ACCOUNT, NAME)
POLICY = names.group_policy_name("acme", "payments", "oncall")
TAGS = names.role_tags("acme", "payments", "oncall")
ROLE = Desired(Key("", "IamRole", "", NAME, ACCOUNT), AssumableRole(ARN, trust_policy("aws", ACCOUNT)), TAGS)
IN_GROUP = Desired(
    Key("", "IamGroupPolicy", "", f"oncall/{POLICY}", ACCOUNT),
    GroupPolicy("oncall", POLICY, group_policy(ARN)),
    TAGS,
)


def group(name: str, *users: str) -> None:
    backend = iam_backends[ACCOUNT]["aws"]
    backend.create_group(name)
    for user in users:
        backend.create_user("eu-west-1", user, "/")
        backend.add_user_to_group(name, user)


def read(world: World, *roles: str, groups: tuple[str, ...] = ()) -> AccountState:
    return IamApi(Accounts(world.session)).account(ACCOUNT, "acme", roles, groups, known=())


def made(world: World) -> IamApi:
    group("oncall", "alice", "bob")
    group("others", "carol")
    api = IamApi(Accounts(world.session))
    api.account(ACCOUNT, "acme", (), (), known=())
    api.create(ROLE)
    api.create(IN_GROUP)
    return api


def test_what_was_written_is_read_as_it_was_meant(world: World) -> None:
    made(world)
    state = read(world)
    (role,) = state.roles
    assert (role.key, role.spec, dict(role.meta.labels)) == (ROLE.key, ROLE.spec, TAGS)
    (policy,) = state.policies
    assert (policy.key, policy.spec) == (IN_GROUP.key, IN_GROUP.spec)
    assert state.members == {"oncall": tuple(f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("alice", "bob"))}


def test_an_account_without_roles_of_ours_costs_one_listing(world: World) -> None:
    group("oncall", "alice")
    world.server.front.calls.clear()
    assert read(world) == AccountState(ACCOUNT)
    assert sorted(world.server.front.calls) == ["iam:ListRoles", "sts:GetCallerIdentity"]


def test_a_role_of_that_name_on_another_path_is_seen(world: World) -> None:
    arn = world.role(NAME, "/elsewhere/")
    (found,) = read(world, NAME).roles
    assert isinstance(found.spec, AssumableRole)
    assert (found.key, found.spec.arn) == (ROLE.key, arn)


def test_every_page_is_read(world: World) -> None:
    api = made(world)
    for number in range(105):
        group(f"g{number}")
        arn = role_arn("aws", ACCOUNT, f"r{number}")
        api.create(
            Desired(Key("", "IamRole", "", f"r{number}", ACCOUNT), AssumableRole(arn, trust_policy("aws", ACCOUNT)))
        )
    group("zz", "zoe")
    late = Desired(Key("", "IamGroupPolicy", "", f"zz/{POLICY}", ACCOUNT), GroupPolicy("zz", POLICY, group_policy(ARN)))
    api.create(late)
    state = read(world)
    assert len(state.roles) == 106
    assert [one.key.name for one in state.policies] == [f"oncall/{POLICY}", f"zz/{POLICY}"]


def test_who_else_is_read_with_every_policy_that_speaks_for_them(world: World) -> None:
    backend = iam_backends[ACCOUNT]["aws"]
    group("admins", "pat")
    everything = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    own = backend.create_policy("", "/", everything, "everything", [])
    backend.attach_group_policy(own.arn, "admins")
    data = {"DefaultVersionId": "v1", "Path": "/", "Document": json.loads(everything)}
    dates = {"CreateDate": "2015-02-06T18:39:46+00:00", "UpdateDate": "2015-02-06T18:39:46+00:00"}
    of_aws = AWSManagedPolicy.from_data("AdministratorAccess", ACCOUNT, "us-east-1", {**data, **dates})
    backend.managed_policies[of_aws.arn] = of_aws
    backend.attach_user_policy(of_aws.arn, "pat")
    backend.put_user_policy("pat", "inline", everything)
    backend.put_group_policy("admins", "shared", everything)
    made(world)
    users = read(world).users
    assert isinstance(users, tuple)
    (pat,) = [one for one in users if one.arn.endswith("/pat")]
    assert sorted(pat.policies) == ["AdministratorAccess", "admins/everything", "admins/shared", "inline"]
    assert all(json.loads(text)["Statement"][0]["Action"] == "*" for text in pat.policies.values())


def test_a_denied_look_at_the_others_is_unknown_and_stops_nothing(world: World) -> None:
    made(world)
    world.faults.replies["iam:GetAccountAuthorizationDetails"] = [query_refusal(403, "AccessDenied", "no")]
    state = read(world)
    assert isinstance(state.users, Unreadable)
    assert "iam:GetAccountAuthorizationDetails" in state.users.reason
    assert len(state.roles) == 1


@pytest.mark.parametrize("operation", ["ListRoles", "GetRole", "ListGroups", "ListGroupPolicies", "GetGroupPolicy"])
def test_a_denied_read_is_no_absence(world: World, operation: str) -> None:
    made(world)
    world.faults.replies[f"iam:{operation}"] = [query_refusal(403, "AccessDenied", "no")]
    with pytest.raises(AwsError, match="AccessDenied"):
        read(world)


def test_members_that_are_not_known_hide_no_policy(world: World) -> None:
    made(world)
    world.faults.replies["iam:GetGroup"] = [query_refusal(403, "AccessDenied", "no")]
    state = read(world)
    assert isinstance(state.members["oncall"], Unreadable)
    assert len(state.policies) == 1


def test_credentials_of_another_account_are_refused(world: World) -> None:
    with pytest.raises(AwsError, match=f"of account {ACCOUNT}"):
        IamApi(Accounts(world.session)).account("999999999999", "acme", (), (), known=())


def test_creating_what_is_there_is_refused(world: World) -> None:
    api = made(world)
    with pytest.raises(ExistsError):
        api.create(ROLE)
    with pytest.raises(ExistsError):
        api.create(IN_GROUP)


def test_a_trust_and_tags_are_changed(world: World) -> None:
    api = made(world)
    (seen,) = read(world).roles
    spec = AssumableRole(ARN, trust_policy("aws", ACCOUNT, ["mallory"]))
    api.update(seen, Desired(ROLE.key, spec, {**TAGS, "more": "x"}))
    (now,) = read(world).roles
    assert (now.spec, dict(now.meta.labels)) == (spec, {**TAGS, "more": "x"})


def by_hand_trust() -> None:
    iam_backends[ACCOUNT]["aws"].update_assume_role_policy(NAME, trust_policy("aws", ACCOUNT, ["x"]))


def by_hand_policy() -> None:
    iam_backends[ACCOUNT]["aws"].put_group_policy("oncall", POLICY, group_policy(ARN + "x"))


@pytest.mark.parametrize(("change", "which"), [(by_hand_trust, "role"), (by_hand_policy, "policy")])
def test_what_somebody_changed_since_is_left_alone(world: World, change: Callable[[], None], which: str) -> None:
    api = made(world)
    state = read(world)
    (seen,) = state.roles if which == "role" else state.policies
    change()
    before = read(world)
    with pytest.raises(ConflictError):
        api.update(seen, ROLE if which == "role" else IN_GROUP)
    with pytest.raises(ConflictError):
        api.delete(seen)
    assert read(world) == before


def test_deleting_and_deleting_again(world: World) -> None:
    api = made(world)
    state = read(world)
    for seen in (*state.policies, *state.roles):
        api.delete(seen)
        api.delete(seen)
    assert not iam_backends[ACCOUNT]["aws"].roles
    assert read(world) == AccountState(ACCOUNT)


def test_a_role_with_a_policy_of_its_own_stays(world: World) -> None:
    api = made(world)
    iam_backends[ACCOUNT]["aws"].put_role_policy(NAME, "mine", group_policy(ARN))
    (seen,) = read(world).roles
    with pytest.raises(AwsError, match="DeleteConflict"):
        api.delete(seen)


def test_a_throttled_write_is_tried_again_and_made_once(world: World) -> None:
    group("oncall")
    throttled = query_refusal(400, "Throttling", "slow down")
    world.faults.replies["iam:CreateRole"] = [throttled, throttled]
    api = IamApi(Accounts(world.session))
    api.account(ACCOUNT, "acme", (), (), known=())
    api.create(ROLE)
    assert PATH in ARN
    assert len(read(world).roles) == 1
