from __future__ import annotations

from typing import Any

import pytest

from iamrbac.identity.expand import Unusable, expand
from iamrbac.identity.members import describe
from iamrbac.identity.snapshot import Ambiguous, IamName, Identities, Missing, Unreadable, Wanted, Way
from iamrbac.identity.suspended import Suspended
from iamrbac.identity.wanted import wanted
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.documents import Config, IamGroup, IamRole, IamUser, Member, PermissionSet
from tests.compile.builders import ACCOUNT, NOW, PEOPLE, cluster, config, grant, line, policy, role, user

OTHER = "333344445555"


def asked(members: list[dict[str, str]], config_: Config | None = None, **more: Any) -> Wanted:
    access = more.pop("access", [line(["staging"])])
    return wanted(config_ or config(), [policy("payments", {"a": members}, access).document], [], NOW, **more)


@pytest.mark.parametrize(
    ("member", "groups", "principals"),
    [
        ({"iamGroup": "devs"}, {IamName(PEOPLE, "devs")}, set()),
        ({"iamGroup": "teams/devs"}, {IamName(PEOPLE, "devs")}, set()),
        ({"iamGroup": "devs", "account": OTHER}, {IamName(OTHER, "devs")}, set()),
        ({"iamGroup": f"arn:aws:iam::{OTHER}:group/teams/devs"}, {IamName(OTHER, "devs")}, set()),
        ({"iamGroup": "devs", "via": "role"}, {IamName(PEOPLE, "devs")}, set()),
        ({"iamGroup": user("not-a-group")}, set(), set()),
        ({"iamUser": "bob"}, set(), {IamName(PEOPLE, "user/bob")}),
        ({"iamUser": "bob", "account": OTHER}, set(), {IamName(OTHER, "user/bob")}),
        ({"iamUser": "staff/bob"}, set(), set()),
        ({"iamUser": user("bob")}, set(), set()),
        ({"iamRole": "deployer"}, set(), {IamName(ACCOUNT, "role/deployer")}),
        ({"iamRole": "deployer", "account": OTHER}, set(), {IamName(OTHER, "role/deployer")}),
        ({"iamRole": "ci/deployer"}, set(), set()),
        ({"permissionSet": "Developer"}, set(), {IamName(ACCOUNT, "permissionSet/Developer")}),
        ({"permissionSet": "Developer", "account": OTHER}, set(), {IamName(OTHER, "permissionSet/Developer")}),
    ],
)
def test_iam_is_asked_by_the_account_rules(
    member: dict[str, str], groups: set[IamName], principals: set[IamName]
) -> None:
    found = asked([member])
    assert (set(found.groups), set(found.principals)) == (groups, principals)


@pytest.mark.parametrize(
    ("member", "full"),
    [
        ({"iamUser": "staff/bob"}, IamName(PEOPLE, "user/bob")),
        ({"iamUser": user("bob", OTHER)}, IamName(OTHER, "user/bob")),
        ({"iamRole": "ci/deployer"}, IamName(ACCOUNT, "role/deployer")),
    ],
)
def test_who_is_named_in_full_is_asked_for_too_but_nothing_depends_on_it(member: dict[str, str], full: IamName) -> None:
    assert asked([member]) == Wanted(full=frozenset({full}))
    name = full.name.partition("/")[2]
    assert (
        asked([member, {"iamUser": name, "account": full.account}, {"iamRole": name, "account": full.account}]).full
        == set()
    )


def test_each_account_has_one_way_in() -> None:
    people, first, second = (f"arn:aws:iam::{account}:role/x" for account in (PEOPLE, OTHER, OTHER))
    many = config(
        identity={"account": PEOPLE, "groups": "users", "assumeRole": {"roleArn": people, "externalId": "e1"}},
        clusters=[
            cluster("a", region="eu-west-2"),
            cluster("b", account=OTHER, region="eu-west-3", assumeRole=first),
            cluster("c", account=OTHER, assumeRole={"roleArn": second + "2"}),
            cluster("d", account=PEOPLE, assumeRole=people + "2"),
        ],
    )
    assert asked([], many).ways == {
        PEOPLE: Way(AssumeRole(role_arn=people, external_id="e1"), "eu-west-2"),
        OTHER: Way(AssumeRole(role_arn=first), "eu-west-3"),
    }


