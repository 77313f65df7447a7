"""A real API server takes the objects of ACK and Crossplane, strictly, once it has their CRDs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.conformance.conftest import Target
from tests.conformance.http import Client
from tests.gitops.forms.crds import crds
from tests.gitops.forms.entries import SAMPLE, delivery_to, files_of, mapped, parsed

pytestmark = pytest.mark.e2e
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NASTY = mapped("arn:aws-cn:iam::111122223333:role/" + "p" * 500 + "/r", "x:${a}-{{SessionName}}", ["no", "1e3"])


@pytest.fixture(scope="module")
def admin(real_target: Target) -> Iterator[Client]:
    client = Client(real_target.url, real_target.ca_pem, real_target.tokens["admin"], patient=True)
    assert client.post("/api/v1/namespaces", {"metadata": {"name": "ack-system"}}).code == 201
    for crd in crds():
        made = client.post(CRDS, crd)
        assert made.code == 201, made.json
    for crd in crds():
        assert client.settled(partial(_established, client, crd["metadata"]["name"]), True)
    yield client
    client.close()


def _established(client: Client, name: str) -> bool:
    """Whether the kind can be used: it says so, and is served."""
    crd = client.get(f"{CRDS}/{name}").json
    conditions = {one["type"]: one["status"] for one in crd.get("status", {}).get("conditions", ())}
    spec = crd["spec"]
    served = client.get(f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}")
    return conditions.get("Established") == "True" and served.code == 200


def _path(value: dict[str, Any]) -> str:
    plural = {"AccessEntry": "accessentries", "AccessPolicyAssociation": "accesspolicyassociations"}[value["kind"]]
    namespace = value["metadata"].get("namespace")
    return f"/apis/{value['apiVersion']}/{f'namespaces/{namespace}/' if namespace else ''}{plural}"


@pytest.mark.parametrize("form", ["ack", "crossplane"])
def test_a_real_server_takes_them_strictly(form: Any, admin: Client) -> None:
    for value in parsed(files_of(delivery_to(form), [*SAMPLE, NASTY])).values():
        answer = admin.post(_path(value), value, dryRun="All", fieldValidation="Strict")
        assert answer.code == 201, answer.json
        made = answer.json
        assert {key: made["spec"][key] for key in value["spec"]} == value["spec"]
        assert made["metadata"]["annotations"] == value["metadata"]["annotations"]


@pytest.mark.parametrize("form", ["ack", "crossplane"])
def test_and_refuses_a_field_that_it_does_not_know(form: Any, admin: Client) -> None:
    """Or its consent would say nothing."""
    for value in parsed(files_of(delivery_to(form), SAMPLE)).values():
        value["spec"]["kubernetesUsername"] = "x"
        answer = admin.post(_path(value), value, dryRun="All", fieldValidation="Strict")
        assert answer.code == 400
        assert 'unknown field "spec.kubernetesUsername"' in answer.refusal[2]
