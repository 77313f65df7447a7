"""Leases on the wire: what client-go writes, others' labels kept, every refusal an error and never an absence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from iamrbac.kube.client import KubeApi
from iamrbac.model.errors import ConflictError, ForbiddenError, KubeError, NoNamespaceError
from iamrbac.usecases.lease import Lease, renewed, taken
from tests.kube import server
from tests.kube.server import FakeApi, page_of_a_proxy, refuse, say, status

PLACE = "/apis/coordination.k8s.io/v1/namespaces/home/leases"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WRITTEN: dict[str, Any] = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "one", "namespace": "home", "resourceVersion": "7", "labels": {"of": "others"}},
    "spec": {
        "holderIdentity": "them",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-11-24T11:00:00.000000Z",
        "renewTime": "2026-11-24T11:59:58.000001Z",
        "leaseTransitions": 2,
    },
}
READ = Lease("them", 15, "2026-11-24T11:00:00.000000Z", "2026-11-24T11:59:58.000001Z", 2, "7")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def kube(api: FakeApi) -> Iterator[KubeApi]:
    with server.serving(api) as target:
        client = KubeApi(target, lambda: "token", sleep=lambda _: None)
        yield client
        client.close()


def test_read_and_written_over(api: FakeApi, kube: KubeApi) -> None:
    api.objects[f"{PLACE}/one"] = WRITTEN
    found = kube.lease("home", "one")
    assert found == READ
    assert found is not None and found.version == "7"
    kube.write_lease("home", "one", renewed(found, NOW))
    (sent,) = api.bodies
    assert sent == {**WRITTEN, "spec": {**WRITTEN["spec"], "renewTime": "2026-11-24T12:00:00.000000Z"}}


def test_a_new_one_is_posted(api: FakeApi, kube: KubeApi) -> None:
    api.posts[PLACE] = (201, WRITTEN)
    assert kube.write_lease("home", "one", taken(None, "me", NOW)).version == "7"
    at = "2026-11-24T12:00:00.000000Z"
    assert api.bodies == [
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "one", "namespace": "home"},
            "spec": {
                "holderIdentity": "me",
                "leaseDurationSeconds": 60,
                "acquireTime": at,
                "renewTime": at,
                "leaseTransitions": 0,
            },
        }
    ]


def test_one_without_a_spec_is_nobodys(api: FakeApi, kube: KubeApi) -> None:
    api.objects[f"{PLACE}/one"] = {"metadata": {"name": "one", "resourceVersion": "7"}}
    assert kube.lease("home", "one") == Lease("", 0, "", "", 0)


def test_refusals(api: FakeApi, kube: KubeApi) -> None:
    api.posts[PLACE] = (404, status(404, "NotFound", 'namespaces "home" not found'))
    with pytest.raises(NoNamespaceError):
        kube.write_lease("home", "one", taken(None, "me", NOW))
    api.faults[f"{PLACE}/one"] = [refuse(403, "Forbidden", "no"), refuse(409, "Conflict", "modified")]
    with pytest.raises(ForbiddenError):
        kube.lease("home", "one")
    with pytest.raises(ConflictError):
        kube.write_lease("home", "one", taken(READ, "me", NOW))
    with pytest.raises(KubeError, match="update lease home/one"):
        kube.write_lease("home", "one", taken(READ, "me", NOW))


def test_what_cannot_be_understood_is_no_absence(api: FakeApi, kube: KubeApi) -> None:
    api.faults[f"{PLACE}/one"] = [
        say([]),
        say({"metadata": {}}),
        say({"metadata": {"resourceVersion": "1"}, "spec": 1}),
    ]
    for _ in range(3):
        with pytest.raises(KubeError, match="not a lease"):
            kube.lease("home", "one")
    api.faults[f"{PLACE}/one"] = [page_of_a_proxy] * 4
    with pytest.raises(KubeError):
        kube.lease("home", "one")
