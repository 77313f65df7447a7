from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from iamrbac.compile.desired import Desired
from iamrbac.gitops.files import Resource
from iamrbac.gitops.layouts import LaidOut, argocd_fault
from iamrbac.gitops.layouts.argocd import argocd
from iamrbac.model.errors import DeliveryError
from tests import golden
from tests.gitops.layouts import sample

RBAC = "rbac.authorization.k8s.io"
SET = {"applicationSet": True}


def one(found: LaidOut, kind: str) -> dict[str, Any]:
    """Return the only object of a kind."""
    texts = [text for path, text in {**found.files, **found.shared}.items() if f"/{kind}-" in path]
    [value] = [yaml.load(text, yaml.CSafeLoader) for text in texts]
    assert value["kind"] == kind
    return dict(value)


def project(
    objects: Iterable[Desired] = sample.OBJECTS, resources: Iterable[Resource] = (), **config: Any
) -> dict[str, Any]:
    found = argocd(sample.delivery("argocd", **config), objects, tuple(resources))
    return dict(one(found, "AppProject")["spec"])


def permits(spec: dict[str, Any], group: str, kind: str, namespace: str, name: str) -> bool:
    """Judge as Argo CD does (IsResourcePermitted); for a cluster called production."""
    if not namespace:
        kinds = spec["clusterResourceWhitelist"]
        return any(
            (one["group"], one["kind"]) == (group, kind) and fnmatchcase(name, one.get("name", "*")) for one in kinds
        )
    places = [one["namespace"] for one in spec["destinations"] if one["name"] == "production"]
    allowed = {"group": group, "kind": kind} in spec["namespaceResourceWhitelist"]
    return allowed and any(fnmatchcase(namespace, place) for place in places)


def read_by_argocd(found: LaidOut, folder: str = "clusters/production/") -> set[str]:
    """Return the files that `include` takes: its globs, in which * stands for / as well."""
    directory = one(found, "Application")["spec"]["source"]["directory"]
    assert directory["recurse"] is True
    globs = directory["include"].strip("{}").split(",")
    paths = [path.removeprefix(folder) for path in found.files if path.startswith(folder)]
    strangers = [".iamrbac-inventory", "README.md", "values.yaml", "mine/ConfigMap-a.yaml", "argocd-acme.yaml"]
    return {path for path in (*paths, *strangers) if any(fnmatchcase(path, glob) for glob in globs)}


@given(sample.clusters, sample.entries)
def test_argo_cd_reads_every_object_and_nothing_else(objects: list[Desired], resources: list[Resource]) -> None:
    found = argocd(sample.delivery("argocd", accessEntries="ack"), objects, resources)
    assert read_by_argocd(found) == {
        path.removeprefix("clusters/production/") for path in found.files if path.startswith("clusters/production/")
    }


@given(sample.clusters, sample.entries)
def test_the_project_permits_every_object_that_is_or_was(objects: list[Desired], resources: list[Resource]) -> None:
    namespaces = sorted({item.key.namespace for item in objects if item.key.namespace})
    before = project(objects, resources, accessEntries="ack")
    catalogued = project((), (), namespaces=namespaces, accessEntries="ack")
    for item in objects:
        group = "" if item.key.kind == "Namespace" else RBAC
        assert permits(before, group, item.key.kind, item.key.namespace, item.key.name)
        # The policies say nothing any more: what is live must still be seen, else Argo CD would not delete it.
        if item.key.kind != "Namespace":
            assert permits(catalogued, group, item.key.kind, item.key.namespace, item.key.name)
    for resource in resources:
        name = str(resource.value["metadata"])
        assert permits(catalogued, "eks.services.k8s.aws", "AccessEntry", "ack-system", name)


def test_the_project_permits_this_repository_this_cluster_and_these_namespaces_only() -> None:
    spec = project(namespaces=["payments", "search"])
    assert spec["sourceRepos"] == [sample.URL]
    assert spec["destinations"] == [{"name": "production", "namespace": name} for name in ("", "payments", "search")]
    assert not permits(spec, RBAC, "Role", "kube-system", "iamrbac-a")
    assert not permits(spec, RBAC, "ClusterRoleBinding", "", "cluster-admin")
    assert not permits(spec, "", "Namespace", "", "kube-system")
    assert not permits(spec, "", "Secret", "payments", "a")
    assert not permits(spec, "eks.services.k8s.aws", "AccessEntry", "ack-system", "a")


def test_crossplanes_kinds_are_permitted_as_they_are() -> None:
    value: dict[str, Any] = {"apiVersion": "eks.aws.m.upbound.io/v1beta1", "kind": "AccessEntry"}
    placed = Resource({**value, "metadata": {"name": "a", "namespace": "crossplane"}})
    spec = project((), [placed], accessEntries="crossplane", namespaces=[])
    assert permits(spec, "eks.aws.m.upbound.io", "AccessEntry", "crossplane", "a")
    assert permits(spec, "eks.aws.upbound.io", "AccessPolicyAssociation", "", "a")


