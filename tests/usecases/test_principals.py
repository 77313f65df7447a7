"""Permission sets and principals made anew, planned and applied on clusters in memory: no gap, nobody by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.identity.snapshot import Ambiguous, Missing, Unreadable
from iamrbac.model.arn import without_path
from iamrbac.usecases.outcome import Outcome
from tests.usecases.fakes import ACCOUNT
from tests.usecases.world import Company, company

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
