"""From a request to its answer: who asks, may they, and which part of the API it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from iamrbac.sandbox.kube import discovery, openapi
from iamrbac.sandbox.kube.caller import NOBODY, Caller, authenticated
from iamrbac.sandbox.kube.impersonation import impersonated
from iamrbac.sandbox.kube.kinds import BY_RESOURCE, REVIEWS
from iamrbac.sandbox.kube.options import Cluster
from iamrbac.sandbox.kube.request import Call
from iamrbac.sandbox.kube.resources import serve
from iamrbac.sandbox.kube.response import Response, error_response, json_response, text_response
from iamrbac.sandbox.kube.reviews import review
from iamrbac.sandbox.kube.status import StatusError, method_not_allowed, no_such_path, unauthorized

Authenticate: TypeAlias = Callable[[str], Caller | None]

_HEALTH: Final = ("/healthz", "/livez", "/readyz")


class Api:
    """One cluster's API, without HTTP."""

    def __init__(self, cluster: Cluster, authenticate: Authenticate) -> None:
        self._cluster = cluster
        self._authenticate = authenticate

    def handle(self, call: Call) -> Response:
        """Answer a request; every refusal is an answer too."""
        try:
            return self._answer(call)
        except StatusError as error:
            return error_response(error)

    def _answer(self, call: Call) -> Response:
        access = self._cluster.access
        caller = impersonated(access, self._caller(call), call)
        if not call.verb:
            raise method_not_allowed()
        access.require(caller, call.attributes)
        if not call.is_resource:
            return _url(call)
        if (call.group, call.resource) in REVIEWS and call.version == "v1":
            return json_response(review(access, caller, call), 201)
        kind = BY_RESOURCE.get((call.group, call.version, call.resource))
        if kind is None:
            return _nothing()
        return serve(self._cluster, caller, kind, call)

    def _caller(self, call: Call) -> Caller:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if not scheme and call.path.rstrip("/") in _HEALTH:
            # As EKS does since its 1.32: without credentials only health is served.
            return NOBODY
        caller = self._authenticate(token.strip()) if scheme.lower() == "bearer" and token.strip() else None
        if caller is None:
            raise unauthorized()
        return authenticated(caller)


def _nothing() -> Response:
    return text_response("404 page not found\n", 404)


def _url(call: Call) -> Response:
    path = call.path.rstrip("/")
    if path in _HEALTH or path.rpartition("/")[0] in _HEALTH:
        return text_response("ok")
    if call.method not in ("GET", "HEAD"):
        raise method_not_allowed() if _document(call, path) is not None else no_such_path()
    return _document(call, path) or _nothing()


def _document(call: Call, path: str) -> Response | None:
    if path in ("/api", "/apis") and discovery.wants_aggregated(call.headers.get("accept", "")):
        return json_response(discovery.aggregated(core=path == "/api"), media_type=discovery.AGGREGATED_TYPE)
    match path.split("/")[1:]:
        case [] | [""]:
            return json_response({"paths": ["/api", "/apis", *_HEALTH, "/openapi/v3", "/version"]})
        case ["version"]:
            return json_response(dict(discovery.VERSION))
        case ["api"]:
            return json_response(discovery.api_versions())
        case ["apis"]:
            return json_response(discovery.group_list())
        case ["api", version]:
            return _found(discovery.resource_list("", version))
        case ["apis", group]:
            return _found(discovery.group(group))
        case ["apis", group, version] if group:
            return _found(discovery.resource_list(group, version))
        case ["openapi", "v3"]:
            return json_response(openapi.index())
        case ["openapi", "v3", "api", "v1"]:
            return _found(openapi.document(""))
        case ["openapi", "v3", "apis", group, "v1"] if group:
            return _found(openapi.document(group))
    return None


def _found(value: dict[str, object] | None) -> Response | None:
    return None if value is None else json_response(value)
