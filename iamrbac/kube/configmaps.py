"""ConfigMaps of the home namespace."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from iamrbac.kube import single
from iamrbac.kube.errors import is_absence, refusal, unreadable
from iamrbac.kube.listing import list_all
from iamrbac.kube.transport import Transport
from iamrbac.usecases.home import ConfigMap


def read_maps(transport: Transport, namespace: str, labels: Mapping[str, str], page: int) -> tuple[ConfigMap, ...]:
    """Return all that carry these labels, sorted by name. Raises KubeError unless every page was read."""
    wanted = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    items = list_all(transport, _collection(namespace), "configmaps", page, wanted)
    found = (_shaped(transport.cluster, f"list configmaps of {namespace}", item) for item in items)
    return tuple(sorted(found, key=lambda one: one.name))


def read_map(transport: Transport, namespace: str, name: str) -> ConfigMap | None:
    """Return one; None when the API says that it is not there. Raises KubeError."""
    doing = f"get configmap {namespace}/{name}"
    body = single.read(transport, doing, single.item(_collection(namespace), name))
    return None if body is None else _shaped(transport.cluster, doing, body)


def write_map(transport: Transport, namespace: str, wanted: ConfigMap) -> ConfigMap:
    """POST a new one, or PUT one over its version; return it as it is now. Raises KubeError and its kinds."""
    doing = f"{'update' if wanted.version else 'create'} configmap {namespace}/{wanted.name}"
    metadata = {**wanted.metadata, "name": wanted.name, "namespace": namespace}
    metadata |= {"labels": dict(wanted.labels), "annotations": dict(wanted.annotations)}
    if wanted.version:
        metadata["resourceVersion"] = wanted.version
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    if wanted.data:
        body["data"] = dict(wanted.data)
    if wanted.binary:
        body["binaryData"] = {key: base64.b64encode(value).decode() for key, value in wanted.binary.items()}
    return _shaped(transport.cluster, doing, single.write(transport, doing, _collection(namespace), body))


def delete_map(transport: Transport, namespace: str, name: str) -> None:
    """DELETE one; already gone is fine. Raises KubeError."""
    doing = f"delete configmap {namespace}/{name}"
    answer = transport.write(doing, "DELETE", single.item(_collection(namespace), name), None)
    if answer.status == 404 and not is_absence(answer.body):
        raise refusal(transport.cluster, doing, 404, answer.body)


def _collection(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/configmaps"


def _shaped(cluster: str, doing: str, body: object) -> ConfigMap:
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(metadata, Mapping) or not metadata.get("resourceVersion"):
        raise unreadable(cluster, doing, "the answer is not a ConfigMap")
    try:
        binary = {key: base64.b64decode(text, validate=True) for key, text in (body.get("binaryData") or {}).items()}
    except (binascii.Error, TypeError, AttributeError) as error:
        raise unreadable(cluster, doing, "the ConfigMap's binaryData is not base64") from error
    return ConfigMap(
        str(metadata.get("name")),
        dict(metadata.get("labels") or {}),
        dict(metadata.get("annotations") or {}),
        dict(body.get("data") or {}),
        binary,
        str(metadata["resourceVersion"]),
        dict(metadata),
    )
