"""The ApplySet's parent as kubectl reads it (kubectl, pkg/cmd/apply/applyset.go: fetchParent, parseKindAnnotation)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile import names
from iamrbac.compile.desired import Key, Kind
from iamrbac.plan.applyset import (
    ID,
    KINDS,
    NAMESPACES,
    TOOLING,
    Scope,
    fault,
    members,
    parent_annotations,
    parent_labels,
    scope,
    scope_of,
    settled,
)
from iamrbac.plan.observed import Meta, Observed
from iamrbac.rbac.objects import Role

HOME = "iamrbac-system"
KIND: list[Kind] = ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]


def key(kind: Kind, namespace: str, name: str = "x") -> Key:
    return Key("staging", kind, namespace, name)


KEYS = st.frozensets(
    st.one_of(
        st.builds(key, st.sampled_from(KIND[:2]), st.sampled_from(["payments", "search", HOME]), st.sampled_from("ab")),
        st.builds(key, st.sampled_from(KIND[2:]), st.just(""), st.sampled_from("ab")),
    )
)


def test_it_says_what_kubectl_would_say() -> None:
    where = scope([key("RoleBinding", "search"), key("Role", "payments"), key("ClusterRole", ""), key("Role", HOME)])
    assert parent_annotations(where, HOME, "0.1.0") == {
        TOOLING: "iamrbac/v0.1.0",
        KINDS: "ClusterRole.rbac.authorization.k8s.io,Role.rbac.authorization.k8s.io,"
        "RoleBinding.rbac.authorization.k8s.io",
        NAMESPACES: "payments,search",
    }
    labels = parent_labels("acme", HOME)
    assert labels[ID] == names.applyset_id("acme", HOME)
    # What the API takes as a label's value, which is why it has a prefix and a suffix.
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,61}[A-Za-z0-9]", labels[ID])


def test_an_empty_set_has_its_annotations_all_the_same() -> None:
    """Kubectl refuses a parent without contains-group-kinds; an empty one is an empty set."""
    said = parent_annotations(Scope(), HOME, "0.1.0")
    assert (said[KINDS], said[NAMESPACES]) == ("", "")
    assert scope_of(said) == Scope()


@given(KEYS)
def test_what_is_written_is_read(keys: frozenset[Key]) -> None:
    where = scope(keys)
    read = scope_of(parent_annotations(where, HOME, "1"))
    assert read == Scope(where.kinds, where.namespaces - {HOME})


@pytest.mark.parametrize(
    ("labels", "annotations", "said"),
    [
        ({}, {}, "without the annotation applyset.kubernetes.io/tooling"),
        (
            parent_labels("acme", HOME),
            {TOOLING: "kubectl/v1.32"},
            "another tool (applyset.kubernetes.io/tooling: kubectl/",
        ),
        (parent_labels("acme", HOME), {TOOLING: "iamrbac"}, "another tool"),
        ({}, {TOOLING: "iamrbac/v1"}, "its label applyset.kubernetes.io/id is missing, and must be applyset-"),
        (parent_labels("other", HOME), {TOOLING: "iamrbac/v1"}, "its label applyset.kubernetes.io/id is applyset-"),
        (parent_labels("acme", HOME), {TOOLING: "iamrbac/v9.9.9"}, ""),
    ],
)
def test_whose_it_is(labels: dict[str, str], annotations: dict[str, str], said: str) -> None:
    found = fault(labels, annotations, "acme", HOME)
    assert said in found
    assert bool(said) == bool(found)


def test_members_carry_the_label() -> None:
    ours = {names.PART_OF_LABEL: names.applyset_id("acme", HOME)}
    role = Observed(key("Role", "payments"), Role("Role", "payments", "x", ()), Meta(ours))
    other = Observed(
        key("Role", "search"), Role("Role", "search", "x", ()), Meta({names.PART_OF_LABEL: "applyset-1-v1"})
    )
    assert members([role, other], "acme", HOME) == {role.key}


@given(
    KEYS,
    st.dictionaries(st.sampled_from(sorted([key("Role", n, x) for n in "pq" for x in "ab"])), st.booleans()),
    st.data(),
)
def test_nothing_that_may_be_a_member_is_left_out(
    before: frozenset[Key], changed: dict[Key, bool], data: st.DataObject
) -> None:
    done = data.draw(st.sets(st.sampled_from(sorted(changed)))) if changed else set()
    told = settled(before, changed, done)
    # Every outcome that is possible: what was not done for sure may have been.
    for one in before | frozenset(changed):
        possible = {changed[one]} if one in done else {one in before, *([changed[one]] if one in changed else [])}
        assert (one in told) == any(possible)
