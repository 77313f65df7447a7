"""Events on the wire: once is enough, and a refusal is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iamrbac.kube.client import KubeApi
from iamrbac.kube.events import event_json
from iamrbac.model.errors import ForbiddenError, KubeError, NoNamespaceError
from iamrbac.usecases.home import ConfigMap, Notice
from tests.kube import server
from tests.kube.server import FakeApi, page_of_a_proxy, refuse, status

PLACE = "/api/v1/namespaces/home/events"
PARENT = ConfigMap("iamrbac-acme", version="7", metadata={"uid": "4d1f"})
NOTICE = Notice("iamrbac-acme.1", PARENT, "Applied", "Normal", "1 added", "2026-11-26T12:21:46Z", "runner")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def kube(api: FakeApi) -> Iterator[KubeApi]:
    with server.serving(api) as target:
        client = KubeApi(target, lambda: "token", sleep=lambda _: None)
        yield client
        client.close()


def test_it_is_posted_as_kubectl_looks_for_it(api: FakeApi, kube: KubeApi) -> None:
    api.posts[PLACE] = (201, event_json("home", NOTICE))
    kube.notify("home", NOTICE)
    (sent,) = api.bodies
    assert sent == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "iamrbac-acme.1", "namespace": "home"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "namespace": "home",
            "name": "iamrbac-acme",
            "uid": "4d1f",
            "resourceVersion": "7",
        },
        "reason": "Applied",
        "message": "1 added",
        "type": "Normal",
        "count": 1,
        "firstTimestamp": "2026-11-26T12:21:46Z",
        "lastTimestamp": "2026-11-26T12:21:46Z",
        "source": {"component": "iamrbac", "host": "runner"},
        "reportingComponent": "iamrbac",
        "reportingInstance": "runner",
    }


def test_one_that_is_there_is_fine_and_refusals_are_told(api: FakeApi, kube: KubeApi) -> None:
    api.faults[PLACE] = [refuse(409, "AlreadyExists", "there"), refuse(403, "Forbidden", "no"), page_of_a_proxy]
    kube.notify("home", NOTICE)
    with pytest.raises(ForbiddenError):
        kube.notify("home", NOTICE)
    with pytest.raises(KubeError, match=r"create event home/iamrbac-acme\.1"):
        kube.notify("home", NOTICE)
    api.posts[PLACE] = (404, status(404, "NotFound", 'namespaces "home" not found'))
    with pytest.raises(NoNamespaceError):
        kube.notify("home", NOTICE)
