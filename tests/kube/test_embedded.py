"""The adapter on the sandbox's Kubernetes API: what it writes is what it reads, over TLS with EKS tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from iamrbac.compile.desired import Desired, Key, Namespace
from iamrbac.kube.client import KubeApi
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import ConflictError, ExistsError, ForbiddenError, KubeError, NoNamespaceError, NotMappedError
from iamrbac.plan.observed import Observed
from iamrbac.rbac.objects import Binding, Request, Role, RoleRef, Rule, Subject
from iamrbac.sandbox.runner import Sandbox
from iamrbac.usecases.lease import released, taken
from iamrbac.wiring import own_edges
from tests.conftest import ROOT

CLUSTER = Cluster(name="production", account="111122223333", region="eu-west-1")
OURS = {"iamrbac.dev/instance": "test"}
KEY = Key("production", "Role", "search", "test-reader")
PODS = Rule(("get",), ("",), ("pods",))


@pytest.fixture
def kube(fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Iterator[KubeApi]:
    edges = own_edges(ROOT)
    client = edges.access(edges.aws.target(CLUSTER))
    assert isinstance(client, KubeApi)
    yield client
    client.close()


def role(*rules: Rule) -> Desired:
    return Desired(KEY, Role("Role", "search", "test-reader", rules), OURS)


def there(kube: KubeApi, key: Key = KEY) -> Observed | None:
    return next((item for item in kube.state()[1] if item.key == key), None)


def test_a_role_from_creation_to_deletion(kube: KubeApi) -> None:
    kube.create(role(PODS))
    with pytest.raises(ExistsError):
        kube.create(role(PODS))
    first = there(kube)
    assert first is not None
    assert (first.spec, dict(first.meta.labels)) == (role(PODS).spec, OURS)
    kube.update(first, role(PODS, replace(PODS, verbs=("list",))))
    second = there(kube)
    assert second is not None
    assert second.spec == role(PODS, replace(PODS, verbs=("list",))).spec
    with pytest.raises(ConflictError):
        kube.update(first, role())
    with pytest.raises(ConflictError):
        kube.delete(first)
    kube.delete(second)
    kube.delete(second)
    assert there(kube) is None


def test_every_kind(kube: KubeApi) -> None:
    namespace = Desired(Key("production", "Namespace", "", "test-new"), Namespace("test-new"), OURS)
    subjects = (Subject("Group", "test"),)
    wanted = [
        Desired(Key("production", "ClusterRole", "", "test:c"), Role("ClusterRole", None, "test:c", (PODS,)), OURS),
        Desired(
            Key("production", "ClusterRoleBinding", "", "test:c"),
            Binding("ClusterRoleBinding", None, "test:c", RoleRef("ClusterRole", "test:c"), subjects),
            OURS,
        ),
        Desired(
            Key("production", "RoleBinding", "test-new", "b"),
            Binding("RoleBinding", "test-new", "b", RoleRef("ClusterRole", "view"), subjects),
            OURS,
        ),
    ]
    for one in (namespace, *wanted):
        kube.create(one)
    namespaces, _, _ = kube.state()
    assert "test-new" in namespaces
    for one in wanted:
        found = there(kube, one.key)
        assert found is not None
        assert found.spec == one.spec
        kube.delete(found)


def test_aws_auth(kube: KubeApi) -> None:
    before = kube.aws_auth()
    assert before is not None
    data = {**before.data, "mapUsers": before.data.get("mapUsers", "") + "# a comment\r\n"}
    kube.write_aws_auth(before, data, {"rows.iamrbac.dev/test": "[]"})
    after = kube.aws_auth()
    assert after is not None
    assert (dict(after.data), dict(after.annotations)) == (data, {"rows.iamrbac.dev/test": "[]"})
    with pytest.raises(ConflictError):
        kube.write_aws_auth(before, before.data, {})


def test_reviews(kube: KubeApi) -> None:
    assert "system:masters" in kube.whoami().groups
    rules, _ = kube.rules("search")
    assert Rule(("*",), ("*",), ("*",)) in rules
    assert kube.can(Request("delete", "nodes"))


def test_somebody_whom_nothing_maps(fresh_sandbox: Sandbox, kube: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fresh_sandbox.variables("erin").items():
        monkeypatch.setenv(name, value)
    edges = own_edges(ROOT)
    with pytest.raises(NotMappedError):
        edges.access(edges.aws.target(CLUSTER)).whoami()


def test_somebody_who_may_not_list(fresh_sandbox: Sandbox, kube: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kube.aws_auth()
    assert before is not None
    row = f"- userarn: {fresh_sandbox.arn('erin')}\n  username: erin\n"
    kube.write_aws_auth(before, {**before.data, "mapUsers": row}, {})
    for name, value in fresh_sandbox.variables("erin").items():
        monkeypatch.setenv(name, value)
    edges = own_edges(ROOT)
    erins = edges.access(edges.aws.target(CLUSTER))
    assert isinstance(erins, KubeApi)
    with pytest.raises(KubeError) as caught:
        erins.state()
    erins.close()
    assert 'User "erin" cannot list resource' in caught.value.message
    assert caught.value.hint.startswith("ask a cluster administrator for the right to list ")


def test_a_lease_in_a_namespace_that_is_not_there_yet(kube: KubeApi) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    wanted = taken(None, "me", now)
    assert kube.lease("test-home", "test") is None
    with pytest.raises(NoNamespaceError):
        kube.write_lease("test-home", "test", wanted)
    kube.create(Desired(Key("production", "Namespace", "", "test-home"), Namespace("test-home"), OURS))
    assert kube.lease("test-home", "test") is None
    first = kube.write_lease("test-home", "test", wanted)
    assert (first, kube.lease("test-home", "test")) == (wanted, first)
    with pytest.raises(ExistsError):
        kube.write_lease("test-home", "test", wanted)
    later = kube.write_lease("test-home", "test", released(first, now + timedelta(seconds=5)))
    assert later == released(first, now + timedelta(seconds=5))
    assert later.metadata["uid"] == first.metadata["uid"]
    with pytest.raises(ConflictError):
        kube.write_lease("test-home", "test", first)


def test_leases_are_forbidden_to_who_has_no_right(
    fresh_sandbox: Sandbox, kube: KubeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kube.aws_auth()
    assert before is not None
    row = f"- userarn: {fresh_sandbox.arn('erin')}\n  username: erin\n"
    kube.write_aws_auth(before, {**before.data, "mapUsers": row}, {})
    for name, value in fresh_sandbox.variables("erin").items():
        monkeypatch.setenv(name, value)
    edges = own_edges(ROOT)
    erins = edges.access(edges.aws.target(CLUSTER))
    assert isinstance(erins, KubeApi)
    with pytest.raises(ForbiddenError):
        erins.lease("iamrbac-system", "test")
    erins.close()
