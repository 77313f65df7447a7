"""`fleet apply` to 200 clusters in three waves, each call 50 ms away, eight clusters at once.

The bound is the critical path: rounds (of reading, then of each wave's canary and others) × the calls that a cluster
has in series × the latency; or all calls × the CPU that each costs a plain client, whichever is larger. How many calls
are in series is counted on one cluster alone, as the time during which at least one call is under way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from tests.bench.measure import Row, table
from tests.bench.thin_aws import ACCOUNT, INSTANCE, REGION
from tests.bench.thin_fleet import CLUSTERS, GROUPS, NAMES

LATE = 0.05
AT_ONCE = 8
"""What the config has where it says nothing."""
MANY = 1_000
"""Calls by which the CPU of one is measured, as late and as many at once as the fleet's."""
ENVS = {"dev": "development", "stage": "staging", "prod": "production"}


def rows() -> list[Row]:
    """Measure each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-") as folder:
        root = Path(folder)
        _repository(root)
        with _aws() as url:
            alone = _child(url, root, "apply", NAMES[-1])
        with _aws() as url:
            before = _child(url, root, "cpu")
            whole = _child(url, root, "apply")
            after = _child(url, root, "cpu")
    waves = sum(1 + ceil((count - 1) / AT_ONCE) for count in CLUSTERS.values())
    path = LATE * (ceil(len(NAMES) / AT_ONCE) * round(alone["read"]) + waves * round(alone["written"]))
    cpu = {service: (before[service] + after[service]) / 2 for service in ("aws", "kube")}
    used = whole["aws"] * cpu["aws"] + whole["kube"] * cpu["kube"]
    detail = (
        f"{whole['wall']:.1f} s / max({path:.1f} s: {ceil(len(NAMES) / AT_ONCE)} rounds of {alone['read']:.1f} calls "
        f"and {waves} of {alone['written']:.1f}, {used:.1f} s: {whole['aws']:,} calls to AWS x "
        f"{cpu['aws'] * 1000:.2f} ms and {whole['kube']:,} to clusters x {cpu['kube'] * 1000:.2f} ms of CPU), "
        f"{whole['own']:.1f} s of CPU of its own"
    )
    return [
        Row("fleet apply, 200 clusters / critical path", whole["wall"] / max(path, used), 1.3, detail),
        Row("fleet apply, 200 clusters, peak memory", whole["peak"], 200, "VmHWM of its process", "MB"),
        Row("fleet apply, 200 clusters, IAM calls / groups", whole["iam"] / GROUPS, 1.5, f"{whole['iam']} calls"),
        Row("fleet apply, 200 clusters, botocore loaders", whole["loaders"], 1, "that have read a model", ""),
    ]


def _repository(root: Path) -> None:
    (root / "policies").mkdir()
    lines = "".join(
        f'  - {{name: {name}, account: "{ACCOUNT}", region: {REGION}, mapping: access-entries, '
        f"labels: {{env: {ENVS[name.split('-')[0]]}}}}}\n"
        for name in NAMES
    )
    order = ", ".join(f"{{env: {env}}}" for env in ENVS.values())
    (root / "iamrbac.yaml").write_text(
        f"apiVersion: iamrbac.dev/v1alpha1\nkind: Config\nmetadata: {{name: {INSTANCE}}}\n"
        f'identity: {{account: "{ACCOUNT}", groups: users}}\nclusters:\n{lines}'
        f"fleet: {{order: [{order}], concurrency: {AT_ONCE}}}\n"
    )
    for team in range(GROUPS):
        (root / "policies" / f"team-{team:03}.yaml").write_text(
            f"apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {{name: team-{team:03}}}\n"
            f"spec:\n  members: {{all: [{{iamGroup: g-{team:03}}}]}}\n"
            '  access: [{clusters: ["*"], namespaces: [payments], role: {clusterRole: view}}]\n'
        )


@contextmanager
def _aws() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.thin_fleet", str(LATE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate()


def _child(url: str, root: Path, *arguments: str) -> dict[str, Any]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": "AKIABENCH", "AWS_SECRET_ACCESS_KEY": "x", "AWS_CONFIG_FILE": os.devnull}
    environment = kept | keys | {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, "XDG_STATE_HOME": str(root / "state")}
    command = [sys.executable, "-m", "tests.bench.bench_fleet", str(root), *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return cast("dict[str, Any]", json.loads(done.stdout))


def _cpu() -> dict[str, float]:
    """CPU seconds of one call of plain clients, among as many at once as the fleet makes."""
    import boto3
    from botocore.config import Config
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration

    from iamrbac.aws.session import CONNECTIONS

    eks = boto3.client("eks", region_name=REGION, config=Config(max_pool_connections=CONNECTIONS))
    host = eks.describe_cluster(name="cpu")["cluster"]["endpoint"]
    configuration = Configuration(host=host, connection_pool_maxsize=CONNECTIONS)
    client = ApiClient(configuration)

    def aws(number: int) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:user/u-{number}"
        said: dict[str, Any] = {"username": arn, "kubernetesGroups": ["a"], "type": "STANDARD", "tags": {"a": "b"}}
        eks.create_access_entry(clusterName="cpu", principalArn=arn, **said)

    def kube(number: int) -> None:
        url = f"{host}/api/v1/namespaces/payments/configmaps/cpu-{number % 10}"
        body = {"metadata": {"name": "cpu", "namespace": "payments"}, "data": {"a": "b" * 1000}}
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        response = client.call_api("PUT", url, header_params=headers, body=body, _request_timeout=(5, 30))
        json.loads(response.read())

    found = {}
    for name, call in (("aws", aws), ("kube", kube)):
        call(0)
        with ThreadPoolExecutor(4 * AT_ONCE) as pool:
            begun = time.process_time()
            list(pool.map(call, range(MANY)))
            found[name] = (time.process_time() - begun) / MANY
    return found


class _Calls:
    """Counts calls, and for how long at least one of them is under way."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.busy = 0.0
        self._open = 0
        self._since = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def one(self, service: str) -> Iterator[None]:
        """A call."""
        with self._lock:
            self.count[service] += 1
            self._open += 1
            if self._open == 1:
                self._since = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                if not self._open:
                    self.busy += time.perf_counter() - self._since


