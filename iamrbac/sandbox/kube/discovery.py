"""Discovery: which groups, versions and resources there are, plain and aggregated (apidiscovery.k8s.io/v2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from iamrbac.sandbox.kube.kinds import KINDS, REVIEWS, Kind
from iamrbac.sandbox.kube.values import Json

AGGREGATED: Final = "apidiscovery.k8s.io"
AGGREGATED_TYPE: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERSION: Final[Mapping[str, str]] = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3+iamrbac-sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "iamrbac/sandbox",
}
_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_STATUS_VERBS: Final = ("get", "patch", "update")
GROUPS: Final = tuple(dict.fromkeys([*(kind.group for kind in KINDS), *(group for group, _ in REVIEWS)]))
"""All groups in the order of discovery; "" is the core group. Each has the one version v1."""


def wants_aggregated(accept: str) -> bool:
    """Whether the client asks for the aggregated form that we speak."""
    return any(f"g={AGGREGATED}" in part and "v=v2;" in part.replace(" ", "") + ";" for part in accept.split(","))


def api_versions() -> Json:
    """/api"""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
    }


def group_list() -> Json:
    """/apis"""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(group) for group in GROUPS if group]}


def group(name: str) -> Json | None:
    """/apis/GROUP"""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)} if name and name in GROUPS else None


def resource_list(name: str, version: str) -> Json | None:
    """/api/v1 or /apis/GROUP/VERSION"""
    if name not in GROUPS or version != "v1":
        return None
    resources = [entry for kind in KINDS if kind.group == name for entry in _resources(kind)]
    resources += [_review(plural, kind) for (group, plural), kind in REVIEWS.items() if group == name]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/v1" if name else "v1",
        "resources": resources,
    }


def aggregated(core: bool) -> Json:
    """/api or /apis in one piece."""
    groups = [group for group in GROUPS if (group == "") is core]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"{AGGREGATED}/v2",
        "metadata": {},
        "items": [_aggregated_group(group) for group in groups],
    }


def _group(name: str) -> Json:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resources(kind: Kind) -> Iterable[Json]:
    entry: Json = {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(_VERBS),
    }
    if kind.short:
        entry["shortNames"] = list(kind.short)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    yield entry
    if kind.status:
        yield {
            "name": f"{kind.plural}/status",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(_STATUS_VERBS),
        }


def _review(plural: str, kind: str) -> Json:
    namespaced = kind == "LocalSubjectAccessReview"
    return {
        "name": plural,
        "singularName": kind.lower(),
        "namespaced": namespaced,
        "kind": kind,
        "verbs": ["create"],
    }


def _aggregated_group(name: str) -> Json:
    listed = resource_list(name, "v1") or {"resources": []}
    whole = [entry for entry in listed["resources"] if "/" not in entry["name"]]
    subresources = [entry for entry in listed["resources"] if "/" in entry["name"]]
    resources = [_aggregated(name, entry, subresources) for entry in whole]
    versions = [{"version": "v1", "resources": resources, "freshness": "Current"}]
    return {"metadata": {"name": name, "creationTimestamp": None}, "versions": versions}


def _aggregated(group: str, entry: Mapping[str, Any], subresources: Iterable[Mapping[str, Any]]) -> Json:
    kind = {"group": group, "version": "v1", "kind": entry["kind"]}
    out: Json = {
        "resource": entry["name"],
        "responseKind": kind,
        "scope": "Namespaced" if entry["namespaced"] else "Cluster",
        "singularResource": entry["singularName"],
        "verbs": entry["verbs"],
    }
    out |= {key: entry[key] for key in ("shortNames", "categories") if key in entry}
    own = [
        {"subresource": one["name"].partition("/")[2], "responseKind": kind, "verbs": one["verbs"]}
        for one in subresources
        if one["name"].partition("/")[0] == entry["name"]
    ]
    return out | ({"subresources": own} if own else {})
