"""Events (core/v1) about our own objects, as `kubectl describe` finds them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

from iamrbac.kube import single
from iamrbac.kube.transport import Transport
from iamrbac.model.errors import ExistsError
from iamrbac.usecases.home import Notice

COMPONENT: Final = "iamrbac"
_VERSIONS: Final = {"ConfigMap": "v1", "Lease": "coordination.k8s.io/v1"}
_MESSAGE: Final = 1024
"""Characters that the API takes (core validation of events)."""


def post(transport: Transport, namespace: str, notice: Notice) -> None:
    """POST one; one of that name that is there already is fine. Raises KubeError and its kinds."""
    doing = f"create event {namespace}/{notice.name}"
    with suppress(ExistsError):
        single.write(
            transport,
            doing,
            f"/api/v1/namespaces/{quote(namespace, safe='')}/events",
            event_json(namespace, notice),
        )


def event_json(namespace: str, notice: Notice) -> dict[str, Any]:
    """Return the event as the API takes it."""
    kind = notice.kind
    about = {"apiVersion": _VERSIONS[kind], "kind": kind, "namespace": namespace, "name": notice.about.name}
    uid = notice.about.metadata.get("uid")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": notice.name, "namespace": namespace},
        "involvedObject": {
            **about,
            **({"uid": uid} if uid else {}),
            **({"resourceVersion": notice.about.version} if notice.about.version else {}),
        },
        "reason": notice.reason,
        "message": notice.message[:_MESSAGE],
        "type": notice.type,
        "count": 1,
        "firstTimestamp": notice.at,
        "lastTimestamp": notice.at,
        # `kubectl describe` shows the source, newer readers the reporting component.
        "source": {"component": COMPONENT, **({"host": notice.host} if notice.host else {})},
        "reportingComponent": COMPONENT,
        "reportingInstance": notice.host,
    }
