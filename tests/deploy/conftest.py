"""A real API server for the chart: with its namespaces, and the kinds of the Prometheus Operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conformance.conftest import Target, real_target
from tests.conformance.http import Client
from tests.deploy.render import NAMESPACE, Object

__all__ = ["real_target"]

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEFINITIONS = Path(__file__).parent / "definitions"
HOMES = (NAMESPACE, "iamrbac-home")


@pytest.fixture(scope="session")
def admin(real_target: Target) -> Iterator[Client]:
    """A superuser, with the namespaces and the Prometheus Operator's kinds there."""
    client = Client(real_target.url, real_target.ca_pem, real_target.tokens["admin"], patient=True)
    for name in HOMES:
        assert client.post("/api/v1/namespaces", {"metadata": {"name": name}}).code in (201, 409)
    for file in sorted(DEFINITIONS.glob("*.json")):
        crd = json.loads(file.read_text())
        made = client.post(CRDS, crd)
        assert made.code == 201, made.json
        assert client.settled(partial(_served, client, crd), True)
    yield client
    client.close()


def _served(client: Client, crd: Object) -> bool:
    spec = crd["spec"]
    return client.get(f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}").code == 200


def path_of(client: Client, one: Object) -> str:
    """Where the server has objects of a kind."""
    version, kind, metadata = one["apiVersion"], one["kind"], one["metadata"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    (about,) = [
        about for about in client.get(base).json["resources"] if about["kind"] == kind and "/" not in about["name"]
    ]
    place = f"/namespaces/{metadata['namespace']}" if about["namespaced"] else ""
    assert about["namespaced"] == ("namespace" in metadata), f"{kind} {metadata['name']}"
    return f"{base}{place}/{about['name']}"
