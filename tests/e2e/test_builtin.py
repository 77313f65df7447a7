"""The built-in roles and resources that come with iamrbac are those of the API server that the tests run.

`UPDATE_GOLDEN=1 pytest tests/e2e/test_builtin.py` writes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.conformance.http import RBAC, Client
from tests.conftest import ROOT
from tests.golden import compare

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
FILE = ROOT / "iamrbac" / "roles" / "data" / "kubernetes.json"
# What only Kubernetes' own processes have, and no person or policy is ever given.
INTERNAL = ("system:controller:", "system:certificates.k8s.io:")
KEPT = ("rbac.authorization.k8s.io/aggregate-to-", "kubernetes.io/bootstrapping")


def test_the_data_are_the_servers(admin: Client) -> None:
    data = {
        "_source": "The bootstrap policy and discovery of Kubernetes (Apache-2.0), without its controllers' own roles.",
        "version": admin.get("/version").json["gitVersion"].removeprefix("v"),
        "clusterRoles": list(manifests(admin, "ClusterRole")),
        "clusterRoleBindings": list(manifests(admin, "ClusterRoleBinding")),
        "resources": sorted(resources(admin), key=lambda one: (one["group"], one["plural"])),
    }
    compare(json.dumps(data, indent=1, ensure_ascii=False) + "\n", FILE)


def manifests(admin: Client, kind: str) -> Iterator[dict[str, Any]]:
    """The built-in objects of a kind, with what makes them what they are; rules of aggregated ones are left out."""
    for item in admin.get(f"{RBAC}/{kind.lower()}s").json["items"]:
        metadata = item["metadata"]
        labels = {key: value for key, value in metadata.get("labels", {}).items() if key.startswith(KEPT)}
        if "kubernetes.io/bootstrapping" not in labels or metadata["name"].startswith(INTERNAL):
            continue
        body = {key: item[key] for key in ("aggregationRule", "roleRef", "subjects") if key in item}
        if kind == "ClusterRole" and "aggregationRule" not in item:
            body["rules"] = item["rules"] or []
        head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind}
        yield {**head, "metadata": {"name": metadata["name"], "labels": labels}, **body}


def resources(admin: Client) -> Iterator[dict[str, Any]]:
    """The resources of each group's preferred version, which is its first."""
    for path in ("/api", "/apis"):
        found = admin.send("GET", path, None, {"Accept": AGGREGATED}).json["items"]
        for group in found:
            for one in group["versions"][0]["resources"]:
                yield _resource(group["metadata"].get("name", ""), one)


def _resource(group: str, one: dict[str, Any]) -> dict[str, Any]:
    value = {
        "group": group,
        "plural": one["resource"],
        "kind": one["responseKind"]["kind"],
        "singular": one["singularResource"],
        "short": one.get("shortNames", []),
        "namespaced": one["scope"] == "Namespaced",
        "verbs": sorted(one["verbs"]),
        "subresources": sorted(sub["subresource"] for sub in one.get("subresources", [])),
    }
    return {key: kept for key, kept in value.items() if kept or key in ("group", "namespaced", "verbs")}
