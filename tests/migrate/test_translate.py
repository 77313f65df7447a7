"""One row as an entry: what is said is kept, and what cannot be said is refused with why."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.identity.snapshot import Ambiguous, IamName, Identities, Missing, Unreadable
from iamrbac.mapping.aws_auth import Reading, ReadRow
from iamrbac.mapping.objects import Section
from iamrbac.mapping.resolve import resolve
from iamrbac.migrate.people import Nobody, principal_of
from iamrbac.migrate.translate import Said, Unsayable, node_type, translate
from iamrbac.sandbox.aws.eks.errors import EksError
from iamrbac.sandbox.aws.eks.rules import check_groups, check_username

ACCOUNT = "111122223333"
USER, ROLE = f"arn:aws:iam::{ACCOUNT}:user/staff/ann", f"arn:aws:iam::{ACCOUNT}:role/ci/robot"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/build@42"
_PIECES = ("ann", "admin:", ":", "eks:", "system:", "aws:", "{{SessionName}}", "{{SessionNameRaw}}", "{{AccountID}}")
_ODD = ("{{AccessKeyID}}", "{{EC2PrivateDNSName}}", "{{x}}")
_texts = st.lists(st.sampled_from((*_PIECES, *_ODD)), max_size=3).map("".join)
_groups = st.lists(st.one_of(_texts, st.sampled_from(("dev", "system:masters", "system:authenticated"))), max_size=3)


def row(arn: str, username: str = "ann", *groups: str, section: Section | None = None) -> ReadRow:
    section = section or ("mapUsers" if ":user/" in arn else "mapRoles")
    return ReadRow(section, arn, arn, username, groups, 0)


@given(st.sampled_from(((USER, USER, USER), (ROLE, f"arn:aws:iam::{ACCOUNT}:role/robot", SESSION))), _texts, _groups)
def test_whoever_comes_by_the_entry_is_who_came_by_the_row(
    who: tuple[str, str, str], username: str, groups: list[str]
) -> None:
    principal, written, caller = who
    said = translate(row(written, username, *groups), principal, "aws")
    if isinstance(said, Unsayable):
        assert said.why
        assert said.hint
        return
    # The same rules as EKS's, which are the sandbox's.
    check_username(said.entry.username)
    check_groups(said.entry.groups, "STANDARD")
    before = resolve(caller, (), Reading((row(written, username, *groups),)))
    after = resolve(caller, (said.entry,), None)
    assert before is not None
    assert after is not None
    assert after.username == before.username or before.username == ""
    assert set(after.groups) == set(before.groups) - {"system:masters", ""}
    assert (said.policy is not None) == ("system:masters" in before.groups)


@given(_texts, _groups)
def test_nothing_is_refused_that_eks_would_take(username: str, groups: list[str]) -> None:
    kept = [group for group in groups if group != "system:masters"]
    said = translate(row(ROLE, username, *groups), ROLE, "aws")
    templated = any("{{" in text.replace("{{AccountID}}", "") for text in kept)
    odd = any(text in username for text in _ODD)
    if isinstance(said, Unsayable) and not templated and not odd:
        with pytest.raises(EksError):
            check_username(username.replace("{{AccountID}}", ACCOUNT))
            check_groups([one.replace("{{AccountID}}", ACCOUNT) for one in kept if one], "STANDARD")


@pytest.mark.parametrize(
    ("given_", "id_"),
    [
        (row(USER, "system:kube-ann"), "MIG004"),
        (row(USER, "iam:ann"), "MIG004"),
        (row(ROLE, "{{SessionName}}"), "MIG005"),
        (row(ROLE, "a:{{AccessKeyID}}"), "MIG005"),
        (row(ROLE, "a:{{SessionName}}", "team-{{SessionName}}"), "MIG005"),
        (row(USER, "ann", "system:authenticated"), "MIG003"),
    ],
)
def test_what_no_entry_says(given_: ReadRow, id_: str) -> None:
    said = translate(given_, given_.arn, "aws")
    assert isinstance(said, Unsayable)
    assert said.id == id_


def test_other_groups_of_an_administrator_are_kept_and_the_policy_is_the_partitions_own() -> None:
    china = "arn:aws-cn:iam::111122223333:role/robot"
    said = translate(row(china, "admin", "system:masters", "ops", "audit"), china, "aws-cn")
    assert isinstance(said, Said)
    assert said.entry.groups == ("audit", "ops")
    assert said.policy is not None
    assert said.policy.policy == "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert said.policy.scope == "cluster"


def test_no_username_becomes_what_eks_would_choose_and_is_told() -> None:
    said = translate(row(ROLE, ""), ROLE, "aws")
    assert isinstance(said, Said)
    assert said.entry.username == f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/{{{{SessionName}}}}"
    assert said.notes == (f"the row has no username; the entry's is {said.entry.username}",)


@pytest.mark.parametrize(
    ("username", "groups", "kind"),
    [
        ("system:node:{{EC2PrivateDNSName}}", ("system:bootstrappers", "system:nodes"), "EC2_LINUX"),
        ("system:node:{{EC2PrivateDNSName}}", ("system:nodes", "eks:kube-proxy-windows"), "EC2_WINDOWS"),
        ("system:node:{{SessionName}}", ("system:nodes", "system:node-proxier"), "FARGATE_LINUX"),
        ("node", ("system:nodes",), None),
    ],
)
def test_nodes_have_types(username: str, groups: tuple[str, ...], kind: str | None) -> None:
    assert node_type(row(ROLE, username, *groups)) == kind


def identities(**answers: Any) -> Identities:
    found = {IamName(ACCOUNT, name.replace("_", "/")): answer for name, answer in answers.items()}
    return Identities(principals=found)


BARE = f"arn:aws:iam::{ACCOUNT}:role/robot"
CASES = [
    (BARE, identities(role_robot=ROLE), {}, ROLE),
    (BARE, identities(role_robot=Missing()), {}, Nobody("IAM has no such role any more")),
    (BARE, identities(role_robot=Ambiguous(())), {}, "MIG009"),
    (BARE, identities(role_robot=Unreadable("no")), {BARE: ROLE}, ROLE),
    (BARE, identities(role_robot=Unreadable("account closed")), {}, "MIG009"),
    # A role of the same name in another account is somebody else.
    (BARE, identities(role_robot="arn:aws:iam::999999999999:role/robot"), {}, "MIG009"),
    (USER, identities(user_ann=f"arn:aws:iam::{ACCOUNT}:user/ann"), {}, Nobody),
    (USER, identities(user_ann=Unreadable("no")), {}, USER),
    (ROLE, identities(), {}, Nobody),
    (f"arn:aws:iam::{ACCOUNT}:root", identities(), {}, "MIG006"),
    (f"arn:aws:sts::{ACCOUNT}:federated-user/ann", identities(), {}, "MIG006"),
    (f"arn:aws:iam::{ACCOUNT}:role/AWSServiceRoleForBatch", identities(), {}, "MIG007"),
    (SESSION, identities(), {}, Nobody),
    (USER.replace("aws:", "aws-cn:", 1), identities(), {}, Nobody),
    ("ann", identities(), {}, Nobody),
]


@pytest.mark.parametrize(("arn", "known", "named", "expected"), CASES)
def test_a_principal_is_known_or_not_and_never_guessed(
    arn: str, known: Identities, named: dict[str, str], expected: object
) -> None:
    found = principal_of(row(arn), "aws", known, named)
    if isinstance(found, Unsayable):
        assert found.id == expected
    elif isinstance(expected, type):
        assert isinstance(found, expected)
    else:
        assert found == expected
