"""Rules, bindings and near misses in words: what matters for the question, and how much more there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.nearest import nearest
from iamrbac.access.world import World
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import RbacState, Request, Role, Rule, Subject, User
from iamrbac.render.misses import miss_json, miss_lines
from iamrbac.render.rules import rule_text, set_name, subjects_text
from tests.access.company import LINE, bound, group

DOZENS = tuple(f"r{number}" for number in range(40))
PODS = Request("list", "pods", namespace="blue")
DEV = Somebody("arn:aws:iam::111122223333:user/dev", User("dev", ("dev",)), "entry")
ROBOT = Somebody("", User("system:serviceaccount:blue:robot"))


@pytest.mark.parametrize(
    ("rule", "request_", "text"),
    [
        (Rule(("get", "list"), ("",), ("pods",)), PODS, "list, get on pods"),
        (Rule(("get",), ("",), ("a", "b", "c", "d")), None, "get on a, b, c, d"),
        (Rule(("get",), ("",), ("a", "b", "c", "d", "e")), None, "get on a, b, c and 2 more"),
        (Rule(("*",), ("",), (*DOZENS, "pods")), PODS, "* on pods and 40 more"),
        (Rule(("get",), ("",), (*DOZENS, "*/log")), Request("get", "x", subresource="log"), "get on */log and 40 more"),
        (Rule(("get",), ("",), ("configmaps",), DOZENS), None, "get on configmaps named r0, r1, r2 and 37 more"),
        (Rule(("get",), ("apps", "batch"), ("jobs",)), Request("get", "jobs", "batch"), "get on jobs (batch, apps)"),
        (Rule(("get",), ("", "apps"), ("pods",)), PODS, "get on pods (core, apps)"),
        (Rule(("*",), ("*",), ("*",)), PODS, "* on * (*)"),
        (
            Rule(("get",), non_resource_urls=("/a", "/b", "/c", "/d", "/e")),
            Request("get", path="/e"),
            "get on /e and 4 more",
        ),
    ],
)
def test_a_rule_says_first_what_is_asked(rule: Rule, request_: Request | None, text: str) -> None:
    assert rule_text(rule, request_) == text


def test_whom_a_binding_names() -> None:
    many = tuple(Subject("User", f"u{number}") for number in range(9))
    assert subjects_text(bound("b", "r", *many)) == "User u0, User u1, User u2 and 6 more"
    assert subjects_text(bound("b", "r")) == "nobody"
    assert subjects_text(bound("b", "r", Subject("ServiceAccount", "web"))) == "ServiceAccount blue/web"
    assert set_name((group("iamrbac:acme:payments:oncall"),)) == "payments/oncall"
    assert set_name((group("iamrbac:acme:payments:oncall"), group("x"))) == ""
    assert set_name((group("dev"),)) == set_name(()) == ""


def said(rule: Rule | None, request: Request, *, ours: bool, who: Somebody = DEV, subject: str = "dev") -> str:
    """What is said of one binding of one role: what it lacks, and the change, which JSON has too."""
    roles = () if rule is None else (Role("ClusterRole", None, "r", (rule,)),)
    binding = bound("b", "r", group(subject), kind="ClusterRole")
    world = World(
        rbac=RbacState(roles, (binding,)),
        origins={(binding.kind, binding.namespace, binding.name): (LINE,)} if ours else {},
        display={("ClusterRole", None, "r"): "reader"} if ours else {},
    )
    (miss,) = nearest(Judge(world), who, request)
    near, lacks = miss_lines(miss, world, request, who, line)
    assert near.startswith("near: reader in blue (policies/payments.yaml:9)" if ours else "near: clusterRole r in blue")
    change = miss_json(miss, world, request, who, line)["change"]
    assert lacks.endswith(f"; one change would allow it: {change}" if change else lacks)
    return lacks.strip()


def line(origin: Origin) -> str:
    return f"{origin.file}:9"


READ = Rule(("get", "list"), ("",), ("pods",))
CHANGE = "; one change would allow it: "


@pytest.mark.parametrize(
    ("rule", "request_", "ours", "theirs"),
    [
        (
            READ,
            Request("get", "pods", namespace="green"),
            f"is not about green{CHANGE}the namespace green in that line",
            f"is not about green{CHANGE}the same in green",
        ),
        (
            READ,
            Request("get", "pods"),
            f"is not about the whole cluster{CHANGE}scope: cluster there",
            f"is not about the whole cluster{CHANGE}the same for the whole cluster",
        ),
        (
            READ,
            Request("delete", "pods", namespace="blue"),
            f"lacks the verb delete{CHANGE}the verb delete in the template of reader",
            f"lacks the verb delete{CHANGE}the verb delete in the rule",
        ),
        (
            READ,
            Request("get", "pods", subresource="log", namespace="blue"),
            f"lacks pods/log{CHANGE}pods/log in the template of reader",
            f"lacks pods/log{CHANGE}pods/log in the rule",
        ),
        (
            READ,
            Request("get", "pods", "metrics.k8s.io", namespace="blue"),
            f"is not about the API group metrics.k8s.io{CHANGE}the API group metrics.k8s.io in the template of reader",
            f"is not about the API group metrics.k8s.io{CHANGE}the API group metrics.k8s.io in the rule",
        ),
        (
            replace(READ, resource_names=DOZENS),
            Request("get", "pods", name="a", namespace="blue"),
            f"is about r0, r1, r2 and 37 more alone, not a{CHANGE}the name a in the template of reader",
            f"is about r0, r1, r2 and 37 more alone, not a{CHANGE}the name a in the rule",
        ),
        (
            replace(READ, resource_names=("web",)),
            PODS,
            f"is about web alone, and none is named here{CHANGE}no names in the template of reader",
            f"is about web alone, and none is named here{CHANGE}no names in the rule",
        ),
        (
            None,
            PODS,
            f"gives nothing: there is no ClusterRole r{CHANGE}a ClusterRole r that gives it",
            f"gives nothing: there is no ClusterRole r{CHANGE}a ClusterRole r that gives it",
        ),
        (
            READ,
            Request("delete", "pods", namespace="green"),
            "is not about green and lacks the verb delete",
            "is not about green and lacks the verb delete",
        ),
    ],
)
def test_what_a_near_miss_lacks_and_the_one_change(
    rule: Rule | None, request_: Request, ours: str, theirs: str
) -> None:
    assert said(rule, request_, ours=True) == ours
    assert said(rule, request_, ours=False) == theirs


@pytest.mark.parametrize(
    ("who", "subject", "change"),
    [
        (DEV, "iamrbac:acme:payments:oncall", "to be in payments/oncall"),
        (DEV, "ops", "to be in Group ops"),
        (ROBOT, "iamrbac:acme:payments:oncall", "a binding of the same role that names it"),
    ],
)
def test_what_others_have_is_had_by_being_one_of_them(who: Somebody, subject: str, change: str) -> None:
    asked = said(READ, PODS, ours=False, who=who, subject=subject)
    assert asked == f"is given to Group {subject}{CHANGE}{change}"
