"""A snapshot of identities: what is written is read back, and a file that is none is refused with the place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.documents.identities import SavedPeople, identities_json, parse_identities
from iamrbac.identity.snapshot import Ambiguous, IamName, Identities, Missing, Unreadable, Wanted
from iamrbac.model.errors import UsageError
from tests.cli.shapes import check

ACCOUNT = "111122223333"
AT = datetime(2026, 11, 26, 10, tzinfo=UTC)
ALICE = f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
KNOWN = Identities(
    {IamName(ACCOUNT, "developers"): (ALICE,), IamName(ACCOUNT, "empty"): (), IamName(ACCOUNT, "gone"): Missing()},
    {IamName(ACCOUNT, "user/alice"): ALICE, IamName(ACCOUNT, "role/gone"): Missing()},
)
_names = st.builds(IamName, st.just(ACCOUNT), st.from_regex(r"[A-Za-z0-9+=,.@_-]{1,20}", fullmatch=True))
_arns = _names.map(lambda one: f"arn:aws:iam::{ACCOUNT}:user/{one.name}")
_groups = st.dictionaries(
    _names, st.one_of(st.just(Missing()), st.sets(_arns, max_size=3).map(lambda some: tuple(sorted(some)))), max_size=3
)
_principals = st.dictionaries(
    st.builds(
        lambda one, kind: IamName(one.account, f"{kind}/{one.name}"),
        _names,
        st.sampled_from(["user", "role", "permissionSet"]),
    ),
    st.one_of(
        st.just(Missing()),
        _arns,
        st.sets(_arns, min_size=2, max_size=3).map(lambda some: Ambiguous(tuple(sorted(some)))),
    ),
    max_size=3,
)
_created = st.dictionaries(_arns, st.datetimes(timezones=st.just(UTC)), max_size=3)


@given(st.builds(Identities, _groups, _principals, _created))
def test_what_is_written_is_read_back(identities: Identities) -> None:
    value = identities_json(identities, AT)
    check("identities", value)
    assert parse_identities(json.dumps(value), "people.json") == SavedPeople(identities, AT, "people.json")


def test_missing_is_not_empty() -> None:
    value = identities_json(KNOWN, AT)
    assert [one["members"] for one in value["groups"]] == [[ALICE], [], None]
    assert parse_identities(json.dumps(value), "people.json").known == KNOWN


def test_a_file_of_before_knows_no_dates() -> None:
    value = identities_json(KNOWN, AT)
    del value["created"]
    assert parse_identities(json.dumps(value), "people.json").known == KNOWN


def test_a_file_of_before_has_no_time() -> None:
    value = identities_json(KNOWN, AT)
    assert value.pop("at") == "2026-11-26T10:00:00Z"
    check("identities", value)
    assert parse_identities(json.dumps(value), "people.json").at is None


def test_the_port_answers_what_is_wanted_and_knows_nothing_of_a_name_that_is_not_there() -> None:
    people = parse_identities(json.dumps(identities_json(KNOWN, AT)), "people.json")
    here, gone = IamName(ACCOUNT, "developers"), IamName(ACCOUNT, "gone")
    new, user, deleted = (IamName(ACCOUNT, name) for name in ("new", "user/new", "role/gone"))
    alice, bob = IamName(ACCOUNT, "user/alice"), IamName(ACCOUNT, "user/bob")
    unknown = Unreadable("it is not in people.json. Next: make it anew: iamrbac identities export --out people.json")
    found = people.identities(Wanted(frozenset({here, gone, new}), frozenset({user, deleted}), frozenset({alice, bob})))
    assert found.groups == {here: (ALICE,), gone: Missing(), new: unknown}
    assert found.principals == {user: unknown, deleted: Missing(), alice: ALICE}
    assert found.otherwise == people.known.otherwise == unknown


def test_what_iam_did_not_say_cannot_be_written() -> None:
    hole = Identities({IamName(ACCOUNT, "developers"): Unreadable("AccessDenied")})
    with pytest.raises(ValueError, match="AccessDenied"):
        identities_json(hole, AT)


def _changed(**changes: Any) -> str:
    return json.dumps({**identities_json(KNOWN, AT), **changes})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[" * 100_000, "maximum recursion depth exceeded"),
        ("[]", "it has not kind Identities and formatVersion 1"),
        (_changed(formatVersion=2), "it has not kind Identities and formatVersion 1"),
        (_changed(groups=None), "groups is no list"),
        (_changed(groups=["x"]), "groups[0] has no account and name"),
        (_changed(groups=[{"account": 1, "name": "x"}]), "groups[0] has no account and name"),
        (_changed(groups=[{"account": "1", "name": "x"}]), "groups[0]: members is no list of ARNs, and not null"),
        (_changed(groups=[{"account": "1", "name": "x", "members": ["alice"]}]), "groups[0]: "),
        (
            _changed(groups=[{"account": "1", "name": "x", "members": []}] * 2),
            "groups[1]: x of account 1 is there twice",
        ),
        (_changed(principals=[{"account": "1", "name": "user/x"}]), "principals[0]: "),
        (_changed(principals=[{"account": "1", "name": "user/x", "arn": 5}]), "principals[0]: "),
        (
            _changed(principals=[{"account": "1", "name": "user/x", "arn": None, "ambiguous": [ALICE]}]),
            "principals[0]: ",
        ),
        (_changed(at=None), "at: it has no time with an offset"),
        (_changed(at="2026-11-26T10:00:00"), "at: it has no time with an offset"),
        (_changed(created=[]), "created is no mapping of ARNs to times"),
        (_changed(created={"alice": "2026-01-01T00:00:00Z"}), "'alice' is not the ARN"),
        (_changed(created={ALICE: "2026-01-01T00:00:00"}), f"created: {ALICE} has no time with an offset"),
        (_changed(created={ALICE: "yesterday"}), "Invalid isoformat string: 'yesterday'"),
    ],
)
def test_a_file_that_is_none(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_identities(text, "people.json")
    assert caught.value.message.startswith(f"is no snapshot of identities: {why}")
    assert (caught.value.where, caught.value.hint) == (
        "people.json",
        "write one with `iamrbac identities export --out FILE`",
    )
