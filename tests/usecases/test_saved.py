"""A saved plan against what is there now: believed only while nothing has changed, and told what has."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from iamrbac.compile.desired import Key
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.errors import KubeError, StalePlanError
from iamrbac.plan.document import plan_json
from iamrbac.plan.observed import Observed
from iamrbac.plan.stale import differences
from iamrbac.usecases import saved
from iamrbac.usecases.plan import PlanRequest
from tests.usecases.fakes import Silent
from tests.usecases.world import ALICE, AT, CAROL, CONFIG, POLICY, Company, company

FILE = "plan.json"
GRANT = """\
apiVersion: iamrbac.dev/v1alpha1
kind: TemporaryGrant
metadata: {name: inc-4211}
spec:
  team: payments
  members: [{iamUser: dana}]
  access: [{clusters: [production], namespaces: [payments], role: operator}]
  notAfter: "2026-11-24T18:00:00Z"
  reason: INC-4211
"""


def keep(made: Company) -> dict[str, Any]:
    """Return what `plan --out` writes."""
    plan = made.plan()
    value: dict[str, Any] = json.loads(
        json.dumps(saved.saved_json(plan, made.request, plan_json(plan, lambda origin: origin.file)))
    )
    return value


def stale(made: Company, document: dict[str, Any], hours: int = 0) -> StalePlanError:
    """Do what `apply FILE` does before it writes, and return why it does not."""
    request = saved.request_of(document, AT + timedelta(hours=hours))
    with pytest.raises(StalePlanError) as raised:
        planned = saved.again(made.edges, request, FILE, Silent())
        assert planned.plan is not None
        saved.verify(document, planned.plan, FILE)
    assert made.faults.log == []
    return raised.value


def verified(made: Company, document: dict[str, Any], hours: int = 0) -> None:
    request = saved.request_of(document, AT + timedelta(hours=hours))
    planned = saved.again(made.edges, request, FILE, Silent())
    assert planned.plan is not None
    saved.verify(document, planned.plan, FILE)


def test_nothing_changed_and_it_is_believed(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    verified(made, keep(made), hours=1)


def test_who_joined_meanwhile_is_named(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    document = keep(made)
    made.people.groups["payments-oncall"] = (CAROL, ALICE)
    error = stale(made, document)
    group = "iamrbac:acme:payments:oncall"
    assert str(error) == (
        "plan.json: the plan is stale: 2 things changed since it was made at 2026-11-24T12:00:00+00:00; nothing was "
        "changed. Next: run `iamrbac plan --out FILE` again and look at what it says"
    )
    assert error.details == (
        f"production: AwsAuthRow/{ALICE} is to become something else: groups +{group}",
        f"staging: AccessEntry/{ALICE} is to become something else: groups +{group}",
    )
    assert error.exit_code == 4


def test_of_many_changes_ten_are_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    document = keep(made)
    made.policy(POLICY.replace("role: viewer", "role: developer").replace("{clusterRole: edit}", "developer"))
    details = stale(made, document).details
    assert details[0] == "the policies or the config say something else"
    assert len(details) == 11
    assert details[-1] == f"and {len(differences(document, made.plan())) - 10} more"


def test_a_cluster_that_cannot_be_read_now_is_no_other_target(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    document = keep(made)
    made.kubes["production"].unreadable = KubeError("cannot list roles: forbidden (403)")
    error = stale(made, document)
    assert "the plan is stale: one thing changed" in error.message
    assert error.details == ("production cannot be planned now: [ERR202] cannot list roles: forbidden (403)",)


def test_a_cluster_that_is_another_one_now_is_another_target(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    document = keep(made)
    document["targets"]["staging"] = "arn:aws:eks:eu-west-1:999999999999:cluster/staging"
    error = stale(made, document)
    assert error.message.startswith("the plan is for instance acme on ")
    assert error.details == ()


def test_a_cluster_that_the_config_has_no_more_makes_it_stale(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.request = PlanRequest(AT, ("staging",))
    document = keep(made)
    made.config(CONFIG.replace("{name: staging", "{name: test"))
    made.policy(POLICY.replace("[staging]", "[test]"))
    error = stale(made, document)
    assert error.message.startswith("the plan is stale: ")
    assert "staging" in error.message


def test_what_was_to_be_adopted_and_is_gone_makes_it_stale(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    key = Key("staging", "AccessEntry", "", ALICE)
    made.aws.entries["staging"] = {key: Observed(key, AccessEntry(ALICE, ALICE, ()))}
    made.request = replace(made.request, adopt=frozenset({f"AccessEntry/{ALICE}"}))
    document = keep(made)
    verified(made, document)
    made.aws.entries["staging"].clear()
    error = stale(made, document)
    assert error.message == f"the plan is stale: --adopt names nothing that is there: AccessEntry/{ALICE}"
    assert error.exit_code == 4


def test_a_grant_that_ended_in_between_makes_it_stale(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    (made.root / "policies" / "grant.yaml").write_text(GRANT)
    document = keep(made)
    verified(made, document, hours=5)
    assert any("the temporary grant inc-4211 ended" in line for line in stale(made, document, hours=7).details)
