"""Permission sets and principals made anew, planned and applied on clusters in memory: no gap, nobody by mistake."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from iamrbac.compile.desired import Key
from iamrbac.compile.names import entry_tags
from iamrbac.identity.snapshot import Ambiguous, Missing, Unreadable
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.arn import without_path
from iamrbac.plan.observed import Meta, Observed
from iamrbac.usecases.outcome import Outcome
from tests.usecases.fakes import ACCOUNT
from tests.usecases.world import ALICE, AT, BOB, Company, company

SET = "permissionSet/Developer"
POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    developers: [{permissionSet: Developer}]
  access:
    - {clusters: ["*"], namespaces: [payments], role: viewer}
"""


def reserved(digits: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Developer_{digits}"


GROUP = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    developers: [{iamGroup: payments-developers}]
  access:
    - {clusters: [staging], namespaces: [payments], role: {eksAccessPolicy: AmazonEKSViewPolicy}}
"""
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
OLD, NEW = reserved("0123456789abcdef"), reserved("fedcba9876543210")


@pytest.fixture
def acme(tmp_path: Path) -> Company:
    acme = company(tmp_path)
    acme.policy(POLICY)
    acme.people.principals[SET] = OLD
    return acme


def test_an_entry_has_the_path_and_a_row_has_not(acme: Company) -> None:
    assert all(event.outcome is Outcome.DONE for event in acme.apply())
    assert [key.name for key in acme.aws.entries["staging"]] == [OLD]
    rows = acme.kubes["production"].map
    assert rows is not None
    assert f"rolearn: {without_path(OLD)}\n" in rows.data["mapRoles"]
    assert "aws-reserved" not in rows.data["mapRoles"]
    assert f"assumed-role/{OLD.rpartition('/')[2]}/{{{{SessionName}}}}" in rows.data["mapRoles"]


def test_a_permission_set_provisioned_anew_is_replaced_without_a_gap(acme: Company) -> None:
    acme.apply()
    acme.people.principals[SET] = NEW
    plan = acme.plan()
    assert {(change.action, change.key.name) for change in plan.changes} == {
        ("delete", OLD),
        ("create", NEW),
        ("delete", without_path(OLD)),
        ("create", without_path(NEW)),
    }
    acme.faults.log.clear()
    assert all(event.outcome is Outcome.DONE for event in acme.apply(plan))
    entries = [line for line in acme.faults.log if "AccessEntry" in line]
    assert entries == [f"create AccessEntry {NEW}", f"delete AccessEntry {OLD}"]
    assert acme.plan().changes == ()


@pytest.mark.parametrize(
    ("answer", "code"),
    [(Missing(), "MAP101"), (Ambiguous((OLD, NEW)), "MAP110"), (Unreadable("AccessDenied. Next: ask"), "MAP102")],
)
def test_who_is_not_known_stops_the_clusters_and_changes_nothing(
    acme: Company, answer: Missing | Ambiguous | Unreadable, code: str
) -> None:
    acme.apply()
    acme.people.principals[SET] = answer
    plan = acme.plan()
    assert {failed.code for failed in plan.failed} == {code}
    assert len(plan.failed) == 2
    assert plan.changes == ()


def test_what_is_said_of_a_permission_set_that_is_not_there(acme: Company) -> None:
    acme.people.principals[SET] = Missing()
    missing = acme.plan().failed[0]
    assert missing.message == "policies/payments.yaml:6: no role of permissionSet Developer is in the account"
    assert "Identity Center makes the role with the first assignment" in missing.hint
    acme.people.principals[SET] = Ambiguous((OLD, NEW))
    several = acme.plan().failed[0]
    assert several.message == f"policies/payments.yaml:6: permissionSet Developer may be {OLD} or {NEW}"


BEFORE, AFTER = AT - timedelta(days=2), AT - timedelta(days=1)


def entered(acme: Company, principal: str, at: datetime, marks: dict[str, str] | None = None) -> Key:
    """Let an entry have been made then."""
    key = Key("staging", "AccessEntry", "", principal)
    there = acme.aws.entries["staging"]
    labels = marks if marks is not None else there[key].meta.labels
    there[key] = replace(there[key], meta=Meta(labels=labels, created=at))
    return key


@pytest.fixture
def people(tmp_path: Path) -> Company:
    """alice and bob, by entries with an access policy, which an entry takes with it."""
    acme = company(tmp_path)
    acme.policy(GROUP)
    acme.apply()
    entered(acme, ALICE, BEFORE)
    return acme


def test_a_user_made_again_gets_an_entry_made_again_with_its_policies(people: Company) -> None:
    assert people.plan().changes == ()
    people.people.created = {ALICE: AFTER, BOB: BEFORE}
    plan = people.plan()
    assert [(change.action, change.key.kind, change.key.name) for change in plan.changes] == [
        ("replace", "AccessEntry", ALICE),
        ("replace", "AccessPolicyAssociation", f"{ALICE}#{VIEW}"),
    ]
    assert plan.planned[0].access == ()
    (finding,) = (one for one in plan.all_findings if one.id == "MAP111")
    assert finding.message == (
        f"{ALICE} was deleted and made again on 2026-11-23T12:00:00Z, after its access entry of 2026-11-22T12:00:00Z: "
        "EKS knows the old one by its unique id, and lets the new one not in"
    )
    people.faults.log.clear()
    assert all(event.outcome is Outcome.DONE for event in people.apply(plan))
    assert people.faults.log[:2] == [f"delete AccessEntry {ALICE}", f"create AccessEntry {ALICE}"]
    assert f"create AccessPolicyAssociation {ALICE}#{VIEW}" in people.faults.log
    entered(people, ALICE, AT)
    assert people.plan().changes == ()


def test_who_was_made_before_the_entry_or_nobody_knows_when_is_left(people: Company) -> None:
    for created in ({}, {ALICE: BEFORE}, {BOB: AFTER}):
        people.people.created = created
        assert people.plan().changes == ()
        assert [one for one in people.plan().all_findings if one.id == "MAP111"] == []


def test_an_entry_that_goes_anyway_just_goes(people: Company) -> None:
    people.people.created = {ALICE: AFTER}
    people.people.groups["payments-developers"] = (BOB,)
    plan = people.plan()
    assert ("delete", ALICE) in {(change.action, change.key.name) for change in plan.changes}
    assert [one for one in plan.all_findings if one.id == "MAP111"] == []


def test_a_stale_entry_of_others_is_told_and_left(people: Company) -> None:
    entered(people, ALICE, BEFORE, {"managed-by": "somebody"})
    people.people.created = {ALICE: AFTER}
    plan = people.plan()
    assert [change for change in plan.changes if change.key.kind == "AccessEntry"] == []
    (finding,) = (one for one in plan.all_findings if one.id == "MAP111")
    assert "whoever keeps it has to delete it and make it anew: aws eks delete-access-entry" in finding.hint


def test_an_entry_of_a_unique_id_is_told_and_ours_goes(people: Company) -> None:
    there = people.aws.entries["staging"]
    for principal, marks in (("AIDAEXAMPLE0000001", entry_tags("acme")), ("AROAEXAMPLE0000002", {})):
        key = Key("staging", "AccessEntry", "", principal)
        there[key] = Observed(key, AccessEntry(principal, "x"), Meta(labels=marks))
    plan = people.plan()
    assert [(change.action, change.key.name) for change in plan.changes] == [("delete", "AIDAEXAMPLE0000001")]
    assert {one.object: one.hint for one in plan.all_findings if one.id == "MAP112"} == {
        "AccessEntry/AIDAEXAMPLE0000001": "nothing to do: this apply removes it",
        "AccessEntry/AROAEXAMPLE0000002": "remove it: it is not ours",
    }
