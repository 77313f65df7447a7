"""Why a no may be a yes: undocumented access policies, nodes, and who a session may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamrbac.access.doubts import perhaps, unknown
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.sessions import sessions
from iamrbac.mapping.objects import AccessEntry
from iamrbac.rbac.objects import Request, User
from iamrbac.rbac.subjects import SubjectKey
from tests.access.company import ANN, BOB, ENTRIES, NODE, ROBOT, SESSIONS, SET, WORLD, judge
from tests.access.worlds import ACCOUNT, BUILTIN

PODS = Request("get", "pods", namespace="blue")
DOCUMENT = "AWS does not document what its access policy AmazonEKSBrandNewPolicy gives"
NODES = "the Node authorizer lets a node do this for what runs on it"


def why(principal: str, request: Request) -> tuple[str, ...]:
    one = judge().somebody(principal)
    assert one is not None
    return unknown(judge(), one, request)


def test_an_undocumented_access_policy_leaves_every_question_open_that_it_reaches() -> None:
    assert why(BOB, PODS) == (DOCUMENT,)
    assert why(BOB, Request("get", path="/metrics")) == (DOCUMENT,)
    assert why(ANN, Request("create", "secrets", namespace="green")) == ()


def test_a_set_whose_member_lacks_its_access_policy() -> None:
    oncall = Somebody("", User("", (SET,)), "set")
    asked = Request("get", "services", namespace="blue")
    assert unknown(judge(), oncall, asked) == (
        f"the set has its access policy AmazonEKSViewPolicy, but {BOB} lacks it there",
    )
    assert unknown(judge(), oncall, replace(asked, verb="delete")) == ()


def test_nodes_are_judged_by_an_authorizer_of_their_own() -> None:
    assert why(NODE, Request("get", "secrets", namespace="blue")) == (NODES,)
    assert why(NODE, Request("delete", "secrets", namespace="blue")) == ()
    impostor = Somebody("", User("ann", ("system:nodes",)))
    assert unknown(judge(), impostor, Request("get", "secrets", namespace="blue")) == ()


def test_a_session_may_be_whom_a_binding_names() -> None:
    assert why(ROBOT, PODS) == (f"the one who is the User {SESSIONS}alice there may, by RoleBinding alice",)
    assert why(ROBOT, replace(PODS, namespace="green")) == ()
    # A session whose name is known is somebody, or is not.
    assert why(f"{SESSIONS}bob", PODS) == ()


def test_a_subject_that_somebody_is_for_certain_is_no_session() -> None:
    alice = AccessEntry(f"arn:aws:iam::{ACCOUNT}:user/alice", f"{SESSIONS}alice")
    judged = Judge(replace(WORLD, entries=(*ENTRIES, alice)), BUILTIN.roles)
    robot = judged.somebody(ROBOT)
    assert robot is not None
    assert unknown(judged, robot, PODS) == ()


def test_perhaps_are_all_of_them() -> None:
    assert {one.principal for one, _ in perhaps(judge(), PODS)} == {BOB, ROBOT, NODE}
    assert {one.principal for one, _ in perhaps(judge(), Request("get", "pods"), anywhere=True)} == {BOB, ROBOT, NODE}
    assert {one.principal for one, _ in perhaps(judge(), Request("get", "widgets", "example.com"))} == {BOB}


@pytest.mark.parametrize(
    ("name", "may_be"),
    [
        (f"{SESSIONS}alice", True),
        (f"{SESSIONS}a.b+c=d,e@f-g_h", True),
        (f"{SESSIONS}", False),
        (f"{SESSIONS}alice/bob", False),
        (f"{SESSIONS}alice ", False),
        (f"{SESSIONS}alicé", False),
        ("alice", False),
    ],
)
def test_what_a_session_can_be_called(name: str, may_be: bool) -> None:
    found = sessions(User(f"{SESSIONS}{{{{SessionName}}}}", ("g-{{SessionName}}",)))
    assert found is not None
    assert found.are(SubjectKey("User", name)) is may_be
    assert not found.are(SubjectKey("Group", name))
    assert found.are(SubjectKey("Group", "g-alice"))


def test_who_is_the_same_in_every_session_is_none() -> None:
    assert sessions(User("ann", ("dev", "{dev}"))) is None
