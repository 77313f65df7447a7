"""Chains of one world by hand: by whom, by what, from which line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamrbac.access.judge import Chain, Given, Judge, Somebody
from iamrbac.access.world import World
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.rbac.escalation import EVERYTHING
from iamrbac.rbac.objects import Binding, RbacState, Request, Rule, Subject, User
from tests.access.company import (
    ANN,
    ASSOCIATIONS,
    BINDINGS,
    BOB,
    CAROL,
    LINE,
    NODE,
    OTHERS,
    READ,
    ROBOT,
    ROLES,
    SESSIONS,
    SET,
    WORLD,
    judge,
)
from tests.access.worlds import BUILTIN, policy_arn

EVE = f"arn:aws:iam::{OTHERS}:user/eve"
PODS = Request("get", "pods", namespace="blue")
DELETE = Request("delete", "pods", namespace="blue")
ONCALL = Somebody("", User("", (SET,)), "set")
NAMED = {binding.name: binding for binding in BINDINGS}


def known(principal: str) -> Somebody:
    found = judge().somebody(principal)
    assert found is not None
    return found


def test_whom_the_cluster_takes_a_principal_for() -> None:
    assert known(ANN) == Somebody(ANN, User("ann", ("dev",)), "entry")
    assert known(CAROL) == Somebody(CAROL, User("carol"), "row")
    assert known(EVE) == Somebody(EVE, User(EVE), "account")
    assert known(f"{SESSIONS}alice") == Somebody(ROBOT, User(f"{SESSIONS}alice", ("robots",)), "entry")
    assert judge().somebody("arn:aws:iam::111122223333:user/nobody") is None
    assert judge().somebody("ann") is None
    assert [one.principal for one in judge().everybody()] == [ROBOT, NODE, ANN, CAROL, BOB]


def test_a_chain_by_a_binding_has_all_its_steps() -> None:
    (chain,) = judge().chains(known(ANN), PODS)
    assert chain == Chain(known(ANN), NAMED["readers"], ROLES[0], READ, Subject("Group", "dev"))


def test_a_chain_of_ours_has_its_policy_line() -> None:
    (chain,) = judge().chains(known(BOB), DELETE)
    assert (chain.binding, chain.origins) == (NAMED["operators"], (LINE,))


def test_an_access_policy_counts_where_its_pattern_says() -> None:
    for place, allowed in {"green": True, "greenhouse": True, "gree": False, "blue": False, "": False}.items():
        chains = list(judge().chains(known(ANN), Request("list", "services", namespace=place)))
        assert [chain.policy for chain in chains] == ["AmazonEKSViewPolicy"] * allowed
    assert not list(judge().chains(known(ANN), Request("list", "secrets", namespace="green")))


def test_a_member_of_masters_needs_no_binding() -> None:
    root = Somebody("", User("root", ("system:masters",)))
    assert [chain.binding for chain in Judge(World()).chains(root, PODS)] == [None]
    assert [one.rules for one in Judge(World()).given(root, "blue")] == [EVERYTHING]


def test_a_role_that_is_not_there_gives_nothing() -> None:
    state = RbacState((), (NAMED["lost"], NAMED["readers"]))
    assert not list(Judge(World(rbac=state)).chains(Somebody("", User("ann", ("dev",))), PODS))


def test_what_an_undocumented_policy_gives_is_unknown_and_not_nothing() -> None:
    theirs = [one for one in judge().given(known(BOB), "blue") if one.policy]
    assert theirs == [Given("", None, policy="AmazonEKSBrandNewPolicy")]
    assert not list(judge().chains(known(BOB), Request("get", "nodes")))


@pytest.mark.parametrize(
    ("namespace", "places"),
    [("blue", ["blue"]), ("greenhouse", ["greenhouse"]), ("", []), (None, ["blue", "green*"])],
)
def test_what_is_given_says_where(namespace: str | None, places: list[str]) -> None:
    theirs = [one for one in judge().given(known(ANN), namespace) if one.binding in BINDINGS or one.policy]
    assert [one.namespace for one in theirs] == places


def test_a_set_has_the_access_policies_of_its_lines_unless_a_member_lacks_them() -> None:
    (association,) = judge().associations(ONCALL)
    assert (association.scope, association.namespaces) == ("namespace", ("blue",))
    asked = Request("get", "services", namespace="blue")
    assert judge().without(ONCALL, association, asked) == (BOB,)
    assert not list(judge().chains(ONCALL, asked))
    has = PolicyAssociation(BOB, policy_arn("AmazonEKSViewPolicy"), "namespace", ("blue",))
    whole = Judge(replace(WORLD, associations=(*ASSOCIATIONS, has)), BUILTIN.roles)
    (chain,) = whole.chains(ONCALL, asked)
    assert (chain.policy, chain.origins) == ("AmazonEKSViewPolicy", (LINE,))
    assert not list(whole.chains(ONCALL, Request("get", "services", namespace="green")))


def test_given_by_says_which_line_gives_a_policy_in_a_namespace() -> None:
    bob = known(BOB)
    assert judge().given_by(bob, "AmazonEKSViewPolicy", "blue") == ((LINE,), SET)
    assert judge().given_by(bob, "AmazonEKSViewPolicy", None) == ((LINE,), SET)
    assert judge().given_by(bob, "AmazonEKSViewPolicy", "green") == ((), "")
    assert judge().given_by(bob, "AmazonEKSEditPolicy", "blue") == ((), "")
    assert judge().given_by(known(ANN), "AmazonEKSViewPolicy", "blue") == ((), "")


def test_without_the_defaults_access_policies_follow_the_worlds_own_roles() -> None:
    view = next(role for role in BUILTIN.roles if role.name == "view")
    changed = replace(view, rules=(Rule(("get",), ("",), ("services",)),))
    world = replace(WORLD, rbac=RbacState((*ROLES, changed), BINDINGS))
    asked = Request("list", "services", namespace="green")
    assert not list(Judge(world).chains(known(ANN), asked))
    assert list(Judge(world, BUILTIN.roles).chains(known(ANN), asked))


def test_who_can_says_who_is_mapped_and_who_is_not() -> None:
    found = {(chain.somebody.principal, chain.somebody.user.name, *chain.somebody.user.groups) for chain in _who(PODS)}
    assert found == {
        (ANN, "ann", "dev"),
        (EVE, EVE),
        ("", f"{SESSIONS}alice"),
        ("", "system:kube-scheduler"),
        ("", "", "system:masters"),
    }


def test_a_group_of_kubernetes_own_is_named_beside_those_who_are_mapped() -> None:
    names = {chain.somebody.principal for chain in _who(Request("get", path="/healthz"))}
    assert names == {ANN, BOB, CAROL, ROBOT, NODE, ""}
    groups = {chain.somebody.user.groups for chain in _who(Request("get", path="/healthz"))}
    assert ("system:authenticated",) in groups


def test_masters_are_named_even_where_no_binding_does() -> None:
    (chain,) = Judge(World()).who_can(PODS)
    assert (chain.somebody.user.groups, chain.binding) == (("system:masters",), None)
    bound = [chain for chain in _who(PODS) if chain.somebody.user.groups == ("system:masters",)]
    assert [chain.binding.name for chain in bound if chain.binding is not None] == ["cluster-admin"]


def test_anywhere_looks_into_every_namespace() -> None:
    asked = Request("update", "configmaps", name="web")
    assert ANN not in {chain.somebody.principal for chain in judge().who_can(asked)}
    assert ANN in {chain.somebody.principal for chain in judge().who_can(asked, anywhere=True)}


def test_every_group_that_means_something_is_known() -> None:
    assert {"dev", "robots", SET, "system:authenticated", "system:masters"} <= judge().groups
    assert "prometheus" not in judge().groups


def test_a_namespaced_binding_reaches_no_path() -> None:
    binding = Binding("RoleBinding", "blue", "m", BINDINGS[3].role_ref, (Subject("Group", "dev"),))
    judged = Judge(replace(WORLD, rbac=RbacState(ROLES, (binding,))))
    assert not list(judged.chains(known(ANN), Request("get", path="/metrics")))


def _who(request: Request) -> list[Chain]:
    return list(judge().who_can(request))
