"""Who wrote an object last, and what custom resources say; every refusal is an error and never an absence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iamrbac.compile.desired import Key
from iamrbac.gitops.deliverer import Asked
from iamrbac.kube.client import KubeApi
from iamrbac.model.errors import KubeError
from iamrbac.plan.drift import FieldManager
from tests.kube import server
from tests.kube.server import FakeApi, refuse

KEY = Key("staging", "RoleBinding", "payments", "iamrbac:x")
PATH = "/apis/rbac.authorization.k8s.io/v1/namespaces/payments/rolebindings/iamrbac%3Ax"
APPLICATION = Asked("Application", "argoproj.io/v1alpha1", "applications", "argocd", "iamrbac-acme-staging")
PLACE = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/iamrbac-acme-staging"


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def kube(api: FakeApi) -> Iterator[KubeApi]:
    with server.serving(api) as target:
        client = KubeApi(target, lambda: "token", timeout=(5, 5), sleep=lambda _: None)
        yield client
        client.close()


def test_field_managers_with_the_parts_that_they_wrote(api: FakeApi, kube: KubeApi) -> None:
    edited = {
        "manager": "kubectl-edit",
        "operation": "Update",
        "time": "2026-11-26T10:00:00Z",
        "fieldsV1": {"f:subjects": {}, "f:metadata": {"f:labels": {".": {}, "f:team": {}}, "f:annotations": {}}},
    }
    api.objects[PATH] = {"metadata": {"name": "iamrbac:x", "managedFields": [edited, {"manager": "old"}, "odd"]}}
    assert kube.managers(KEY) == (
        FieldManager("kubectl-edit", "2026-11-26T10:00:00Z", frozenset({"subjects", "labels.team"})),
        FieldManager("old", "", frozenset()),
    )


def test_an_object_without_managers_has_none_and_one_that_is_gone_too(api: FakeApi, kube: KubeApi) -> None:
    assert kube.managers(KEY) == ()
    api.objects[PATH] = {"metadata": {"name": "iamrbac:x"}}
    assert kube.managers(KEY) == ()


def test_a_row_has_the_managers_of_its_map(api: FakeApi, kube: KubeApi) -> None:
    edited = {"manager": "kubectl-edit", "time": "2026-11-26T10:00:00Z", "fieldsV1": {"f:data": {"f:mapUsers": {}}}}
    path = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
    api.objects[path] = {"metadata": {"name": "aws-auth", "managedFields": [edited]}}
    row = Key("staging", "AwsAuthRow", "", "arn:aws:iam::111122223333:user/alice")
    assert kube.managers(row) == (FieldManager("kubectl-edit", "2026-11-26T10:00:00Z", frozenset({"data"})),)
    api.faults[path] = [refuse(403, "Forbidden", "no")]
    with pytest.raises(KubeError, match="cannot get configmap kube-system/aws-auth"):
        kube.managers(row)


def test_what_is_not_told_is_an_error(api: FakeApi, kube: KubeApi) -> None:
    api.faults[PATH] = [refuse(403, "Forbidden", "no")]
    with pytest.raises(KubeError, match="cannot get rolebinding"):
        kube.managers(KEY)


def test_a_custom_resource_as_it_is(api: FakeApi, kube: KubeApi) -> None:
    api.objects[PLACE] = {"status": {"sync": {"status": "Synced"}}}
    assert kube.custom(APPLICATION) == {"status": {"sync": {"status": "Synced"}}}


@pytest.mark.parametrize("code", [403, 404])
def test_a_custom_resource_that_is_not_readable_is_an_error(api: FakeApi, kube: KubeApi, code: int) -> None:
    api.faults[PLACE] = [refuse(code, "NotFound" if code == 404 else "Forbidden", "no")]
    with pytest.raises(KubeError, match=f"cannot get application argocd/iamrbac-acme-staging: no .{code}."):
        kube.custom(APPLICATION)


def test_a_cluster_without_the_kind_says_so_at_once(api: FakeApi, kube: KubeApi) -> None:
    api.faults[PLACE] = [server.not_served]
    with pytest.raises(KubeError, match=r"the cluster.s API has no argoproj\.io/v1alpha1 .404."):
        kube.custom(APPLICATION)
    assert len(api.requests) == 1


def test_what_a_proxy_says_is_not_what_the_cluster_says(api: FakeApi, kube: KubeApi) -> None:
    api.faults[PLACE] = [server.page_of_a_proxy] * 4
    with pytest.raises(KubeError, match=r"the answer .404. is not whole JSON"):
        kube.custom(APPLICATION)
