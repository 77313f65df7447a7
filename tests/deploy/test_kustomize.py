"""The base is the chart's default rendering, and the example's overlay is the chart with the same choices."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
import yaml

from iamrbac.gitops.yaml_text import yaml_text
from tests import golden
from tests.deploy.render import KUSTOMIZE, NO_KUBECTL, by_template, kustomized, plain, rendered

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason=NO_KUBECTL)
HEAD = "# Made from charts/iamrbac, as `UPDATE_GOLDEN=1 pytest tests/deploy/test_kustomize.py` does.\n"


MADE = {
    "base": ("base", None),
    "cron": ("schedule", {"cronjob.yaml"}),
    "components/monitoring": ("monitoring", {"podmonitor.yaml", "prometheusrule.yaml"}),
}
"""Folder → whose objects it has, and (where that is not all) of which templates."""


@pytest.mark.helm
@pytest.mark.parametrize("folder", MADE)
def test_the_files_are_what_the_chart_renders(folder: str) -> None:
    case, some = MADE[folder]
    made = by_template(case)
    said = set(yaml.safe_load((KUSTOMIZE / folder / "kustomization.yaml").read_text())["resources"])
    assert (some or set(made)) == said - {"namespace.yaml", "../base"}
    for name in some or made:
        text = HEAD + "---\n".join(yaml_text(plain(one)) for one in made[name])
        golden.compare(text, KUSTOMIZE / folder / name)


@needs_kubectl
@pytest.mark.helm
@pytest.mark.parametrize(("folder", "case"), [("base", "base"), ("overlays/example", "example"), ("cron", "schedule")])
def test_kustomize_makes_the_same_of_it(folder: str, case: str) -> None:
    """A ConfigMap's name has the hash of what is in it there, and a Pod an annotation here: either restarts it."""
    made = [one for one in kustomized(folder) if one["kind"] != "Namespace"]
    (name, *_) = [one["metadata"]["name"] for one in made if one["kind"] == "ConfigMap"] or ["none"]
    assert _sorted(_renamed(made, name)) == _sorted(plain(rendered(case)))


@needs_kubectl
def test_the_namespace_comes_first_and_lets_no_privileged_pod_in() -> None:
    first = kustomized("base")[0]
    assert first["kind"] == "Namespace"
    assert first["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def _renamed(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_renamed(one, name) for one in value]
    if isinstance(value, dict):
        return {key: _renamed(one, name) for key, one in value.items()}
    return "iamrbac-files" if value == name else value


def _sorted(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Env, volumes and ports in any order: kustomize puts what an overlay adds first."""
    found = []
    for one in objects:
        if one["kind"] == "Deployment":
            pod = one["spec"]["template"]["spec"]
            pod["volumes"].sort(key=lambda item: item["name"])
            for container in pod["containers"]:
                for key in ("env", "volumeMounts"):
                    container[key].sort(key=lambda item: item["name"])
        found.append(one)
    return sorted(
        found, key=lambda item: (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])
    )
