"""What a cluster's API says beside RBAC: who wrote an object last, and what a deliverer's own objects say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from iamrbac.compile.desired import Key
from iamrbac.gitops.deliverer import Asked
from iamrbac.kube import paths
from iamrbac.kube.errors import is_absence, refusal, unreadable
from iamrbac.kube.transport import Transport
from iamrbac.model.errors import KubeError
from iamrbac.plan.drift import FieldManager

_PREFIX: Final = "f:"


def managers(transport: Transport, key: Key) -> tuple[FieldManager, ...]:
    """Return an object's field managers; () where it is gone by now. For a row those of aws-auth. Raises KubeError."""
    row = key.kind == "AwsAuthRow"
    doing = "get configmap kube-system/aws-auth" if row else f"get {key.kind.lower()} {key.name}"
    answer = transport.read(doing, paths.AWS_AUTH if row else paths.item(key.kind, key.namespace, key.name))
    if answer.status == 404 and is_absence(answer.body):
        return ()
    if answer.status != 200:
        raise refusal(transport.cluster, doing, answer.status, answer.body)
    metadata = answer.body.get("metadata") if isinstance(answer.body, Mapping) else None
    if not isinstance(metadata, Mapping):
        raise unreadable(transport.cluster, doing, "the answer is not an object")
    entries = metadata.get("managedFields") or ()
    return tuple(_manager(one) for one in entries if isinstance(one, Mapping))


def custom(transport: Transport, asked: Asked) -> Mapping[str, Any]:
    """Return a custom resource. Raises KubeError, also where the API says that it has none."""
    doing = f"get {asked.kind.lower()} {asked.namespace}/{asked.name}"
    place = f"/apis/{asked.api}/namespaces/{quote(asked.namespace, safe='')}/{asked.plural}"
    answer = transport.read(doing, f"{place}/{quote(asked.name, safe='')}", optional=True)
    if answer.status == 404 and answer.body is None:
        hint = "look where it runs; for Argo CD name that cluster in gitops: {argocd: {cluster: …}}"
        raise KubeError(f"the cluster's API has no {asked.api} (404)", where=transport.cluster, hint=hint)
    if answer.status != 200:
        raise refusal(transport.cluster, doing, answer.status, answer.body)
    if not isinstance(answer.body, Mapping):
        raise unreadable(transport.cluster, doing, "the answer is not an object")
    return answer.body


def _manager(entry: Mapping[str, Any]) -> FieldManager:
    name, at, fields = entry.get("manager"), entry.get("time"), entry.get("fieldsV1")
    return FieldManager(
        name if isinstance(name, str) else "", at if isinstance(at, str) else "", frozenset(_fields(fields))
    )


def _fields(value: object) -> Iterable[str]:
    """Yield the top fields of a FieldsV1 set, and the labels in it as `labels.KEY`."""
    if not isinstance(value, Mapping):
        return
    for key, inner in value.items():
        name = str(key).removeprefix(_PREFIX)
        if name != "metadata":
            yield name
            continue
        labels = inner.get("f:labels") if isinstance(inner, Mapping) else None
        if isinstance(labels, Mapping):
            yield from (f"labels.{str(label).removeprefix(_PREFIX)}" for label in labels if label != ".")
