"""What people read of a plan, whole, for every kind of plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AwsAuthRow
from iamrbac.model.documents import Guards
from iamrbac.model.origin import Origin
from iamrbac.plan import guards
from iamrbac.plan.change import ClusterPlan, FailedCluster, Plan
from iamrbac.plan.document import plan_json
from iamrbac.plan.guards import Allowances, Leavers, Stakes
from iamrbac.plan.interruption import interruptions
from iamrbac.plan.observed import AwsAuth
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


def rows() -> ClusterPlan:
    """The same by rows of aws-auth: one comes, one changes, one goes, and the nodes' stays."""
    node = f"- rolearn: {b.NODE}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:nodes]\n"
    had = (b.row(b.ALICE, b.VIEWERS), b.row(b.PAT, b.DEVELOPERS))
    data = edit({"mapRoles": node}, [spec for spec, _ in had if isinstance(spec, AwsAuthRow)], ())
    owned = b.config_map(owned=[b.ALICE, b.PAT]).annotations
    state = b.state(*(b.observed(item) for item in RBAC), mode="CONFIG_MAP", aws_auth=AwsAuth(data, owned, "11"))
    wanted = b.desired(*RBAC, b.row(b.ALICE, b.DEVELOPERS), b.row(b.BOB, b.DEVELOPERS))
    return plan_cluster(wanted, state, "aws-auth", b.INSTANCE)


def swapped() -> ClusterPlan:
    """Alice and Bob swap teams while both teams' rights change: no order spares them both."""
    old = (
        *RBAC,
        b.role(b.READ_LOGS, b.READ_PODS, set_name="viewers", role="viewer"),
        b.binding(set_name="viewers", role="viewer"),
    )
    new = (
        b.role(b.READ_LOGS, b.READ_PODS),
        b.binding(),
        b.role(set_name="viewers", role="viewer"),
        b.binding(set_name="viewers", role="viewer"),
    )
    made = cluster(
        (*new, b.entry(b.ALICE, b.VIEWERS), b.entry(b.BOB, b.DEVELOPERS)),
        (*old, b.entry(b.ALICE, b.DEVELOPERS), b.entry(b.BOB, b.VIEWERS)),
    )
    return replace(made, findings=interruptions(made))


def guarded() -> Plan:
    """More people would lose their access than one apply may take it from, and the caller is one of them."""
    made = plan(cluster((*RBAC, ALICE), (*RBAC, ALICE, BOB, b.entry(b.PAT, b.DEVELOPERS))))
    limits = Guards.model_validate({"maxRemovals": {"count": 1}})
    refusals = guards.check([Stakes(one) for one in made.planned], limits, b.PAT, Leavers(), Allowances(), {})
    return replace(made, findings=refusals)


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


PLANS: dict[str, Callable[[], Plan]] = {
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
    "interruption": lambda: plan(swapped()),
    "refuse-losses": guarded,
    "rows": lambda: plan(rows()),
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
