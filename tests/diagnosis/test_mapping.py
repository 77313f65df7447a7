"""A cluster that takes a caller for nobody: exact where the maps are known, in the order of likelihood where not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from iamrbac.diagnosis import mapping
from iamrbac.diagnosis.facts import Ended, Maps, Owner, Place, Says, SeenEntry, Token
from iamrbac.diagnosis.verdict import Fixer, Status
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import User
from tests.diagnosis.facts import (
    ACCOUNT,
    ALICE,
    CI,
    CI_ROLE,
    DEVELOPERS,
    LATER,
    OTHER,
    PLACE,
    THEN,
    ids,
    rows,
    seen,
    taken,
)

SSO = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/alice"
OLD_SSO = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Developer_fedcba9876543210"
BOTH = "API_AND_CONFIG_MAP"
MAP = "CONFIG_MAP"
RUN = "ask them to run: iamrbac doctor --cluster staging --principal"


def exact(mode: str = BOTH, *entries: SeenEntry, made: datetime | None = None, **sections: str) -> Maps:
    return Maps(mode, entries, rows(**sections), made)


def row(arn: str, key: str = "userarn") -> str:
    return f"- {{{key}: '{arn}', username: me, groups: [devs]}}\n"


@pytest.mark.parametrize(
    ("caller", "maps", "cause"),
    [
        (ALICE, exact(), "not-mapped"),
        (ALICE, exact("API"), "not-mapped"),
        (ALICE, exact(BOTH, seen(ALICE, "devs"), made=LATER), "entry-of-deleted-principal"),
        (CI, exact(BOTH, seen(CI_ROLE, "devs"), made=LATER), "entry-of-deleted-principal"),
        (CI, exact(MAP, mapRoles=row(CI_ROLE, "rolearn")), "role-path-in-aws-auth"),
        (CI, exact(MAP, mapRoles=row(CI, "rolearn")), "role-path-in-aws-auth"),
        (ALICE, exact(MAP, mapUsers=row(ALICE.replace("/staff", ""))), "user-path-missing"),
        (CI, exact(MAP, mapRoles="- rolearn: {{SessionName}}\n"), "section-unreadable"),
        (ALICE, exact(MAP, mapUsers="- {userarn: a"), "section-unreadable"),
        (ALICE, exact("API", mapUsers=row(ALICE)), "mode-without-rows"),
        (CI, exact(BOTH, seen(CI_ROLE.replace(ACCOUNT, OTHER))), "wrong-account"),
        (ALICE, exact(MAP, mapUsers=row(ALICE.replace(ACCOUNT, OTHER))), "wrong-account"),
        (SSO, exact(BOTH, seen(OLD_SSO)), "permission-set-recreated"),
    ],
)
def test_where_the_maps_are_known_the_one_cause_is_named(caller: str, maps: Maps, cause: str) -> None:
    verdict = mapping.judge(taken(caller, maps=maps))
    assert (verdict.status, ids(verdict)) == (Status.FAILED, [f"{cause}!"])
    assert verdict.causes[0].run


def test_an_entry_that_should_count_is_not_called_stale_for_sure() -> None:
    for made in (None, THEN):
        verdict = mapping.judge(taken(maps=exact(BOTH, seen(ALICE), made=made)))
        assert ids(verdict)[0] == "entry-of-deleted-principal"


def test_a_row_that_eks_ignores_may_be_hers() -> None:
    assert ids(mapping.judge(taken(maps=exact(MAP, mapusers="- {}\n")))) == ["row-ignored", "not-mapped"]


def test_the_token_itself() -> None:
    assert ids(mapping.judge(taken(token=Token(5000, "staging")))) == ["token-too-long!"]
    other = mapping.judge(taken(token=Token(500, "production")))
    assert (ids(other), other.causes[0].fixer) == (["token-for-another-cluster!"], Fixer.YOU)


def ended(*, mine: bool) -> Ended:
    origin = Origin("policies/incident.yaml", ("spec", "notAfter"))
    return Ended("incident", "payments", "2026-11-01T00:00:00Z", ("payments",), mine, origin)


def test_what_the_policies_say_for_sure() -> None:
    assert ids(mapping.judge(taken(says=Says(suspended=True)))) == ["suspended!"]
    assert ids(mapping.judge(taken(maps=Maps(MAP), says=Says(entries_wanted=True)))) == ["mode-without-entries!"]
    verdict = mapping.judge(taken(says=Says(ended=(ended(mine=True),))))
    assert ids(verdict) == ["grant-expired!"]
    assert (
        verdict.causes[0].run
        == "iamrbac request --cluster staging --namespace payments --role ROLE --for 4h --reason WHY"
    )


ROLES = Says(roles=(f"arn:aws:iam::{ACCOUNT}:role/iamrbac/acme.payments.developers",))
STRANGER = ALICE.replace(ACCOUNT, OTHER)


@pytest.mark.parametrize(
    ("place", "caller", "mode", "says", "causes"),
    [
        (PLACE, ALICE, "API", None, ["not-mapped", "entry-of-deleted-principal"]),
        (PLACE, CI, MAP, None, ["not-mapped", "role-path-in-aws-auth", "section-unreadable"]),
        (PLACE, ALICE, MAP, None, ["not-mapped", "user-path-missing", "section-unreadable"]),
        (PLACE, ALICE, "API", Says(expected=True), ["not-applied", "entry-of-deleted-principal"]),
        (
            replace(PLACE, account=OTHER),
            STRANGER,
            "API",
            None,
            ["wrong-account", "not-mapped", "entry-of-deleted-principal"],
        ),
        (PLACE, ALICE, "API", ROLES, ["role-not-assumed", "not-mapped", "entry-of-deleted-principal"]),
        (
            PLACE,
            ALICE,
            "API",
            Says(ended=(ended(mine=False),)),
            ["not-mapped", "entry-of-deleted-principal", "grant-expired"],
        ),
    ],
)
def test_what_a_developer_may_not_read_is_told_by_likelihood(
    place: Place, caller: str, mode: str, says: Says | None, causes: list[str]
) -> None:
    verdict = mapping.judge(taken(caller, place=place, maps=Maps(mode), says=says))
    assert ids(verdict) == causes
    behind = [one.run for one in verdict.causes if one.id in ("entry-of-deleted-principal", "role-path-in-aws-auth")]
    assert all(run == f"{RUN} {caller}" for run in behind)


def test_who_is_in_her_own_role_is_not_told_to_assume_it() -> None:
    verdict = mapping.judge(taken(CI, says=Says(roles=(CI_ROLE,)), maps=Maps("API")))
    assert "role-not-assumed" not in ids(verdict)


def test_owners_are_named() -> None:
    says = Says(owner=Owner("payments", ("payments-leads@example.com",)))
    assert mapping.judge(taken(maps=exact("API"), says=says)).causes[0].people == ("payments-leads@example.com",)


def test_taken_for_somebody() -> None:
    verdict = mapping.judge(taken(user=User("alice", (DEVELOPERS, "system:authenticated"))))
    assert (verdict.status, verdict.saw) == (Status.OK, f"taken for alice, in {DEVELOPERS}")
    assert mapping.judge(taken(user=User("alice", ()))).saw == "taken for alice, in no group"
