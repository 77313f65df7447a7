"""What the API server refuses of an object's content (422), with its messages; deeper checks only where they are cheap.

RBAC kinds are checked wholly, others as far as a mistake in a manifest would show.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

from iamrbac.rbac.aggregate import selects
from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.names import (
    annotation_causes,
    label_causes,
    name_faults,
    qualified_name_faults,
)
from iamrbac.sandbox.kube.rbac_rules import rbac_causes, rbac_update_causes
from iamrbac.sandbox.kube.selectors import from_label_selector
from iamrbac.sandbox.kube.status import Cause, forbidden_value, invalid_value, required_value, unsupported_value
from iamrbac.sandbox.kube.values import Json, metadata_of

IMMUTABLE: Final = "field is immutable"
_DATA_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")
_MAX_DATA: Final = 1024 * 1024


def causes(kind: Kind, obj: Json, old: Json | None) -> list[Cause]:
    """Everything wrong with an object to store; `old` is what it replaces."""
    found = list(_metadata(kind, obj))
    found += _content(kind, obj)
    if old is not None:
        found += _metadata_update(obj, old)
        found += _content_update(kind, obj, old)
    return found


def _metadata(kind: Kind, obj: Json) -> Iterator[Cause]:
    metadata = metadata_of(obj)
    name = metadata.get("name", "")
    if not name:
        yield required_value("metadata.name", "name or generateName is required")
    yield from (invalid_value("metadata.name", name, why) for why in name_faults(name, kind.names) if name)
    if kind.kind == "CronJob" and len(name) > 52:
        yield invalid_value("metadata.name", name, "must be no more than 52 characters")
    yield from label_causes(metadata.get("labels", {}), "metadata.labels")
    yield from annotation_causes(metadata.get("annotations", {}), "metadata.annotations")
    for finalizer in metadata.get("finalizers", ()):
        for why in qualified_name_faults(finalizer):
            yield invalid_value("metadata.finalizers", finalizer, why)
    for owner in metadata.get("ownerReferences", ()):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                why = "version must not be empty" if field == "apiVersion" else "must not be empty"
                yield invalid_value(f"metadata.ownerReferences.{field}", "", why)


def _metadata_update(obj: Json, old: Json) -> Iterator[Cause]:
    new, before = metadata_of(obj), metadata_of(old)
    for field in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"):
        if new.get(field) != before.get(field):
            yield invalid_value(f"metadata.{field}", new.get(field, ""), IMMUTABLE)
    extra = sorted(set(new.get("finalizers", ())) - set(before.get("finalizers", ())))
    if before.get("deletionTimestamp") and extra:
        shown = ", ".join(f'"{one}"' for one in extra)
        why = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{shown}}}"
        yield forbidden_value("metadata.finalizers", why)


def _content(kind: Kind, obj: Json) -> Iterator[Cause]:
    match kind.kind:
        case "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding":
            yield from rbac_causes(kind, obj)
        case "ConfigMap":
            yield from _config_map(obj)
        case "Secret":
            yield from _secret(obj)
        case "Service":
            if obj["spec"]["type"] != "ExternalName" and not obj["spec"].get("ports"):
                yield required_value("spec.ports")
        case "Pod":
            yield from _pod(obj["spec"], "spec")
        case "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet":
            yield from _workload(obj["spec"])
        case "Job":
            yield from _job(obj["spec"], "spec")
        case "CronJob":
            if not obj["spec"].get("schedule"):
                yield required_value("spec.schedule")
            yield from _job(obj["spec"]["jobTemplate"]["spec"], "spec.jobTemplate.spec")


def _content_update(kind: Kind, obj: Json, old: Json) -> Iterator[Cause]:
    match kind.kind:
        case "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding":
            yield from rbac_update_causes(obj, old)
        case "ConfigMap" | "Secret" if old.get("immutable"):
            if not obj.get("immutable"):
                yield forbidden_value("immutable", "field is immutable when `immutable` is set")
            for field in ("data", "binaryData"):
                if obj.get(field) != old.get(field):
                    yield forbidden_value(field, "field is immutable when `immutable` is set")
        case "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet":
            if obj["spec"].get("selector") != old["spec"].get("selector"):
                yield invalid_value("spec.selector", obj["spec"].get("selector"), IMMUTABLE)
    if kind.kind == "Secret" and obj.get("type") != old.get("type"):
        yield invalid_value("type", obj.get("type"), IMMUTABLE)


def _config_map(obj: Json) -> Iterator[Cause]:
    for field in ("data", "binaryData"):
        yield from _data_keys(obj.get(field, {}), field)
    for key in obj.get("data", {}).keys() & obj.get("binaryData", {}).keys():
        yield invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData")
    yield from _size(obj.get("data", {}), obj.get("binaryData", {}))


def _secret(obj: Json) -> Iterator[Cause]:
    data = obj.get("data", {})
    yield from _data_keys(data, "data")
    for key, text in data.items():
        try:
            base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            yield invalid_value(f"data[{key}]", "<omitted>", "illegal base64 data")
    yield from _size(data, {})


def _size(*parts: dict[str, str]) -> Iterator[Cause]:
    if sum(len(text.encode()) for part in parts for text in part.values()) > _MAX_DATA:
        yield Cause("FieldValueTooLong", "", f"Too long: may not be more than {_MAX_DATA} bytes")


def _data_keys(data: dict[str, str], field: str) -> Iterator[Cause]:
    for key in data:
        if len(key) > 253:
            yield invalid_value(f"{field}[{key}]", key, "must be no more than 253 characters")
        if key in (".", ".."):
            yield invalid_value(f"{field}[{key}]", key, f"must not be '{key}'")
        elif not _DATA_KEY.fullmatch(key):
            why = (
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            )
            yield invalid_value(f"{field}[{key}]", key, why)


def _workload(spec: Json) -> Iterator[Cause]:
    selector, template = spec.get("selector"), spec["template"]
    labels = metadata_of(template).get("labels", {})
    if selector is None:
        yield required_value("spec.selector")
    elif not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield invalid_value("spec.selector", selector, "empty selector is invalid for deployment")
    elif not selects(from_label_selector(selector), labels):
        yield invalid_value("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from label_causes(labels, "spec.template.metadata.labels")
    yield from _pod(template["spec"], "spec.template.spec")
    restart = template["spec"].get("restartPolicy")
    if restart != "Always":
        yield unsupported_value("spec.template.spec.restartPolicy", restart, ("Always",))


def _job(spec: Json, path: str) -> Iterator[Cause]:
    pod = spec["template"]["spec"]
    yield from _pod(pod, f"{path}.template.spec")
    if pod.get("restartPolicy") not in ("OnFailure", "Never"):
        supported = ("OnFailure", "Never")
        yield unsupported_value(f"{path}.template.spec.restartPolicy", pod.get("restartPolicy"), supported)


def _pod(spec: Json, path: str) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield required_value(f"{path}.containers")
    for field in ("containers", "initContainers"):
        yield from _containers(spec.get(field) or (), f"{path}.{field}")


def _containers(containers: Any, path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, container in enumerate(containers):
        where, name = f"{path}[{index}]", container.get("name", "")
        if not name:
            yield required_value(f"{where}.name")
        else:
            yield from (invalid_value(f"{where}.name", name, why) for why in name_faults(name, "label"))
        if name in seen:
            yield Cause("FieldValueDuplicate", f"{where}.name", f'Duplicate value: "{name}"')
        seen.add(name)
        if not container.get("image"):
            yield required_value(f"{where}.image")