def test_only_what_has_access_on_the_chosen_clusters_is_asked() -> None:
    both = config(
        clusters=[cluster("staging"), cluster("production", account=OTHER), cluster("edge", mapping="external")]
    )
    members = [{"iamRole": "deployer"}]
    everywhere = [line(["*"])]
    keys = {IamName(ACCOUNT, "role/deployer"), IamName(OTHER, "role/deployer")}
    assert asked(members, both, access=everywhere).principals == keys
    assert asked(members, both, access=everywhere, clusters=["production"]).principals == {
        IamName(OTHER, "role/deployer")
    }
    assert asked(members, both, access=[line(["edge"])]) == Wanted()
    assert asked(members, both, access=[line(["edge", "staging"], to=["a"])]).principals == {
        IamName(ACCOUNT, "role/deployer")
    }
    assert asked(members, both, access=[]) == Wanted()


def test_a_grant_is_asked_for_until_its_time_is_over() -> None:
    member = [{"iamUser": "dana"}]
    for end, expected in (("2026-06-01T12:00:00Z", set()), ("2026-06-01T12:00:01Z", {IamName(PEOPLE, "user/dana")})):
        held = grant("inc-1", member, [line(["staging"])], end).document
        assert wanted(config(), [], [held], NOW).principals == expected


def test_without_an_account_of_the_people_nothing_is_guessed() -> None:
    value = config().model_dump(by_alias=True, exclude_none=True)
    del value["identity"]
    nowhere = Config.model_validate(value)
    assert asked([{"iamGroup": "devs", "via": "users"}, {"iamUser": "bob"}], nowhere) == Wanted()
    for member in (IamGroup(iam_group="devs", via="users"), IamUser(iam_user="bob"), IamUser(iam_user="staff/bob")):
        found = expanded(member, config_=nowhere)
        assert isinstance(found, Unusable)
        assert "account" in found.reason


def expanded(member: Member, identities: Identities | None = None, config_: Config | None = None) -> Any:
    return expand(member, config_ or config(), ACCOUNT, "aws", identities or Identities())


def test_members_become_full_arns() -> None:
    people = Identities(
        {IamName(PEOPLE, "devs"): (user("b"), user("a"))},
        {IamName(PEOPLE, "user/bob"): user("staff/bob"), IamName(ACCOUNT, "role/deployer"): role("ci/deployer")},
    )
    assert expanded(IamGroup(iam_group="devs"), people) == (user("a"), user("b"))
    assert expanded(IamUser(iam_user="bob"), people) == (user("staff/bob"),)
    assert expanded(IamUser(iam_user="staff/bob")) == (user("staff/bob"),)
    assert expanded(IamUser(iam_user="staff/bob", account=OTHER)) == (user("staff/bob", OTHER),)
    assert expanded(IamUser(iam_user=user("x/bob", OTHER))) == (user("x/bob", OTHER),)
    assert expanded(IamRole(iam_role="deployer"), people) == (role("ci/deployer"),)
    assert expanded(IamRole(iam_role="ci/deployer")) == (role("ci/deployer"),)
    china = expand(IamRole(iam_role="ci/deployer"), config(), ACCOUNT, "aws-cn", Identities())
    assert china == (f"arn:aws-cn:iam::{ACCOUNT}:role/ci/deployer",)


def test_a_permission_set_is_its_role() -> None:
    key = IamName(ACCOUNT, "permissionSet/Developer")
    arn = role("aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Developer_0123456789abcdef")
    member = PermissionSet(permission_set="Developer")
    assert expanded(member, Identities({}, {key: arn})) == (arn,)
    for answer in (Missing(), Ambiguous((arn, arn + "0")), Unreadable("no")):
        assert expanded(member, Identities({}, {key: answer})) == answer
    assert isinstance(expanded(member), Unreadable)
    assert isinstance(expanded(PermissionSet(permission_set="Developer", account=OTHER)), Unreadable)


