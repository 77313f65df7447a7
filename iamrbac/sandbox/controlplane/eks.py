"""What EKS puts in front of an API server: its token check, and access policies behind RBAC."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from iamrbac.sandbox.controlplane.authenticator import NAME, Place, TokenWebhook
from iamrbac.sandbox.controlplane.errors import ControlPlaneError
from iamrbac.sandbox.controlplane.files import Files, write
from iamrbac.sandbox.controlplane.server import ControlPlane
from iamrbac.sandbox.controlplane.webhook import AuthorizationWebhook
from iamrbac.sandbox.kube.access import Webhook
from iamrbac.sandbox.mappings import Mappings

_LOOK_SECONDS: Final = 0.1
"""How often a change at EKS is looked for; EKS itself takes seconds."""


class EksFront:
    """A Front that authenticates and authorizes as EKS does.

    `mappings` says what EKS knows now, `allows` judges access policies; both are asked from threads of their own.
    """

    programs: Sequence[str] = (NAME,)

    def __init__(self, place: Place, mappings: Callable[[], Mappings], allows: Webhook) -> None:
        self._place = place
        self._mappings = mappings
        self._authorization = AuthorizationWebhook(allows)
        self._tokens: TokenWebhook | None = None
        self._stopped = threading.Event()
        self._follower: threading.Thread | None = None
        self._failure: ControlPlaneError | None = None

    def arguments(self, files: Files) -> Sequence[str]:
        """Write the webhooks' files; return the API server's arguments for both."""
        self._authorization.stop()
        self._authorization.start()
        ca = files.folder / "authorization.pem"
        write(ca, self._authorization.ca_pem)
        write(files.folder / "authorization.json", self._authorization.kubeconfig(str(ca)).encode())
        self._tokens = TokenWebhook(self._place, files, self._mappings())
        return (
            *self._tokens.arguments,
            "--authorization-mode=RBAC,Webhook",
            f"--authorization-webhook-config-file={files['authorization.json']}",
            "--authorization-webhook-version=v1",
            "--authorization-webhook-cache-authorized-ttl=0s",
            "--authorization-webhook-cache-unauthorized-ttl=0s",
        )

    def begin(self, plane: ControlPlane) -> None:
        """Start the authenticator, and follow what changes at EKS."""
        if self._tokens is None:
            raise RuntimeError("the API server was not told of its front")
        self._tokens.start(plane)
        self._follower = threading.Thread(target=self._follow, args=(plane, self._tokens), daemon=True)
        self._follower.start()

    def check(self) -> None:
        """Raise ControlPlaneError where the authenticator could not follow a change."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop following and answering, before the API server stops. Does nothing when it does not run."""
        self._stopped.set()
        if self._follower is not None:
            self._follower.join()
            self._follower = None
        if self._tokens is not None:
            self._tokens.close()
        self._authorization.stop()

    def _follow(self, plane: ControlPlane, tokens: TokenWebhook) -> None:
        try:
            while not self._stopped.wait(_LOOK_SECONDS):
                tokens.follow(plane, self._mappings())
        except ControlPlaneError as error:
            self._failure = error
