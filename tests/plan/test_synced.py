"""What differs between a branch and a cluster, and whom Kubernetes names for it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.desired import Key
from iamrbac.plan.drift import DELIVERERS, FieldManager, changed_by
from iamrbac.plan.observed import Meta, Observed
from iamrbac.plan.synced import gap, otherwise
from iamrbac.rbac.objects import Binding, Role, RoleRef, Rule, Subject


def role(name: str, verb: str, labels: dict[str, str]) -> Observed:
    spec = Role("Role", "payments", name, (Rule((verb,), ("",), ("pods",)),))
    return Observed(Key("staging", "Role", "payments", name), spec, Meta(labels=labels))


LABELS = st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), max_size=2)
ROLES = st.lists(
    st.builds(role, st.sampled_from("abcd"), st.sampled_from(["get", "list"]), LABELS),
    max_size=4,
    unique_by=lambda item: item.key,
)


@given(ROLES, ROLES)
def test_every_object_is_in_one_place(branch: list[Observed], live: list[Observed]) -> None:
    found = gap(branch, live)
    missing, left = {item.key for item in found.missing}, {item.key for item in found.left}
    changed = {item.key for item, _ in found.changed}
    wanted, there = {item.key for item in branch}, {item.key for item in live}
    assert missing == wanted - there
    assert left == there - wanted
    assert changed <= wanted & there
    assert not gap(branch, branch).words()
    assert all(otherwise(one, other) for one, other in found.changed)


@given(ROLES)
def test_labels_of_others_do_not_count(branch: list[Observed]) -> None:
    more = [replace(item, meta=Meta(labels={**item.meta.labels, "other": "1"})) for item in branch]
    assert not gap(branch, more).words()
    less = [replace(item, meta=Meta()) for item in branch if item.meta.labels]
    assert len(gap([item for item in branch if item.meta.labels], less).changed) == len(less)


def test_parts_are_called_as_the_api_calls_them() -> None:
    group, ref = Subject("Group", "a"), RoleRef("Role", "x")
    binding = Binding("RoleBinding", "payments", "b", ref, (group,))
    one = Observed(Key("staging", "RoleBinding", "payments", "b"), binding, Meta(labels={"l": "1"}))
    assert otherwise(one, replace(one, spec=replace(binding, subjects=()))) == ("subjects",)
    other = replace(binding, role_ref=RoleRef("Role", "y"))
    assert otherwise(one, Observed(one.key, other)) == ("roleRef", "labels.l")


def test_the_last_one_who_wrote_the_part_is_named_unless_it_is_the_deliverer() -> None:
    edit = FieldManager("kubectl-edit", "2026-11-26T10:00:00Z", frozenset({"subjects"}))
    late = FieldManager("helm", "2026-11-26T11:00:00Z", frozenset({"labels.x"}))
    assert changed_by(["subjects"], [late, edit]) == edit
    assert changed_by(["rules"], [late, edit]) is None
    for name in DELIVERERS:
        after = FieldManager(name, "2026-11-26T12:00:00Z", frozenset({"subjects"}))
        assert changed_by(["subjects"], [after, edit]) is None
