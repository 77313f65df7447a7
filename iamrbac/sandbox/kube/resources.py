"""Requests for stored kinds: get, list, watch, and the writes, with the subresources that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from iamrbac.sandbox.kube import deletion, registry
from iamrbac.sandbox.kube.body import JSON, YAML, parse_json, read
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.decode import checked
from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.listing import Page, encode_list, list_body
from iamrbac.sandbox.kube.options import APPLY, Cluster, Write, options
from iamrbac.sandbox.kube.patch.json_patch import json_patch
from iamrbac.sandbox.kube.patch.merge import merge_patch
from iamrbac.sandbox.kube.patch.strategic import strategic_merge
from iamrbac.sandbox.kube.request import Call
from iamrbac.sandbox.kube.response import Response, json_response, object_response, text_response
from iamrbac.sandbox.kube.selectors import Query, query
from iamrbac.sandbox.kube.status import (
    bad_request,
    method_not_allowed,
    not_found,
    not_implemented,
    unsupported_media_type,
)
from iamrbac.sandbox.kube.values import Json
from iamrbac.sandbox.kube.watching import watch

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
_PATCHES: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY)

_NOT_DONE: Final[Mapping[str, tuple[str, ...]]] = {
    "Pod": ("attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize"),
    "Service": ("proxy",),
    "ServiceAccount": ("token",),
    "Namespace": ("finalize",),
    "Deployment": ("scale",),
    "ReplicaSet": ("scale",),
    "StatefulSet": ("scale",),
}
"""Subresources that the real server has: authorized as there, and then answered with 501."""


def serve(cluster: Cluster, caller: Caller, kind: Kind, call: Call) -> Response:
    """Answer an authorized request. Raises StatusError."""
    namespace = call.namespace if kind.namespaced else ""
    if call.subresource and call.subresource in _NOT_DONE.get(kind.kind, ()):
        return _not_done(cluster, kind, call)
    if not _exists(kind, call):
        return text_response("404 page not found\n", 404)
    if call.method == "GET":
        return _get(cluster, kind, namespace, call) if call.name else _list(cluster, kind, namespace, call)
    if kind.namespaced and not namespace and call.method != "DELETE":
        raise method_not_allowed()
    write = Write(cluster, caller, kind, namespace, options(call), call.subresource)
    match call.method, bool(call.name):
        case "POST", False:
            return _answer(registry.create(write, _body(write, call)), write)
        case "PUT", True:
            return _answer(registry.update(write, call.name, _body(write, call)), write)
        case "PATCH", True:
            return _answer(_patch(write, call), write)
        case "DELETE", True if not call.subresource:
            wanted, write = _delete_options(write, call)
            return json_response(deletion.delete(write, call.name, wanted))
        case "DELETE", False if namespace or not kind.namespaced:
            return _delete_collection(write, call)
    raise method_not_allowed()


def _exists(kind: Kind, call: Call) -> bool:
    """Whether the path is one of the kind's."""
    if call.rest or (call.subresource and not (kind.status and call.subresource == "status")):
        return False
    if kind.namespaced:
        return bool(call.namespace) or not call.name
    return not call.namespace or kind.kind == "Namespace"


def _not_done(cluster: Cluster, kind: Kind, call: Call) -> Response:
    namespace = call.namespace if kind.namespaced else ""
    if cluster.store.get(kind, namespace, call.name) is None:
        raise not_found(kind.group, kind.plural, call.name)
    raise not_implemented(f"{kind.plural}/{call.subresource}")


def _get(cluster: Cluster, kind: Kind, namespace: str, call: Call) -> Response:
    stored = cluster.store.get(kind, namespace, call.name)
    if stored is None:
        raise not_found(kind.group, kind.plural, call.name)
    return object_response(stored)


def _list(cluster: Cluster, kind: Kind, namespace: str, call: Call) -> Response:
    asked = _query(kind, namespace, call)
    if call.verb == "watch":
        return Response(200, stream=watch(cluster.store, kind, asked, call))
    page = Page(
        limit=max(call.number("limit"), 0),
        token=call.query.get("continue", ""),
        version=call.query.get("resourceVersion", ""),
        match=call.query.get("resourceVersionMatch", ""),
    )
    return Response(200, list_body(cluster.store, kind, asked, page))


def _query(kind: Kind, namespace: str, call: Call) -> Query:
    return query(kind, namespace, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))


def _body(write: Write, call: Call) -> Json:
    return read(call.body, call.media_type or JSON, write.kind.kind)


def _answer(written: registry.Written, write: Write) -> Response:
    return object_response(written.stored, 201 if written.created else 200, tuple(dict.fromkeys(write.warnings)))


def _patch(write: Write, call: Call) -> registry.Written:
    match call.media_type:
        case media_type if media_type == APPLY:
            return registry.apply(write, call.name, read(call.body, YAML, write.kind.kind))
        case media_type if media_type == JSON_PATCH:
            operations = _patch_value(call)
            return registry.patch(write, call.name, lambda obj: json_patch(obj, operations))
        case media_type if media_type == MERGE_PATCH:
            change = _patch_object(call)
            return registry.patch(write, call.name, lambda obj: merge_patch(obj, change))
        case media_type if media_type == STRATEGIC_PATCH:
            change = _patch_object(call)
            return registry.patch(write, call.name, lambda obj: strategic_merge(obj, change, write.kind.type))
    raise unsupported_media_type(_PATCHES)


def _patch_value(call: Call) -> Any:
    try:
        return parse_json(call.body)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"error decoding patch: {error}") from None


def _patch_object(call: Call) -> Json:
    value = _patch_value(call)
    if not isinstance(value, dict):
        raise bad_request("error decoding patch: the patch is not an object")
    return value


def _delete_options(write: Write, call: Call) -> tuple[deletion.Preconditions, Write]:
    sent = read(call.body, call.media_type or JSON, "DeleteOptions") if call.body else {}
    if "propagationPolicy" in call.query:
        sent.setdefault("propagationPolicy", call.query["propagationPolicy"])
    wanted, dry_run = deletion.read_options(checked("DeleteOptions", "meta.v1.DeleteOptions", sent))
    return wanted, replace(write, options=replace(write.options, dry_run=write.options.dry_run or dry_run))


def _delete_collection(write: Write, call: Call) -> Response:
    _, write = _delete_options(write, call)
    asked = _query(write.kind, write.namespace, call)
    version, view = write.cluster.store.view(write.kind)
    found = [stored for stored in view if asked.matches(stored)]
    deletion.delete_all(write, found)
    return Response(200, encode_list(write.kind, {"resourceVersion": str(version)}, found))
