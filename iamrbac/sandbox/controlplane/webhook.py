"""The authorization webhook behind RBAC, in which EKS judges access policies: SubjectAccessReview in, answer out."""

from __future__ import annotations

import hmac
import json
import secrets
import ssl
import threading
from typing import Final

import trustme

from iamrbac.sandbox.controlplane.files import kubeconfig
from iamrbac.sandbox.kube.access import Webhook
from iamrbac.sandbox.kube.request import Call
from iamrbac.sandbox.kube.response import Response, json_response, text_response
from iamrbac.sandbox.kube.reviews import asked_about, request_of
from iamrbac.sandbox.kube.wire import Server

_PATH: Final = "/authorize"
_POLL_SECONDS: Final = 0.05


class AuthorizationWebhook:
    """Serves `allows` on loopback to whoever has the token, which is the API server alone."""

    def __init__(self, allows: Webhook) -> None:
        self._allows = allows
        self._token = secrets.token_urlsafe(32)
        self._authority = trustme.CA(organization_name="iamrbac sandbox authorization")
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def ca_pem(self) -> bytes:
        """The certificate authority of its certificate."""
        return self._authority.cert_pem.bytes()

    def kubeconfig(self, ca_file: str) -> str:
        """Return the file that tells an API server how to ask, given where `ca_pem` is. Only after `start`."""
        if self._server is None:
            raise RuntimeError("the authorization webhook is not running")
        return kubeconfig(f"https://127.0.0.1:{self._server.port}{_PATH}", ca_file, self._token)

    def start(self) -> None:
        """Listen on a free port, and serve in the background."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1").configure_cert(context)
        self._server = Server(self._answer, context)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening. Does nothing when it does not run."""
        if self._server is None or self._thread is None:
            return
        self._server.close()
        self._thread.join()
        self._server = self._thread = None

    def _answer(self, call: Call) -> Response:
        given = call.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return text_response("401 Unauthorized\n", 401)
        if (call.method, call.path) != ("POST", _PATH):
            return text_response("404 page not found\n", 404)
        review = json.loads(call.body)
        spec = review["spec"]
        # An answer of no is "no opinion": whatever stands behind may still allow.
        status = {"allowed": self._allows(asked_about(spec), request_of(spec))}
        return json_response({"apiVersion": review["apiVersion"], "kind": review["kind"], "status": status})
