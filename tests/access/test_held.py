"""Who holds which role where: everybody mapped, and the subjects that nobody is mapped to."""

from __future__ import annotations

from dataclasses import replace

from iamrbac.access.held import Held, held, held_by_others
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.world import World
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.rbac.objects import Subject, User
from tests.access.company import ANN, ASSOCIATIONS, BOB, CAROL, LINE, OTHERS, SESSIONS, SET, WORLD, bound, group, judge
from tests.access.worlds import BUILTIN, policy_arn


def of(principal: str, judged: Judge | None = None) -> set[Held]:
    judged = judged or judge()
    one = judged.somebody(principal)
    assert one is not None
    return set(held(judged, one, "they"))


def test_roles_bindings_that_lead_nowhere_and_access_policies() -> None:
    assert of(ANN) == {
        Held("they", "blue", "reader", "dev"),
        Held("they", "blue", "gone"),
        Held("they", "green*", "eksAccessPolicy AmazonEKSViewPolicy"),
    }
    assert of(CAROL) == {Held("they", "", "operator")}


def test_the_lines_and_the_group_that_give_it() -> None:
    has = PolicyAssociation(BOB, policy_arn("AmazonEKSViewPolicy"), "namespace", ("blue", "green"))
    whole = Judge(replace(WORLD, associations=(*ASSOCIATIONS, has)), BUILTIN.roles)
    assert of(BOB, whole) == {
        Held("they", "blue", "operator", SET, (LINE,)),
        Held("they", "", "eksAccessPolicy AmazonEKSBrandNewPolicy"),
        Held("they", "blue", "eksAccessPolicy AmazonEKSViewPolicy", SET, (LINE,)),
        Held("they", "green", "eksAccessPolicy AmazonEKSViewPolicy"),
    }


def test_masters_hold_that() -> None:
    root = Somebody("", User("root", ("system:masters",)))
    assert set(held(Judge(World()), root, "root")) == {Held("root", "", "system:masters", "system:masters")}


def test_what_everybody_has_who_logs_in_is_nobodys_in_particular() -> None:
    assert not set(held(judge(), Somebody("", User("eve")), "eve"))


def test_subjects_that_nobody_is_mapped_to() -> None:
    assert set(held_by_others(judge())) == {
        Held("ServiceAccount mon/prometheus", "", "clusterRole metrics"),
        Held(f"User {SESSIONS}alice", "blue", "reader"),
    }


def test_a_user_whom_an_account_lets_in_is_mapped() -> None:
    assert not any(OTHERS in one.principal for one in held_by_others(judge()))


def test_kubernetes_own_groups_where_somebody_else_bound_them() -> None:
    everybody = bound(
        "open", "operator", group("system:authenticated"), Subject("Robot", "r2"), namespace=None, kind="ClusterRole"
    )
    world = World(rbac=replace(WORLD.rbac, bindings=(everybody, *BUILTIN.bindings)))
    assert set(held_by_others(Judge(world))) == {
        Held("Group system:authenticated", "", "clusterRole operator", "system:authenticated")
    }
