"""On a real kube-apiserver: apply against kubectl and against raw requests, a no-op plan against `kubectl diff`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import urllib3

from iamrbac import wiring
from iamrbac.sandbox.controlplane.binaries import missing
from iamrbac.sandbox.controlplane.cluster import RealCluster
from iamrbac.sandbox.controlplane.files import kubeconfig
from iamrbac.sandbox.runner import Sandbox
from iamrbac.sandbox.spec import parse_spec
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.load import load
from iamrbac.usecases.outcome import Outcome
from iamrbac.usecases.plan import PlanRequest, make_plan
from iamrbac.usecases.write import KUBE_WRITES_AT_ONCE
from tests.bench.measure import Row, iamrbac, table

ACCOUNT = "111122223333"
NAMESPACES = 500
FEW, MANY = 1, 5
"""Teams, each with a Role and a RoleBinding in every namespace: 1,000 objects, and 5,000."""
OURS, THEIRS, RAW = "ours", "theirs", "raw"
# In this mode the admin is in system:masters, so that the sandbox's own webhook for access policies is not measured.
_MODES = ", ".join(f"{name}: {{authenticationMode: CONFIG_MAP}}" for name in (OURS, THEIRS, RAW))
_SANDBOX = f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: Sandbox
people: [{{user: admin, admin: true}}, {", ".join(f"{{user: person-{number}}}" for number in range(MANY))}]
clusters: {{{_MODES}}}
"""


