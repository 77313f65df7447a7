"""What changed since a plan was saved, in the words that a person reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.findings.finding import Finding, Level
from iamrbac.plan.change import ClusterPlan, FailedCluster, Plan
from iamrbac.plan.document import plan_json
from iamrbac.plan.observed import Observed
from iamrbac.plan.planner import plan_cluster
from iamrbac.plan.stale import differences
from iamrbac.rbac.objects import Binding, Role, RoleRef, Subject
from tests.plan import builders as b

ALICE, BOB = b.entry(b.ALICE, b.DEVELOPERS), b.entry(b.BOB, b.DEVELOPERS)
ROLE, BINDING = b.role(), b.binding()
WANTED = (ROLE, BINDING, ALICE)
NAME = b.object_name()


def planned(wanted: tuple[b.Item, ...], *there: b.Item | Observed) -> ClusterPlan:
    objects = (item if isinstance(item, Observed) else b.observed(item) for item in there)
    return plan_cluster(b.desired(*wanted), b.state(*objects), "access-entries", b.INSTANCE)


def plan(*clusters: ClusterPlan | FailedCluster, digest: str = "0", findings: tuple[Finding, ...] = ()) -> Plan:
    return Plan(b.INSTANCE, clusters, findings, f"sha256:{digest}")


def saved(one: Plan) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(json.dumps(plan_json(one, lambda origin: origin.file)))
    return value


def changed(then: ClusterPlan | FailedCluster, now: ClusterPlan | FailedCluster) -> tuple[str, ...]:
    return differences(saved(plan(then)), plan(now))


FAILED = FailedCluster("staging", "ERR202", "cannot list roles: forbidden (403)", "ask")
ENTRY = f"staging: AccessEntry/{b.BOB}"
OTHER = b.role(b.READ_LOGS)
CASES: Mapping[str, tuple[ClusterPlan | FailedCluster, ClusterPlan | FailedCluster, tuple[str, ...]]] = {
    "nothing": (planned(WANTED, ROLE), planned(WANTED, ROLE), ()),
    "somebody added it": (
        planned(WANTED),
        planned(WANTED, ROLE),
        (f"staging: Role/payments/{NAME} was to be added, and is there already",),
    ),
    "nobody wants it any more": (
        planned((*WANTED, BOB)),
        planned(WANTED),
        (f"{ENTRY} was to be added, and nobody wants it any more",),
    ),
    "one more is wanted": (planned(WANTED), planned((*WANTED, BOB)), (f"{ENTRY} is to be added now, and was not",)),
    "somebody removed it": (
        planned(WANTED, *WANTED, BOB),
        planned(WANTED, *WANTED),
        (f"{ENTRY} was to be removed, and is gone already",),
    ),
    "it is to stay": (
        planned(WANTED, *WANTED, BOB),
        planned((*WANTED, BOB), *WANTED, BOB),
        (f"{ENTRY} was to be removed, and is not to go any more",),
    ),
    "it went, and was to change": (
        planned(WANTED, OTHER, BINDING, ALICE),
        planned(WANTED, BINDING, ALICE),
        (f"staging: Role/payments/{NAME} was to be changed, and is to be added now",),
    ),
    "somebody did it": (
        planned(WANTED, OTHER, BINDING, ALICE),
        planned(WANTED, *WANTED),
        (f"staging: Role/payments/{NAME} was to be changed, and is not to be changed any more",),
    ),
    "the object changed on the cluster": (
        planned(WANTED, ROLE, BINDING, b.entry(b.ALICE)),
        planned(WANTED, ROLE, BINDING, b.entry(b.ALICE, b.VIEWERS)),
        (f"staging: AccessEntry/{b.ALICE} was changed on the cluster: groups +{b.VIEWERS}",),
    ),
    "its rules changed": (
        planned(WANTED, OTHER, BINDING, ALICE),
        planned(WANTED, b.role(b.READ_LOGS, b.READ_PODS), BINDING, ALICE),
        (f"staging: Role/payments/{NAME} was changed on the cluster: rules",),
    ),
    "it is to become something else": (
        planned((ROLE, BINDING, ALICE), ROLE, BINDING),
        planned((ROLE, BINDING, b.entry(b.ALICE, b.VIEWERS)), ROLE, BINDING),
        (f"staging: AccessEntry/{b.ALICE} is to become something else: groups +{b.VIEWERS} -{b.DEVELOPERS}",),
    ),
    "somebody wrote it": (
        planned(WANTED, b.observed(OTHER), BINDING, ALICE),
        planned(WANTED, b.observed(OTHER, version="9"), BINDING, ALICE),
        (f"staging: Role/payments/{NAME} was written by somebody (resourceVersion 7, now 9)",),
    ),
    "it cannot be read now": (
        planned(WANTED),
        FAILED,
        ("staging cannot be planned now: [ERR202] cannot list roles: forbidden (403)",),
    ),
    "it can be read now": (
        FAILED,
        planned(WANTED, ROLE, BINDING, ALICE),
        ("staging could not be planned then, and can be now",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_changed_is_told(name: str) -> None:
    then, now, told = CASES[name]
    assert changed(then, now) == told


def test_another_policy_is_told_before_what_comes_of_it() -> None:
    found = differences(saved(plan(planned(WANTED))), plan(planned((*WANTED, BOB)), digest="1"))
    assert found == ("the policies or the config say something else", f"{ENTRY} is to be added now, and was not")


def test_somebody_elses_binding_makes_the_same_write_give_more() -> None:
    admin: b.Item = Role("ClusterRole", None, "admin", (b.READ_PODS,)), {}
    group = Subject("Group", b.DEVELOPERS)
    theirs: b.Item = Binding("ClusterRoleBinding", None, "theirs", RoleRef("ClusterRole", "admin"), (group,)), {}
    now = planned(WANTED, b.foreign(admin), b.foreign(theirs))
    assert changed(planned(WANTED, b.foreign(admin)), now) == (
        f"{b.ALICE} gains clusterRole admin in the whole cluster (staging) now, and that was not said",
    )


def test_what_is_said_now_and_was_not_is_told_and_a_mere_info_is_not() -> None:
    said = [
        Finding("GRD001", Level.ERROR, "too many"),
        Finding("CMP002", Level.WARNING, "the namespace is not there", cluster="staging"),
        Finding("POL105", Level.INFO, "the temporary grant inc-4211 ended", cluster="staging"),
        Finding("POL011", Level.INFO, "all namespaces"),
    ]
    then, now = plan(planned(WANTED)), plan(planned(WANTED), findings=tuple(said))
    assert differences(saved(then), now) == (
        "error GRD001 is new: too many",
        "warning CMP002 is new: staging: the namespace is not there",
        "info POL105 is new: staging: the temporary grant inc-4211 ended",
    )
    assert differences(saved(now), then) == ()


def test_another_cluster_and_other_ways_to_it_are_told() -> None:
    one = planned(WANTED)
    moved = replace(one, state=replace(one.state, target=replace(one.state.target, endpoint="https://127.0.0.1:2")))
    assert changed(one, moved) == ("staging has another endpoint: https://127.0.0.1:1, now https://127.0.0.1:2",)
    assert differences(saved(plan()), plan(one))[0] == "staging was not in the plan"


def test_what_has_no_words_is_still_told() -> None:
    document = saved(plan(planned(WANTED))) | {"fingerprint": "sha256:1"}
    (line,) = differences(document, plan(planned(WANTED)))
    assert line == "what is to be written has other labels, or the files to commit are others"


def test_what_an_older_version_saved_is_compared_as_far_as_it_goes() -> None:
    document = saved(plan(planned(WANTED, OTHER)))
    del document["policyDigest"]
    for one in (*document["changes"], *document["clusters"]):
        one.pop("version", None)
        one.pop("endpoint", None)
    assert differences(document, plan(planned(WANTED, OTHER))) == ()


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
KEYS = ("clusters", "changes", "access", "findings", "policyDigest", "fingerprint")
items = st.dictionaries(
    st.sampled_from(
        ["name", "status", "cluster", "kind", "action", "before", "after", "version", "mapping", "delivery"]
    ),
    junk | st.sampled_from(["staging", "planned", "failed", "Role", "create"]),
)


@given(st.dictionaries(st.sampled_from(KEYS), junk | st.lists(items, max_size=3)))
def test_whatever_a_file_says_is_no_traceback(document: dict[str, Any]) -> None:
    differences(document, plan(planned(WANTED, OTHER)))
