"""What the sandbox itself uses of a cluster: start and stop, authentication, the webhook, set-up without HTTP."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from iamrbac.rbac.objects import Request, User
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.server import EmbeddedCluster
from iamrbac.sandbox.kube.status import StatusError
from tests.conformance.http import RBAC, Client

AWS_AUTH = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "aws-auth", "namespace": "kube-system"},
    "data": {"mapRoles": "[]"},
}


def authenticate(token: str) -> Caller | None:
    """A token is `USER` or `USER:GROUP`, and `nobody` is nobody."""
    name, _, group = token.partition(":")
    return Caller(User(name, (group,) if group else ())) if name != "nobody" else None


@pytest.fixture
def asked() -> list[tuple[str, Request]]:
    return []


@pytest.fixture
def cluster(asked: list[tuple[str, Request]]) -> Iterator[EmbeddedCluster]:
    def webhook(caller: Caller, request: Request) -> bool:
        asked.append((caller.user.name, request))
        return caller.user.name == "hooked"

    manifests = [AWS_AUTH, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "made"}}]
    with EmbeddedCluster("c", authenticate, webhook, ["payments"], manifests) as running:
        yield running


def client(cluster: EmbeddedCluster, token: str) -> Client:
    """A client with this token."""
    return Client(cluster.url, cluster.ca_pem, token)


def test_what_is_there_from_the_start(cluster: EmbeddedCluster) -> None:
    names = [item["metadata"]["name"] for item in cluster.store.list("Namespace")]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system", "made", "payments"]
    assert cluster.store.get("Secret", "made", "s") is not None
    assert cluster.aws_auth_data() == {"mapRoles": "[]"}


def test_set_up_without_http(cluster: EmbeddedCluster) -> None:
    assert cluster.store.get("ConfigMap", "payments", "a") is None
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "payments"}}
    first = cluster.store.put({**manifest, "data": {"x": "1"}})
    second = cluster.store.put({**manifest, "data": {"x": "2"}})
    assert first["metadata"]["uid"] == second["metadata"]["uid"]
    found = cluster.store.get("ConfigMap", "payments", "a")
    assert found == second
    found["data"]["x"] = "changed by the reader"
    assert cluster.store.list("ConfigMap", "payments") == [second]
    with pytest.raises(StatusError, match="is invalid"):
        cluster.store.put({"kind": "ConfigMap", "metadata": {"name": "A", "namespace": "payments"}})
    with pytest.raises(KeyError):
        cluster.store.get("Nonsense", None, "a")


def test_aws_auth_is_read_as_it_is_now(cluster: EmbeddedCluster) -> None:
    path = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
    admin = client(cluster, "admin:system:masters")
    admin.patch(path, {"data": {"mapUsers": "- {}\n"}})
    assert cluster.aws_auth_data() == {"mapRoles": "[]", "mapUsers": "- {}\n"}
    admin.delete(path)
    assert cluster.aws_auth_data() is None
    admin.close()


def test_built_in_roles_come_aggregated(cluster: EmbeddedCluster) -> None:
    roles = cluster.builtin_roles()
    assert {"cluster-admin", "admin", "edit", "view"} <= roles.keys()
    view = set(roles["view"].rules)
    assert view
    assert view < set(roles["edit"].rules) < set(roles["admin"].rules)


def test_the_webhook_is_asked_after_rbac(cluster: EmbeddedCluster, asked: list[tuple[str, Request]]) -> None:
    hooked, plain = client(cluster, "hooked"), client(cluster, "plain")
    assert hooked.get("/api/v1/namespaces/payments/secrets").code == 200
    assert plain.get("/api/v1/namespaces/payments/secrets").code == 403
    request = Request(verb="list", resource="secrets", namespace="payments")
    assert asked == [("hooked", request), ("plain", request)]
    asked.clear()
    assert plain.get("/api").code == 200
    assert asked == []
    hooked.close()
    plain.close()


def test_the_webhook_may_grant_bind_but_its_rules_are_not_held(cluster: EmbeddedCluster) -> None:
    hooked = client(cluster, "hooked")
    # The webhook says yes to `escalate` and `bind` too.
    assert hooked.post(f"{RBAC}/clusterroles", {"metadata": {"name": "x"}, "rules": []}).code == 201
    ref = {"kind": "ClusterRole", "name": "cluster-admin"}
    body = {"metadata": {"name": "x"}, "roleRef": ref, "subjects": []}
    assert hooked.post(f"{RBAC}/clusterrolebindings", body).code == 201
    hooked.close()


def test_rules_cannot_be_listed_behind_a_webhook(cluster: EmbeddedCluster) -> None:
    plain = client(cluster, "plain")
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status = plain.post(path, {"spec": {"namespace": "default"}}).json["status"]
    assert (status["incomplete"], status["evaluationError"]) == (
        True,
        "webhook authorizer does not support user rule resolution",
    )
    plain.close()


def test_an_unknown_token(cluster: EmbeddedCluster) -> None:
    nobody = client(cluster, "nobody")
    assert nobody.get("/api").code == 401
    nobody.close()


def test_a_bug_in_authentication_is_a_500_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    def broken(token: str) -> Caller | None:
        raise ZeroDivisionError(token)

    with EmbeddedCluster("c", broken) as cluster:
        one = client(cluster, "secret-token")
        answer = one.get("/api")
        assert answer.refusal[:2] == (500, "InternalError")
        assert b"secret-token" not in answer.raw
        one.close()


def test_stop_ends_everything(cluster: EmbeddedCluster) -> None:
    idle, watching = client(cluster, "admin:system:masters"), client(cluster, "admin:system:masters")
    idle.get("/api")
    headers = {"Authorization": "Bearer admin:system:masters"}
    watching.connection.request("GET", "/api/v1/namespaces?watch=true&timeoutSeconds=600", headers=headers)
    response = watching.connection.getresponse()
    body: list[bytes] = []
    watch = threading.Thread(target=lambda: body.append(response.read()))
    watch.start()
    port = urlsplit(cluster.url).port
    assert port is not None
    cluster.stop()
    watch.join(60)
    assert not watch.is_alive()
    assert [line.count(b'"ADDED"') for line in body[0].splitlines()] == [1] * 6, "what was under way came whole"
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        pass
    cluster.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = cluster.url
    idle.close()
    watching.close()


def test_each_cluster_has_its_own_authority(cluster: EmbeddedCluster) -> None:
    with EmbeddedCluster("other", authenticate) as other:
        stranger = Client(other.url, cluster.ca_pem, "x")
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.get("/api")
        stranger.close()


def test_a_client_that_says_nothing_stops_nobody(cluster: EmbeddedCluster) -> None:
    port = urlsplit(cluster.url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port)):
        one = client(cluster, "admin:system:masters")
        assert one.get("/api").code == 200
        one.close()


def test_chunked_bodies_and_kept_connections(cluster: EmbeddedCluster) -> None:
    one = client(cluster, "admin:system:masters")
    headers = {"Authorization": "Bearer admin:system:masters", "Content-Type": "application/json"}
    path = "/api/v1/namespaces/payments/configmaps"
    one.connection.request("POST", path, iter([b'{"metadata":', b'{"name":"a"}}']), headers, encode_chunked=True)
    response = one.connection.getresponse()
    assert (response.status, response.read()[:19]) == (201, b'{"kind":"ConfigMap"')
    used = one.connection.sock
    assert one.get(f"{path}/a").code == 200
    assert one.connection.sock is used
    one.close()


def test_writers_at_once_lose_nothing(cluster: EmbeddedCluster) -> None:
    path = "/api/v1/namespaces/payments/configmaps"
    first = client(cluster, "admin:system:masters")
    first.post(path, {"metadata": {"name": "count"}, "data": {"n": "0"}})

    def count() -> None:
        one = client(cluster, "admin:system:masters")
        for _ in range(10):
            while True:
                value = one.get(f"{path}/count").json
                value["data"]["n"] = str(int(value["data"]["n"]) + 1)
                if one.put(f"{path}/count", value).code == 200:
                    break
        one.close()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert first.get(f"{path}/count").json["data"] == {"n": "40"}
    first.close()
