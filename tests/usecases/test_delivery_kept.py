"""Clusters whose RBAC goes by Git and whose entries do not: what an adopted entry keeps stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from iamrbac.compile.desired import Key
from iamrbac.mapping.objects import AccessEntry
from iamrbac.plan.observed import Meta, Observed
from iamrbac.rbac.objects import Binding, RoleRef, Subject
from tests.usecases.test_delivery import BY_GIT, sync
from tests.usecases.world import ALICE, Company, company


def entry(made: Company) -> AccessEntry:
    found = made.aws.entries["staging"][Key("staging", "AccessEntry", "", ALICE)].spec
    assert isinstance(found, AccessEntry)
    return found


def test_what_an_adopted_entry_keeps_is_no_change_of_the_next_plan(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(BY_GIT)
    key = Key("staging", "AccessEntry", "", ALICE)
    made.aws.entries["staging"][key] = Observed(key, AccessEntry(ALICE, ALICE, ("devs",)))
    chart = Key("staging", "RoleBinding", "payments", "chart")
    subject = Subject("Group", "devs")
    theirs = Binding("RoleBinding", "payments", "chart", RoleRef("ClusterRole", "view"), (subject,))
    made.kubes["staging"].objects[chart] = Observed(chart, theirs, Meta(version="1"))
    made.request = replace(made.request, adopt=frozenset({f"AccessEntry/{ALICE}"}))
    made.apply()
    sync(made)
    made.apply()
    assert set(entry(made).groups) > {"devs"}
    made.request = replace(made.request, adopt=frozenset())
    plan = made.plan()
    assert plan.changes == ()
    assert {finding.id for finding in plan.all_findings} >= {"OWN006"}