@contextmanager
def _counted(calls: _Calls, loaders: set[int]) -> Iterator[None]:
    from botocore.client import BaseClient
    from botocore.loaders import Loader
    from kubernetes.client.api_client import ApiClient

    send, load, call = vars(BaseClient)["_make_request"], Loader.load_service_model, ApiClient.call_api

    def sent(self: Any, operation: Any, request: Any, context: Any) -> Any:
        with calls.one(self.meta.service_model.service_name):
            return send(self, operation, request, context)

    def called(self: Any, *arguments: Any, **options: Any) -> Any:
        with calls.one("kube"):
            return call(self, *arguments, **options)

    def loaded(self: Any, *arguments: Any, **options: Any) -> Any:
        loaders.add(id(self))
        return load(self, *arguments, **options)

    with (
        patch.object(BaseClient, "_make_request", sent),
        patch.object(Loader, "load_service_model", loaded),
        patch.object(ApiClient, "call_api", called),
    ):
        yield


def _apply(root: Path, clusters: tuple[str, ...]) -> dict[str, float]:
    """Plan and apply as the command does, and say what it took."""
    from iamrbac import wiring
    from iamrbac.cli.fleet_apply import Way, applying
    from iamrbac.cli.terminal import Terminal
    from iamrbac.fleet.result import Became
    from iamrbac.usecases.fence import Fences
    from iamrbac.usecases.fleet import FleetRequest, plan_fleet
    from iamrbac.usecases.fleet_run import FleetRun
    from iamrbac.usecases.plan import PlanRequest

    calls, loaders = _Calls(), set[int]()
    fences, terminal = Fences(), Terminal(quiet=True)
    with _counted(calls, loaders):
        begun = time.perf_counter()
        edges = wiring.edges(root, gate=fences.check)
        request = FleetRequest(PlanRequest(datetime.now(UTC), clusters))
        planned = plan_fleet(edges, request, terminal, lambda one: wiring.fleet_store(one, ""), fences)
        assert planned.plan is not None, planned.findings
        read = calls.busy
        run = FleetRun(edges, planned.plan, applying(terminal, edges, planned.plan, fences, Way((), 0.0)))
        for _ in run.events():
            pass
        wall = time.perf_counter() - begun
    own = time.process_time()
    assert [one.became for one in run.results] == [Became.DONE] * (len(clusters) or len(NAMES)), run.results[:3]
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    aws = sum(number for service, number in calls.count.items() if service != "kube")
    return {
        "wall": wall,
        "own": own,
        "read": read / LATE,
        "written": (calls.busy - read) / LATE,
        "aws": aws,
        "iam": calls.count["iam"],
        "kube": calls.count["kube"],
        "peak": peak / 1024,
        "loaders": len(loaders),
    }


if __name__ == "__main__":
    match sys.argv[1:]:
        case [_, "cpu"]:
            print(json.dumps(_cpu()))
        case [root, "apply", *clusters]:
            print(json.dumps(_apply(Path(root), tuple(clusters))))
        case _:
            print(table(rows()))
