"""Every layout with every form of access entries: delivered once, nothing to do then, and from one to another."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from iamrbac.gitops.forms import FORMS
from iamrbac.gitops.inventory import INVENTORY
from iamrbac.gitops.layouts import LAYOUTS
from tests.usecases.test_delivery import ACK, access, ids, repository
from tests.usecases.world import ALICE, Company, company

URL = "https://git.example.com/clusters.git"
INVENTORIES = {f"clusters/{name}/{INVENTORY}" for name in ("staging", "production")}


def config(layout: str, form: str, more: str = "") -> str:
    argocd = f"argocd: {{repoURL: '{URL}'{more}}}, "
    return ACK.replace("accessEntries: ack, ", f"accessEntries: {form}, layout: {layout}, {argocd}")


@pytest.fixture
def modern(tmp_path: Path) -> Company:
    return company(tmp_path / "repo", {"staging": "API", "production": "API"})


@pytest.mark.parametrize(("layout", "form"), list(product(LAYOUTS, FORMS)))
def test_a_second_run_has_nothing_to_do(modern: Company, layout: str, form: str) -> None:
    modern.config(config(layout, form))
    first = modern.plan()
    assert not {one for one in ids(first) if one.startswith("GIT")}
    modern.apply(first)
    again = modern.plan()
    assert {one for one in ids(again) if one.startswith("GIT")} == {"GIT006"}
    assert not again.changed, [change.path for cluster in again.planned if cluster.git for change in cluster.git.files]
    modern.people.groups["payments-developers"] = (ALICE,)
    less = modern.plan()
    assert {change.change for change in access(less)} == {"lose"}
    modern.apply(less)
    assert not modern.plan().changed


def test_eks_that_has_what_git_says_is_no_news(modern: Company) -> None:
    modern.apply()
    modern.config(config("plain", "ack"))
    modern.apply()
    plan = modern.plan()
    assert not {one for one in ids(plan) if one.startswith("GIT")}
    modern.people.groups["payments-developers"] = (ALICE,)
    modern.apply()
    assert {one for one in ids(modern.plan()) if one.startswith("GIT")} == {"GIT004"}


@pytest.mark.parametrize(("before", "after"), [(one, other) for one in LAYOUTS for other in LAYOUTS if one != other])
def test_another_layout_is_other_files_and_the_same_objects(modern: Company, before: str, after: str) -> None:
    modern.config(config(before, "ack"))
    modern.apply()
    modern.config(config(after, "ack"))
    plan = modern.plan()
    assert plan.changes == ()
    assert plan.changed
    modern.apply(plan)
    files = set(repository(modern).files())
    once = {path for path in files if path.endswith("/kustomization.yaml") and before == "kustomize"}
    fresh = company(modern.root.parent / "fresh", {"staging": "API", "production": "API"})
    fresh.config(config(after, "ack"))
    fresh.apply()
    assert files - once == set(repository(fresh).files()) - once
    assert not modern.plan().changed


@pytest.mark.parametrize(("before", "after"), [("ack", "terraform"), ("terraform", "crossplane"), ("eksctl", "pulumi")])
def test_another_form_is_other_files_and_the_same_entries(modern: Company, before: str, after: str) -> None:
    modern.config(config("plain", before))
    modern.apply()
    modern.config(config("plain", after))
    plan = modern.plan()
    assert plan.changes == ()
    modern.apply(plan)
    assert not modern.plan().changed


def test_clusters_share_an_application_set(modern: Company) -> None:
    modern.config(config("argocd", "ack", ", applicationSet: true"))
    modern.apply()
    files = repository(modern).files()
    (shared,) = [path for path in files if "/ApplicationSet-" in path]
    assert all(shared not in files[path] for path in INVENTORIES)
    assert not modern.plan().changed


def test_a_file_that_is_the_users_once_it_is_there(modern: Company) -> None:
    modern.config(config("kustomize", "ack"))
    modern.apply()
    path = "clusters/staging/kustomization.yaml"
    mine = repository(modern).files()[path] + "commonAnnotations: {a: b}\n"
    repository(modern).write({path: mine})
    assert not modern.plan().changed
    modern.people.groups["payments-developers"] = (ALICE,)
    modern.apply()
    assert repository(modern).files()[path] == mine


def test_no_policy_left_leaves_no_file_of_ours(modern: Company) -> None:
    modern.config(config("argocd", "terraform"))
    modern.apply()
    modern.policy(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {name: payments}\n"
        "spec: {members: {developers: [{iamGroup: payments-developers}]}, access: []}\n"
    )
    modern.apply()
    left = {path for path in repository(modern).files() if "RoleBinding-" in path or path.startswith("iam/")}
    assert left == set()
    assert not modern.plan().changed
