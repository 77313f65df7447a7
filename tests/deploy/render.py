"""The chart as real Helm renders it, and the kustomize base as real kustomize does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from tests.ci import tools
from tests.conftest import ROOT

CHART = ROOT / "charts" / "iamrbac"
KUSTOMIZE = ROOT / "deploy" / "kustomize"
NAMESPACE = "iamrbac-system"
CASES = ("base", "ssh", "cron", "least", "example", "schedule", "monitoring")
"""The files charts/iamrbac/ci/NAME-values.yaml."""
NO_KUBECTL = "kubectl, which has kustomize in it, is not on the PATH: install it"
Object = dict[str, Any]
_SOURCE = re.compile(r"^# Source: iamrbac/templates/(\S+)$", re.MULTILINE)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm, with nobody's settings, plug-ins and clusters."""
    command = [str(tools.tool(tools.HELM)), *arguments]
    with tempfile.TemporaryDirectory() as home:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "KUBE"))}
        places = {f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}
        environment = mine | places | {"KUBECONFIG": os.devnull}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def template(case: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Render the chart with the values of a case."""
    values = str(CHART / "ci" / f"{case}-values.yaml")
    return helm("template", "iamrbac", str(CHART), "--namespace", NAMESPACE, "--values", values, *more)


@lru_cache
def by_template(case: str) -> Mapping[str, tuple[Object, ...]]:
    """Return template → objects."""
    done = template(case)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found: dict[str, tuple[Object, ...]] = {}
    for text in done.stdout.split("\n---\n"):
        source = _SOURCE.search(text)
        assert source is not None, text
        found[source[1]] = (*found.get(source[1], ()), yaml.safe_load(text + "\n"))
    return found


def rendered(case: str) -> list[Object]:
    """Return all objects of a case."""
    return [one for some in by_template(case).values() for one in some]


def kustomized(folder: str) -> list[Object]:
    """Return what `kubectl kustomize` makes of a folder of deploy/kustomize."""
    kubectl = shutil.which("kubectl")
    assert kubectl is not None
    done = subprocess.run(
        [kubectl, "kustomize", str(KUSTOMIZE / folder)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def plain(value: Any) -> Any:
    """Return an object as nobody's: without what Helm says of itself."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {key: plain(one) for key, one in value.items() if key not in _HELMS}
    return {key: one for key, one in kept.items() if not (key == "annotations" and one == {})}


_HELMS = {
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
    "checksum/files",
}


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    """Return the objects of these kinds."""
    return [one for one in objects if one["kind"] in kinds]


def pod_of(objects: list[Object]) -> Object:
    """Return the Pod's template of the Deployment or the CronJob."""
    (one,) = of_kind(objects, "Deployment", "CronJob")
    spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
    found: Object = spec["template"]
    return found
