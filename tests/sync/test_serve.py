"""Metrics as Prometheus reads them, health, and log lines."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from iamrbac.model.errors import UsageError
from iamrbac.plan.change import Action
from iamrbac.serve.http import Health, Server
from iamrbac.serve.logs import Level, Lines
from iamrbac.serve.metrics import Metrics
from iamrbac.usecases.sync_report import ClusterRound, Result, Round, Trouble
from tests.conftest import ROOT
from tests.golden import compare

GOLDEN = Path(__file__).with_name("golden")
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
COMMIT = "3fa2b1c0d4e5f60718293a4b5c6d7e8f90a1b2c3"
GUARD = Trouble("GRD001", "6 principals would lose access (of 12), more than 5", "if it is meant: --allow-removals 6")
DOWN = Trouble("ERR202", "cannot list roles: no answer in time", "check the network")
ROUND = Round(
    AT,
    (
        ClusterRound("development", Result.DONE, (), {Action.CREATE: 3, Action.DELETE: 1}, drift=0, seconds=1.5),
        ClusterRound("staging", Result.PAUSED, (GUARD,), drift=2, seconds=0.7),
        ClusterRound("production", Result.FAILED, (DOWN,), seconds=20),
    ),
    commit=COMMIT,
    people_at=AT,
    seconds=21,
)


def test_the_metrics() -> None:
    metrics = Metrics(lambda: AT + timedelta(seconds=90))
    metrics.saw(ROUND)
    for api in ("eks", "eks", "kubernetes", "s3"):
        metrics.called(api)
    metrics.led_by(lambda: False)
    compare(metrics.text().decode(), GOLDEN / "metrics.txt")


def samples(metrics: Metrics) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (one.name, ",".join(f"{name}={value}" for name, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def test_a_failure_leaves_the_last_success_and_the_refusal() -> None:
    metrics = Metrics(lambda: AT)
    metrics.saw(ROUND)
    later = AT + timedelta(minutes=5)
    failed = tuple(ClusterRound(one.name, Result.FAILED, (DOWN,)) for one in ROUND.clusters)
    metrics.saw(Round(later, failed, troubles=(DOWN,), result=Result.FAILED))
    found = samples(metrics)
    assert found["iamrbac_sync_last_success_timestamp_seconds", "cluster=development"] == AT.timestamp()
    assert found["iamrbac_sync_last_success_timestamp_seconds", "cluster=production"] == 0
    assert found["iamrbac_sync_refused", "cluster=staging"] == 1
    assert found["iamrbac_sync_refusals_total", "cluster=staging,rule=GRD001"] == 1
    assert not any(name == "iamrbac_sync_commit_info" for name, _ in found)
    assert found["iamrbac_sync_identities_age_seconds", ""] == 0


def test_a_cluster_that_the_config_has_no_more_is_not_alerted_about() -> None:
    metrics = Metrics(lambda: AT)
    metrics.saw(ROUND)
    metrics.saw(replace(ROUND, clusters=ROUND.clusters[:1]))
    found = {label for name, label in samples(metrics) if name == "iamrbac_sync_last_success_timestamp_seconds"}
    assert found == {"cluster=development"}


def test_a_leader_of_before_does_not_go_on_to_say_how_clusters_stand() -> None:
    metrics = Metrics(lambda: AT)
    metrics.saw(ROUND)
    metrics.lost()
    names = {name for name, _ in samples(metrics)}
    assert not names & {"iamrbac_sync_refused", "iamrbac_sync_drift", "iamrbac_sync_commit_info"}
    assert "iamrbac_sync_last_success_timestamp_seconds" not in names
    metrics.saw(ROUND)
    assert samples(metrics)["iamrbac_sync_refused", "cluster=staging"] == 1


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_health_and_metrics_over_http() -> None:
    clock = [0.0]
    health = Health(lambda: clock[0], 60)
    server = Server("127.0.0.1:0", health, lambda: b"iamrbac_sync_leader 1.0\n")
    try:
        assert get(server.port, "/healthz") == (200, "ok\n")
        assert get(server.port, "/readyz") == (503, "no round was made yet\n")
        health.ready = lambda: True
        assert get(server.port, "/readyz?verbose") == (200, "ok\n")
        clock[0] = 61
        assert get(server.port, "/healthz") == (503, "no round ends\n")
        health.beat()
        assert get(server.port, "/healthz")[0] == 200
        assert get(server.port, "/metrics") == (200, "iamrbac_sync_leader 1.0\n")
        assert get(server.port, "/debug")[0] == 404
    finally:
        server.close()


@pytest.mark.parametrize("listen", ["8080x", "host", "127.0.0.1:99999", "198.51.100.1:80"])
def test_where_nobody_can_listen(listen: str) -> None:
    with pytest.raises(UsageError, match="--listen"):
        Server(listen, Health(lambda: 0.0, 1), bytes)


def test_log_lines() -> None:
    for as_json in (False, True):
        stream = StringIO()
        log = Lines(stream, lambda: AT, as_json=as_json, least=Level.INFO)
        log(Level.DEBUG, "step", text="unseen")
        log(
            Level.ERROR,
            "cluster",
            cluster="staging",
            result="failed",
            undone=None,
            reason='no "answer"\nat all',
            drift=0,
        )
        if as_json:
            assert json.loads(stream.getvalue()) == {
                "time": "2026-06-01T12:00:00.000Z",
                "level": "error",
                "event": "cluster",
                "cluster": "staging",
                "result": "failed",
                "reason": 'no "answer"\nat all',
                "drift": 0,
            }
            assert stream.getvalue().count("\n") == 1
        else:
            assert stream.getvalue() == (
                "2026-06-01T12:00:00.000Z error   cluster cluster=staging result=failed "
                'reason="no \\"answer\\"\\nat all" drift=0\n'
            )


def test_a_stream_that_nobody_reads_stops_nothing() -> None:
    class Closed(StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    Lines(Closed(), lambda: AT, as_json=False, least=Level.INFO)(Level.INFO, "round")


def test_the_page_about_it_names_every_metric_and_no_other() -> None:
    page = (ROOT / "docs" / "sync.md").read_text()
    named = set(re.findall(r"^\| `(iamrbac_sync_\w+)", page, re.MULTILINE))
    families = {one.name for one in text_string_to_metric_families((GOLDEN / "metrics.txt").read_text())}
    assert {one.removesuffix("_total") for one in named} == families
