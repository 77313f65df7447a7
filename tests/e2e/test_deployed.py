"""The Pod of the chart, as far as it can be without a node: its arguments, its environment, its ServiceAccount's rights
and token, and a repository that it clones; on a real API server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from iamrbac.sandbox.controlplane.ports import free_ports
from tests.conftest import ROOT
from tests.deploy.render import NAMESPACE, pod_of, rendered
from tests.e2e.real import RealCluster, RealSandbox, eventually

pytestmark = pytest.mark.helm
KINDS = ("ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding")
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
SECONDS = 120.0


class Pod:
    """A process with what a Pod of the chart has."""

    def __init__(self, real: RealSandbox, folder: Path) -> None:
        self.real = real
        self.cluster: RealCluster = real.clusters["staging"]
        self.folder = folder
        self.made: list[tuple[str, str | None, str]] = []
        self.source = folder / "access.git"
        self.source.mkdir()
        shutil.copytree(ROOT / "policies", self.source / "policies")
        shutil.copy(ROOT / "iamrbac.yaml", self.source)
        author = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        for words in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-q", "-m", "access"]):
            subprocess.run(["git", *words], cwd=self.source, check=True)
        for one in rendered("base"):
            if one["kind"] in ("ServiceAccount", *KINDS):
                place = one["metadata"]
                if one["kind"] == "ServiceAccount":
                    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
                    assert self.cluster.superuser.post(path, one).code in (201, 409)
                else:
                    self.cluster.objects.put(one)
                    self.made.append((one["kind"], place.get("namespace"), place["name"]))
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/iamrbac/token"
        answer = self.cluster.superuser.post(path, {"spec": {"expirationSeconds": 600}})
        assert answer.code == 201, answer.raw
        self.account = folder / "account"
        self.account.mkdir()
        (self.account / "token").write_text(answer.json["status"]["token"])
        (self.account / "ca.crt").write_text(self.cluster.ca_pem)
        (self.account / "namespace").write_text(NAMESPACE)

    def remove(self) -> None:
        for kind, namespace, name in self.made:
            self.cluster.objects.delete(kind, namespace, name)

    def start(self, case: str, port: int = 0) -> subprocess.Popen[str]:
        """Start the container of a case: its paths are below the test's folder, its cluster is staging."""
        (container,) = pod_of(rendered(case))["spec"]["containers"]
        own = {one["name"]: str(one["value"]) for one in container["env"] if not one["name"].startswith("GIT_")}
        own |= {"SYNC_REPOSITORY": self.source.as_uri(), "SYNC_CLUSTER": "staging"}
        arguments = [*container["args"], "--cluster=staging"]
        for name, value in own.items():
            arguments = [one.replace(f"$({name})", value) for one in arguments]
        arguments = [one.replace("/var/lib/iamrbac", str(self.folder / case)) for one in arguments]
        arguments = [one.replace("0.0.0.0:8080", f"127.0.0.1:{port}") for one in arguments]
        own |= {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / case / "state")}
        place = urlsplit(self.cluster.url)
        # The role of a Pod is nobody on the cluster; here there is no AWS that judges what it may do.
        environment = self.real.environment("erin") | own
        environment |= {
            "IAMRBAC_SERVICE_ACCOUNT_DIR": str(self.account),
            "KUBERNETES_SERVICE_HOST": str(place.hostname),
            "KUBERNETES_SERVICE_PORT": str(place.port),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-m", "iamrbac", *arguments]
        return subprocess.Popen(
            command, env=environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def pod(real: RealSandbox, tmp_path: Path) -> Iterator[Pod]:
    namespaces = real.clusters["staging"].superuser
    assert namespaces.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}).code in (201, 409)
    pod = Pod(real, tmp_path)
    yield pod
    pod.remove()


def test_the_cron_jobs_run_ends_well(pod: Pod) -> None:
    def once() -> int:
        with pod.start("cron") as process:
            _, said = process.communicate(timeout=SECONDS)
        assert "Traceback" not in said
        return process.returncode if "403" not in said else 1

    # The authorizer hears of a binding a moment later.
    assert eventually(once, 0) == 0
    ours = {"labelSelector": "app.kubernetes.io/managed-by=iamrbac"}
    bindings = pod.cluster.superuser.get("/apis/rbac.authorization.k8s.io/v1/rolebindings", **ours)
    assert bindings.json["items"]


def test_the_deployments_pod_gets_ready_leads_and_ends_when_told(pod: Pod) -> None:
    (port,) = free_ports(1)
    process = pod.start("base", port)
    try:
        assert eventually(lambda: _get(port, "/readyz") is not None, True)
        assert _get(port, "/healthz") is not None
        assert "iamrbac_sync_leader 1.0" in (_get(port, "/metrics") or "")
        holder = pod.cluster.superuser.get(f"{LEASES}/iamrbac-sync").json["spec"]["holderIdentity"]
        assert holder
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    assert not pod.cluster.superuser.get(f"{LEASES}/iamrbac-sync").json["spec"].get("holderIdentity")


def _get(port: int, path: str) -> str | None:
    """The answer of a Pod that says yes."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text
    except (urllib.error.URLError, ConnectionError):
        return None
