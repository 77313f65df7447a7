"""A plan over 100 IAM groups of 50 users and 20 clusters of 1,000 access entries, each call 50 ms away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from iamrbac.usecases.ports import Kube
from tests.bench.measure import Row, table
from tests.bench.thin_aws import ACCOUNT, CLUSTERS, GROUPS, INSTANCE, POLICIES, REGION, TEAMS, USERS, teams

LATE = 0.05
AT_ONCE = 4
ENTRIES = TEAMS * USERS
MANY = 2_000
"""Calls by which the CPU of one is measured, before and after: as late and as many at once as the plan's, since a
processor that waits between calls, or is shared, takes up to twice as long for the same one."""


def rows() -> list[Row]:
    """Measure each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-") as folder:
        root = Path(folder)
        _repository(root)
        with aws(LATE) as url:
            before = _child(url, "cpu")["cpu"]
            whole = _child(url, "plan", str(root))
            cpu = (before + _child(url, "cpu")["cpu"]) / 2
            one = _child(url, "plan", str(root), "cluster-00")
    path = LATE * (1 + ceil(ENTRIES / 100) + ceil(ENTRIES / AT_ONCE) + 1 + ceil(POLICIES / AT_ONCE))
    bound = max(path, whole["calls"] * cpu)
    detail = (
        f"{whole['wall']:.1f} s / max({path:.1f} s, {whole['calls']:,} calls x {cpu * 1000:.2f} ms of CPU), "
        f"{whole['own']:.1f} s of CPU of its own, "
        f"a cluster alone {one['wall']:.1f} s; {whole['entries']:,} entries as they should be"
    )
    iam = f"{whole['iam']} calls for {CLUSTERS} clusters, {one['iam']} for one"
    return [
        Row("plan, 20 clusters / its latency or its CPU", whole["wall"] / bound, 1.3, detail),
        Row("plan, 20 clusters, peak memory", whole["peak"], 150, "VmHWM of its process", "MB"),
        Row("plan, 20 clusters, IAM calls / IAM groups", whole["iam"] / GROUPS, 1.05, iam),
        Row("plan, 20 clusters, botocore loaders", whole["loaders"], 1, "that have read a model", ""),
    ]


def _repository(root: Path) -> None:
    (root / "policies").mkdir()
    names = [f"cluster-{number:02}" for number in range(CLUSTERS)]
    lines = "".join(
        f'  - {{name: {name}, account: "{ACCOUNT}", region: {REGION}, mapping: access-entries, namespaces: [n]}}\n'
        for name in names
    )
    (root / "iamrbac.yaml").write_text(
        f"apiVersion: iamrbac.dev/v1alpha1\nkind: Config\nmetadata: {{name: {INSTANCE}}}\n"
        f'identity: {{account: "{ACCOUNT}", groups: users}}\nclusters:\n{lines}'
    )
    for team in range(GROUPS):
        where = ", ".join(name for number, name in enumerate(names) if team in teams(number))
        (root / "policies" / f"team-{team:03}.yaml").write_text(
            f"apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {{name: team-{team:03}}}\n"
            f"spec:\n  members: {{all: [{{iamGroup: g-{team:03}}}]}}\n"
            f"  access: [{{clusters: [{where}], namespaces: [n], role: {{clusterRole: view}}}}]\n"
        )


@contextmanager
def aws(late: float) -> Iterator[str]:
    """Serve the large company's AWS, each answer late by so many seconds; its URL."""
    command = [sys.executable, "-m", "tests.bench.thin_aws", str(late)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate()


def _child(url: str, *arguments: str) -> dict[str, Any]:
    return child_of("tests.bench.bench_principals", url, *arguments)


def child_of(module: str, url: str, *arguments: str) -> dict[str, Any]:
    """Run a bench's own command with this AWS, and return the numbers that it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": "AKIABENCH", "AWS_SECRET_ACCESS_KEY": "x", "AWS_CONFIG_FILE": os.devnull}
    environment = kept | keys | {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return cast("dict[str, Any]", json.loads(done.stdout))


def _cpu() -> dict[str, float]:
    """CPU seconds of one call of a plain client of boto3, and nothing else, among as many at once as a plan makes."""
    import boto3
    from botocore.config import Config

    from iamrbac.aws.session import CALLS_AT_ONCE, CONNECTIONS
    from iamrbac.usecases.states import CLUSTERS_AT_ONCE

    eks = boto3.client("eks", region_name=REGION, config=Config(max_pool_connections=CONNECTIONS))

    def ask(number: int) -> None:
        principal = f"arn:aws:iam::{ACCOUNT}:user/u-000-{number % USERS:02}"
        eks.describe_access_entry(clusterName="cluster-00", principalArn=principal)

    ask(0)
    with ThreadPoolExecutor(CLUSTERS_AT_ONCE * CALLS_AT_ONCE) as pool:
        begun = time.process_time()
        list(pool.map(ask, range(MANY)))
        return {"cpu": (time.process_time() - begun) / MANY}


class _Empty:
    """A Kubernetes API with nothing in it, which costs nothing: AWS is what is measured."""

    def state(self) -> tuple[frozenset[str], tuple[()], None]:
        """Say what is there."""
        return frozenset({"n"}), (), None


class Silent:
    """Progress that nobody reads."""

    def step(self, text: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


def _plan(root: Path, clusters: tuple[str, ...]) -> dict[str, float]:
    """Plan, and say what it took."""
    from botocore.client import BaseClient
    from botocore.loaders import Loader

    from iamrbac import wiring
    from iamrbac.usecases.plan import PlanRequest, make_plan

    calls: Counter[str] = Counter()
    loaders: set[int] = set()
    send, load = vars(BaseClient)["_make_request"], Loader.load_service_model

    def sent(self: Any, operation: Any, request: Any, context: Any) -> Any:
        calls[self.meta.service_model.service_name] += 1
        return send(self, operation, request, context)

    def loaded(self: Any, *arguments: Any, **options: Any) -> Any:
        loaders.add(id(self))
        return load(self, *arguments, **options)

    with patch.object(BaseClient, "_make_request", sent), patch.object(Loader, "load_service_model", loaded):
        begun = time.perf_counter()
        edges = replace(wiring.edges(root), kube=lambda _target: cast("Kube", _Empty()))
        plan = make_plan(edges, PlanRequest(datetime.now(UTC), clusters), Silent()).plan
        wall = time.perf_counter() - begun
        own = time.process_time()
    assert plan is not None
    expected = len(clusters) or CLUSTERS
    assert len(plan.planned) == expected, plan.clusters
    assert {change.key.kind for change in plan.changes} == {"RoleBinding"}, plan.changes[:3]
    entries = sum(item.key.kind == "AccessEntry" for one in plan.planned for item in one.state.objects)
    assert entries == expected * ENTRIES
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    numbers = {
        "wall": wall,
        "own": own,
        "calls": calls.total(),
        "iam": calls["iam"],
        "entries": entries,
        "peak": peak / 1024,
    }
    return numbers | {"loaders": len(loaders)}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["cpu"]:
            print(json.dumps(_cpu()))
        case ["plan", root, *clusters]:
            print(json.dumps(_plan(Path(root), tuple(clusters))))
        case _:
            print(table(rows()))
