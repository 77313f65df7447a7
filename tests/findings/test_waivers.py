"""A waiver takes what its rule and every key of its scope say, while it lasts; all else stays, and is told about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.waivers import Judged, Weighed, weigh
from iamrbac.model.config import Cluster
from iamrbac.model.waivers import Waiver

AT = datetime(2026, 12, 1, tzinfo=UTC)
CLUSTERS = {
    name: Cluster.model_validate(
        {"name": name, "account": "111122223333", "region": "eu-west-1", "labels": {"env": name}}, by_alias=True
    )
    for name in ("staging", "production")
}
EXEC = Judged("IAM034", Finding("IAM034", Level.ERROR, "exec"), "payments", "operator", "staging", "payments-a")
WIDE = Judged("IAM034", Finding("IAM034", Level.ERROR, "wide"), "payments", "operator", "production", "")


def waiver(rule: str = "IAM034", ends: str = "2026-12-24T18:00:00Z", **scope: Any) -> Waiver:
    value = {"rule": rule, "scope": scope or {"clusters": ["*"]}, "reason": "INC-1", "notAfter": ends}
    return Waiver.model_validate(value, by_alias=True)


def weighed(*waivers: Waiver) -> Weighed:
    return weigh([EXEC, WIDE], [("waivers.yaml", index, one) for index, one in enumerate(waivers)], CLUSTERS, AT)


@pytest.mark.parametrize(
    ("scope", "takes"),
    [
        ({}, [EXEC, WIDE]),
        ({"team": "payments"}, [EXEC, WIDE]),
        ({"team": "search"}, []),
        ({"role": "operator", "clusters": {"env": "staging"}}, [EXEC]),
        ({"clusters": ["prod*"]}, [WIDE]),
        ({"namespaces": ["payments-*"]}, [EXEC]),
        ({"namespaces": ["*"]}, [EXEC]),
        ({"namespaces": ["payments-*"], "team": "search"}, []),
    ],
)
def test_every_key_of_a_scope_must_hold(scope: dict[str, Any], takes: list[Judged]) -> None:
    result = weighed(waiver(**scope))
    assert [one.judged for one in result.waived] == takes
    assert list(result.kept) == [one for one in (EXEC, WIDE) if one not in takes]
    assert [one.id for one in result.findings] == ([] if takes else ["WVR002"])


def test_another_rule_is_not_waived() -> None:
    assert weighed(waiver("IAM035")).kept == (EXEC, WIDE)
    assert weighed(waiver("gate/a")).kept == (EXEC, WIDE)


def test_an_ended_waiver_waives_nothing_and_says_so() -> None:
    result = weighed(waiver(), waiver(ends="2026-12-01T00:00:00Z"), waiver("IAM001"))
    assert (len(result.waived), result.kept) == (2, ())
    assert [(one.id, one.level, one.file, one.path, one.message) for one in result.findings] == [
        (
            "WVR001",
            "warning",
            "waivers.yaml",
            ("waivers", 1, "notAfter"),
            "the waiver of IAM034 ended at 2026-12-01T00:00:00Z and waives nothing any more",
        ),
        ("WVR002", "warning", "waivers.yaml", ("waivers", 2, "rule"), "the waiver of IAM001 waives nothing"),
    ]
    assert weighed(waiver(ends="2026-12-01T00:00:00Z")).kept == (EXEC, WIDE)
