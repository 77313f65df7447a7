"""Permission sets by name: exactly that one, below Identity Center's path, or a finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.identity.permission_sets import find, lasting, set_name
from iamrbac.identity.snapshot import Ambiguous, Missing

HASH, OTHER = "0123456789abcdef", "fedcba9876543210"
NAMES = st.from_regex(r"[A-Za-z0-9+=,.@_-]{1,32}", fullmatch=True)


def role(name: str, digits: str = HASH, region: str = "eu-west-1/", partition: str = "aws") -> str:
    path = f"aws-reserved/sso.amazonaws.com/{region}"
    return f"arn:{partition}:iam::000011112222:role/{path}AWSReservedSSO_{name}_{digits}"


@pytest.mark.parametrize("region", ["eu-west-1/", ""])
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"])
def test_a_role_is_found_with_and_without_the_region_of_identity_center(region: str, partition: str) -> None:
    arn = role("Developer", region=region, partition=partition)
    assert find("Developer", [role("Viewer"), arn]) == arn


@pytest.mark.parametrize(
    "arn",
    [
        role("DeveloperAdmin"),
        role("MyDeveloper"),
        role("developer"),
        role("Developer_x"),
        role("Developer", "0123456789abcde"),
        role("Developer", "0123456789abcdef0"),
        role("Developer", "0123456789ABCDEF"),
        role("Developer").replace("sso.amazonaws.com/", "sso.amazonaws.com/a/b/"),
        role("Developer").replace("aws-reserved", "mine"),
        role("Developer").replace("AWSReservedSSO_", ""),
        role("Developer").replace("role/", "user/"),
        "AIDAEXAMPLE",
    ],
)
def test_nothing_else_is_it(arn: str) -> None:
    assert find("Developer", [arn]) == Missing()


def test_several_are_ambiguous() -> None:
    several = (role("Developer"), role("Developer", OTHER))
    assert find("Developer", reversed(several)) == Ambiguous(several)
    assert find("Developer", [several[0]] * 2) == several[0]


@given(NAMES, st.lists(NAMES, max_size=5))
def test_a_name_finds_itself_alone(name: str, others: list[str]) -> None:
    arn = role(name)
    assert set_name(arn) == name
    assert find(name, [arn, *(role(other) for other in others if other != name)]) == arn


def test_what_stays_when_a_role_is_made_anew() -> None:
    assert lasting(role("Developer")) == lasting(role("Developer", OTHER, region=""))
    assert lasting(role("Developer")) != lasting(role("Viewer"))
    # In aws-auth it has no path.
    assert lasting(role("Developer")) == lasting(f"arn:aws:iam::000011112222:role/AWSReservedSSO_Developer_{OTHER}")
    assert lasting("arn:aws:iam::000011112222:role/ci/X_1") == "arn:aws:iam::000011112222:role/x_1"
