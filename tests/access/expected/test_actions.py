"""What an action stands for: `can` in the sense that is hard to keep, `cannot` too."""

from __future__ import annotations

import pytest

from iamrbac.access.expected.actions import Actions, Asked
from iamrbac.model.access_tests import Action, AnyAction
from iamrbac.roles.builtin import builtin

ACTIONS = Actions(builtin().catalogue, lambda: {"example.com": {"widgets"}})


def read(action: AnyAction, allowed: bool = True, *, placed: bool = True) -> Asked:
    asked = ACTIONS.read(action, allowed, placed)
    assert asked.errors == ()
    return asked


def inside(asked: Asked) -> set[str]:
    """Return verb, resource and group of all that is asked in namespaces."""
    return {
        f"{verb} {one.resource}{'/' if one.subresource else ''}{one.subresource} {one.api_group} {one.name}".strip()
        for product in asked.inside
        for verb in product.verbs
        for one in product.targets
    }


def outside(asked: Asked) -> set[tuple[str, str]]:
    """Return where else what is asked."""
    return {
        (place, f"{verb} {one.path or one.resource}")
        for place, product in asked.elsewhere
        for verb in product.verbs
        for one in product.targets
    }


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("get,list po", {"get pods", "list pods"}),
        ("get deploy,pods/log", {"get deployments apps", "get pods/log"}),
        ("get widgets.example.com", {"get widgets example.com"}),
        (Action(verbs=("get", "create"), resources=("pods",), names=("a",)), {"get pods  a", "create pods"}),
        (Action(verbs=("create",), resources=("pods/exec",), names=("a",)), {"create pods/exec  a"}),
        ("get events", {"get events"}),
    ],
)
def test_can(action: AnyAction, asked: set[str]) -> None:
    assert inside(read(action)) == asked


def test_a_star_is_what_the_resource_has_for_can_and_every_verb_there_is_for_cannot() -> None:
    can, cannot = inside(read("* pods")), inside(read("* pods", False))
    assert {"get pods", "deletecollection pods"} <= can < cannot
    assert "impersonate pods" in cannot - can


def test_events_of_every_group_for_cannot() -> None:
    assert inside(read("get events", False)) == {"get events", "get events events.k8s.io"}
    assert inside(read("get events.events.k8s.io", False)) == {"get events events.k8s.io"}


def test_of_everything_a_test_in_namespaces_means_what_is_in_them() -> None:
    assert outside(read("get *", False)) == set()
    assert ("", "get nodes") in outside(read("get *", False, placed=False))
    assert "get pods/log" in inside(read("get *", False))
    # What everybody may do who logs in breaks no promise.
    assert not [one for one in inside(read("* *", False)) if "selfsubject" in one]
    assert {one.split(" ")[1] for one in inside(read("get */scale"))} >= {"deployments/scale", "statefulsets/scale"}


def test_what_is_in_no_namespace_is_judged_in_the_cluster() -> None:
    assert outside(read("get nodes")) == {("", "get nodes")}
    assert outside(read("get /healthz")) == {("", "get /healthz")}
    assert outside(read("impersonate users", False)) == {("", "impersonate users")}


def test_a_namespace_lies_in_itself() -> None:
    asked = read("get,list namespaces")
    assert outside(asked) == {("", "list namespaces")}
    assert [product.verbs for product in asked.itself] == [("get",)]
    named = read(Action(verbs=("delete",), resources=("namespaces",), names=("payments",)))
    assert outside(named) == {("payments", "delete namespaces")}


@pytest.mark.parametrize(
    ("action", "message", "hint"),
    [
        ("gett pods", "there is no verb gett here", "did you mean get?"),
        ("get podz", "Kubernetes has no resource podz", "did you mean pod or pods or po?"),
        ("get pods/lgo", "pods has no subresource lgo", "did you mean log?"),
        ("get deployments.ap", "Kubernetes has no API group ap", "did you mean deployments.apps?"),
        (
            "get ingresses.netwrking.k8s.io",
            "Kubernetes has no API group netwrking.k8s.io",
            "did you mean ingresses.networking.k8s.io?",
        ),
        ("get widgetz.example.com", "no role mentions widgetz.example.com", "did you mean widgets.example.com?"),
        ("get */sclae", "no resource has the subresource of */sclae", "did you mean scale?"),
        ("got /healthz", "there is no verb got on a path", "did you mean get?"),
        (Action(verbs=("get",), paths=("healthz",)), "healthz is no path", "did you mean /healthz?"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_what_was_meant(action: AnyAction, message: str, hint: str) -> None:
    asked = ACTIONS.read(action, True, True)
    assert [(one.message, one.hint) for one in asked.errors] == [(message, hint)]


def test_a_custom_resource_that_no_role_mentions_is_a_warning() -> None:
    asked = ACTIONS.read("get gadgets.example.org", False, True)
    assert (asked.errors, len(asked.warnings)) == ((), 1)
    assert inside(asked) == {"get gadgets example.org"}
