"""Round after round: in time of its own, in this process, and as two processes of which one is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from iamrbac import wiring
from iamrbac.model.documents import Cluster
from iamrbac.sandbox.runner import Sandbox
from iamrbac.serve.logs import Level, Lines
from iamrbac.token.sign import Credentials, presign, token
from iamrbac.usecases.schedule import Pace
from iamrbac.usecases.sync_loop import Looping, loop
from iamrbac.usecases.sync_report import ClusterRound, Result, Round
from iamrbac.wiring.sync import Options, Place, Service
from tests.sync.stage import CLUSTERS, Stage, later

BEGIN = datetime(2026, 6, 1, 12, tzinfo=UTC)
PATIENCE = 120.0


def eventually(ask: Callable[[], bool], what: str) -> None:
    """Wait until it is so, for long."""
    deadline = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Clock:
    """A loop's time: it goes on by what is slept."""

    def __init__(self, rounds: list[Round], until: float) -> None:
        self.at = 0.0
        self.made: list[float] = []
        self.leads = True
        self._rounds = iter(rounds)
        self._until = until

    def make(self) -> Round:
        self.made.append(self.at)
        return next(self._rounds)

    def sleep(self, seconds: float) -> bool:
        self.at += seconds
        return self.at >= self._until

    def run(self, pace: Pace) -> list[float]:
        def now() -> datetime:
            return BEGIN + timedelta(seconds=self.at)

        loop(Looping(pace, self.make, lambda *_: None, now, lambda: 0.5, self.sleep, lambda: self.leads))
        return [round(at, 1) for at in self.made]


def a_round(result: Result = Result.UNCHANGED, ends: tuple[float, ...] = (), *, known: bool = True) -> Round:
    cluster = ClusterRound("staging", result)
    people_at = BEGIN if known else None
    return Round(BEGIN, (cluster,), people_at=people_at, ends=tuple(BEGIN + timedelta(seconds=one) for one in ends))


def test_an_expiry_brings_a_round_between_two() -> None:
    rounds = [a_round(ends=(450, 1000))] * 9
    assert Clock(rounds, 1300).run(Pace(300, 0)) == [0, 300, 450, 750, 1000, 1300][:5]


def test_an_expiry_that_a_failed_round_could_not_read_is_not_forgotten() -> None:
    rounds = [a_round(ends=(305,)), a_round(Result.FAILED, known=False), a_round(), a_round()]
    assert Clock(rounds, 400).run(Pace(300, 0)) == [0, 300, 305]


def test_what_is_paused_is_not_asked_about_more_often_and_what_failed_is() -> None:
    paused, failed = a_round(Result.PAUSED), a_round(Result.FAILED)
    assert Clock([paused] * 9, 700).run(Pace(300, 0)) == [0, 300, 600]
    assert Clock([failed] * 9, 700).run(Pace(300, 0)) == [0, 10, 30, 70, 150, 310, 610]


def test_who_does_not_lead_makes_no_round() -> None:
    clock = Clock([a_round()] * 9, 100)
    clock.leads = False
    assert clock.run(Pace(300, 0)) == []


def test_a_grant_is_gone_soon_after_it_ended_whatever_the_interval(stage: Stage) -> None:
    before = stage.access()
    stage.grant("inc-1", later(25, datetime.now(UTC)))
    place = Place(stage.repo.folder.as_uri(), "main")
    options = Options((), Pace(3600, 0), 300, 3600, place=place, work_dir=stage.work)
    with Path(os.devnull).open("w") as nowhere:
        log = Lines(nowhere, lambda: datetime.now(UTC), as_json=False, least=Level.INFO)
        with Service(options, log) as service:
            thread = threading.Thread(target=service.keep, daemon=True)
            thread.start()
            try:
                eventually(lambda: stage.access() != before, "the grant was not given")
                eventually(lambda: stage.access() == before, "the grant did not end")
            finally:
                service.stop()
                thread.join(PATIENCE)
    assert not thread.is_alive()


