"""ARNs: what is read is written back; roles lose their path where AWS hides it, users never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.model.arn import PARTITIONS, Arn, canonical, default_username, partition_of, without_path

names = st.from_regex(r"\A[A-Za-z0-9_+=,.@-]{1,20}\Z")
paths = st.one_of(st.just("/"), st.lists(names, min_size=1, max_size=3).map(lambda parts: f"/{'/'.join(parts)}/"))
accounts = st.from_regex(r"\A[0-9]{12}\Z")
partitions = st.sampled_from(PARTITIONS)


@given(partitions, accounts, st.sampled_from(["user", "role", "group"]), paths, names)
def test_parse_gives_the_parts_and_str_gives_the_text(
    partition: str, account: str, kind: str, path: str, name: str
) -> None:
    text = f"arn:{partition}:iam::{account}:{kind}{path}{name}"
    parsed = Arn.parse(text)
    assert (parsed.partition, parsed.account, parsed.kind, parsed.path, parsed.name) == (
        partition,
        account,
        kind,
        path,
        name,
    )
    assert str(parsed) == text
    assert canonical(text) == text
    assert without_path(text) == (f"arn:{partition}:iam::{account}:role/{name}" if kind == "role" else text)


@given(partitions, accounts, names, names)
def test_a_session_stands_for_its_role(partition: str, account: str, name: str, session: str) -> None:
    text = f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}"
    role = f"arn:{partition}:iam::{account}:role/{name}"
    assert str(Arn.parse(text)) == text
    assert Arn.parse(text).session == session
    assert canonical(text) == role
    assert canonical(canonical(text)) == role
    assert default_username(text) == default_username(role)


@pytest.mark.parametrize(
    ("arn", "username"),
    [
        ("arn:aws:iam::111122223333:user/staff/alice", "arn:aws:iam::111122223333:user/staff/alice"),
        (
            "arn:aws:iam::111122223333:role/ci/deployer",
            "arn:aws:sts::111122223333:assumed-role/deployer/{{SessionName}}",
        ),
        ("arn:aws-cn:iam::111122223333:role/a", "arn:aws-cn:sts::111122223333:assumed-role/a/{{SessionName}}"),
        ("arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root"),
        ("arn:aws:sts::111122223333:federated-user/bob", "arn:aws:sts::111122223333:federated-user/bob"),
    ],
)
def test_default_usernames_are_what_eks_would_choose(arn: str, username: str) -> None:
    assert default_username(arn) == username
    assert str(Arn.parse(arn)) == arn


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("alice", "it looks like arn:aws:iam::111122223333:role/NAME"),
        ("arn:aws:iam::111122223333", "it looks like"),
        ("arn:awss:iam::111122223333:user/a", "'awss' is not a partition"),
        ("arn:aws:s3::111122223333:user/a", "it belongs to 's3'"),
        ("arn:aws:iam:eu-west-1:111122223333:user/a", "no region stands"),
        ("arn:aws:iam::11112222333:user/a", "'11112222333' is not an account"),
        ("arn:aws:iam::111122223333:user/a b", "blanks and control characters"),
        ("arn:aws:iam::111122223333:user/a\n", "blanks and control characters"),
        ("arn:aws:iam::111122223333:policy/a", "iam has no 'policy'"),
        ("arn:aws:iam::111122223333:assumed-role/a/b", "iam has no 'assumed-role'"),
        ("arn:aws:sts::111122223333:role/a", "sts has no 'role'"),
        ("arn:aws:iam::111122223333:user/", "'' is not a name"),
        ("arn:aws:iam::111122223333:user", "'' is not a name"),
        ("arn:aws:iam::111122223333:role/a*", "'a*' is not a name"),
        ("arn:aws:sts::111122223333:assumed-role/a", "'' is not a name"),
        ("arn:aws:sts::111122223333:assumed-role/a/b/c", "'b/c' is not a name"),
        ("arn:aws:sts::111122223333:federated-user/a/b", "the path '/a/' is not one"),
    ],
)
def test_what_is_no_principal_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        Arn.parse(text)
    assert why in str(caught.value)
    assert repr(text) in str(caught.value)
    assert canonical(text) == text
    assert without_path(text) == text


@given(st.text(max_size=60) | st.from_regex(r"arn:aws:(iam|sts)::[0-9]{12}:[ -~]*", fullmatch=True))
def test_any_text_is_an_arn_that_comes_back_or_a_value_error(text: str) -> None:
    try:
        parsed = Arn.parse(text)
    except ValueError:
        return
    assert str(parsed) == text


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_region_says_its_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition


def test_service_linked_roles_are_known_by_their_path() -> None:
    assert Arn.parse(
        "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForEKS"
    ).service_linked
    assert not Arn.parse("arn:aws:iam::111122223333:role/ci/aws-service-role").service_linked
