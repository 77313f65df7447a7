"""Argo CD's AppProject of a cluster: what may come out of our repository there (argoproj.io/v1alpha1).

Argo CD compares only live objects that the project permits (controller/state.go): one whose kind or namespace is not
in it any more is not deleted but forgotten. A project that shrank with its objects would let the last revocation of a
namespace or kind pass by in silence. So kinds are always all there, and namespaces are those of the cluster's
catalogue, not of today's grants; a cluster without a catalogue is limited by kinds alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Resource
from iamrbac.gitops.layouts.argocd_application import API_VERSION, destination
from iamrbac.gitops.layouts.objects import metadata_of
from iamrbac.gitops.yaml_text import Json
from iamrbac.model.gitops import EntriesForm
from iamrbac.rbac.wire import API_GROUP

_ACK: Final = ("eks.services.k8s.aws", "AccessEntry")
_CROSSPLANE: Final = (("eks.aws.upbound.io", "AccessEntry"), ("eks.aws.upbound.io", "AccessPolicyAssociation"))
_OURS: Final = "iamrbac-*"


def app_project(
    delivery: Delivery, name: str, url: str, objects: Sequence[Desired], resources: Sequence[Resource]
) -> Mapping[str, Json]:
    """Return the project. It comes before its Application (a sync wave), which would be invalid without."""
    key, value = destination(delivery)
    return {
        "apiVersion": API_VERSION,
        "kind": "AppProject",
        "metadata": {
            "name": name,
            "namespace": delivery.argocd.namespace,
            "annotations": {"argocd.argoproj.io/sync-wave": "-1"},
        },
        "spec": {
            "description": f"RBAC of {delivery.cluster}, from the policies of {delivery.instance}",
            "sourceRepos": [url],
            "destinations": [{key: value, "namespace": one} for one in _namespaces(delivery, objects, resources)],
            "clusterResourceWhitelist": _cluster_kinds(delivery.entries, objects, resources),
            "namespaceResourceWhitelist": [
                {"group": API_GROUP, "kind": "Role"},
                {"group": API_GROUP, "kind": "RoleBinding"},
                *_entry_kinds({_ACK} if delivery.entries == "ack" else set(), resources, namespaced=True),
            ],
        },
    }


def _namespaces(delivery: Delivery, objects: Iterable[Desired], resources: Iterable[Resource]) -> list[str]:
    if delivery.namespaces is None:
        return ["*"]
    # "" is the Application itself, which has no namespace of its own.
    found = {"", *delivery.namespaces, *(item.key.namespace for item in objects)}
    found.update(str(metadata_of(one).get("namespace", "")) for one in resources)
    if delivery.entries == "ack":
        found.add(delivery.entries_namespace)
    return sorted(found)


def _cluster_kinds(entries: EntriesForm, objects: Iterable[Desired], resources: Iterable[Resource]) -> list[Json]:
    namespaces = sorted(item.key.name for item in objects if item.key.kind == "Namespace")
    return [
        {"group": API_GROUP, "kind": "ClusterRole", "name": _OURS},
        {"group": API_GROUP, "kind": "ClusterRoleBinding", "name": _OURS},
        # A namespace is never deleted, so that it may go from here with its file.
        *({"group": "", "kind": "Namespace", "name": name} for name in namespaces),
        *_entry_kinds(set(_CROSSPLANE) if entries == "crossplane" else set(), resources, namespaced=False),
    ]


def _entry_kinds(always: set[tuple[str, str]], resources: Iterable[Resource], *, namespaced: bool) -> list[Json]:
    found = set(always)
    for one in resources:
        if ("namespace" in metadata_of(one)) == namespaced:
            group, _, _ = str(one.value["apiVersion"]).rpartition("/")
            found.add((group, str(one.value["kind"])))
    return [{"group": group, "kind": kind} for group, kind in sorted(found)]
