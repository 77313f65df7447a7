from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac.compile.desired import Desired
from iamrbac.compile.manifest import manifest_json
from iamrbac.gitops.files import Resource
from iamrbac.gitops.layouts.kustomize import kustomize
from iamrbac.gitops.layouts.objects import KEPT
from tests.gitops.layouts import sample

WITH_KUBECTL = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on the PATH")
OVERLAY = "clusters/production/kustomization.yaml"


def written(folder: Path, objects: tuple[Desired, ...], resources: tuple[Resource, ...]) -> Path:
    """Write a delivery to a folder; return the cluster's own."""
    found = kustomize(sample.delivery("kustomize"), objects, resources)
    for path, text in {**found.files, **found.once}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder / "clusters/production"


def built(folder: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


def kept(item: Desired) -> dict[str, Any]:
    manifest = manifest_json(item)
    if item.key.kind == "Namespace":
        manifest["metadata"]["annotations"] = dict(KEPT)
    return manifest


@WITH_KUBECTL
def test_kustomize_builds_our_objects_and_no_others_in_order(tmp_path: Path) -> None:
    # Twice the same name, in another namespace and as another kind: kustomize must not take them for one.
    objects = (*sample.OBJECTS, sample.role("search", sample.DEVELOPER), sample.binding("search", sample.DEVELOPER))
    found = built(written(tmp_path, objects, sample.RESOURCES))
    expected = [*map(kept, objects), *(dict(one.value) for one in sample.RESOURCES)]
    assert sorted(found, key=str) == sorted(expected, key=str)
    kinds = list(dict.fromkeys(value["kind"] for value in found))
    assert kinds == ["Namespace", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "AccessEntry"]


@WITH_KUBECTL
def test_an_empty_cluster_builds_to_nothing(tmp_path: Path) -> None:
    assert built(written(tmp_path, (), ())) == []


@WITH_KUBECTL
def test_a_patch_in_the_overlay_holds(tmp_path: Path) -> None:
    folder = written(tmp_path, sample.OBJECTS, ())
    with (folder / "kustomization.yaml").open("a") as overlay:
        overlay.write("commonAnnotations:\n  team: platform\n")
    assert {value["metadata"]["annotations"]["team"] for value in built(folder)} == {"platform"}


def test_the_overlay_is_written_once_and_the_base_lists_stages_in_order() -> None:
    found = kustomize(sample.delivery("kustomize"), sample.OBJECTS[::-1], sample.RESOURCES)
    assert set(found.once) == {OVERLAY}
    assert OVERLAY not in found.files
    base = yaml.load(found.files["clusters/production/base/kustomization.yaml"], yaml.CSafeLoader)
    assert base["resources"] == [
        "_cluster/Namespace-payments.yaml",
        f"_cluster/ClusterRole-{sample.OPERATOR}.yaml",
        f"payments/Role-{sample.DEVELOPER}.yaml",
        f"_cluster/ClusterRoleBinding-{sample.OPERATOR}.yaml",
        f"payments/RoleBinding-{sample.DEVELOPER}.yaml",
        "_entries/AccessEntry-payments-deployer.yaml",
    ]
