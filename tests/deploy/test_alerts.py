"""The alerts, judged by Prometheus' own engine: what rings when, and what does not."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from iamrbac.serve.metrics import Metrics
from tests.ci import tools
from tests.deploy.render import NAMESPACE, of_kind, rendered

pytestmark = [
    pytest.mark.helm,
    pytest.mark.skipif(bool(tools.missing([tools.PROMQL])), reason="nothing evaluates PromQL: Go is not on the PATH"),
]
POD = 'namespace="iamrbac-system",pod="{}"'
A, B = POD.format("a"), POD.format("b")
LEADS = [f"iamrbac_sync_leader{{{A}}} 1x180", f"iamrbac_sync_leader{{{B}}} 0x180"]
FRESH = 'iamrbac_sync_last_success_timestamp_seconds{{{},cluster="{}"}} 0+60x180'
STOPPED = 'iamrbac_sync_last_success_timestamp_seconds{{{},cluster="{}"}} 0+60x60 3600x120'


def expressions(case: str) -> dict[str, str]:
    (rule,) = of_kind(rendered(case), "PrometheusRule")
    return {one["alert"]: one["expr"] for group in rule["spec"]["groups"] for one in group["rules"]}


def judge(case: str, alert: str, series: Sequence[str], *expected: str) -> None:
    """Evaluate an alert two and a half hours after the series begin, a sample a minute."""
    script = "\n".join(
        ["load 1m", *(f"  {one}" for one in series), "", f"eval instant at 150m {expressions(case)[alert]}"]
    )
    script += "".join(f"\n  {one}" for one in expected) + "\n"
    done = subprocess.run(
        [str(tools.tool(tools.PROMQL)), "-test.run", "TestScript"],
        input=script,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


def test_all_is_well() -> None:
    series = [
        *LEADS,
        FRESH.format(A, "production"),
        f'iamrbac_sync_refused{{{A},cluster="production"}} 0x180',
        f'iamrbac_sync_drift{{{A},cluster="production"}} 0x180',
    ]
    for alert in expressions("ssh"):
        judge("ssh", alert, series)


def test_it_is_really_judged() -> None:
    with pytest.raises(AssertionError, match=r'unexpected metric \{cluster="production"\} in result, has value 5400'):
        judge("ssh", "IamrbacSyncStale", [*LEADS, STOPPED.format(A, "production")])


def test_a_cluster_without_a_success_is_told_by_its_name() -> None:
    """Git, AWS or the cluster is lost: whichever replica led when it last went well, and whoever leads now."""
    series = [*LEADS, FRESH.format(A, "staging"), STOPPED.format(A, "production"), STOPPED.format(B, "production")]
    judge("ssh", "IamrbacSyncStale", series, '{cluster="production"} 5400')


def test_a_former_leaders_memory_is_no_alarm() -> None:
    series = [*LEADS, FRESH.format(A, "production"), STOPPED.format(B, "production")]
    judge("ssh", "IamrbacSyncStale", series)
    # What the config does not have any more, the one that stands by does not hear of.
    judge("ssh", "IamrbacSyncStale", [*series, STOPPED.format(B, "gone")])
    old = [f'iamrbac_sync_refused{{{B},cluster="production"}} 1x180', f'iamrbac_sync_drift{{{B},cluster="x"}} 9x180']
    new = [f'iamrbac_sync_refused{{{A},cluster="production"}} 0x180']
    judge("ssh", "IamrbacSyncRefused", [*LEADS, *old, *new])
    judge("ssh", "IamrbacSyncDrift", [*LEADS, *old, *new])


def test_one_that_never_went_well_is_told_too() -> None:
    """It is 0 from the first round on."""
    series = [*LEADS, f'iamrbac_sync_last_success_timestamp_seconds{{{A},cluster="production"}} 0x180']
    judge("ssh", "IamrbacSyncStale", series, '{cluster="production"} 9000')


def test_a_leader_that_never_read_the_repository_is_told() -> None:
    """Then it has no series of any cluster, and nothing else would ring."""
    leader = f"iamrbac_sync_leader{{{A}}}"
    judge("ssh", "IamrbacSyncBlind", [*LEADS, STOPPED.format(B, "production")], f"{leader} 1")
    judge("ssh", "IamrbacSyncStale", [*LEADS, STOPPED.format(B, "production")])


@pytest.mark.parametrize("leader", ["iamrbac_sync_leader{{{}}} 0x180", "iamrbac_sync_leader{{{}}} 1x60"])
def test_nobody_leads_or_nobody_answers(leader: str) -> None:
    judge("ssh", "IamrbacSyncNoLeader", [leader.format(A)], "{} 0")
    judge("ssh", "IamrbacSyncNoLeader", ['iamrbac_sync_leader{namespace="elsewhere",pod="a"} 1x180'], "{} 0")


def test_what_the_leader_says_is_told() -> None:
    said = [
        f'iamrbac_sync_refused{{{A},cluster="production"}} 1x180',
        f'iamrbac_sync_drift{{{A},cluster="staging"}} 3x180',
    ]
    judge("ssh", "IamrbacSyncRefused", [*LEADS, *said], '{cluster="production"} 1')
    judge("ssh", "IamrbacSyncDrift", [*LEADS, *said], '{cluster="staging"} 3')


def test_a_schedule_that_does_not_succeed_is_told() -> None:
    job = f'{{namespace="{NAMESPACE}",cronjob="iamrbac"}}'
    succeeded, made = f"kube_cronjob_status_last_successful_time{job}", f"kube_cronjob_created{job} 0x180"
    judge("cron", "IamrbacSyncStale", [made, f"{succeeded} 0+60x180"])
    judge("cron", "IamrbacSyncStale", [made, f"{succeeded} 0+60x60 3600x120"], f"{job} 5400")
    judge("cron", "IamrbacSyncStale", [made], f"{job} 9000")


def test_each_metric_is_one_that_sync_has() -> None:
    has = {one.name for one in Metrics(lambda: datetime.now(UTC)).registry.collect()}
    asked = {name for one in expressions("ssh").values() for name in re.findall(r"iamrbac_\w+", one)}
    assert asked
    assert asked <= has
