"""The front door: what moto lacks or gets wrong is answered here, everything else by moto."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Response

from iamrbac.sandbox.aws import assume, iam, sts
from iamrbac.sandbox.aws.eks.api import EksApi
from iamrbac.sandbox.aws.eks.clusters import Clusters
from iamrbac.sandbox.aws.eks.routes import operation
from iamrbac.sandbox.aws.http import AwsRequest, Environ, Reply, read_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

Fault: TypeAlias = Callable[[str, AwsRequest], Reply | None]
"""Takes an operation ("eks:ListAccessEntries") and its request; a reply is answered instead of the real one."""
UPDATE_TIME = timedelta(milliseconds=200)


def utc_now() -> datetime:
    """Return the time, with its offset."""
    return datetime.now(UTC)


class FrontDoor:
    """The WSGI application. `calls` counts the operations that were asked for, faults included."""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self.eks = EksApi(Clusters(now, UPDATE_TIME))
        self.calls: Counter[str] = Counter()
        self._now = now
        self._moto = DomainDispatcherApplication(create_backend_app)
        # moto's backends are plain dictionaries, which do not bear a change while they are listed.
        self._moto_lock = Lock()
        self._count_lock = Lock()
        self._faults: list[Fault] = []

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        reply = self._answer(environ)
        response = Response(reply.body, reply.status, reply.headers, content_type=reply.content_type)
        return response(environ, start_response)

    @contextmanager
    def fault(self, fault: Fault) -> Iterator[None]:
        """Answer with a fault where it has a reply, as long as the context lasts."""
        self._faults.append(fault)
        try:
            yield
        finally:
            self._faults.remove(fault)

    def _answer(self, environ: Environ) -> Reply:
        request = read_request(environ)
        name = operation_name(request)
        with self._count_lock:
            self.calls[name] += 1
        for fault in tuple(self._faults):
            reply = fault(name, request)
            if reply is not None:
                return reply
        if sts.is_presigned(request):
            return sts.answer(request, self._now())
        if request.service == "eks":
            return self.eks.answer(request, lambda: self._forward(environ))
        if request.service in ("iam", "sts"):
            with self._moto_lock:
                answered = iam.answer(request) if request.service == "iam" else assume.answer(request)
            if answered is not None:
                return answered
        return self._forward(environ)

    def _forward(self, environ: Environ) -> Reply:
        with self._moto_lock:
            response = Response.from_app(self._moto, environ)
            body = response.get_data()
        content_type = response.headers.get("Content-Type", "text/xml")
        headers = {name: value for name, value in response.headers if name.lower().startswith("x-amz")}
        return Reply(response.status_code, body, content_type, headers)


def operation_name(request: AwsRequest) -> str:
    """Return `service:Operation`, for people and faults."""
    if sts.is_presigned(request):
        return "sts:GetCallerIdentity"
    if request.service == "eks":
        return f"eks:{operation(request)[0] or request.path}"
    return f"{request.service}:{request.form.get('Action', request.path)}"
