"""What the CRDs of ACK and Crossplane take, as far as we write it: fields, types, what is required.

Put together by hand from the published CRDs, whose text is not kept here:
- ACK: aws-controllers-k8s/eks-controller @fcb7569892f50d390e3d3e7127aa1f1a96fe6b4c,
  config/crd/bases/eks.services.k8s.aws_accessentries.yaml
- Crossplane: crossplane-contrib/provider-upjet-aws @75a4c57162d00616f8fb480f9153df5fa55b5a26,
  package/crds/eks.aws.upbound.io_accessentries.yaml and …_accesspolicyassociations.yaml

Where IAMRBAC_CRDS names a folder with the published files, those are taken in their place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = "IAMRBAC_CRDS"
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_SET = {**_TEXTS, "x-kubernetes-list-type": "set"}
_TAGS = {"type": "object", "additionalProperties": _TEXT}


def _object(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return {**found, "required": list(required)} if required else found


def _crd(group: str, version: str, scope: str, kind: str, plural: str, spec: dict[str, Any]) -> dict[str, Any]:
    schema = _object(apiVersion=_TEXT, kind=_TEXT, metadata={"type": "object"}, spec=spec)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def _managed(for_provider: dict[str, Any]) -> dict[str, Any]:
    return _object(
        ["forProvider"],
        deletionPolicy={"type": "string", "enum": ["Orphan", "Delete"], "default": "Delete"},
        forProvider=for_provider,
        providerConfigRef={**_object(["name"], name=_TEXT), "default": {"name": "default"}},
    )


_ACK = _crd(
    "eks.services.k8s.aws",
    "v1alpha1",
    "Namespaced",
    "AccessEntry",
    "accessentries",
    _object(
        ["principalARN"],
        accessPolicies={
            "type": "array",
            "items": _object(accessScope=_object(namespaces=_TEXTS, type=_TEXT), policyARN=_TEXT),
        },
        clusterName=_TEXT,
        kubernetesGroups=_TEXTS,
        principalARN=_TEXT,
        tags=_TAGS,
        type=_TEXT,
        username=_TEXT,
    ),
)
_UPBOUND = ("eks.aws.upbound.io", "v1beta1", "Cluster")
_ENTRY = _crd(
    *_UPBOUND,
    "AccessEntry",
    "accessentries",
    _managed(
        _object(
            ["region"],
            clusterName=_TEXT,
            kubernetesGroups=_SET,
            principalArn=_TEXT,
            region=_TEXT,
            tags={**_TAGS, "x-kubernetes-map-type": "granular"},
            type=_TEXT,
            userName=_TEXT,
        )
    ),
)
_ASSOCIATION = _crd(
    *_UPBOUND,
    "AccessPolicyAssociation",
    "accesspolicyassociations",
    _managed(
        _object(
            ["policyArn", "region"],
            accessScope=_object(namespaces=_SET, type=_TEXT),
            clusterName=_TEXT,
            policyArn=_TEXT,
            principalArn=_TEXT,
            region=_TEXT,
        )
    ),
)


def crds() -> Iterator[dict[str, Any]]:
    """Yield the CRDs: the published ones where there are some."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        yield from (_ACK, _ENTRY, _ASSOCIATION)
        return
    for file in sorted(Path(folder).glob("*.yaml")):
        yield yaml.safe_load(file.read_text())


@lru_cache
def strict_schema(api_version: str, kind: str) -> dict[str, Any]:
    """Return the JSON schema of the objects of a kind, in which no unknown field is let through."""
    for crd in crds():
        spec = crd["spec"]
        version = spec["versions"][0]
        if (f"{spec['group']}/{version['name']}", spec["names"]["kind"]) == (api_version, kind):
            schema: dict[str, Any] = _closed(version["schema"]["openAPIV3Schema"])
            # An object's metadata is Kubernetes' own affair, and is judged by the API server.
            schema["properties"]["metadata"] = {"type": "object"}
            return schema
    raise AssertionError(f"no CRD for {api_version} {kind}")


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(item) for key, item in schema.items()}
    return {**closed, "additionalProperties": False} if isinstance(closed.get("properties"), dict) else closed
