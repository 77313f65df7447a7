from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from iamrbac.index.compare import IndexDifference, differ, due
from iamrbac.index.endpoint import endpoint_fault
from iamrbac.index.mine import mine
from tests.index.builders import ALICE, BOB, NOW, ROLE, SSO, cluster, index, set_, whole


def direct(caller: str, hours: int = 0) -> dict[str, list[str]]:
    found = mine(whole(), caller, NOW + timedelta(hours=hours))
    return {one.cluster.name: [each.name for each in one.direct] for one in found}


def test_a_user_is_found_by_the_whole_arn() -> None:
    assert direct(ALICE) == {"production": [], "staging": ["developers"]}
    assert direct(ALICE.replace("/staff", "")) == {"production": [], "staging": []}
    assert direct(ALICE.replace("2222", "9999")) == {"production": [], "staging": []}


def test_a_session_is_found_by_account_and_role_without_path() -> None:
    name = SSO.rpartition("/")[2]
    assert direct(f"arn:aws:sts::111122223333:assumed-role/{name}/alice@example.com")["production"] == ["developers"]
    assert direct(f"arn:aws:sts::999922223333:assumed-role/{name}/alice@example.com")["production"] == []
    assert direct(f"arn:aws-cn:sts::111122223333:assumed-role/{name}/alice")["production"] == []
    assert direct("arn:aws:iam::111122223333:root")["production"] == []


def test_roles_are_there_to_be_tried_and_are_mine_in_their_own_session() -> None:
    tries = {one.cluster.name: one.by_role for one in mine(whole(), ALICE, NOW)}
    assert [(role, one.name) for role, one in tries["production"]] == [(ROLE, "oncall")]
    assert tries["staging"] == ()
    as_role = mine(whole(), "arn:aws:sts::222233334444:assumed-role/acme.payments.oncall/alice", NOW)[0]
    assert ([one.name for one in as_role.direct], as_role.by_role) == (["oncall"], ())


def test_a_temporary_grant_ends_at_its_time() -> None:
    assert direct(BOB, hours=3)["production"] == ["temporary.inc-4211"]
    assert direct(BOB, hours=4)["production"] == []
    assert [one.name for one in mine(whole(), BOB, NOW + timedelta(hours=4))[0].ended] == ["temporary.inc-4211"]


def test_namespaces() -> None:
    assert [one.namespaces for one in mine(whole(), ALICE, NOW)] == [(), ("payments",)]
    assert mine(whole(), BOB, NOW)[0].namespaces == ()


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("https://0A1B.gr7.eu-west-1.eks.amazonaws.com", "eu-west-1"),
        ("https://0A1B.sk1.eu-west-1.eks.amazonaws.com", "eu-west-1"),
        ("https://0a1b.gr7.eu-west-1.api.aws", "eu-west-1"),
        ("https://0A1B.yl4.cn-north-1.eks.amazonaws.com.cn", "cn-north-1"),
        ("https://0A1B.gr7.us-gov-west-1.eks.amazonaws.com", "us-gov-west-1"),
        ("https://127.0.0.1:6443", "eu-west-1"),
        ("https://localhost:6443", "eu-west-1"),
        ("https://[::1]:6443", "eu-west-1"),
    ],
)
def test_endpoints_of_eks_and_of_this_machine(endpoint: str, region: str) -> None:
    assert endpoint_fault(endpoint, region) is None


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example.com",
        "https://0A1B.gr7.eu-west-1.eks.amazonaws.com.evil.example.com",
        "https://eu-west-1.eks.amazonaws.com@evil.example.com",
        "https://evil.example.com#.eu-west-1.eks.amazonaws.com",
        "https://evil.example.com/.eu-west-1.eks.amazonaws.com",
        "https://evil.example.com\\.eu-west-1.eks.amazonaws.com",
        "https://0A1B.gr7.us-east-1.eks.amazonaws.com",
        "https://0A1B.gr7.eu-west-1.eks.amazonaws.com.cn",
        "https://0A1B.execute-api.eu-west-1.api.aws",
        "https://0A1B.execute-api.eu-west-1.amazonaws.com",
        "https://0A1B.gr7.eu-west-1.eks.amazonaws.com:70000",
        "https://0A1B.gr7.eu-west-1.eks.amazonaws.com/",
        "http://0A1B.gr7.eu-west-1.eks.amazonaws.com",
        "https://10.0.0.1",
        "https://127.0.0.1.example.com",
        "https://[::1",
        "https://",
        "eu-west-1.eks.amazonaws.com",
    ],
)
def test_no_other_endpoint_gets_a_token(endpoint: str) -> None:
    assert endpoint_fault(endpoint, "eu-west-1") is not None


def test_what_a_new_index_changes() -> None:
    before = index(cluster("a", set_()), cluster("b", set_()))
    after = index(cluster("b", set_(principals=(BOB,)), endpoint="https://127.0.0.1:1"), cluster("c", set_()))
    assert differ(before, after) == IndexDifference(True, 2, 2, ("c",), ("a",), ("b",))
    assert differ(None, before) == IndexDifference(True, 2, 0, ("a", "b"))
    later = replace(before, written=NOW + timedelta(hours=1), commit=None)
    assert differ(before, later) == IndexDifference(False, 0, 0)
    assert not due(before, later)
    assert due(before, replace(later, written=NOW + timedelta(days=2)))
    assert due(None, before)
