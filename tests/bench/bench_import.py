"""`iamrbac import` of a cluster with 5,000 RBAC objects and 1,000 access entries against reading them."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from iamrbac.compile.desired import Kind
from iamrbac.kube.parse import rbac_object
from iamrbac.plan.observed import AwsAuth, Observed
from iamrbac.usecases.ports import Kube
from tests.bench.bench_principals import ENTRIES, Silent, aws, child_of
from tests.bench.measure import Row, table
from tests.bench.thin_aws import ACCOUNT, REGION, TEAMS, USERS, teams, user

PAIRS = 2_500
"""Roles, and as many bindings."""
RULE_SETS = 300
NAMESPACES = 250
PAGE = 500
CLUSTER = "cluster-00"


def rows() -> list[Row]:
    """Measure the CPU of one process that reads, and then imports, which reads once more."""
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-import-") as folder:
        root = Path(folder)
        (root / "iamrbac.yaml").write_text(
            "apiVersion: iamrbac.dev/v1alpha1\nkind: Config\nmetadata: {name: new}\n"
            f'identity: {{account: "{ACCOUNT}", groups: users}}\n'
            f'clusters: [{{name: {CLUSTER}, account: "{ACCOUNT}", region: {REGION}}}]\n'
        )
        with aws(0) as url:
            found = child_of("tests.bench.bench_import", url, "import", str(root))
    detail = (
        f"CPU {found['import']:.1f} s / {found['read']:.1f} s for {2 * PAIRS:,} objects and {ENTRIES:,} entries; "
        f"{found['policies']:.0f} policies, {found['requests']:,.0f} deciding requests"
    )
    return [Row("import / reading what it imports", found["import"] / found["read"], 3.0, detail)]


def _role(number: int) -> dict[str, Any]:
    kind = number % RULE_SETS
    rules = [
        {"apiGroups": [""], "resources": ["pods", "pods/log", "services"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], "verbs": ["get", "list", "patch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [f"settings-{kind}"], "verbs": ["get"]},
    ]
    return {"metadata": _metadata(f"role-{number:04}", number), "rules": rules}


def _binding(number: int) -> dict[str, Any]:
    names = {"apiGroup": "rbac.authorization.k8s.io"}
    team = teams(0)[number % TEAMS]
    subject = {**names, "kind": "Group", "name": f"iamrbac:bench:team-{team:03}:all"}
    if number % 7 == 0:
        subject = {**names, "kind": "User", "name": user(team, number // 7 % USERS)}
    ref = {**names, "kind": "Role", "name": f"role-{number:04}"}
    return {"metadata": _metadata(f"binding-{number:04}", number), "roleRef": ref, "subjects": [subject]}


def _metadata(name: str, number: int) -> dict[str, Any]:
    namespace = f"n-{number % NAMESPACES:03}"
    return {"name": name, "namespace": namespace, "resourceVersion": str(number + 1), "uid": f"uid-{number}"}


class _Served:
    """A Kubernetes API whose answers are there already: their parsing is what reading costs."""

    def __init__(self) -> None:
        made: tuple[tuple[Kind, list[dict[str, Any]]], ...] = (
            ("Role", [_role(number) for number in range(PAIRS)]),
            ("RoleBinding", [_binding(number) for number in range(PAIRS)]),
        )
        self._pages = [
            (kind, json.dumps({"items": items[start : start + PAGE]}))
            for kind, items in made
            for start in range(0, PAIRS, PAGE)
        ]

    def state(self) -> tuple[frozenset[str], tuple[Observed, ...], AwsAuth | None]:
        """Say what is there."""
        objects = tuple(
            rbac_object(CLUSTER, kind, one) for kind, page in self._pages for one in json.loads(page)["items"]
        )
        return frozenset(f"n-{number:03}" for number in range(NAMESPACES)), objects, None


def _import(root: Path) -> dict[str, float]:
    from iamrbac import wiring
    from iamrbac.usecases.importing import import_access
    from iamrbac.usecases.load import load
    from iamrbac.usecases.read import read_cluster

    served = _Served()
    edges = replace(wiring.edges(root), kube=lambda _target: cast("Kube", served))
    documents = load(edges.repository, ()).documents
    assert documents is not None
    cluster = documents.config.document.clusters[0]
    read_cluster(cluster, edges.aws, edges.kube)
    begun = time.process_time()
    state = read_cluster(cluster, edges.aws, edges.kube)
    read = time.process_time() - begun
    assert len(state.objects) >= 2 * PAIRS + ENTRIES
    begun = time.process_time()
    done = import_access(edges, (), datetime.now(UTC), Silent())
    took = time.process_time() - begun
    assert done.equal, (done.findings, done.failures)
    requests = sum(proof.requests for proof in done.proofs)
    return {"read": read, "import": took, "policies": len(done.proposal.policies), "requests": requests}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["import", root]:
            print(json.dumps(_import(Path(root))))
        case _:
            print(table(rows()))