class Pod:
    """`iamrbac sync` as a process of the cluster staging, which tokens of pat's let in."""

    def __init__(self, stage: Stage, name: str, folder: Path) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        target = wiring.edges(stage.repo.folder).aws.target(
            Cluster(name="staging", account="111122223333", region="eu-west-1")
        )
        profile = stage.sandbox.profile("pat")
        keys = Credentials(profile.access_key, profile.secret_key)
        (self.folder / "token").write_text(token(presign(keys, "eu-west-1", "staging", datetime.now(UTC))))
        (self.folder / "ca.crt").write_text(target.certificate_authority)
        (self.folder / "namespace").write_text("iamrbac-system\n")
        place = urlsplit(target.endpoint)
        environment = {
            **os.environ,
            "IAMRBAC_SERVICE_ACCOUNT_DIR": str(self.folder),
            "KUBERNETES_SERVICE_HOST": str(place.hostname),
            "KUBERNETES_SERVICE_PORT": str(place.port),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        words = ["sync", "-C", str(stage.repo.folder), "--in-cluster", "staging", "--interval", "1s"]
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "iamrbac", *words, "--listen", "127.0.0.1:0", "--log-format", "json"],
                env=environment,
                stderr=log,
                cwd=folder,
            )

    def said(self, event: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.log.read_text().splitlines())
        return [line for line in lines if line["event"] == event]

    def leads(self) -> bool:
        said = self.said("leader-election")
        return bool(said) and said[-1]["state"] == "leader"

    def get(self, path: str) -> str:
        eventually(lambda: bool(self.said("listening")), self.log.read_text())
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.said('listening')[0]['port']}{path}", timeout=60
        ) as answer:
            text: str = answer.read().decode()
            return text

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def pods(stage: Stage, folder: Path, *names: str) -> Iterator[list[Pod]]:
    running: list[Pod] = []
    try:
        for name in names:
            running.append(Pod(stage, name, folder))
            eventually(lambda: bool(running[-1].said("leader-election")), running[-1].log.read_text())
        yield running
    finally:
        for one in running:
            one.process.kill()
            one.process.wait(PATIENCE)


def lease(sandbox: Sandbox) -> dict[str, Any]:
    found = sandbox.cluster("staging").store.list("Lease", "iamrbac-system")
    spec: dict[str, Any] = next(one["spec"] for one in found if one["metadata"]["name"] == "iamrbac-sync")
    return spec


def test_of_two_processes_one_works_and_the_other_takes_over_when_it_is_killed(stage: Stage, tmp_path: Path) -> None:
    with pods(stage, tmp_path, "one", "two") as (one, two):
        eventually(lambda: len(one.said("round")) > 1, "no rounds were made")
        assert (one.leads(), two.leads()) == (True, False)
        assert [line["state"] for line in two.said("leader-election")] == ["standby"]
        assert two.said("round") == []
        assert two.get("/readyz") == "ok\n"
        assert "iamrbac_sync_leader 0.0\n" in two.get("/metrics")
        metrics = one.get("/metrics")
        assert "iamrbac_sync_leader 1.0\n" in metrics
        assert 'iamrbac_sync_rounds_total{cluster="production",result="unchanged"}' in metrics
        assert one.end(signal.SIGKILL) == -signal.SIGKILL

        stage.sandbox.add_to_group("dave", "payments-oncall")
        eventually(lambda: two.leads() and any(line.get("update") for line in two.said("cluster")), "nobody took over")
        assert lease(stage.sandbox)["leaseTransitions"] == 1
        # And ends in order: the lease is nobody's at once.
        assert two.end(signal.SIGTERM) == 0
        assert two.said("ended")
        assert not lease(stage.sandbox).get("holderIdentity")
    for name in CLUSTERS:
        assert stage.access(name)


def test_an_interrupt_ends_it_in_order_too(stage: Stage, tmp_path: Path) -> None:
    with pods(stage, tmp_path, "one") as (one,):
        eventually(lambda: bool(one.said("round")), "no round was made")
        assert one.end(signal.SIGINT) == 0
