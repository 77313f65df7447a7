"""What comes near to a no, in order; what is not near is not said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.nearest import Lack, Miss, nearest
from iamrbac.access.world import ObjectId, World
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import RbacState, Request, Role, Rule, Subject, User
from tests.access.company import ANN, ASSOCIATIONS, BINDINGS, LINE, ROLES, SET, WORLD, bound, group, judge
from tests.access.worlds import BUILTIN

DEV = Somebody("", User("dev", ("dev",)))


def ann() -> Somebody:
    found = judge().somebody(ANN)
    assert found is not None
    return found


def said(misses: tuple[Miss, ...]) -> list[tuple[str, tuple[Lack, ...]]]:
    return [(miss.binding.name if miss.binding is not None else "-", miss.lacks) for miss in misses]


def one_rule(rule: Rule, request: Request, namespace: str | None = "blue") -> list[tuple[str, tuple[Lack, ...]]]:
    """What is near where somebody has one rule by one binding."""
    role = Role("ClusterRole", None, "r", (rule,))
    binding = bound("b", "r", group("dev"), namespace=namespace, kind="ClusterRole")
    return said(nearest(Judge(World(rbac=RbacState((role,), (binding,)))), DEV, request))


@pytest.mark.parametrize(
    ("request_", "lacks"),
    [
        (Request("delete", "pods", namespace="blue"), ("verb",)),
        (Request("get", "pods", namespace="green"), ("namespace",)),
        (Request("get", "pods"), ("namespace",)),
        (Request("get", "secrets", namespace="blue"), ("resource",)),
        (Request("get", "pods", subresource="exec", namespace="blue"), ("resource",)),
        (Request("get", "pods", "apps", namespace="blue"), ("group",)),
        (Request("delete", "pods", namespace="green"), ("namespace", "verb")),
        (Request("delete", "secrets", namespace="blue"), ("verb", "resource")),
    ],
)
def test_what_a_rule_about_pods_lacks(request_: Request, lacks: tuple[Lack, ...]) -> None:
    assert one_rule(Rule(("get",), ("",), ("pods",)), request_) == [("b", lacks)]


@pytest.mark.parametrize(
    "request_",
    [
        Request("delete", "secrets", namespace="green"),
        Request("delete", "secrets", "apps", namespace="blue"),
        Request("get", path="/healthz"),
    ],
)
def test_what_differs_in_three_ways_is_not_near(request_: Request) -> None:
    assert one_rule(Rule(("get",), ("",), ("pods",)), request_) == []


def test_a_rule_with_names_lacks_a_name() -> None:
    named = Rule(("get", "list"), ("",), ("configmaps",), ("web",))
    assert one_rule(named, Request("get", "configmaps", name="db", namespace="blue")) == [("b", ("name",))]
    assert one_rule(named, Request("list", "configmaps", namespace="blue")) == [("b", ("name",))]


def test_a_path() -> None:
    paths = Rule(("get",), non_resource_urls=("/healthz/*",))
    assert one_rule(paths, Request("get", path="/metrics"), None) == [("b", ("path",))]
    assert one_rule(paths, Request("post", path="/healthz/x"), None) == [("b", ("verb",))]
    assert one_rule(paths, Request("get", path="/healthz/x")) == [("b", ("namespace",))]


def test_of_a_roles_rules_the_nearest_one_is_said() -> None:
    (first, *_) = nearest(judge(), ann(), Request("delete", "configmaps", name="web", namespace="blue"))
    assert first.rule == ROLES[0].rules[1]
    assert first.lacks == ("verb",)


def test_ours_come_first_and_others_bindings_are_told_apart() -> None:
    asked = Request("delete", "pods", namespace="blue")
    misses = nearest(judge(), ann(), asked)
    assert said(misses) == [("operators", ("subject",)), ("carol", ("subject",)), ("readers", ("verb",))]
    assert [miss.origins for miss in misses] == [(LINE,), (), ()]
    assert said(nearest(judge(), ann(), asked, most=1)) == [("operators", ("subject",))]


def test_for_somebody_whom_nothing_maps_the_bindings_of_others_are_near() -> None:
    asked = Request("delete", "pods", namespace="blue")
    assert said(nearest(judge(), None, asked)) == [("operators", ("subject",)), ("carol", ("subject",))]


def test_a_role_that_is_not_there_may_be_what_is_lacking_in_its_own_namespace() -> None:
    secrets = Request("get", "secrets", namespace="blue")
    assert ("lost", ("role",)) in said(nearest(judge(), ann(), secrets))
    assert "lost" not in dict(said(nearest(judge(), ann(), replace(secrets, namespace="green"))))
    assert "lost" not in dict(said(nearest(judge(), ann(), Request("get", path="/metrics"))))


def test_an_access_policy_lacks_nothing_but_its_namespace() -> None:
    (miss, *_) = nearest(judge(), ann(), Request("get", "services", namespace="blue"))
    assert (miss.policy, miss.lacks) == (ASSOCIATIONS[0], ("namespace",))
    assert miss.origins == ()
    oncall = PolicyAssociation("", "AmazonEKSViewPolicy", "namespace", ("blue",))
    misses = nearest(judge(), Somebody("", User("", (SET,)), "set"), Request("get", "services", namespace="green"))
    assert [(miss.policy, miss.origins) for miss in misses] == [(oncall, (LINE,))]


def test_what_kubernetes_gives_to_all_or_to_itself_is_nobodys_near_miss() -> None:
    world = World(rbac=BUILTIN)
    assert nearest(Judge(world), DEV, Request("get", "nodes")) == ()
    assert nearest(Judge(world), DEV, Request("get", path="/metrics")) == ()


def test_a_subject_that_matches_nobody_is_no_example() -> None:
    binding = bound("b", "reader", Subject("Robot", "r2"))
    state = RbacState(ROLES, (binding,))
    assert nearest(Judge(World(rbac=state)), DEV, Request("get", "pods", namespace="blue")) == ()


def test_one_policy_line_is_said_once_however_many_namespaces_it_is_in() -> None:
    places = ("green", "red", "white")
    bindings = tuple(
        bound(f"b-{place}", "operator", group("dev"), namespace=place, kind="ClusterRole") for place in places
    )
    origins: dict[ObjectId, tuple[Origin, ...]] = {("RoleBinding", place, f"b-{place}"): (LINE,) for place in places}
    asked = Request("delete", "pods", namespace="blue")
    ours = Judge(replace(WORLD, rbac=RbacState(ROLES, bindings), origins=origins))
    assert len(nearest(ours, DEV, asked)) == 1
    theirs = Judge(replace(WORLD, rbac=RbacState(ROLES, bindings), origins={}))
    assert len(nearest(theirs, DEV, asked)) == 3


def test_bindings_of_other_roles_stay_out() -> None:
    assert "scrapers" not in dict(said(nearest(judge(), ann(), Request("get", "pods", namespace="green"))))
    assert len(BINDINGS) == 7
