"""ConfigMaps of the home namespace on the wire: bytes as they were, others' marks kept, no refusal is an absence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from iamrbac.kube.client import KubeApi
from iamrbac.model.errors import ConflictError, ForbiddenError, KubeError, NoNamespaceError
from iamrbac.usecases.home import ConfigMap
from tests.kube import server
from tests.kube.server import FakeApi, page_of_a_proxy, refuse, say, status

PLACE = "/api/v1/namespaces/home/configmaps"
WRITTEN: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "one",
        "namespace": "home",
        "resourceVersion": "7",
        "labels": {"of": "ours"},
        "annotations": {},
        "finalizers": ["of.others/one"],
    },
    "data": {"text": "a\r\n"},
    "binaryData": {"bytes": "AP8="},
}
READ = ConfigMap("one", {"of": "ours"}, {}, {"text": "a\r\n"}, {"bytes": b"\x00\xff"})


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def kube(api: FakeApi) -> Iterator[KubeApi]:
    with server.serving(api) as target:
        client = KubeApi(target, lambda: "token", sleep=lambda _: None)
        yield client
        client.close()


def test_read_and_written_over_with_what_others_wrote(api: FakeApi, kube: KubeApi) -> None:
    api.objects[f"{PLACE}/one"] = WRITTEN
    found = kube.configmap("home", "one")
    assert found == READ
    assert found is not None and found.version == "7"
    kube.write_configmap("home", replace(found, data={"text": "b"}))
    assert api.bodies == [{**WRITTEN, "data": {"text": "b"}}]


def test_a_new_one_is_posted(api: FakeApi, kube: KubeApi) -> None:
    api.posts[PLACE] = (201, WRITTEN)
    assert kube.write_configmap("home", READ).version == "7"
    (sent,) = api.bodies
    assert sent["metadata"] == {"name": "one", "namespace": "home", "labels": {"of": "ours"}, "annotations": {}}
    assert (sent["data"], sent["binaryData"]) == ({"text": "a\r\n"}, {"bytes": "AP8="})


def test_all_with_their_labels(api: FakeApi, kube: KubeApi) -> None:
    page = {"kind": "ConfigMapList", "metadata": {}, "items": [WRITTEN]}
    api.faults[PLACE] = [say(page)]
    assert kube.configmaps("home", {"of": "ours", "a": "b"}) == (READ,)
    assert api.requests == [("GET", f"{PLACE}?limit=500&labelSelector=a%3Db%2Cof%3Dours")]


def test_absence_and_refusals(api: FakeApi, kube: KubeApi) -> None:
    assert kube.configmap("home", "one") is None
    kube.delete_configmap("home", "one")
    api.posts[PLACE] = (404, status(404, "NotFound", 'namespaces "home" not found'))
    with pytest.raises(NoNamespaceError):
        kube.write_configmap("home", READ)
    api.faults[f"{PLACE}/one"] = [refuse(403, "Forbidden", "no"), refuse(409, "Conflict", "modified")]
    with pytest.raises(ForbiddenError):
        kube.configmap("home", "one")
    with pytest.raises(ConflictError):
        kube.write_configmap("home", replace(READ, version="7"))
    api.faults[f"{PLACE}/one"] = [refuse(403, "Forbidden", "no"), page_of_a_proxy]
    with pytest.raises(ForbiddenError):
        kube.delete_configmap("home", "one")
    with pytest.raises(KubeError, match="delete configmap home/one"):
        kube.delete_configmap("home", "one")


def test_what_cannot_be_understood_is_no_absence(api: FakeApi, kube: KubeApi) -> None:
    api.faults[f"{PLACE}/one"] = [
        say([]),
        say({"metadata": {}}),
        say({"metadata": {"resourceVersion": "1"}, "binaryData": {"bytes": "?"}}),
        say({"metadata": {"resourceVersion": "1"}, "binaryData": []}),
    ]
    for _ in range(3):
        with pytest.raises(KubeError, match="get configmap home/one"):
            kube.configmap("home", "one")
    api.faults[PLACE] = [say({"kind": "ConfigMapList", "metadata": {}, "items": [{}]})]
    with pytest.raises(KubeError, match="list configmaps of home"):
        kube.configmaps("home", {"of": "ours"})