def rows() -> list[Row]:
    """Measure everything on one set of clusters; [] where there is no kubectl or no real server."""
    if missing() or shutil.which("kubectl") is None:
        print("no benchmark on a real API server: Go (or the servers) and kubectl are needed", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-") as folder:
        root = Path(folder)
        _repository(root, FEW)
        documents = load(wiring.repository(root)).documents
        if documents is None:
            raise RuntimeError("the generated repository is not valid")
        with (
            Sandbox(documents, parse_spec(_SANDBOX), root, "real") as sandbox,
            patch.dict(os.environ, sandbox.environment(), clear=True),
        ):
            return [*_applies(sandbox, root), *_plans(sandbox, root)]


def _applies(sandbox: Sandbox, root: Path) -> Iterator[Row]:
    manifests = _manifests(root)
    ours = min(_timed(iamrbac("apply", "-C", str(root), "--cluster", name, "--yes", "-q")) for name in (OURS, RAW))
    theirs = _timed(_kubectl(sandbox, root, THEIRS, "apply"))
    yield Row(
        "apply, whole process / kubectl apply --server-side",
        ours / theirs,
        1 / 5,
        f"{ours:.1f} s / {theirs:.1f} s, {len(manifests):,} objects",
    )
    # Each three times, in turn, and the shortest: noise only ever makes a run longer.
    written, raw = [], []
    for _ in range(3):
        with _emptied(sandbox):
            written.append(_write(root))
        with _emptied(sandbox):
            raw.append(_post(_real(sandbox, RAW), manifests))
    detail = f"{min(written):.2f} s / {min(raw):.2f} s, {KUBE_WRITES_AT_ONCE} at a time"
    yield Row("apply, its writes / the same requests and nothing else", min(written) / min(raw), 1.5, detail)


def _plans(sandbox: Sandbox, root: Path) -> Iterator[Row]:
    _repository(root, MANY)
    manifests = _manifests(root)
    _timed(iamrbac("apply", "-C", str(root), "--cluster", OURS, "--yes", "-q"))
    ours = min(
        _timed(iamrbac("plan", "-C", str(root), "--cluster", OURS, "--detailed-exitcode", "-q")) for _ in range(2)
    )
    _timed(_kubectl(sandbox, root, OURS, "apply"))
    theirs = _timed(_kubectl(sandbox, root, OURS, "diff"))
    detail = f"{ours:.1f} s / {theirs:.1f} s, {len(manifests):,} objects"
    yield Row("no-op plan / kubectl diff --server-side", ours / theirs, 1 / 15, detail)
    yield _question(sandbox, root, len(manifests))


def _question(sandbox: Sandbox, root: Path, objects: int) -> Row:
    """Ask a living cluster, whole process, against one command that reads all its RBAC objects."""
    kinds = "role,rolebinding,clusterrole,clusterrolebinding"
    get = [*_raw_kubectl(sandbox, root, OURS), "get", kinds, "-A", "-o", "json"]
    asked = ("group:iamrbac:bench:team-0:all", "get", "pods", "-n", "n001")
    command = iamrbac("can", *asked, "--live", "-C", str(root), "--cluster", OURS)
    ours, raw = (min(_timed(one) for _ in range(3)) for one in (command, get))
    detail = f"{ours:.1f} s / {raw:.1f} s, {objects:,} objects"
    return Row(f"can --live / kubectl get {kinds} -A -o json", ours / raw, 2, detail)


def _repository(root: Path, teams: int) -> None:
    """Write a repository of RBAC alone: somebody else maps, so that no request to AWS is measured."""
    (root / "policies").mkdir(exist_ok=True)
    names = ", ".join(f"n{number:03}" for number in range(NAMESPACES))
    clusters = "".join(
        f'  - {{name: {name}, account: "{ACCOUNT}", region: eu-west-1, mapping: external, namespaces: [{names}]}}\n'
        for name in (OURS, THEIRS, RAW)
    )
    (root / "iamrbac.yaml").write_text(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: Config\nmetadata: {name: bench}\n"
        f'identity: {{account: "{ACCOUNT}", groups: users}}\nclusters:\n{clusters}'
    )
    for number in range(teams):
        (root / "policies" / f"team-{number}.yaml").write_text(
            "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\n"
            f"metadata: {{name: team-{number}}}\n"
            f"spec:\n  members: {{all: [{{iamUser: person-{number}}}]}}\n"
            f'  access: [{{clusters: ["*"], namespaces: ["n*"], role: developer}}]\n'
        )


def _manifests(root: Path) -> list[dict[str, Any]]:
    """What iamrbac compiles for one cluster, RBAC alone."""
    done = subprocess.run(
        iamrbac("compile", "-C", str(root), "--cluster", OURS, "-o", "json"), stdout=subprocess.PIPE, check=True
    )
    objects = next(iter(json.loads(done.stdout)["clusters"]))["objects"]
    return [one for one in objects if one["kind"].startswith(("Role", "ClusterRole"))]


def _kubectl(sandbox: Sandbox, root: Path, cluster: str, verb: str) -> list[str]:
    """A command for a folder of manifests as `compile --out` writes it, with a token that costs nothing to make."""
    out = root / f"{cluster}.out"
    _timed(iamrbac("compile", "-C", str(root), "--cluster", cluster, "--out", str(out), "-q"))
    # Who carries which group is the half that kubectl does not know.
    (out / cluster / "principals.yaml").unlink()
    options = ["--server-side", "--force-conflicts", "--recursive", "-f", str(out)]
    return [*_raw_kubectl(sandbox, root, cluster), verb, *options]


def _raw_kubectl(sandbox: Sandbox, root: Path, cluster: str) -> list[str]:
    real = _real(sandbox, cluster)
    ca, config = (root / f"{cluster}.{kind}" for kind in ("pem", "kubeconfig"))
    ca.write_text(real.ca_pem)
    config.write_text(kubeconfig(real.url, str(ca), real.token))
    return ["kubectl", "--kubeconfig", str(config)]


def _real(sandbox: Sandbox, name: str) -> RealCluster:
    cluster = sandbox.cluster(name)
    if not isinstance(cluster, RealCluster):
        raise TypeError(f"{name} is not real")
    return cluster


@contextmanager
def _emptied(sandbox: Sandbox) -> Iterator[None]:
    """Take the roles and bindings out of the cluster `raw` before what comes."""
    real = _real(sandbox, RAW)
    with _pool(real) as pool, ThreadPoolExecutor(KUBE_WRITES_AT_ONCE) as threads:
        paths = [
            f"/apis/rbac.authorization.k8s.io/v1/namespaces/n{number:03}/{kind}"
            for number in range(NAMESPACES)
            for kind in ("roles", "rolebindings")
        ]
        list(threads.map(lambda path: pool.request("DELETE", path), paths))
    yield


def _write(root: Path) -> float:
    """Seconds of `apply` from a plan to its last write."""
    edges = wiring.edges(root)
    planned = make_plan(edges, PlanRequest(datetime.now(UTC), (RAW,)), _Silent())
    if planned.plan is None:
        raise RuntimeError("there is no plan")
    begun = time.perf_counter()
    outcomes = [event.outcome for event in apply_plan(edges, planned.plan, Applying(_Silent(), time.sleep))]
    seconds = time.perf_counter() - begun
    if set(outcomes) != {Outcome.DONE}:
        raise RuntimeError("not everything was written")
    return seconds


def _post(real: RealCluster, manifests: Sequence[dict[str, Any]]) -> float:
    """Seconds of the same requests on kept connections, as many at a time, bodies made before: roles, then bindings."""
    with _pool(real) as pool, ThreadPoolExecutor(KUBE_WRITES_AT_ONCE) as threads:
        requests = [
            (
                f"/apis/rbac.authorization.k8s.io/v1/namespaces/{one['metadata']['namespace']}/{one['kind'].lower()}s",
                json.dumps(one).encode(),
            )
            for one in sorted(manifests, key=lambda one: one["kind"])
        ]
        begun = time.perf_counter()
        codes = set(threads.map(lambda request: pool.request("POST", request[0], body=request[1]).status, requests))
        seconds = time.perf_counter() - begun
    if codes != {201}:
        raise RuntimeError(f"not everything was created: {codes}")
    return seconds


@contextmanager
def _pool(real: RealCluster) -> Iterator[urllib3.HTTPSConnectionPool]:
    url = urllib3.util.parse_url(real.url)
    with urllib3.HTTPSConnectionPool(
        str(url.host),
        url.port,
        maxsize=KUBE_WRITES_AT_ONCE,
        ca_cert_data=real.ca_pem,
        headers={"Authorization": f"Bearer {real.token}", "Content-Type": "application/json"},
    ) as pool:
        yield pool


class _Silent:
    def step(self, text: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


def _timed(command: Sequence[str]) -> float:
    """Seconds of a whole process that has to end well."""
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode != 0:
        raise RuntimeError(f"{command[:3]} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return seconds


if __name__ == "__main__":
    print(table(rows()))
