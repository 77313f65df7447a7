"""The shipped templates: what they give, as a whole, and what they never give."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from iamrbac.compile.desired import RoleRequest
from iamrbac.gitops.yaml_text import yaml_text
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, RoleRef, Rule, Subject, User
from iamrbac.rbac.wire import rule_to_json
from iamrbac.roles.templates import TemplateRoles
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden"
NAMES = ("viewer", "developer", "operator", "deployer")
ENVIRONMENTS = ("production", "staging", None)
ROLES = TemplateRoles(None)
HAVE_EXEC = {"developer", "operator"}


def rules(name: str, environment: str | None, exec_: object = None) -> tuple[Rule, ...]:
    labels = (("env", environment),) if environment is not None else ()
    parameters = {} if exec_ is None else {"exec": exec_}
    found = ROLES.render(RoleRequest(name, json.dumps(parameters), "cluster", labels))
    assert isinstance(found, tuple), found
    return found


def variants() -> list[tuple[str, str | None, object]]:
    return [
        (name, environment, exec_)
        for name, environment, exec_ in itertools.product(NAMES, ENVIRONMENTS, (None, True, False))
        if exec_ is None or name in HAVE_EXEC
    ]


def may(name: str, request: Request, environment: str | None = "staging", exec_: object = None) -> bool:
    """Whether someone bound to the role in the namespace `web` may do it, as the API server would judge."""
    role = Role("Role", "web", "r", rules(name, environment, exec_))
    binding = Binding("RoleBinding", "web", "r", RoleRef("Role", "r"), (Subject("User", "me"),))
    return Authorizer(RbacState((role,), (binding,))).allowed_by(User("me"), request) is not None


@pytest.mark.parametrize("name", NAMES)
def test_what_each_gives_is_what_was_reviewed(name: str) -> None:
    shown = {
        f"env: {environment}, exec: {exec_}": [rule_to_json(rule) for rule in rules(name, environment, exec_)]
        for template, environment, exec_ in variants()
        if template == name and (environment, exec_) in {("production", None), ("staging", None), ("production", True)}
    }
    compare(yaml_text(shown), GOLDEN / f"{name}.yaml")


@pytest.mark.parametrize(("name", "environment", "exec_"), variants())
def test_none_ever_gives_a_wildcard_secrets_or_a_way_to_more_rights(
    name: str, environment: str | None, exec_: object
) -> None:
    for rule in rules(name, environment, exec_):
        assert not rule.non_resource_urls
        assert "*" not in (*rule.verbs, *rule.api_groups, *rule.resources)
        assert not {"escalate", "bind", "impersonate", "deletecollection", "proxy"} & set(rule.verbs)
        assert "rbac.authorization.k8s.io" not in rule.api_groups
        assert not {
            "secrets",
            "serviceaccounts/token",
            "pods/ephemeralcontainers",
            "pods/proxy",
            "services/proxy",
            "nodes",
        } & set(rule.resources)
        if "serviceaccounts" in rule.resources:
            assert set(rule.verbs) == {"get", "list", "watch"}


@pytest.mark.parametrize(
    ("name", "environment", "exec_", "expected"),
    [
        ("developer", "staging", None, True),
        ("developer", "production", None, False),
        # A cluster that does not say what it is counts as production.
        ("developer", None, None, False),
        ("developer", "production", True, True),
        ("developer", "staging", False, False),
        # Text is not a truth value: "false" would count as true.
        ("developer", "production", "false", False),
        ("developer", "production", "true", False),
        ("developer", "production", 1, False),
        ("operator", "staging", None, False),
        ("operator", "production", None, False),
        ("operator", "production", True, True),
        ("operator", "production", "false", False),
    ],
)
def test_a_shell_in_pods_is_given_only_where_it_is_meant(
    name: str, environment: str | None, exec_: object, expected: bool
) -> None:
    for verb, subresource in itertools.product(("create", "get"), ("exec", "attach", "portforward")):
        request = Request(verb, "pods", subresource=subresource, name="p", namespace="web")
        assert may(name, request, environment, exec_) is expected


def test_viewer_only_reads() -> None:
    for rule in rules("viewer", "staging"):
        assert set(rule.verbs) == {"get", "list", "watch"}


def test_each_does_its_job() -> None:
    deploy = Request("create", "deployments", "apps", name="d", namespace="web")
    restart = Request("patch", "deployments", "apps", name="d", namespace="web")
    logs = Request("get", "pods", subresource="log", name="p", namespace="web")
    kill = Request("delete", "pods", name="p", namespace="web")
    scale = Request("patch", "deployments", "apps", "scale", "d", "web")
    jobs = {
        "viewer": (logs,),
        "developer": (deploy, restart, logs, kill, scale),
        "operator": (restart, logs, kill, scale),
        "deployer": (deploy, restart, logs),
    }
    for name, own in jobs.items():
        for request in (deploy, restart, logs, kill, scale):
            assert may(name, request) is (request in own), (name, request)
    elsewhere = Request("get", "pods", subresource="log", name="p", namespace="other")
    assert not any(may(name, elsewhere) for name in NAMES)


def test_each_says_what_it_is_for_and_what_it_leaves_out() -> None:
    for path in (Path(__file__).parents[2] / "templates" / "roles").glob("*.yaml.j2"):
        source = path.read_text()
        name = path.name.removesuffix(".yaml.j2")
        assert source.startswith(f"{{#\n  {name}: ")
        assert "Left out on purpose:" in source
