"""From the options of a request to a document: spans, names, teams, members. Whatever is typed, it is told or good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.documents import Documents, Sourced
from iamrbac.compile.request.draft import LONGEST, SHORTEST, draft
from iamrbac.compile.request.naming import MOST, branch_of, file_of, free, name_of
from iamrbac.compile.request.team import team_of
from iamrbac.compile.request.wish import Wish
from iamrbac.findings.finding import Finding
from iamrbac.identity.myself import member, named
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant
from iamrbac.model.errors import AwsError
from iamrbac.model.parse import parse
from iamrbac.model.span import span, span_text

AT = datetime(2026, 6, 1, 12, 0, 30, 123456, tzinfo=UTC)
PEOPLE, OTHER = "111122223333", "444455556666"
ME = f"arn:aws:iam::{PEOPLE}:user/staff/alice"
CLUSTERS = [
    {"name": "staging", "account": PEOPLE, "region": "eu-west-1", "labels": {"env": "staging"}},
    {"name": "production", "account": OTHER, "region": "eu-west-1", "labels": {"env": "production"}},
]
RULES: list[dict[str, Any]] = [
    {"name": "pay*", "owner": "payments"},
    {"name": "search*", "owner": "search", "accepts": ["payments"]},
]


def documents(access: dict[str, list[dict[str, Any]]], rules: list[dict[str, Any]]) -> Documents:
    head = {"apiVersion": "iamrbac.dev/v1alpha1"}
    config = {"kind": "Config", "metadata": {"name": "acme"}, "identity": {"account": PEOPLE, "groups": "users"}}
    found = parse({**head, **config, "clusters": CLUSTERS, "namespaces": rules}, "iamrbac.yaml")
    assert isinstance(found, Config), found
    policies = []
    for team, lines in access.items():
        spec = {"members": {"all": [{"iamUser": "x"}]}, "access": lines}
        one = parse({**head, "kind": "AccessPolicy", "metadata": {"name": team}, "spec": spec}, f"policies/{team}.yaml")
        assert isinstance(one, AccessPolicy), one
        policies.append(Sourced(f"policies/{team}.yaml", one))
    return Documents(Sourced("iamrbac.yaml", found), tuple(policies))


def line(cluster: str, *namespaces: str) -> dict[str, Any]:
    return {"clusters": [cluster], "role": "viewer", "namespaces": list(namespaces)}


TWO = documents({"payments": [line("staging", "pay*")], "search": [line("staging", "search", "free")]}, RULES)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90m", 5400),
        ("4h", 14400),
        ("2d", 172800),
        ("1h30m", 5400),
        ("", None),
        ("4", None),
        ("4hh", None),
        ("-4h", None),
    ],
)
def test_spans(text: str, length: int | None) -> None:
    assert span(text) == (None if length is None else timedelta(seconds=length))


@given(st.timedeltas(timedelta(0), timedelta(days=900_000)))
def test_a_span_is_read_as_it_is_written(length: timedelta) -> None:
    whole = timedelta(seconds=int(length.total_seconds()))
    assert span(span_text(length)) == whole


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("INC-4211 checkout is down", "inc-4211"),
        ("Checkout is down", "checkout-is-down"),
        ("Überlast über Ostern", "uberlast-uber-ostern"),
        ("支払い", "payments-operator"),
        ("one two three four five six seven eight nine ten", "one-two-three-four-five-six-seven-eight"),
        ("x" * 90, "x" * MOST),
    ],
)
def test_a_request_is_called_after_its_reason(reason: str, name: str) -> None:
    assert name_of(reason, "payments-operator") == name


@given(st.text(), st.integers(0, 12))
def test_whatever_the_reason_is_the_name_is_one_and_free(reason: str, number: int) -> None:
    taken: set[str] = set()
    for _ in range(number + 1):
        name = free(name_of(reason, "a-b"), taken)
        assert name not in taken
        taken.add(name)
        raw = {"apiVersion": "iamrbac.dev/v1alpha1", "kind": "TemporaryGrant", "metadata": {"name": name}}
        spec = {"team": "a", "members": [{"iamUser": "a"}], "access": [line("a", "b")], "reason": "x"}
        found = parse({**raw, "spec": {**spec, "notAfter": "2026-06-01T16:00:30Z"}}, file_of(name))
        assert isinstance(found, TemporaryGrant), found
        assert branch_of(name).startswith("iamrbac/request/")


@pytest.mark.parametrize(
    ("arn", "accounts", "wanted", "several"),
    [
        (ME, [OTHER], {"iamUser": "staff/alice"}, False),
        (f"arn:aws:iam::{OTHER}:user/bob", [OTHER], {"iamUser": f"arn:aws:iam::{OTHER}:user/bob"}, False),
        (f"arn:aws:sts::{OTHER}:assumed-role/deploy/i", [OTHER], {"iamRole": "deploy"}, True),
        (f"arn:aws:sts::{OTHER}:assumed-role/deploy/i", [OTHER, PEOPLE], {"iamRole": "deploy", "account": OTHER}, True),
        (f"arn:aws:iam::{OTHER}:role/ci/deploy", [], {"iamRole": "ci/deploy"}, True),
        (
            f"arn:aws:sts::{OTHER}:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann@example.com",
            [PEOPLE],
            {"permissionSet": "Dev", "account": OTHER},
            True,
        ),
    ],
)
def test_me_as_a_policy_names_me(arn: str, accounts: list[str], wanted: dict[str, str], several: bool) -> None:
    found = named(arn, PEOPLE, accounts if accounts else [OTHER])
    assert (found.member, bool(found.several)) == (wanted, several)


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{PEOPLE}:root", f"arn:aws:sts::{PEOPLE}:federated-user/x", "arn:x"])
def test_whom_no_policy_names(arn: str) -> None:
    with pytest.raises(ValueError, match="arn:"):
        named(arn, PEOPLE, [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dana", {"iamUser": "dana"}),
        ("iamUser:staff/dana", {"iamUser": "staff/dana"}),
        ("iamGroup:g", {"iamGroup": "g"}),
        (f"arn:aws:iam::{PEOPLE}:group/x/g", {"iamGroup": "x/g"}),
        ("permissionSet:Dev", {"permissionSet": "Dev"}),
    ],
)
def test_members_as_they_are_typed(text: str, wanted: dict[str, str]) -> None:
    assert member(text, PEOPLE, [PEOPLE]).member == wanted


@pytest.mark.parametrize(
    ("namespaces", "found"),
    [
        (["payments"], "payments"),
        (["payments-*"], "payments"),
        (["search"], "search"),
        (["search", "payments"], "payments"),
        (["free"], "search"),
        (["nowhere"], "REQ002 --team: several teams could give access in nowhere: payments, search"),
    ],
)
def test_the_team(namespaces: list[str], found: str) -> None:
    said = team_of(TWO, TWO.config.document.clusters, namespaces)
    assert (f"{said.id} {said.message}" if isinstance(said, Finding) else said) == found


def test_no_team_where_owners_do_not_accept_each_other() -> None:
    rules = [{"name": "a", "owner": "payments"}, {"name": "b", "owner": "search"}]
    both = documents({"payments": [line("staging", "a")], "search": [line("staging", "b")]}, rules)
    said = team_of(both, both.config.document.clusters, ["a", "b"])
    assert isinstance(said, Finding)
    assert said.message == "--team: no team may give access in a, b: payments, search own them"


def wish(**changes: Any) -> Wish:
    whole = {
        "namespaces": ("payments",), "clusters": ("staging",), "role": "operator", "length": "4h", "reason": "INC-1",
    }  # fmt: skip
    return Wish(**{**whole, **changes})


def test_a_draft_counts_from_now() -> None:
    made = draft(TWO, ("operator",), wish(), lambda: ME, AT)
    assert made.faults == ()
    assert made.document("inc-1")["spec"] == {
        "team": "payments",
        "members": [{"iamUser": "staff/alice"}],
        "access": [{"clusters": ["staging"], "namespaces": ["payments"], "role": "operator"}],
        "notAfter": "2026-06-01T16:00:30Z",
        "reason": "INC-1",
    }


@pytest.mark.parametrize(
    ("role", "wanted"),
    [
        ("operator", "operator"),
        ("view", {"clusterRole": "view"}),
        ("clusterRole:pods", {"clusterRole": "pods"}),
        ("template:view", "view"),
        ("eksAccessPolicy:AmazonEKSViewPolicy", {"eksAccessPolicy": "AmazonEKSViewPolicy"}),
        ("AmazonEKSViewPolicy", {"eksAccessPolicy": "AmazonEKSViewPolicy"}),
    ],
)
def test_roles(role: str, wanted: object) -> None:
    assert draft(TWO, ("operator",), wish(role=role), lambda: ME, AT).access["role"] == wanted


def test_everything_that_is_wrong_is_said_at_once() -> None:
    def nobody() -> str:
        raise AwsError("no credentials", hint="aws configure")

    bad = wish(namespaces=(), clusters=("env=a", "env=b"), role="", length="9y", reason=" ")
    faults = draft(TWO, (), bad, nobody, AT).faults
    assert sorted(one.object or "" for one in faults) == [
        "--cluster", "--for", "--member", "--namespace", "--reason", "--role",
    ]  # fmt: skip
    assert next(one for one in faults if one.object == "--member").id == "ERR201"


@given(st.timedeltas(timedelta(0), timedelta(days=3650)))
def test_limits_of_the_time(length: timedelta) -> None:
    faults = draft(TWO, (), wish(length=span_text(length)), lambda: ME, AT).faults
    whole = timedelta(seconds=int(length.total_seconds()))
    assert [one.object for one in faults] == ([] if SHORTEST <= whole <= LONGEST else ["--for"])


def test_labels_choose_clusters() -> None:
    made = draft(TWO, (), wish(clusters=("env=staging",)), lambda: ME, AT)
    assert (made.faults, made.access["clusters"]) == ((), {"env": "staging"})
    assert draft(TWO, (), wish(clusters=("env",)), lambda: ME, AT).access["clusters"] == ["env"]
    assert [one.object for one in draft(TWO, (), wish(clusters=("=x",)), lambda: ME, AT).faults] == ["--cluster"]
