"""An object of ours whose labels somebody took off is told with its own id, and never taken for nobody's in silence."""

from __future__ import annotations

import pytest

from iamrbac.compile import names
from iamrbac.findings.finding import Finding, Level
from iamrbac.plan.change import ClusterPlan
from iamrbac.plan.observed import Meta, Observed
from iamrbac.plan.planner import display_key, plan_cluster
from iamrbac.rbac.objects import Binding, Role, RoleRef, Subject
from tests.plan import builders as b

OTHERS = Subject("Group", "iamrbac:other:payments:developers")


def full(item: b.Item) -> b.Item:
    """Return an object with all labels that we give."""
    spec, marks = item
    return spec, {**marks, names.PART_OF_LABEL: names.applyset_id(b.INSTANCE, "iamrbac-system")}


ROLE, BINDING = full(b.role()), full(b.binding())


def without(item: b.Item, *labels: str) -> Observed:
    spec, marks = item
    left = {key: value for key, value in marks.items() if key not in labels}
    return Observed(b.key_of(spec), spec, Meta(labels=left, version="7"))


def plan(*there: Observed, wanted: tuple[b.Item, ...] = (), adopt: frozenset[str] = frozenset()) -> ClusterPlan:
    return plan_cluster(b.desired(*wanted), b.state(*there), "access-entries", b.INSTANCE, adopt)


def told(made: ClusterPlan) -> list[Finding]:
    return [finding for finding in made.findings if finding.id == "OWN005"]


NO_INSTANCE = (names.INSTANCE_LABEL, names.PART_OF_LABEL)


@pytest.mark.parametrize("item", [ROLE, BINDING])
def test_what_lost_its_instance_and_is_not_wanted_stays_and_is_told(item: b.Item) -> None:
    there = without(item, *NO_INSTANCE)
    made = plan(there)
    assert made.changes == ()
    (finding,) = made.findings
    assert (finding.id, finding.level, finding.object) == ("OWN005", Level.WARNING, display_key(there.key))
    assert "no policy wants it any more, and it stays" in finding.message
    assert (
        f"kubectl -n payments label {there.key.kind.lower()} {there.key.name} iamrbac.dev/instance=acme" in finding.hint
    )


def test_all_labels_gone_leaves_the_name_to_know_it_by() -> None:
    assert len(told(plan(b.foreign(b.role())))) == 1


def test_a_policy_s_label_tells_whatever_the_name() -> None:
    spec = Role("Role", "payments", "renamed", (b.READ_PODS,))
    assert len(told(plan(b.foreign((spec, {}), {names.POLICY_LABEL: "payments"})))) == 1
    assert told(plan(b.foreign((spec, {})))) == []


def test_what_is_wanted_is_refused_and_says_why_until_it_is_adopted() -> None:
    there = without(ROLE, *NO_INSTANCE)
    made = plan(there, wanted=(ROLE,))
    assert sorted(finding.id for finding in made.findings) == ["OWN002", "OWN005"]
    assert plan(there, wanted=(ROLE,), adopt=frozenset({display_key(there.key)})).findings == ()


def test_our_own_applyset_does_not_hide_that_the_instance_is_gone() -> None:
    made = plan(without(ROLE, names.INSTANCE_LABEL), without(BINDING), wanted=(BINDING,))
    assert [finding.object for finding in told(made)] == [display_key(b.key_of(ROLE[0]))]


def test_a_lost_applyset_label_is_put_back_and_told() -> None:
    made = plan(without(ROLE, names.PART_OF_LABEL), wanted=(ROLE,))
    assert [change.action.value for change in made.changes] == ["update"]
    (finding,) = made.findings
    assert (finding.id, finding.level) == ("OWN005", Level.WARNING)
    assert "has lost its label applyset.kubernetes.io/part-of" in finding.message


@pytest.mark.parametrize(
    "marks",
    [
        {"kapp.k14s.io/app": "x"},
        {names.INSTANCE_LABEL: "other"},
        {names.PART_OF_LABEL: "applyset-of-somebody-v1", names.POLICY_LABEL: "payments"},
        {names.MANAGED_BY_LABEL: "Helm"},
    ],
)
def test_what_another_owner_marked_is_not_told(marks: dict[str, str]) -> None:
    assert told(plan(b.foreign(b.role(), marks))) == []


def test_what_another_instance_s_groups_are_bound_to_is_that_one_s() -> None:
    spec, _ = b.binding(OTHERS)
    assert isinstance(spec, Binding)
    assert told(plan(b.foreign(b.role()), b.foreign((spec, {})))) == []
    elsewhere = Binding("RoleBinding", "search", "x", RoleRef("Role", spec.role_ref.name), (OTHERS,))
    assert len(told(plan(b.foreign(b.role()), b.foreign((elsewhere, {}))))) == 1


def test_objects_with_all_their_labels_are_not_told() -> None:
    assert plan(without(ROLE), without(BINDING), wanted=(ROLE, BINDING)).findings == ()
    assert plan(without(ROLE), without(BINDING)).findings == ()
