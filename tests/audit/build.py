"""Audit events in the exact shape of kube-apiserver's, and logs of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

ACCOUNT = "111122223333"
KUBERNETES = "audit.k8s.io/v1"


def group(team_set: str, instance: str = "acme") -> str:
    return f"iamrbac:{instance}:{team_set.replace('/', ':')}"


def event(
    verb: str,
    resource: str = "",
    namespace: str = "",
    *,
    user: str = "alice",
    sets: Iterable[str] = (),
    at: str = "2026-11-02T09:00:00",
    code: int = 200,
    decision: str | None = None,
    stage: str = "ResponseComplete",
    api_group: str = "",
    subresource: str = "",
    name: str = "",
    uri: str = "",
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Somebody's request, as EKS's authenticator and an audit level of Metadata leave it."""
    groups = [*(group(one) for one in sets), "system:authenticated"]
    ref = {
        "resource": resource,
        "namespace": namespace,
        "name": name,
        "apiGroup": api_group,
        "apiVersion": "v1",
        "subresource": subresource,
    }
    found: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": KUBERNETES,
        "level": "Metadata",
        "auditID": "0a9e7c1c-6f0f-4b53-8e0e-4f3ddf3a9bb0",
        "stage": stage,
        "requestURI": uri or f"/api/v1/namespaces/{namespace}/{resource}",
        "verb": verb,
        "user": {
            "username": user,
            "uid": "aws-iam-authenticator:111122223333:AROAEXAMPLE",
            "groups": groups,
            "extra": {"arn": [f"arn:aws:sts::{ACCOUNT}:assumed-role/payments/alice"], "sessionName": ["alice"]},
        },
        "sourceIPs": ["10.0.0.1"],
        "userAgent": "kubectl/v1.36.0 (linux/amd64) kubernetes/1234567",
        "requestReceivedTimestamp": f"{at}.123456Z",
        "stageTimestamp": f"{at}.130000Z",
    }
    if resource:
        found["objectRef"] = {key: value for key, value in ref.items() if value}
    if stage != "RequestReceived":
        found["responseStatus"] = {"metadata": {}, "code": code}
        said = decision if decision is not None else "forbid" if code == 403 else "allow" if code != 401 else ""
        if said:
            found["annotations"] = {"authorization.k8s.io/decision": said, "authorization.k8s.io/reason": ""}
    return found | (more or {})


def lines(values: Iterable[object]) -> bytes:
    return b"".join(json.dumps(value, separators=(",", ":")).encode() + b"\n" for value in values)


def person(arn_end: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{arn_end}"


def month() -> list[dict[str, Any]]:
    """A month on staging of the repository `asked`."""
    dev: dict[str, Any] = {"sets": ["payments/developers"], "user": person("payments/alice")}
    audit: dict[str, Any] = {"sets": ["payments/auditors"]}
    node: dict[str, Any] = {"user": "system:node:ip-10-0-0-1.ec2.internal"}
    found = [event("watch", "nodes", at=f"2026-11-{day:02}T00:10:00", **node) for day in range(1, 31)]
    for day in ("03", "10", "28"):
        found.append(event("list", "pods", "payments", at=f"2026-11-{day}T08:30:00", **dev))
        found.append(event("get", "pods", "payments", name="web-1", at=f"2026-11-{day}T08:31:00", **dev))
    found += [
        event("get", "pods", "payments", stage="RequestReceived", at="2026-11-28T08:31:00", **dev),
        event("watch", "pods", "payments", stage="ResponseStarted", at="2026-11-28T08:32:00", **dev),
        event("get", "pods", "payments", subresource="log", name="web-1", at="2026-11-28T08:33:00", **dev),
        event("list", "deployments", "payments", api_group="apps", at="2026-11-28T08:34:00", **dev),
        event("list", "nodes", at="2026-11-05T07:00:00", user="erin", **audit),
        event("list", "nodes", at="2026-11-30T23:59:00", **node),
    ]
    for day in ("11", "12", "13"):
        found.append(event("delete", "pods", "payments", name="web-1", code=403, at=f"2026-11-{day}T10:00:00", **dev))
        found.append(event("list", "secrets", "search", code=403, at=f"2026-11-{day}T11:00:00", user="mallory"))
    found += [
        event("list", "pods", "payments", code=403, at="2026-11-14T10:00:00", **dev),
        event("list", "pods", "payments", code=403, at="2026-11-15T10:00:00", **dev),
        event("create", "pods", "payments", code=403, decision="allow", at="2026-11-15T10:00:01", user="erin", **audit),
        event("get", "pods", "payments", code=403, at="2026-11-16T10:00:00", user="system:serviceaccount:ci:default"),
        event("get", uri="/api", code=401, stage="ResponseStarted", at="2026-11-16T10:00:00", more={"user": {}}),
    ]
    return found
