"""What all layouts have in common."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.desired import Desired
from iamrbac.compile.manifest import manifest_json
from iamrbac.gitops.files import Resource
from iamrbac.gitops.header import header, instance_of
from iamrbac.gitops.layouts import LAYOUTS, LaidOut
from iamrbac.gitops.layouts.objects import KEPT
from iamrbac.model.gitops import Layout
from tests import golden
from tests.gitops.layouts import sample

GOLDEN = Path(__file__).parent / "golden"
RBAC_KINDS = ("Namespace", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
layouts = st.sampled_from(sample.ALL)


def lay_out(layout: Layout, objects: list[Desired], resources: list[Resource], **gitops: Any) -> LaidOut:
    one = sample.delivery(layout, accessEntries="ack", **gitops)
    return LAYOUTS[layout](one, objects, resources)


def parsed(files: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, text in files.items():
        yield path, yaml.load(text, yaml.CSafeLoader)


def identity(value: Mapping[str, Any]) -> tuple[str, str, str]:
    return value["kind"], value["metadata"].get("namespace", ""), value["metadata"]["name"]


@pytest.mark.parametrize("layout", sample.ALL)
def test_a_small_cluster_lies_like_this(layout: Layout) -> None:
    found = lay_out(layout, list(sample.OBJECTS), list(sample.RESOURCES), argocd={"applicationSet": True})
    tree = dict(found.files)
    tree |= {f"{path} (shared)": text for path, text in found.shared.items()}
    tree |= {f"{path} (once)": text for path, text in found.once.items()}
    shown = "".join(f"=== {path}\n{text}" for path, text in sorted(tree.items()))
    golden.compare(shown, GOLDEN / f"{layout}.txt")


@given(layouts, sample.clusters, sample.entries)
def test_every_object_is_in_one_file_and_says_the_same_there(
    layout: Layout, objects: list[Desired], resources: list[Resource]
) -> None:
    found = lay_out(layout, objects, resources)
    expected = {identity(manifest_json(item)): manifest_json(item) for item in objects}
    expected |= {identity(one.value): dict(one.value) for one in resources}
    seen: set[tuple[str, str, str]] = set()
    for _, value in parsed(found.files):
        if value.get("kind") not in (*RBAC_KINDS, "AccessEntry"):
            continue
        annotations = value["metadata"].pop("annotations", {})
        assert value == expected[identity(value)]
        assert identity(value) not in seen
        assert value["kind"] != "Namespace" or KEPT.items() <= annotations.items()
        seen.add(identity(value))
    assert seen == set(expected)


@given(layouts, sample.clusters, sample.entries, st.randoms(use_true_random=False))
def test_order_makes_no_difference(
    layout: Layout, objects: list[Desired], resources: list[Resource], dice: random.Random
) -> None:
    before = lay_out(layout, objects, resources)
    dice.shuffle(objects)
    dice.shuffle(resources)
    assert lay_out(layout, objects, resources) == before


@given(layouts, sample.clusters, sample.entries, sample.cluster_names, sample.instances)
def test_files_lie_in_the_folders_and_say_whose_they_are(
    layout: Layout, objects: list[Desired], resources: list[Resource], cluster: str, instance: str
) -> None:
    one = sample.delivery(layout, cluster, instance=instance, accessEntries="ack")
    found = LAYOUTS[layout](one, objects, resources)
    folders = {"argocd": ("argocd/",), "flux": (f"flux/{cluster}/",)}.get(layout, ())
    for path, text in {**found.files, **found.shared}.items():
        assert path.startswith((f"clusters/{cluster}/", *folders))
        assert instance_of(text) == instance
    for path, text in found.once.items():
        assert path.startswith(f"clusters/{cluster}/")
        assert instance_of(text) is None
    for path in (*found.files, *found.shared, *found.once):
        assert not {"", ".", ".."} & set(path.split("/"))
    assert not set(found.files) & (set(found.shared) | set(found.once))


@pytest.mark.parametrize("layout", sample.ALL)
def test_a_header_names_the_policy_lines(layout: Layout) -> None:
    found = lay_out(layout, list(sample.OBJECTS), list(sample.RESOURCES))
    [text] = [text for path, text in found.files.items() if path.endswith(f"/Role-{sample.DEVELOPER}.yaml")]
    assert text.startswith(header("acme", sample.SHOWN_TWICE))
    assert "# From policies/payments.yaml spec.access[2]\n" in text


@pytest.mark.parametrize("layout", sample.ALL)
def test_an_entry_keeps_its_own_annotations(layout: Layout) -> None:
    found = lay_out(layout, [], [sample.entry("a", adopted="yes")])
    [value] = [value for _, value in parsed(found.files) if value.get("kind") == "AccessEntry"]
    waves = {"argocd.argoproj.io/sync-wave": "0"} if layout == "argocd" else {}
    assert value["metadata"]["annotations"] == {"adopted": "yes", **waves}
