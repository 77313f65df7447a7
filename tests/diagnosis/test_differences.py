"""Where a cluster says something else of the caller than what is expected, and the probable cause."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iamrbac.diagnosis.differences import Difference, difference
from iamrbac.diagnosis.facts import Ended, Maps, Says
from iamrbac.rbac.objects import User
from tests.diagnosis.facts import ACCOUNT, ALICE, DEVELOPERS, NO_MAPS, OTHER, taken

OURS = "iamrbac:acme"
ONCALL = "iamrbac:acme:payments:temporary.incident"
HERS = frozenset({DEVELOPERS})
OVER = Ended("incident", "payments", "2026-11-01T00:00:00Z", (), True, "policies/incident.yaml:9")


def differs(
    *groups: str,
    expected: frozenset[str] | None = HERS,
    nobody: bool = False,
    says: Says | None = None,
    caller: str = ALICE,
    maps: Maps = NO_MAPS,
    offset: timedelta | None = None,
) -> Difference | None:
    user = None if nobody else User("alice", (*groups, "system:authenticated"))
    return difference(taken(caller, user, says=says, maps=maps), expected, OURS, offset)


def ids(found: Difference | None) -> list[str]:
    return [cause.id for cause in found.causes] if found is not None else []


def test_as_expected() -> None:
    assert differs(DEVELOPERS, "oncall-of-others") is None
    assert differs(DEVELOPERS, expected=None) is None
    assert differs(nobody=True, expected=frozenset()) is None


def test_taken_for_nobody() -> None:
    found = differs(nobody=True, says=Says(expected=True), maps=Maps("API"))
    assert found is not None
    assert (found.missing, ids(found)) == ((DEVELOPERS,), ["not-applied", "entry-of-deleted-principal"])
    assert ids(differs(nobody=True, expected=None, maps=Maps("API"))) == ["not-mapped", "entry-of-deleted-principal"]
    rows = differs(nobody=True, says=Says(expected=True), maps=Maps("CONFIG_MAP"))
    assert ids(rows) == ["not-applied", "user-path-missing", "section-unreadable"]
    stranger = differs(nobody=True, caller=ALICE.replace(ACCOUNT, OTHER), maps=Maps("API"), says=Says(expected=True))
    assert "wrong-account" in ids(stranger)
    late = differs(nobody=True, maps=Maps("API"), offset=timedelta(minutes=-9))
    assert ids(late)[0] == "clock-skew"
    assert ids(differs(nobody=True, says=Says(ended=(OVER,)))) == ["grant-expired"]


def test_groups_that_are_not_there() -> None:
    found = differs("other", expected=HERS)
    assert found is not None
    assert (found.missing, found.extra, ids(found)) == ((DEVELOPERS,), (), ["not-applied"])
    assert ids(differs(expected=HERS)) == ["no-groups"]
    assert ids(differs(f"{DEVELOPERS} - x", expected=HERS))[0] == "groups-in-one"


@pytest.mark.parametrize(("says", "cause"), [(Says(ended=(OVER,)), "grant-expired"), (None, "not-taken-away")])
def test_groups_that_should_not_be_there(says: Says | None, cause: str) -> None:
    found = differs(DEVELOPERS, ONCALL, says=says)
    assert found is not None
    assert (found.missing, found.extra, ids(found)) == ((), (ONCALL,), [cause])