def test_who_is_named_in_full_must_be_that_one_where_iam_says_so() -> None:
    key, member = IamName(ACCOUNT, "role/deployer"), IamRole(iam_role="ci/deployer")
    assert expanded(member, Identities({}, {key: role("ci/deployer")})) == (role("ci/deployer"),)
    assert expanded(member, Identities({}, {key: Missing()})) == Missing()
    other = expanded(member, Identities({}, {key: role("cd/deployer")}))
    assert other == Unusable(
        f"IAM has it as {role('cd/deployer')}, and not as {role('ci/deployer')}", "correct the path"
    )
    assert expanded(IamRole(iam_role=role("ci/deployer")), Identities({}, {key: Missing()})) == Missing()


def test_what_iam_did_not_say_stays_what_it_is() -> None:
    key = IamName(PEOPLE, "devs")
    assert expanded(IamGroup(iam_group="devs"), Identities({key: ()})) == ()
    assert expanded(IamGroup(iam_group="devs"), Identities({key: Missing()})) == Missing()
    assert expanded(IamGroup(iam_group="devs"), Identities({key: Unreadable("no")})) == Unreadable("no")
    assert isinstance(expanded(IamGroup(iam_group="devs")), Unreadable)
    assert isinstance(expanded(IamUser(iam_user="bob")), Unreadable)


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (IamGroup(iam_group=user("bob")), "not of a group"),
        (IamUser(iam_user=role("bob")), "not of a user"),
        (IamUser(iam_user=f"arn:aws-cn:iam::{PEOPLE}:user/bob"), "partition aws-cn"),
        (IamRole(iam_role="aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"), "AWS service"),
    ],
)
def test_what_can_never_be_a_principal_says_why_and_what_next(member: Member, says: str) -> None:
    found = expanded(member)
    assert isinstance(found, Unusable)
    assert says in found.reason
    assert found.hint


def test_a_group_needs_to_know_how_it_becomes_principals_and_where_it_is() -> None:
    without = config(identity={"account": PEOPLE})
    assert isinstance(expanded(IamGroup(iam_group="devs"), config_=without), Unusable)
    people = Identities({IamName(PEOPLE, "devs"): (user("a"),)})
    assert expanded(IamGroup(iam_group="devs", via="users"), people, without) == (user("a"),)


def test_members_are_described_as_they_were_declared() -> None:
    members = (
        IamGroup(iam_group="devs"),
        IamUser(iam_user="staff/bob"),
        IamRole(iam_role="ci/x"),
        PermissionSet(permission_set="Developer"),
    )
    assert [describe(member) for member in members] == [
        "iamGroup devs",
        "iamUser staff/bob",
        "iamRole ci/x",
        "permissionSet Developer",
    ]


def test_a_suspension_holds_for_the_name_in_its_account_whatever_the_path() -> None:
    suspended = Suspended([user("staff/mallory"), f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/session"])
    assert suspended.covers(user("mallory"))
    assert suspended.covers(user("other/mallory"))
    assert suspended.covers(role("x/ops"))
    assert not suspended.covers(user("mallory", ACCOUNT))
    assert not suspended.covers(role("mallory", PEOPLE))
    assert suspended.covers_member(IamUser(iam_user="mallory"), config(), ACCOUNT)
    assert suspended.covers_member(IamRole(iam_role="x/ops"), config(), ACCOUNT)
    assert not suspended.covers_member(IamRole(iam_role="x/ops"), config(), OTHER)
    assert not suspended.covers_member(IamGroup(iam_group="mallory"), config(), ACCOUNT)


@pytest.mark.parametrize("text", ["mallory", f"arn:aws:iam::{PEOPLE}:group/x", f"arn:aws:iam::{PEOPLE}:root", ""])
def test_a_suspension_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ARN"):
        Suspended([text])
