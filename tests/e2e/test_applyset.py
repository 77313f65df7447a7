"""What an apply leaves behind, as a real API server keeps it and as kubectl reads it; and drift on it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from iamrbac.compile.names import INSTANCE_LABEL
from tests.e2e.real import RealCluster, RealSandbox

HOME, PARENT = "iamrbac-system", "iamrbac-acme"
TOOLING = "applyset.kubernetes.io/tooling"
WHERE = ("--context", "staging", "-n", HOME)
MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: of-others, namespace: iamrbac-system}
"""
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on the PATH")


@pytest.fixture
def staging(real: RealSandbox) -> Iterator[RealCluster]:
    """Staging, on which an apply has just made one binding; and a kubeconfig."""
    cluster = real.clusters["staging"]
    apply(real)
    binding = ours(cluster)
    cluster.objects.delete("RoleBinding", binding["metadata"]["namespace"], binding["metadata"]["name"])
    apply(real)
    assert real.run("iamrbac", "kubeconfig").returncode == 0
    yield cluster
    apply(real)


def apply(real: RealSandbox) -> None:
    done = real.run("iamrbac", "apply", "--yes", "-q", "--cluster", "staging")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr


def ours(cluster: RealCluster) -> dict[str, Any]:
    """The first binding of ours."""
    answer = cluster.superuser.get(
        "/apis/rbac.authorization.k8s.io/v1/rolebindings", labelSelector=f"{INSTANCE_LABEL}=acme"
    )
    found: dict[str, Any] = answer.json["items"][0]
    return found


def parent(cluster: RealCluster) -> dict[str, Any]:
    found = cluster.objects.get("ConfigMap", HOME, PARENT)
    assert found is not None
    return dict(found)


def set_tooling(cluster: RealCluster, metadata: Mapping[str, Any], tooling: str) -> None:
    """Say of the parent that another tool made it."""
    marks = {"labels": metadata["labels"], "annotations": {**metadata["annotations"], TOOLING: tooling}}
    where = {"name": PARENT, "namespace": HOME}
    cluster.objects.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**where, **marks}})


def kubectl_apply(real: RealSandbox, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """What somebody would do to our set."""
    file = folder / "manifest.yaml"
    file.write_text(MANIFEST)
    prune = ("--prune", f"--applyset=configmaps/{PARENT}")
    return real.run("env", "KUBECTL_APPLYSET=true", "kubectl", *WHERE, "apply", *prune, "-f", str(file), *more)


def test_one_event_tells_of_the_run(staging: RealCluster) -> None:
    uid = parent(staging)["metadata"]["uid"]
    answer = staging.superuser.get(f"/api/v1/namespaces/{HOME}/events", fieldSelector=f"involvedObject.uid={uid}")
    last = max(answer.json["items"], key=lambda one: one["metadata"]["name"])
    assert (last["reason"], last["type"], last["reportingComponent"]) == ("Applied", "Normal", "iamrbac")
    assert re.fullmatch(
        r"1 added by arn:aws:iam::\d+:user/\S*pat( from commit [0-9a-f]+\+?)? \(run \S+\)", last["message"]
    )


@needs_kubectl
def test_kubectl_describe_shows_it(real: RealSandbox, staging: RealCluster) -> None:
    done = real.run("kubectl", *WHERE, "describe", "configmap", PARENT)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Normal +Applied +\S+ +iamrbac +1 added by arn:aws:iam::", done.stdout), done.stdout


@needs_kubectl
def test_kubectl_does_not_touch_a_set_of_ours(real: RealSandbox, staging: RealCluster, tmp_path: Path) -> None:
    before = parent(staging)
    done = kubectl_apply(real, tmp_path)
    assert done.returncode != 0
    assert 'is managed by tooling "iamrbac" instead of "kubectl"' in done.stderr
    assert parent(staging) == before
    assert staging.objects.get("ConfigMap", HOME, "of-others") is None


@needs_kubectl
def test_kubectl_understands_it(real: RealSandbox, staging: RealCluster, tmp_path: Path) -> None:
    """Under its own tooling it accepts the parent, and finds every member of ours by it (server-side dry run)."""
    before = parent(staging)["metadata"]
    set_tooling(staging, before, "kubectl/v1.32.0")
    try:
        done = kubectl_apply(real, tmp_path, "--dry-run=server")
    finally:
        set_tooling(staging, before, before["annotations"][TOOLING])
    assert done.returncode == 0, done.stderr
    group = "/apis/rbac.authorization.k8s.io/v1"
    members = {
        f"{kind.removesuffix('s')}.rbac.authorization.k8s.io/{one['metadata']['name']}"
        for kind in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
        for one in staging.superuser.get(f"{group}/{kind}", labelSelector=f"{INSTANCE_LABEL}=acme").json["items"]
    }
    pruned = {line.split(" ")[0] for line in done.stdout.splitlines() if " pruned" in line}
    assert members
    assert pruned == members


def test_drift_on_a_real_server(real: RealSandbox, staging: RealCluster) -> None:
    quiet = real.run("iamrbac", "drift", "--cluster", "staging")
    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    binding = ours(staging)
    where = binding["metadata"]
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{where['namespace']}/rolebindings/{where['name']}"
    mallory = {"kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"}
    changed = {**binding, "subjects": [*binding["subjects"], mallory]}
    assert staging.superuser.put(path, changed, fieldManager="kubectl-edit").code == 200
    done = real.run("iamrbac", "drift", "--cluster", "staging", "-o", "json")
    assert done.returncode == 2, done.stdout + done.stderr
    (one,) = json.loads(done.stdout)["clusters"][0]["drifted"]
    assert (one["drift"], one["parts"], one["by"]["fieldManager"]) == ("changed", ["subjects"], "kubectl-edit")
    apply(real)
    assert real.run("iamrbac", "drift", "--cluster", "staging").returncode == 0
