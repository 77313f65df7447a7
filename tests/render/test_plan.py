"""What people read of a plan, whole, for every kind of plan."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from iamrbac.findings.finding import Finding, Level
from iamrbac.model.origin import Origin
from iamrbac.plan.change import ClusterPlan, FailedCluster, Plan
from iamrbac.plan.document import plan_json
from iamrbac.plan.planner import plan_cluster
from iamrbac.rbac.objects import RoleRef, Subject
from iamrbac.render.plan import plan_text
from tests.golden import compare
from tests.plan import builders as b

GOLDEN = Path(__file__).parent / "golden"
ALICE, BOB = b.entry(b.ALICE, b.DEVELOPERS), b.entry(b.BOB, b.DEVELOPERS)
RBAC = (b.role(), b.binding())


def cluster(
    desired: tuple[b.Item, ...], observed: tuple[b.Item, ...], adopt: frozenset[str] = frozenset()
) -> ClusterPlan:
    state = b.state(*(b.observed(item) for item in observed))
    return plan_cluster(b.desired(*desired), state, "access-entries", b.INSTANCE, adopt)


def adopted() -> ClusterPlan:
    state = b.state(b.foreign(b.entry(b.ALICE)))
    return plan_cluster(
        b.desired(*RBAC, ALICE), state, "access-entries", b.INSTANCE, frozenset({f"AccessEntry/{b.ALICE}"})
    )


def refused() -> ClusterPlan:
    state = b.state(b.foreign(b.entry(b.ALICE)), b.foreign(b.role(), {"kapp.k14s.io/app": "infra"}))
    return plan_cluster(b.desired(*RBAC, ALICE), state, "access-entries", b.INSTANCE)


WARNING = Finding(
    "CMP002",
    Level.WARNING,
    "the namespace batch is not there",
    "make it",
    "policies/payments.yaml",
    (),
    9,
    5,
    "staging",
)
FAILED = FailedCluster("production", "ERR202", "cannot list roles: forbidden (403)", "ask for list on roles")


def plan(*clusters: ClusterPlan | FailedCluster, findings: tuple[Finding, ...] = ()) -> Plan:
    return Plan(b.INSTANCE, clusters, findings, "sha256:0")


PLANS = {
    "create": lambda: plan(cluster((*RBAC, ALICE, BOB), ())),
    "nothing": lambda: plan(cluster((*RBAC, ALICE), (*RBAC, ALICE))),
    "change": lambda: plan(
        cluster((b.role(b.READ_PODS, b.READ_LOGS), b.binding(), ALICE), (b.role(), b.binding(), b.entry(b.ALICE)))
    ),
    "drift": lambda: plan(
        cluster(
            (*RBAC, ALICE, b.entry(b.BOB)),
            (b.role(), b.binding(Subject("Group", b.DEVELOPERS), Subject("User", b.BOB)), ALICE, b.entry(b.BOB)),
        )
    ),
    "replace": lambda: plan(cluster((*RBAC, ALICE), (b.role(), b.binding(ref=RoleRef("ClusterRole", "admin")), ALICE))),
    "remove": lambda: plan(cluster((*RBAC, ALICE), (*RBAC, ALICE, BOB, b.association(b.BOB)))),
    "adopt": lambda: plan(adopted()),
    "refuse": lambda: plan(refused()),
    "partial": lambda: plan(cluster((*RBAC, ALICE), ()), FAILED, findings=(WARNING,)),
    "none-planned": lambda: plan(FAILED),
}


def line(origin: Origin) -> str:
    return f"{origin.file}:14"


@pytest.mark.parametrize("name", PLANS)
def test_the_text_of_a_plan(name: str) -> None:
    compare(plan_text(PLANS[name](), line, lambda text, _style: text), GOLDEN / f"plan-{name}.txt")


@pytest.mark.parametrize("name", PLANS)
def test_the_json_of_a_plan_has_its_published_shape(name: str) -> None:
    schema = json.loads(files("iamrbac.render").joinpath("schemas/plan.json").read_text())
    document = json.loads(json.dumps(plan_json(PLANS[name](), line)))
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    assert document["summary"].keys() == {"create", "update", "replace", "delete", "adopt"}
    compare(json.dumps(document, indent=2, ensure_ascii=False) + "\n", GOLDEN / f"plan-{name}.json")


def test_colours_are_only_paint(name: str = "drift") -> None:
    painted = plan_text(PLANS[name](), line, lambda text, style: f"<{style}>{text}</>")
    plain = plan_text(PLANS[name](), line, lambda text, _style: text)
    stripped = painted.replace("</>", "")
    for style in ("good", "error", "change", "bold", "dim", "warning"):
        stripped = stripped.replace(f"<{style}>", "")
    assert stripped == plain


def test_a_plan_that_is_refused_never_says_that_all_is_well() -> None:
    state = b.state(b.foreign(b.entry(b.ALICE)))
    only = plan_cluster(b.desired(ALICE), state, "access-entries", b.INSTANCE)
    assert plan_text(plan(only), line, lambda text, _style: text).splitlines()[-1] == "No changes. Refused: 1."
