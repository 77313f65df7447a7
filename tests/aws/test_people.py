"""IAM's answers: everybody in a group, or why not. A failure never looks like nobody."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from moto.iam.models import iam_backends

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.people import IamPeople
from iamrbac.identity.snapshot import Ambiguous, IamName, Identities, Missing, Unreadable, Wanted
from iamrbac.identity.wanted import wanted
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from tests.aws.conftest import ACCOUNT, World, query_refusal
from tests.compile.builders import NOW, cluster, config, line, policy

DEVELOPERS = IamName(ACCOUNT, "developers")
GROUPS = [
    *({"iamGroup": "developers"}, {"iamGroup": f"arn:aws:iam::{ACCOUNT}:group/developers"}),
    *({"iamGroup": "teams/developers", "account": ACCOUNT}, {"iamGroup": "oncall"}, {"permissionSet": "Developer"}),
]


def group(world: World, name: str, *users: tuple[str, str]) -> None:
    backend = iam_backends[ACCOUNT]["aws"]
    backend.create_group(name)
    for user, path in users:
        backend.create_user("eu-west-1", user, path)
        backend.add_user_to_group(name, user)


def ask(world: World, *groups: IamName, principals: frozenset[IamName] = frozenset()) -> Identities:
    return IamPeople(Accounts(world.session)).identities(Wanted(frozenset(groups), principals))


def page(users: str, rest: str, group: str = "<Group><GroupName>developers</GroupName></Group>") -> Reply:
    body = (
        '<GetGroupResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetGroupResult>'
        f"{group}<Users>{users}</Users>{rest}</GetGroupResult></GetGroupResponse>"
    )
    return Reply(200, body.encode(), "text/xml")


def member(name: str) -> str:
    return f"<member><UserName>{name}</UserName><Arn>arn:aws:iam::{ACCOUNT}:user/{name}</Arn></member>"


def test_groups_and_principals(world: World) -> None:
    group(world, "developers", ("bob", "/"), ("alice", "/staff/"))
    group(world, "empty")
    deployer = world.role("deployer", "/ci/")
    names = {IamName(ACCOUNT, name) for name in ("user/alice", "role/deployer", "user/nobody", "role/nobody")}
    found = ask(world, DEVELOPERS, IamName(ACCOUNT, "empty"), IamName(ACCOUNT, "gone"), principals=frozenset(names))
    assert replace(found, created={}) == Identities(
        {
            DEVELOPERS: (f"arn:aws:iam::{ACCOUNT}:user/bob", f"arn:aws:iam::{ACCOUNT}:user/staff/alice"),
            IamName(ACCOUNT, "empty"): (),
            IamName(ACCOUNT, "gone"): Missing(),
        },
        {
            IamName(ACCOUNT, "user/alice"): f"arn:aws:iam::{ACCOUNT}:user/staff/alice",
            IamName(ACCOUNT, "role/deployer"): deployer,
            IamName(ACCOUNT, "user/nobody"): Missing(),
            IamName(ACCOUNT, "role/nobody"): Missing(),
        },
    )


def test_each_name_is_asked_once_and_the_account_once(world: World) -> None:
    group(world, "developers", ("alice", "/"))
    groups = [DEVELOPERS, *(IamName(ACCOUNT, f"group-{number}") for number in range(9))]
    ask(world, *groups)
    assert dict(world.server.front.calls) == {"sts:GetCallerIdentity": 1, "iam:GetGroup": 10}


def test_every_page_is_read(world: World) -> None:
    world.faults.replies["iam:GetGroup"] = [
        page(member("carol"), "<IsTruncated>true</IsTruncated><Marker>2</Marker>"),
        page(member("bob"), "<IsTruncated>true</IsTruncated><Marker>3</Marker>"),
        page(member("alice"), "<IsTruncated>false</IsTruncated>"),
    ]
    assert ask(world, DEVELOPERS).groups[DEVELOPERS] == tuple(
        f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("alice", "bob", "carol")
    )


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (page(member("bob"), "<IsTruncated>true</IsTruncated>"), "the answer has no Marker of its next page"),
        (
            page(member("bob"), "<IsTruncated>true</IsTruncated><Marker>same</Marker>"),
            "The same next token was received twice",
        ),
        (page("<member><UserName>bob</UserName></member>", ""), "the answer has no Arn"),
        (page("", "", group=""), "the answer has no Group"),
        (Reply(200, b"<html>hello</html>", "text/html"), "the answer has no GetGroupResult"),
        (Reply(200, b"not even XML", "text/plain"), "could not be parsed"),
        (
            query_refusal(403, "AccessDenied", "User: alice is not authorized"),
            "iam:GetGroup failed with AccessDenied: User: alice is not authorized."
            " Next: ask for the IAM permission iam:GetGroup",
        ),
        (query_refusal(400, "Throttling", "Rate exceeded"), "Throttling after 6 attempts: Rate exceeded"),
        (query_refusal(500, "ServiceFailure", "oops"), "ServiceFailure: oops"),
    ],
)
@pytest.mark.parametrize("pages_before", [0, 1])
def test_a_group_that_cannot_be_read_whole_is_unreadable(
    world: World, reply: Reply, why: str, pages_before: int
) -> None:
    before = [page(member("alice"), "<IsTruncated>true</IsTruncated><Marker>2</Marker>")] * pages_before
    world.faults.replies["iam:GetGroup"] = [*before, *[reply] * 8]
    found = ask(world, DEVELOPERS).groups[DEVELOPERS]
    assert isinstance(found, Unreadable)
    assert why in found.reason
    assert found.reason.startswith("IAM group developers: ")
    assert "Next: " in found.reason
    assert "\n" not in found.reason
    assert "hunter2" not in found.reason


def test_another_account_is_unreadable(world: World) -> None:
    name = IamName("111122223333", "developers")
    found = ask(world, name).groups[name]
    assert isinstance(found, Unreadable)
    assert found.reason == (
        f"IAM group developers is in account 111122223333, and the credentials are of account {ACCOUNT}: IAM answers"
        " only for its own. Next: write assumeRole for account 111122223333 in iamrbac.yaml (identity, or a cluster"
        " there), use credentials of it, or correct `account` or identity.account"
    )
    assert "iam:GetGroup" not in world.server.front.calls


def test_without_credentials_everything_is_unreadable(world: World) -> None:
    world.faults.replies["sts:GetCallerIdentity"] = [query_refusal(403, "InvalidClientTokenId", "no such key")] * 9
    principal = IamName(ACCOUNT, "user/alice")
    found = ask(world, DEVELOPERS, principals=frozenset({principal}))
    assert isinstance(found.groups[DEVELOPERS], Unreadable)
    assert isinstance(found.principals[principal], Unreadable)


SSO = "aws-reserved/sso.amazonaws.com/"


def permission_set(world: World, name: str, number: int = 0, region: str = "eu-west-1/") -> str:
    return world.role(f"AWSReservedSSO_{name}_{number:016x}", f"/{SSO}{region}")


def sets(world: World, *names: str) -> Identities:
    return ask(world, principals=frozenset(IamName(ACCOUNT, f"permissionSet/{name}") for name in names))


def test_permission_sets_are_one_listing_of_the_account(world: World) -> None:
    developer, viewer = permission_set(world, "Developer"), permission_set(world, "Viewer", region="")
    several = [permission_set(world, "Twice", number) for number in (1, 2)]
    world.role("AWSReservedSSO_Mine_0123456789abcdef", "/mine/")
    assert sets(world, "Developer", "Viewer", "Twice", "Mine", "developer").principals == {
        IamName(ACCOUNT, "permissionSet/Developer"): developer,
        IamName(ACCOUNT, "permissionSet/Viewer"): viewer,
        IamName(ACCOUNT, "permissionSet/Twice"): Ambiguous(tuple(several)),
        IamName(ACCOUNT, "permissionSet/Mine"): Missing(),
        IamName(ACCOUNT, "permissionSet/developer"): Missing(),
    }
    assert dict(world.server.front.calls) == {"sts:GetCallerIdentity": 1, "iam:ListRoles": 1}


def many_sets(world: World) -> str:
    """More roles than a page has; the last of them."""
    return [permission_set(world, f"Set{number:03}") for number in range(230)][-1]


def test_every_page_of_permission_sets_is_read(world: World) -> None:
    last = many_sets(world)
    assert sets(world, "Set229").principals == {IamName(ACCOUNT, "permissionSet/Set229"): last}
    assert world.server.front.calls["iam:ListRoles"] == 3


def list_page(rest: str) -> Reply:
    body = (
        '<ListRolesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListRolesResult>'
        f"<Roles></Roles>{rest}</ListRolesResult></ListRolesResponse>"
    )
    return Reply(200, body.encode(), "text/xml")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (query_refusal(403, "AccessDenied", "no"), "Next: ask for the IAM permission iam:ListRoles"),
        (query_refusal(400, "Throttling", "Rate exceeded"), "Throttling after 6 attempts"),
        (query_refusal(404, "NoSuchEntity", "what?"), "no such thing as a list of roles"),
        (list_page("<IsTruncated>true</IsTruncated>"), "the answer has no Marker of its next page"),
        (Reply(200, b"<html>hello</html>", "text/html"), "the answer has no "),
    ],
)
@pytest.mark.parametrize("pages_before", [0, 1])
def test_permission_sets_that_cannot_be_read_whole_are_unreadable(
    world: World, reply: Reply, why: str, pages_before: int
) -> None:
    many_sets(world)
    world.faults.replies["iam:ListRoles"] = [*[None] * pages_before, *[reply] * 8]
    (found,) = sets(world, "Set000").principals.values()
    assert isinstance(found, Unreadable)
    assert why in found.reason
    assert found.reason.startswith("the roles of permission sets: ")


def test_when_everybody_was_made_comes_with_the_answers(world: World) -> None:
    group(world, "developers", ("alice", "/staff/"))
    deployer, reserved = world.role("deployer", "/ci/"), permission_set(world, "Developer")
    names = frozenset({IamName(ACCOUNT, "role/deployer"), IamName(ACCOUNT, "permissionSet/Developer")})
    found = ask(world, DEVELOPERS, principals=names)
    assert found.created.keys() == {f"arn:aws:iam::{ACCOUNT}:user/staff/alice", deployer, reserved}
    assert all(at.tzinfo is not None for at in found.created.values())


def test_who_is_named_in_full_is_asked_for_and_silence_is_no_answer(world: World) -> None:
    deployer = world.role("deployer", "/ci/")
    here, gone = IamName(ACCOUNT, "role/deployer"), IamName(ACCOUNT, "user/gone")
    elsewhere = IamName("111122223333", "role/x")
    people = IamPeople(Accounts(world.session))
    wanted = Wanted(full=frozenset({here, gone, elsewhere}))
    found = people.identities(wanted)
    assert found.principals == {here: deployer, gone: Missing()}
    assert found.created.keys() == {deployer}
    world.faults.replies["iam:GetRole"] = [query_refusal(403, "AccessDenied")]
    assert people.identities(wanted).principals == {gone: Missing()}


def test_one_group_that_fails_leaves_the_others(world: World) -> None:
    group(world, "developers", ("alice", "/"))
    other = IamName(ACCOUNT, "other")

    world.faults.replies["iam:GetGroup"] = [
        lambda request: query_refusal(403, "AccessDenied") if request.form["GroupName"] == "other" else None
    ] * 2
    found = ask(world, DEVELOPERS, other).groups
    assert found[DEVELOPERS] == (f"arn:aws:iam::{ACCOUNT}:user/alice",)
    assert isinstance(found[other], Unreadable)


def test_a_group_is_read_once_whatever_the_number_of_clusters_and_policies(world: World) -> None:
    for name in ("developers", "oncall"):
        group(world, name, (f"{name}-1", "/staff/"))
    calls = []
    for number in (1, 20):
        clusters = [cluster(f"c{index}", account=ACCOUNT, eksName=f"e{index}") for index in range(number)]
        policies = [
            policy(f"team{index}", {"a": GROUPS, "b": GROUPS[:1]}, [line(), line(["c0"], role="operator")]).document
            for index in range(number)
        ]
        found = wanted(config(identity={"account": ACCOUNT, "groups": "users"}, clusters=clusters), policies, [], NOW)
        world.server.front.calls.clear()
        people = IamPeople(Accounts(world.session)).identities(found)
        assert set(people.groups) == {DEVELOPERS, IamName(ACCOUNT, "oncall")}
        calls.append(dict(world.server.front.calls))
    assert calls == [{"sts:GetCallerIdentity": 1, "iam:GetGroup": 2, "iam:ListRoles": 1}] * 2


def test_throttling_and_errors_of_aws_give_the_same_answer_in_the_end(world: World) -> None:
    names = [IamName(ACCOUNT, f"team-{number}") for number in range(20)]
    for name in names:
        group(world, name.name, *((f"{name.name}-{person}", "/staff/") for person in range(230)))
    quiet = ask(world, *names)
    seen: Counter[tuple[str, str]] = Counter()

    def trouble(request: AwsRequest) -> Reply | None:
        page = (request.form["GroupName"], request.form.get("Marker", ""))
        seen[page] += 1
        if seen[page] == 1:
            return query_refusal(400, "Throttling", "Rate exceeded")
        return query_refusal(503, "ServiceUnavailable", "try later") if seen[page] == 2 else None

    world.faults.replies["iam:GetGroup"] = [trouble] * 1000
    assert ask(world, *names) == quiet
    assert len(seen) == 60
    assert all(isinstance(found, tuple) and len(found) == 230 for found in quiet.groups.values())


def every(world: World, *kinds: str, account: str = ACCOUNT) -> dict[str, frozenset[str] | Unreadable]:
    asked = frozenset(IamName(account, kind) for kind in kinds)
    found = IamPeople(Accounts(world.session)).existing(asked, {})
    assert found.keys() == asked
    return {name.name: answer for name, answer in found.items()}


def test_all_users_and_roles_of_an_account(world: World) -> None:
    group(world, "developers", ("Alice", "/staff/"), ("bob", "/"))
    world.role("Deployer", "/ci/")
    assert every(world, "user", "role") == {
        "user": frozenset({"alice", "bob"}),
        "role": frozenset({"deployer"}),
    }
    assert dict(world.server.front.calls) == {"sts:GetCallerIdentity": 1, "iam:ListUsers": 1, "iam:ListRoles": 1}


def test_groups_of_an_account_keep_their_case(world: World) -> None:
    group(world, "Developers", ("Alice", "/staff/"))
    group(world, "ops")
    assert every(world, "group") == {"group": frozenset({"Developers", "ops"})}


def users_page(*names: str, rest: str = "<IsTruncated>false</IsTruncated>") -> Reply:
    body = (
        '<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListUsersResult>'
        f"<Users>{''.join(map(member, names))}</Users>{rest}</ListUsersResult></ListUsersResponse>"
    )
    return Reply(200, body.encode(), "text/xml")


MORE = "<IsTruncated>true</IsTruncated><Marker>m</Marker>"


def test_every_page_of_users_is_read(world: World) -> None:
    world.faults.replies["iam:ListUsers"] = [
        *(users_page(name, rest=MORE.replace(">m<", f">{name}<")) for name in "ab"),
        users_page("c"),
    ]
    assert every(world, "user") == {"user": frozenset("abc")}


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (query_refusal(403, "AccessDenied", "no"), "iam:ListUsers"),
        (query_refusal(400, "Throttling", "Rate exceeded"), "Throttling"),
        (query_refusal(404, "NoSuchEntity", "what?"), "no such list"),
        (users_page("b", rest="<IsTruncated>true</IsTruncated>"), "the answer has no Marker of its next page"),
        (Reply(200, b"<html>hello</html>", "text/html"), "the answer has no "),
    ],
)
def test_a_list_that_is_cut_off_is_no_list(world: World, reply: Reply, why: str) -> None:
    world.faults.replies["iam:ListUsers"] = [users_page("a", rest=MORE), *[reply] * 8]
    (found,) = every(world, "user").values()
    assert isinstance(found, Unreadable)
    assert why in found.reason


def test_lists_of_an_account_that_is_not_ours_to_ask(world: World) -> None:
    (found,) = every(world, "role", account="999999999999").values()
    assert isinstance(found, Unreadable)
    assert "IAM answers only for its own" in found.reason
    assert world.server.front.calls["iam:ListRoles"] == 0
