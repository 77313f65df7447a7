"""Access policies against the tables of the EKS user guide, written down here a second time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from iamrbac.access.eks_policies import reaches, rules
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.rbac.aggregate import aggregate
from iamrbac.rbac.covers import Atom, atoms, uncovered
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Request, Role, Rule, Selector
from iamrbac.rbac.wire import role_from_json

READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
ROLES = [role_from_json(one) for one in json.loads(Path(__file__).with_name("builtin_roles.json").read_text())]
FILLED = {role.name: role for role in aggregate(ROLES)}


def rule(verbs: tuple[str, ...], group: str, resources: str) -> Rule:
    return Rule(verbs, (group,), tuple(resources.split()))


VIEW = [
    rule(
        READ,
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets "
        "replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
    ),
    rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    rule(READ, "discovery.k8s.io", "endpointslices"),
    rule(
        READ,
        "extensions",
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status "
        "networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
    ),
    rule(READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
    rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    rule(
        READ,
        "",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers "
        "replicationcontrollers/scale serviceaccounts services services/status bindings events limitranges "
        "namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status "
        "namespaces",
    ),
]
EDIT = [
    *VIEW,
    rule(
        WRITE,
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets "
        "statefulsets/scale",
    ),
    rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
    rule(WRITE, "batch", "cronjobs jobs"),
    rule(
        WRITE,
        "extensions",
        "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets "
        "replicasets/scale replicationcontrollers/scale",
    ),
    rule(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
    rule(WRITE, "policy", "poddisruptionbudgets"),
    rule(READ, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
    rule(("impersonate",), "", "serviceaccounts"),
    rule(WRITE, "", "pods pods/attach pods/exec pods/portforward pods/proxy"),
    rule(
        WRITE,
        "",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets "
        "serviceaccounts services services/proxy",
    ),
]
ADMIN = [
    *EDIT,
    rule(("create",), "authorization.k8s.io", "localsubjectaccessreviews"),
    rule((*READ, *WRITE), "rbac.authorization.k8s.io", "rolebindings roles"),
]


def all_atoms(given: list[Rule] | tuple[Rule, ...] | None) -> set[Atom]:
    assert given is not None
    return {atom for one in given for atom in atoms(one)}


@pytest.mark.parametrize(
    ("name", "documented"),
    [("AmazonEKSViewPolicy", VIEW), ("AmazonEKSEditPolicy", EDIT), ("AmazonEKSAdminPolicy", ADMIN)],
)
def test_view_edit_and_admin_are_the_documented_tables(name: str, documented: list[Rule]) -> None:
    assert all_atoms(rules(name, FILLED)) == all_atoms(documented)


@pytest.mark.parametrize("name", ["AmazonEKSViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSAdminPolicy"])
def test_roles_may_come_unfilled_with_what_they_aggregate(name: str) -> None:
    assert rules(name, {role.name: role for role in ROLES}) == rules(name, FILLED)


def test_what_a_cluster_aggregates_to_a_role_is_not_in_the_policy() -> None:
    crd = Role(
        "ClusterRole",
        None,
        "argo-view",
        (Rule(READ, ("argoproj.io",), ("workflows",)),),
        labels={"rbac.authorization.k8s.io/aggregate-to-view": "true"},
    )
    filled = {role.name: role for role in aggregate([*ROLES, crd])}
    assert uncovered(FILLED["view"].rules, filled["view"].rules) != ()
    assert rules("AmazonEKSViewPolicy", filled) == rules("AmazonEKSViewPolicy", FILLED)


def test_fixed_policies_need_no_builtin_roles() -> None:
    assert rules("AmazonEKSClusterAdminPolicy", {}) == (
        Rule(("*",), ("*",), ("*",)),
        Rule(("*",), non_resource_urls=("*",)),
    )
    assert rules("AmazonEKSAdminViewPolicy", {}) == (Rule(READ, ("*",), ("*",)),)
    assert rules("AmazonEKSSecretReaderPolicy", {}) == (Rule(READ, ("",), ("secrets",)),)


@pytest.mark.parametrize("name", ["AmazonEKSHybridPolicy", "AmazonEKSEventPolicy", "view", ""])
def test_an_undocumented_policy_is_unknown_not_empty(name: str) -> None:
    assert rules(name, FILLED) is None


def test_without_the_builtin_role_a_policy_is_unknown() -> None:
    assert rules("AmazonEKSEditPolicy", {"view": FILLED["view"]}) is None


def test_a_role_that_was_emptied_gives_nothing() -> None:
    assert rules("AmazonEKSViewPolicy", {"view": Role("ClusterRole", None, "view", ())}) == ()
    selector = Selector((("no-such-label", "true"),))
    assert rules("AmazonEKSViewPolicy", {"view": replace(FILLED["view"], rules=(), aggregation=(selector,))}) == ()


def test_secrets_are_not_in_view_but_in_admin_view() -> None:
    secrets = Request("get", "secrets", name="db", namespace="payments")
    assert not any(allows(one, secrets) for one in rules("AmazonEKSViewPolicy", FILLED) or ())
    assert any(allows(one, secrets) for one in rules("AmazonEKSAdminViewPolicy", FILLED) or ())


@pytest.mark.parametrize(
    ("scope", "namespaces", "inside", "outside"),
    [
        ("cluster", (), ("", "blue"), ()),
        ("namespace", ("blue",), ("blue",), ("", "blue2", "b")),
        ("namespace", ("dev-*",), ("dev-", "dev-a", "dev-a-b"), ("", "dev", "xdev-a")),
        ("namespace", ("*-x-*", "green"), ("a-x-b", "-x-", "green"), ("x", "a-x", "greens")),
        ("namespace", ("a.c", "[ab]"), (), ("abc", "a", "b")),
    ],
)
def test_where_an_association_counts(
    scope: Literal["cluster", "namespace"],
    namespaces: tuple[str, ...],
    inside: tuple[str, ...],
    outside: tuple[str, ...],
) -> None:
    association = PolicyAssociation("arn", "policy", scope, namespaces)
    assert {name: reaches(association, name) for name in (*inside, *outside)} == {
        **dict.fromkeys(inside, True),
        **dict.fromkeys(outside, False),
    }
