"""Entries and rows of users and roles that IAM does not have: told, once for all clusters, and never guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iamrbac.compile.desired import Key
from iamrbac.compile.names import entry_tags
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import IamName, Unreadable
from iamrbac.mapping.objects import AccessEntry
from iamrbac.plan.change import Plan
from iamrbac.plan.observed import Meta, Observed
from tests.usecases.fakes import ACCOUNT, PAT
from tests.usecases.world import NODES, Company, company

IAM = f"arn:aws:iam::{ACCOUNT}:"
ROLES, USERS = IamName(ACCOUNT, "role"), IamName(ACCOUNT, "user")
ROWS = f"""\
- rolearn: {IAM}role/Deploy
  username: deploy
- rolearn: {IAM}role/old
  username: old
- rolearn: arn:aws:iam::999999999999:role/elsewhere
  username: elsewhere
"""


@pytest.fixture
def acme(tmp_path: Path) -> Company:
    """Applied; nobody but ours and the nodes is mapped."""
    made = company(tmp_path / "acme")
    made.apply()
    made.people.there = {"user": frozenset({"pat"}), "role": frozenset({"deploy"})}
    return made


def enter(acme: Company, arn: str, type_: str = "STANDARD", marks: dict[str, str] | None = None) -> None:
    key = Key("staging", "AccessEntry", "", arn)
    entry = AccessEntry(arn, "somebody", type=type_)
    acme.aws.entries["staging"][key] = Observed(key, entry, Meta(labels=marks or {}))


def rows(acme: Company, text: str) -> None:
    kube = acme.kubes["production"]
    assert kube.map is not None
    kube.map = replace(kube.map, data={**kube.map.data, "mapRoles": kube.map.data["mapRoles"] + text})


def told(plan: Plan, id_: str = "MAP115") -> dict[str | None, Finding]:
    return {one.object: one for one in plan.all_findings if one.id == id_}


def test_where_only_ours_and_nodes_are_mapped_nobody_is_asked_for(acme: Company) -> None:
    enter(acme, f"{IAM}role/nodes-2", "EC2_LINUX")
    enter(acme, f"{IAM}role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS")
    enter(acme, "arn:aws:iam::999999999999:user/consultant")
    assert told(acme.plan()) == {}
    assert acme.people.listed == []
    assert NODES


def test_entries_and_rows_of_others(acme: Company) -> None:
    enter(acme, PAT)
    enter(acme, f"{IAM}user/staff/gone")
    enter(acme, f"{IAM}role/ci/deploy")
    rows(acme, ROWS)
    plan = acme.plan()
    assert plan.changes == ()
    found = told(plan)
    assert set(found) == {f"AccessEntry/{IAM}user/staff/gone", f"AwsAuthRow/{IAM}role/old"}
    entry, row = found[f"AccessEntry/{IAM}user/staff/gone"], found[f"AwsAuthRow/{IAM}role/old"]
    assert (entry.level, entry.cluster) == (Level.WARNING, "staging")
    assert entry.message == f"the user gone of the access entry {IAM}user/staff/gone does not exist any more"
    assert entry.hint.endswith(
        f"aws eks delete-access-entry --cluster-name staging --principal-arn {entry.message.split()[7]}"
    )
    assert row.message == (
        f"the role old of the row of aws-auth {IAM}role/old does not exist any more: whoever makes a role of that name "
        "comes in by it"
    )
    # One listing each, whatever the number of clusters.
    assert acme.people.listed == [frozenset({ROLES, USERS})]


def test_only_the_list_that_matters_is_asked_for(acme: Company) -> None:
    enter(acme, f"{IAM}user/gone")
    assert set(told(acme.plan())) == {f"AccessEntry/{IAM}user/gone"}
    assert acme.people.listed == [frozenset({USERS})]


def test_a_denied_list_is_not_known_and_nobody_is_called_gone(acme: Company) -> None:
    acme.people.there["user"] = Unreadable("AccessDenied")
    enter(acme, f"{IAM}user/gone")
    rows(acme, ROWS)
    plan = acme.plan()
    assert set(told(plan)) == {f"AwsAuthRow/{IAM}role/old"}
    (note,) = told(plan, "MAP116").values()
    assert (note.level, note.cluster) == (Level.INFO, None)
    assert note.message.endswith(f"of account {ACCOUNT} that clusters map are still there is not known: AccessDenied")


def test_where_people_come_from_a_file_nothing_is_said(acme: Company) -> None:
    acme.people.there = {}
    enter(acme, f"{IAM}user/gone")
    plan = acme.plan()
    assert (told(plan), told(plan, "MAP116")) == ({}, {})


def test_what_is_ours_goes_and_is_not_told(acme: Company) -> None:
    enter(acme, f"{IAM}user/gone", marks=dict(entry_tags("acme")))
    plan = acme.plan()
    assert [(one.action, one.key.name) for one in plan.changes if one.key.kind == "AccessEntry"] == [
        ("delete", f"{IAM}user/gone")
    ]
    assert told(plan) == {}