def test_an_application_heals_and_prunes_and_takes_nothing_with_it() -> None:
    found = argocd(sample.delivery("argocd", branch="live", argocd={"namespace": "gitops"}), sample.OBJECTS, ())
    value = one(found, "Application")
    assert value["metadata"] == {"name": "iamrbac-acme-production", "namespace": "gitops"}
    spec = value["spec"]
    assert spec["destination"] == {"name": "production"}
    assert (spec["source"]["targetRevision"], spec["source"]["path"]) == ("live", "clusters/production")
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True, "allowEmpty": False}
    assert spec["project"] == one(found, "AppProject")["metadata"]["name"]
    assert found.shared == {}


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [("prod-1", {"name": "prod-1"}), ("https://prod.example.com", {"server": "https://prod.example.com"})],
)
def test_a_destination_is_a_name_or_a_url(given_name: str, expected: dict[str, str]) -> None:
    found = argocd(sample.delivery("argocd", argocd={"destination": given_name}), (), ())
    assert one(found, "Application")["spec"]["destination"] == expected
    assert one(found, "AppProject")["spec"]["destinations"] == [{**expected, "namespace": "*"}]


def test_an_application_set_is_the_same_from_every_cluster() -> None:
    deliveries = [sample.delivery("argocd", name, argocd=SET) for name in ("production", "staging", "Dev_1")]
    found = [argocd(delivery, sample.OBJECTS, ()) for delivery in deliveries]
    assert len({str(laid_out.shared) for laid_out in found}) == 1
    spec = one(found[0], "ApplicationSet")["spec"]
    assert spec["generators"][0]["git"]["files"] == [{"path": "clusters/*/argocd-acme.yaml"}]
    assert spec["syncPolicy"] == {"preserveResourcesOnDeletion": True}


@given(sample.cluster_names, sample.instances)
def test_an_application_set_makes_the_application_that_would_be_there_without(cluster: str, instance: str) -> None:
    alone = argocd(sample.delivery("argocd", cluster, instance=instance), (), ())
    by_set = argocd(sample.delivery("argocd", cluster, instance=instance, argocd=SET), (), ())
    path = f"clusters/{cluster}"
    told = yaml.load(by_set.files[f"{path}/argocd-{instance}.yaml"], yaml.CSafeLoader)
    values = {
        "{{.cluster}}": told["cluster"],
        "{{.path.path}}": path,
        "{{.destination.name}}": told["destination"]["name"],
        "{{.destination.server}}": told["destination"]["server"],
    }
    made = filled(one(by_set, "ApplicationSet")["spec"]["template"], values)
    made["spec"]["destination"] = {key: text for key, text in made["spec"]["destination"].items() if text}
    application = one(alone, "Application")
    assert made == {"metadata": {"name": application["metadata"]["name"]}, "spec": application["spec"]}
    assert len(application["metadata"]["name"]) <= 63
    assert one(alone, "AppProject") == one(by_set, "AppProject")


def filled(value: Any, values: dict[str, str]) -> Any:
    """Return a template with its placeholders filled in."""
    if isinstance(value, dict):
        return {key: filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    if isinstance(value, str):
        for placeholder, text in values.items():
            value = value.replace(placeholder, text)
    return value


def test_other_branches_repositories_and_folders_have_sets_of_their_own() -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"branch": "production"},
        {"repository": "git@git.example.com:other/clusters.git"},
        {"path": "k8s/{cluster}"},
    ]
    names = {
        one(argocd(sample.delivery("argocd", argocd=SET, **keys), (), ()), "ApplicationSet")["metadata"]["name"]
        for keys in variants
    }
    assert len(names) == len(variants)


@pytest.mark.parametrize("repository", [".", "../clusters", "/srv/git/clusters.git"])
def test_argo_cd_needs_a_url(repository: str) -> None:
    delivery = sample.delivery("argocd", repository=repository)
    with pytest.raises(DeliveryError) as caught:
        argocd(delivery, (), ())
    assert str(caught.value) == (
        f"production: layout argocd: {repository} is a path, and Argo CD needs a URL to read from. "
        "Next: name it in `gitops: {argocd: {repoURL}}`"
    )
    named = sample.delivery("argocd", repository=repository, argocd={"repoURL": sample.URL})
    assert argocd_fault(named) is None
    assert one(argocd(named, (), ()), "Application")["spec"]["source"]["repoURL"] == sample.URL


@pytest.mark.parametrize("url", ["https://me:secret@git.example.com/a", "https://secret@git.example.com/a"])
def test_credentials_go_into_no_object_and_no_message(url: str) -> None:
    with pytest.raises(DeliveryError, match="credentials") as caught:
        argocd(sample.delivery("argocd", argocd={"repoURL": url}), (), ())
    assert "secret@" not in str(caught.value)


def test_ssh_users_are_no_credentials() -> None:
    for url in ("git@git.example.com:a/b.git", "ssh://git@git.example.com/a/b.git"):
        assert argocd_fault(sample.delivery("argocd", repository=url)) is None


def test_an_argo_cd_for_each_cluster_has_a_folder_for_each() -> None:
    found = argocd(sample.delivery("argocd", argocd={"path": "argocd/{cluster}"}), (), ())
    assert [path for path in found.files if path.startswith("argocd/")] == [
        "argocd/production/AppProject-iamrbac-acme-production.yaml",
        "argocd/production/Application-iamrbac-acme-production.yaml",
    ]


def test_the_objects_for_argo_cd_read_like_this() -> None:
    keys: dict[str, Any] = {"repository": ".", "argocd": {"repoURL": sample.URL}, "accessEntries": "ack"}
    found = argocd(sample.delivery("argocd", namespaces=["payments", "search"], **keys), sample.OBJECTS, ())
    own = {path: text for path, text in found.files.items() if path.startswith("argocd/")}
    shown = "".join(f"=== {path}\n{text}" for path, text in sorted(own.items()))
    golden.compare(shown, Path(__file__).parent / "golden" / "argocd-application.txt")
