"""A real API server on what the layouts write: RBAC objects, and Argo CD's and Flux's own by their published CRDs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.http import Client
from tests.gitops.layouts import crds

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACES = "/api/v1/namespaces"
PLURALS = {
    "Namespace": "namespaces",
    "Role": "roles",
    "ClusterRole": "clusterroles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}


@pytest.fixture
def plurals(admin: Client) -> Iterator[dict[str, str]]:
    """The resource of every kind, while the server knows Argo CD's and Flux's."""
    definitions = crds.definitions()
    names = sorted(one["metadata"]["name"] for one in definitions)
    for definition in definitions:
        made = admin.post(CRDS, definition, fieldValidation="Strict")
        assert made.code == 201, made.raw
    assert admin.settled(lambda: _served(admin, definitions), names) == names
    yield PLURALS | {one["spec"]["names"]["kind"]: one["spec"]["names"]["plural"] for one in definitions}
    for name in names:
        admin.delete(f"{CRDS}/{name}")
    # Other tests compare what a server without them says of itself.
    groups = {one["spec"]["group"] for one in definitions}
    assert admin.settled(lambda: groups & _groups(admin), set()) == set()


@pytest.fixture
def namespaces(admin: Client) -> Iterator[None]:
    """The namespaces that the objects are in."""
    wanted = sorted({value["metadata"].get("namespace", "") for _, value in crds.written()} - {""})
    made = [name for name in wanted if admin.post(NAMESPACES, {"metadata": {"name": name}}).code == 201]
    yield
    for name in made:
        admin.delete(f"{NAMESPACES}/{name}")


@pytest.mark.usefixtures("namespaces")
def test_the_server_takes_every_object_as_it_stands(admin: Client, plurals: dict[str, str]) -> None:
    seen = set()
    for path, value in crds.written():
        if value["kind"] not in plurals:
            continue  # an access entry, whose form has its own tests
        where = _collection(value, plurals[value["kind"]])
        value["metadata"]["name"] += "-strict" if value["kind"] == "Namespace" else ""
        answer = admin.post(where, value, dryRun="All", fieldValidation="Strict")
        assert answer.code == 201, (path, answer.raw)
        seen.add(value["kind"])
    assert seen == set(plurals)


@pytest.mark.usefixtures("namespaces")
def test_the_server_refuses_what_is_no_field(admin: Client, plurals: dict[str, str]) -> None:
    [value, *_] = [value for _, value in crds.written() if value["kind"] == "Application"]
    value["spec"]["syncPolicy"]["automated"]["heal"] = True
    answer = admin.post(_collection(value, plurals["Application"]), value, dryRun="All", fieldValidation="Strict")
    assert answer.code == 400
    assert b'unknown field \\"spec.syncPolicy.automated.heal\\"' in answer.raw


def _served(admin: Client, definitions: list[dict[str, Any]]) -> list[str]:
    """Return the names of the definitions whose resources the server gives."""
    served = []
    for definition in definitions:
        spec = definition["spec"]
        answer = admin.get(f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}")
        if answer.code == 200:
            served.append(definition["metadata"]["name"])
    return sorted(served)


def _groups(admin: Client) -> set[str]:
    return {group["name"] for group in admin.get("/apis").json["groups"]}


def _collection(value: dict[str, Any], plural: str) -> str:
    version = value["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = value["metadata"].get("namespace")
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"
