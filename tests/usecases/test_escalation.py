"""Whoever applies what Kubernetes would refuse them hears it with the plan, on the clusters where that is known."""

from __future__ import annotations

from pathlib import Path

from iamrbac.compile.desired import Key
from iamrbac.mapping.objects import AccessEntry
from iamrbac.plan.observed import Observed
from iamrbac.usecases.apply import refused
from tests.usecases.fakes import PAT
from tests.usecases.world import company


def test_a_caller_without_the_rights_is_refused_where_it_is_mapped_and_not_where_nothing_is_known(
    tmp_path: Path,
) -> None:
    firm = company(tmp_path)
    assert not refused(firm.plan())
    key = Key("staging", "AccessEntry", "", PAT)
    firm.aws.entries["staging"][key] = Observed(key, AccessEntry(PAT, PAT, ("appliers",)))
    plan = firm.plan()
    assert [(finding.id, finding.cluster) for finding in plan.all_findings if finding.id == "GRD005"] == [
        ("GRD005", "staging")
    ]
    assert refused(plan)
    assert len(plan.changes) > 0
