"""A cluster that hangs holds up nobody, and nothing is sent to it once its time is over."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from iamrbac.aws.gate import Gate
from iamrbac.fleet.result import Became
from iamrbac.kube.client import KubeApi
from iamrbac.model.errors import ClusterTimeoutError
from iamrbac.plan.observed import Target
from iamrbac.usecases.crew import Crew, Ended, Said
from iamrbac.usecases.fence import Fences
from iamrbac.usecases.fleet_run import WaveBegun
from tests.fleet.world import FleetWorld, became, fleet
from tests.usecases.fakes import FakeKube

NAMES = ["dev-1", "dev-2", "dev-3", "prod-1"]
SOON = "{order: [{env: development}, {env: production}], timeout: 2s, canary: 0, stopAfter: 2}"
LONG = 60.0


class Hanging:
    """A cluster's API that does not answer at one thing, until it is let go; then it does what it was asked."""

    def __init__(self, kube: FakeKube, at: str) -> None:
        self.kube = kube
        self.at = at
        self.hung = threading.Event()
        self.free = threading.Event()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.kube, name)

        def call(*arguments: Any) -> Any:
            if name == self.at and not self.free.is_set():
                self.hung.set()
                assert self.free.wait(LONG)
            return method(*arguments)

        return call


def hanging(world: FleetWorld, name: str, at: str) -> Hanging:
    made = Hanging(world.company.kubes[name], at)
    world.wrap = lambda cluster, kube: made if cluster == name else kube
    return made


@pytest.fixture
def world(tmp_path: Path) -> FleetWorld:
    return fleet(tmp_path, NAMES, fleet=SOON)


def settled(prefix: str) -> None:
    """Wait until the threads that were left behind are gone."""
    end = time.monotonic() + LONG
    while any(one.name.startswith(prefix) for one in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_cluster_that_does_not_answer_is_not_planned_and_the_others_are(world: FleetWorld) -> None:
    hung = hanging(world, "dev-2", "state")
    plan = world.plan()
    (failed,) = plan.plan.failed
    assert (failed.name, failed.code, failed.message) == ("dev-2", "ERR250", "it was not read within 2s")
    assert len(plan.plan.planned) == 3
    run = world.run(plan)
    list(run.events())
    assert became(run) == {"dev-1": "done", "dev-2": "notPlanned", "dev-3": "done", "prod-1": "done"}
    hung.free.set()
    settled("fleet dev-2")


@pytest.mark.parametrize("at", ["configmap", "write_configmap", "create", "notify"])
def test_nothing_is_written_to_a_cluster_once_its_time_is_over(world: FleetWorld, at: str) -> None:
    plan = world.plan()
    hung = hanging(world, "dev-2", at)
    run = world.run(plan)
    list(run.events())
    found = became(run)
    assert found == {"dev-1": "done", "dev-2": "timedOut", "dev-3": "done", "prod-1": "done"}
    (late,) = [one for one in run.results if one.became is Became.TIMED_OUT]
    assert late.reason == "it took longer than 2s; perhaps a part of it is written"
    kube = world.company.kubes["dev-2"]
    before = (dict(kube.objects), dict(kube.home_maps), list(kube.notices), dict(world.company.aws.entries["dev-2"]))
    hung.free.set()
    settled("fleet dev-2")
    on_its_way = {"configmap": 0, "write_configmap": 1, "create": 16, "notify": 1}[at]
    after = (dict(kube.objects), dict(kube.home_maps), list(kube.notices), dict(world.company.aws.entries["dev-2"]))
    more = sum(len(one) for one in after) - sum(len(one) for one in before)
    assert more <= on_its_way
    assert world.said == []
    world.fences = Fences()
    world.wrap = lambda _name, kube: kube
    world.resume = True
    left = "unchanged" if at == "notify" else "done"
    assert world.apply() == {"dev-1": "earlier", "dev-2": left, "dev-3": "earlier", "prod-1": "earlier"}


def test_it_counts_as_a_failure_and_the_fleet_stops(world: FleetWorld) -> None:
    world.settings = {"stop_after": 1, "concurrency": 1}
    plan = world.plan()
    hung = hanging(world, "dev-1", "create")
    run = world.run(plan)
    waves = [event.wave.number for event in run.events() if isinstance(event, WaveBegun)]
    assert waves == [1]
    assert list(became(run).values()) == ["timedOut", "notBegun", "notBegun", "notBegun"]
    hung.free.set()
    settled("fleet dev-1")


@pytest.fixture
def silent() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that takes connections and never answers."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", taken
        server.shutdown(socket.SHUT_RDWR)
    thread.join(LONG)
    for one in taken:
        one.close()


def test_a_real_client_sends_nothing_again_past_the_fence(silent: tuple[str, list[socket.socket]]) -> None:
    """The read times out, and would be tried three times more."""
    url, taken = silent
    fences = Fences()
    target = Target("dev-1", "dev-1", "arn:aws:eks:eu-west-1:111122223333:cluster/dev-1", "eu-west-1", url, "", "API")

    def sleep(_: float) -> None:
        fences.shut("dev-1", "it took longer than 1s")

    api = KubeApi(target, lambda: "token", timeout=(5, 0.2), sleep=sleep, called=lambda: fences.check("dev-1"))
    with pytest.raises(ClusterTimeoutError, match="it took longer than 1s"):
        api.configmap("iamrbac-system", "a")
    assert len(taken) == 1


def test_botocore_sends_nothing_again_past_the_fence(silent: tuple[str, list[socket.socket]]) -> None:
    url, taken = silent
    asked: list[str] = []

    def check(cluster: str) -> None:
        asked.append(cluster)
        if len(asked) > 1:
            raise ClusterTimeoutError("it took longer than 1s", where=cluster)

    gate = Gate(check)
    session = gate.watch(boto3.Session(aws_access_key_id="AKIA", aws_secret_access_key="x", region_name="eu-west-1"))
    eks = session.client("eks", endpoint_url=url, config=Config(read_timeout=0.2, retries={"total_max_attempts": 3}))
    with pytest.raises(ClusterTimeoutError), gate.about("dev-1"):
        eks.delete_access_entry(clusterName="dev-1", principalArn="arn:aws:iam::111122223333:user/a")
    assert asked == ["dev-1", "dev-1"]
    assert len(taken) == 1


def test_a_crew_does_so_many_at_once_and_all_of_it() -> None:
    now, most, lock = 0, 0, threading.Lock()

    def work(tell: Any) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        tell("here")
        with lock:
            now -= 1
        return "done"

    crew: Crew[str, str] = Crew(3, LONG, lambda _: None)
    told = list(crew.run((str(number), work) for number in range(20)))
    assert [one.what for one in told if isinstance(one, Said)] == ["here"] * 20
    assert sorted(int(one.name) for one in told if isinstance(one, Ended)) == list(range(20))
    assert most <= 3


def test_what_work_raises_is_raised_to_who_waits() -> None:
    crew: Crew[None, None] = Crew(1, LONG, lambda _: None)

    def work(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(crew.run([("a", work)]))
