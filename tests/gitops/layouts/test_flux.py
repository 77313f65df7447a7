from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.desired import Desired
from iamrbac.gitops.files import STAGES, Resource
from iamrbac.gitops.layouts.flux import flux
from iamrbac.model.gitops import EntriesForm
from tests.gitops.layouts import sample


def kustomizations(files: dict[str, str] | Any, folder: str = "flux/production/") -> dict[str, Any]:
    """Return Flux's Kustomizations by name."""
    found = [yaml.load(text, yaml.CSafeLoader) for path, text in files.items() if path.startswith(folder)]
    return {value["metadata"]["name"]: value for value in found}


def stage(name: str) -> str:
    return name.rpartition("-")[2]


@given(sample.clusters, sample.entries, st.sampled_from(["direct", "ack"]))
def test_stages_wait_for_the_one_before_and_their_folders_are_there(
    objects: list[Desired], resources: list[Resource], form: EntriesForm
) -> None:
    given_entries = resources if form == "ack" else []
    found = flux(sample.delivery("flux", accessEntries=form), objects, given_entries)
    ours = kustomizations(found.files)
    for name, value in ours.items():
        folder = value["spec"]["path"].removeprefix("./")
        listed = yaml.load(found.files[f"{folder}/kustomization.yaml"], yaml.CSafeLoader)["resources"]
        inside = sorted(path.removeprefix(f"{folder}/") for path in found.files if path.startswith(f"{folder}/"))
        assert sorted([*listed, "kustomization.yaml"]) == inside
        assert listed == sorted(listed)
        before = [stage(one["name"]) for one in value["spec"].get("dependsOn", [])]
        earlier = [one for one in STAGES[: STAGES.index(stage(name))] if f"iamrbac-acme-production-{one}" in ours]
        assert before == earlier[-1:]
    placed = {path for path in found.files if path.startswith("clusters/")}
    assert len(placed) == len(ours) + len(objects) + len(given_entries)


def test_roles_and_bindings_are_there_even_when_they_are_empty() -> None:
    found = flux(sample.delivery("flux", accessEntries="ack"), [], [])
    assert [stage(name) for name in kustomizations(found.files)] == ["roles", "bindings", "entries"]
    assert found.files["clusters/production/bindings/kustomization.yaml"].endswith("resources: []\n")


def test_what_goes_is_pruned_but_no_namespace_and_nothing_with_its_kustomization() -> None:
    found = kustomizations(flux(sample.delivery("flux"), sample.OBJECTS, ()).files)
    assert {stage(name): value["spec"]["prune"] for name, value in found.items()} == {
        "namespaces": False,
        "roles": True,
        "bindings": True,
    }
    assert {value["spec"]["deletionPolicy"] for value in found.values()} == {"Orphan"}


def test_the_config_decides_where_flux_is_and_how_often_it_looks() -> None:
    given_keys = {"namespace": "gitops", "path": "fleet/{cluster}/rbac", "source": "clusters", "interval": "5m"}
    found = flux(sample.delivery("flux", flux=given_keys, path="k8s/{cluster}"), sample.OBJECTS, ())
    one = kustomizations(found.files, "fleet/production/rbac/")["iamrbac-acme-production-roles"]
    assert one["metadata"]["namespace"] == "gitops"
    assert one["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "clusters"}
    assert (one["spec"]["interval"], one["spec"]["path"]) == ("5m", "./k8s/production/roles")


@given(sample.cluster_names, sample.instances)
def test_names_fit_into_a_label(cluster: str, instance: str) -> None:
    one = sample.delivery("flux", cluster, instance=instance, accessEntries="ack")
    found = kustomizations(flux(one, sample.OBJECTS, ()).files, f"flux/{cluster}/")
    assert [stage(name) for name in found] == list(STAGES)
    for name in found:
        assert name == name.strip("-").lower()
        assert name.startswith("iamrbac-")
        assert name.replace("-", "").isalnum()
        assert name.isascii()
        assert len(name) <= 63


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a-b", "c"), ("a", "b-c")),
        (("acme", "Production"), ("acme", "production")),
        (("acme", "a_b"), ("acme", "a-b")),
        (("acme", "x" * 80 + "1"), ("acme", "x" * 80 + "2")),
        (("i" * 40, "one"), ("i" * 40, "two")),
    ],
)
def test_two_clusters_never_share_a_name(first: tuple[str, str], second: tuple[str, str]) -> None:
    names = [
        set(kustomizations(flux(sample.delivery("flux", name, instance=instance), (), ()).files, f"flux/{name}/"))
        for instance, name in (first, second)
    ]
    assert all(len(one) == 2 for one in names)
    assert not names[0] & names[1]
