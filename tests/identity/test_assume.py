"""The documents of `via: role` whole, and the simulation of who gets in by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.identity.assumable import (
    AssumableRole,
    GroupPolicy,
    canonical,
    group_policy,
    only_assumes,
    role_arn,
    suspended_names,
    trust_policy,
)
from iamrbac.identity.assume import IamUserRights, May, may_assume, members_who_may, others_who_may
from iamrbac.identity.policies import Request, Said, decide, trusts
from tests.golden import compare

PEOPLE = "222233334444"
ROLE = role_arn("aws", PEOPLE, "acme.payments.oncall")
OTHER = role_arn("aws", PEOPLE, "acme.search.oncall")
GOLDEN = Path(__file__).parent / "golden"


def user(name: str, account: str = PEOPLE, path: str = "/") -> str:
    return f"arn:aws:iam::{account}:user{path}{name}"


def the_role(*suspended: str) -> AssumableRole:
    return AssumableRole(ROLE, trust_policy("aws", PEOPLE, suspended))


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any = "sts:AssumeRole", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def rights(*documents: str, name: str = "alice", boundary: str | None = None) -> IamUserRights:
    return IamUserRights(user(name), {f"p{number}": text for number, text in enumerate(documents)}, boundary)


def test_the_documents_whole() -> None:
    shown = {
        "trust": json.loads(trust_policy("aws", PEOPLE)),
        "trust with suspended users": json.loads(trust_policy("aws-cn", PEOPLE, ["zoe", "mallory", "zoe"])),
        "group policy": json.loads(group_policy(ROLE)),
    }
    compare(json.dumps(shown, indent=2) + "\n", GOLDEN / "assumable.json")


def test_members_of_the_group_get_in_and_nobody_else() -> None:
    policies = [GroupPolicy("oncall", "x", group_policy(ROLE)), GroupPolicy("others", "y", group_policy(OTHER))]
    members = {"oncall": [user("alice", path="/staff/"), user("mallory")], "others": [user("bob")]}
    assert members_who_may(the_role(), policies, members) == {user("alice", path="/staff/"), user("mallory")}
    assert members_who_may(the_role("mallory"), policies, members) == {user("alice", path="/staff/")}
    assert members_who_may(the_role(), policies, {}) == frozenset()
    assert members_who_may(the_role(), [], members) == frozenset()


def session(**context: str) -> Request:
    return Request("sts:AssumeRole", ROLE, {key.replace("_", ":", 1): value for key, value in context.items()})


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (session(aws_username="alice", sts_rolesessionname="alice"), Said.ALLOW),
        (session(aws_username="alice", sts_rolesessionname="bob"), Said.NOTHING),
        (session(aws_username="alice", sts_rolesessionname="Alice"), Said.NOTHING),
        (session(aws_username="alice"), Said.NOTHING),
        # The session of a role, a federated user and the root user have no user name.
        (session(sts_rolesessionname="alice"), Said.NOTHING),
        (session(sts_rolesessionname="${aws:username}"), Said.NOTHING),
        (session(aws_username="mallory", sts_rolesessionname="mallory"), Said.DENY),
    ],
)
def test_a_session_carries_the_users_own_name(request_: Request, said: Said) -> None:
    assert trusts(the_role("mallory").trust, request_, user("alice"), PEOPLE)[0] is said


def test_a_source_identity_may_only_be_the_users_own() -> None:
    for name, said in (("alice", Said.ALLOW), ("bob", Said.NOTHING)):
        asked = Request("sts:SetSourceIdentity", ROLE, {"aws:username": "alice", "sts:sourceidentity": name})
        assert trusts(the_role().trust, asked, user("alice"), PEOPLE)[0] is said
        assert decide([group_policy(ROLE)], asked) is Said.ALLOW


def test_another_account_does_not_get_in() -> None:
    stranger = IamUserRights(user("alice", "999999999999"), {"all": document(allow("*"))})
    assert may_assume(the_role(), stranger) is May.NO


@pytest.mark.parametrize(
    ("documents", "may"),
    [
        ([], May.NO),
        ([document(allow())], May.YES),
        ([document(allow("*"))], May.YES),
        ([document(allow("STS:assume*"))], May.YES),
        ([document(allow(["s3:*", "sts:*"], ["arn:aws:s3:::x", f"arn:aws:iam::{PEOPLE}:role/iamrbac/*"]))], May.YES),
        ([document(allow(resource=f"arn:aws:iam::{PEOPLE}:role/*"))], May.YES),
        ([document(allow(resource=f"arn:aws:iam::{PEOPLE}:role/ci/*"))], May.NO),
        ([document(allow(resource=OTHER))], May.NO),
        ([document(allow("sts:GetCallerIdentity"))], May.NO),
        ([document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})], May.YES),
        ([document({"Effect": "Allow", "NotAction": "sts:*", "Resource": "*"})], May.NO),
        ([document({"Effect": "Allow", "Action": "sts:*", "NotResource": OTHER})], May.YES),
        ([document({"Effect": "Allow", "Action": "sts:*", "NotResource": ROLE})], May.NO),
        ([document(allow()), document({"Effect": "Deny", "Action": "sts:*", "Resource": ROLE})], May.NO),
        ([document(allow(), {"Effect": "Deny", "Action": "sts:*", "Resource": OTHER})], May.YES),
        ([document(allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))], May.PERHAPS),
        ([document(allow(Condition={"StringEquals": {"aws:username": ["bob", "alice"]}}))], May.YES),
        ([document(allow(Condition={"StringEquals": {"aws:username": "bob"}}))], May.NO),
        ([document(allow(Condition={"StringNotEquals": {"aws:username": "bob"}}))], May.YES),
        ([document(allow(Condition={"StringLike": {"aws:username": "al*"}}))], May.YES),
        ([document(allow(Condition={"StringEqualsIfExists": {"aws:PrincipalTag/x": "1"}}))], May.YES),
        (
            [
                document(
                    allow(), {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"a": "b"}}}
                )
            ],
            May.PERHAPS,
        ),
        ([document(allow(resource=f"arn:aws:iam::{PEOPLE}:role/iamrbac/acme.payments.${{aws:username}}"))], May.NO),
        (["no json"], May.PERHAPS),
        (["[]"], May.PERHAPS),
    ],
)
def test_what_lets_somebody_assume_it(documents: list[str], may: May) -> None:
    assert may_assume(the_role(), rights(*documents)) is may


def test_a_boundary_bounds() -> None:
    everything = document(allow("*"))
    assert may_assume(the_role(), rights(everything, boundary=document(allow("s3:*")))) is May.NO
    assert may_assume(the_role(), rights(everything, boundary=everything)) is May.YES
    assert may_assume(the_role(), rights(everything, boundary="?")) is May.PERHAPS


def test_a_trust_that_names_a_user_needs_no_policy_of_theirs() -> None:
    named = AssumableRole(
        ROLE, document({"Effect": "Allow", "Principal": {"AWS": user("alice")}, "Action": "sts:AssumeRole"})
    )
    assert may_assume(named, rights()) is May.YES
    assert may_assume(named, rights(name="bob")) is May.NO
    everybody = AssumableRole(ROLE, document({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}))
    assert may_assume(everybody, rights(name="bob")) is May.YES
    others = AssumableRole(
        ROLE, document({"Effect": "Allow", "NotPrincipal": {"AWS": user("bob")}, "Action": "sts:AssumeRole"})
    )
    assert (may_assume(others, rights(name="bob")), may_assume(others, rights())) == (May.NO, May.YES)


def test_who_else_gets_in_and_by_what() -> None:
    ours = frozenset({"oncall/iamrbac.acme.payments.oncall"})
    member = IamUserRights(user("alice"), {"oncall/iamrbac.acme.payments.oncall": group_policy(ROLE)})
    admin = IamUserRights(user("pat"), {"AdministratorAccess": document(allow("*")), "reader": document(allow("s3:*"))})
    tied = IamUserRights(user("quinn"), {"mfa": document(allow(Condition={"Bool": {"x": "true"}}))})
    assert others_who_may(the_role(), [member, admin, tied], ours) == {
        user("pat"): (May.YES, ("AdministratorAccess",)),
        user("quinn"): (May.PERHAPS, ("mfa",)),
    }
    assert others_who_may(the_role("pat"), [admin], ours) == {}


NAMES = st.from_regex(r"[A-Za-z0-9_+=,.@-]{1,64}", fullmatch=True)


@given(NAMES, st.sets(NAMES, max_size=5), st.sets(NAMES, max_size=5))
def test_exactly_the_members_who_are_not_suspended_get_in(set_: str, members: set[str], suspended: set[str]) -> None:
    role = AssumableRole(role_arn("aws", PEOPLE, set_), trust_policy("aws", PEOPLE, suspended))
    policy = GroupPolicy("g", "p", group_policy(role.arn))
    may = members_who_may(role, [policy], {"g": [user(name) for name in members]})
    assert may == {user(name) for name in members - suspended}
    assert suspended_names(role.trust) == suspended
    elsewhere = GroupPolicy("g", "p", group_policy(role.arn + "x"))
    assert not members_who_may(role, [elsewhere], {"g": [user(name) for name in members]})


JSON = st.recursive(
    st.text(max_size=5) | st.booleans(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)


@given(JSON | st.fixed_dictionaries({"Statement": JSON}))
def test_no_document_breaks_the_simulation(value: object) -> None:
    text = json.dumps(value)
    assert canonical(canonical(text)) == canonical(text)
    may_assume(AssumableRole(ROLE, text), rights(text))
    may_assume(the_role(), rights(text, boundary=text))
    suspended_names(text)


def test_a_document_is_ours_in_any_spelling() -> None:
    loose = document(
        {
            "Resource": [ROLE],
            "Action": ["sts:SetSourceIdentity", "sts:AssumeRole"],
            "Effect": "Allow",
            "Sid": "AssumeTheTeamsRole",
        }
    )
    assert only_assumes(loose, ROLE)
    assert not only_assumes(loose, OTHER)
    assert not only_assumes(document(allow()), ROLE)
