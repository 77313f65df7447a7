"""A real API server takes the rendered Jobs, strictly."""

from __future__ import annotations

from typing import Any

import pytest

from iamrbac.fleet.jobs import Rendered, cron_job, jobs
from iamrbac.fleet.waves import Wave
from tests.conformance.conftest import Target
from tests.conformance.http import Client

pytestmark = pytest.mark.e2e
WHAT = Rendered(20, "iamrbac:1", "default", "https://git.example.com/access.git", "main", "access", 5, 3)
WAVES = (Wave(1, "env=development", ("a",)), Wave(2, "prod-*", ("b",)))
BATCH = "/apis/batch/v1/namespaces/default"


def dry(client: Client, value: dict[str, Any]) -> tuple[int, Any]:
    plural = {"Job": "jobs", "CronJob": "cronjobs"}[value["kind"]]
    answer = client.post(f"{BATCH}/{plural}", value, dryRun="All", fieldValidation="Strict")
    return answer.code, answer.json


def test_a_real_server_takes_the_jobs_strictly(real_target: Target) -> None:
    client = Client(real_target.url, real_target.ca_pem, real_target.tokens["admin"], patient=True)
    made = (*jobs(WHAT, WAVES), *jobs(WHAT, ()), cron_job(WHAT, "*/30 * * * *"))
    for value in made:
        code, answer = dry(client, value)
        assert code == 201, answer
        spec = answer["spec"]["jobTemplate"]["spec"] if value["kind"] == "CronJob" else answer["spec"]
        wanted = value["spec"]["jobTemplate"]["spec"] if value["kind"] == "CronJob" else value["spec"]
        for key in set(wanted) - {"template", "podFailurePolicy"}:
            assert spec[key] == wanted[key], key
        said = [rule["action"] for rule in spec["podFailurePolicy"]["rules"]]
        assert said == ["FailIndex", "Ignore"]
        assert spec["template"]["spec"]["containers"][0]["args"][-1] == "--shard=$(JOB_COMPLETION_INDEX)/20"
    broken = jobs(WHAT, ())[0]
    broken["spec"]["backofLimitPerIndex"] = 3
    code, answer = dry(client, broken)
    assert code == 400 and 'unknown field "spec.backofLimitPerIndex"' in answer["message"]
    client.close()
