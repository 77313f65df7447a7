"""Small documents for tests, from plain values; and a renderer that needs no template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterFacts, Compiled, Form, RoleFault, RoleRequest
from iamrbac.compile.documents import Documents, Sourced
from iamrbac.identity.snapshot import IamName, Identities
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant
from iamrbac.rbac.objects import Rule

ACCOUNT = "111122223333"
PEOPLE = "222233334444"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
API = "iamrbac.dev/v1alpha1"
RULES = (Rule(("get",), ("",), ("pods",)),)


def user(name: str, account: str = PEOPLE) -> str:
    """A user's ARN; `name` may have a path."""
    return f"arn:aws:iam::{account}:user/{name}"


def role(name: str, account: str = ACCOUNT) -> str:
    """A role's ARN; `name` may have a path."""
    return f"arn:aws:iam::{account}:role/{name}"


def config(**changes: Any) -> Config:
    """A config with the clusters staging and production; `clusters` may replace them."""
    value: dict[str, Any] = {
        "apiVersion": API,
        "kind": "Config",
        "metadata": {"name": "acme"},
        "identity": {"account": PEOPLE, "groups": "users"},
        "clusters": [
            cluster("staging", labels={"env": "staging"}),
            cluster("production", labels={"env": "production"}),
        ],
    }
    return Config.model_validate(value | changes)


def cluster(name: str, **changes: Any) -> dict[str, Any]:
    """A cluster as the config writes it."""
    return {"name": name, "account": ACCOUNT, "region": "eu-west-1"} | changes


def policy(
    team: str, members: Mapping[str, Sequence[Mapping[str, Any]]], access: Sequence[Mapping[str, Any]]
) -> Sourced[AccessPolicy]:
    """A team's policy in policies/TEAM.yaml."""
    value = {
        "apiVersion": API,
        "kind": "AccessPolicy",
        "metadata": {"name": team},
        "spec": {"members": members, "access": access},
    }
    return Sourced(f"policies/{team}.yaml", AccessPolicy.model_validate(value))


def grant(
    name: str, members: Sequence[Mapping[str, Any]], access: Sequence[Mapping[str, Any]], not_after: str
) -> Sourced[TemporaryGrant]:
    """A temporary grant of the team payments."""
    value = {
        "apiVersion": API,
        "kind": "TemporaryGrant",
        "metadata": {"name": name},
        "spec": {"team": "payments", "members": members, "access": access, "notAfter": not_after, "reason": "test"},
    }
    return Sourced(f"policies/temporary/{name}.yaml", TemporaryGrant.model_validate(value))


def line(clusters: Any = ("*",), namespaces: Any = ("payments",), role: Any = "viewer", **more: Any) -> dict[str, Any]:
    """A line of access; `namespaces=None` is scope: cluster."""
    where = {"scope": "cluster"} if namespaces is None else {"namespaces": list(namespaces)}
    chosen = clusters if isinstance(clusters, Mapping) else list(clusters)
    return {"clusters": chosen, **where, "role": role, **more}


def documents(
    policies: Sequence[Sourced[AccessPolicy]],
    grants: Sequence[Sourced[TemporaryGrant]] = (),
    config_: Config | None = None,
) -> Documents:
    """The whole repository."""
    return Documents(Sourced("iamrbac.yaml", config_ or config()), tuple(policies), tuple(grants))


def identities(**groups: Sequence[str]) -> Identities:
    """IAM's answers for groups of the people's account; underscores stand for hyphens."""
    return Identities(
        {IamName(PEOPLE, name.replace("_", "-")): tuple(sorted(arns)) for name, arns in groups.items()}, {}
    )


def facts(form: Form = "access-entries", *namespaces: str) -> dict[str, ClusterFacts]:
    """The same facts for staging and production; payments and search are there unless told otherwise."""
    known = ClusterFacts(form, frozenset(namespaces or ("payments", "search")))
    return {"staging": known, "production": known}


def render(request: RoleRequest) -> tuple[Rule, ...] | RoleFault:
    """Rules that show the request, so that a wrong one is seen; the template `broken` gives a fault."""
    if request.template == "broken":
        return RoleFault("TPL003", "templates/roles/broken.yaml.j2:3: unexpected '}'", "correct it", 3)
    if request.template == "urls":
        return (Rule(("get",), non_resource_urls=("/metrics",)),)
    shown = f"{request.template}{request.parameters}"
    return (*RULES, Rule(("list",), (shown,), ("pods",)))


def compiled(
    documents_: Documents,
    identities_: Identities | None = None,
    facts_: Mapping[str, ClusterFacts] | None = None,
    at: datetime = NOW,
) -> Compiled:
    """Compile with this module's renderer."""
    return compile_documents(documents_, identities_ or Identities(), facts_ or facts(), at, render)


def shown(result: Compiled, cluster_: str) -> list[str]:
    """A cluster's objects, each as one line."""
    return [
        f"{item.key.kind} {item.key.namespace or '-'} {item.key.name}" for item in result.clusters[cluster_].objects
    ]
