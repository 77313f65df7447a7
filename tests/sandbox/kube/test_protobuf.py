"""Protobuf in: read what a small writer writes, and never fall over what is broken."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.sandbox.kube.protobuf import decode

Wire = list[tuple[int, "bytes | str | int | Wire"]]


def varint(value: int) -> bytes:
    """A varint; negative numbers as two's complement of 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(fields: Wire) -> bytes:
    """A message from numbered fields: a list is a message, a str is text."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
            continue
        raw = message(value) if isinstance(value, list) else value.encode() if isinstance(value, str) else value
        out += varint(number << 3 | 2) + varint(len(raw)) + raw
    return out


def envelope(version: str, kind: str, fields: Wire) -> bytes:
    """A Kubernetes protobuf body."""
    return b"k8s\x00" + message([(1, [(1, version), (2, kind)]), (2, message(fields)), (3, ""), (4, "")])


def test_a_role_binding() -> None:
    body = envelope(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        [
            (1, [(1, "b"), (2, ""), (3, "ns"), (8, b""), (11, [(1, "k"), (2, "v")]), (11, [(1, "l"), (2, "")])]),
            (2, [(1, "Group"), (2, "rbac.authorization.k8s.io"), (3, "devs"), (4, "")]),
            (2, [(1, "User"), (2, ""), (3, "é"), (4, "")]),
            (3, [(1, "rbac.authorization.k8s.io"), (2, "Role"), (3, "r")]),
        ],
    )
    assert decode(body) == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {
            "name": "b",
            "generateName": "",
            "namespace": "ns",
            "creationTimestamp": None,
            "labels": {"k": "v", "l": ""},
        },
        "subjects": [
            {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "devs", "namespace": ""},
            {"kind": "User", "apiGroup": "", "name": "é", "namespace": ""},
        ],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
    }


def test_the_forms_that_json_writes_otherwise() -> None:
    container: Wire = [
        (1, "c"),
        (2, "i"),
        (6, [(3, 8080), (4, "TCP")]),
        (8, [(1, [(1, "cpu"), (2, [(1, "500m")])])]),
        # The probe's handler is an embedded struct: a message on the wire, not there in JSON.
        (10, [(1, [(2, [(1, "/"), (2, [(1, 0), (2, 80)])])]), (2, -1)]),
    ]
    volume: Wire = [(1, "v"), (2, [(6, [(1, "s")])])]
    pod = decode(envelope("v1", "Pod", [(2, [(1, volume), (2, container)])]))
    assert pod["spec"] == {
        "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
        "containers": [
            {
                "name": "c",
                "image": "i",
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "resources": {"limits": {"cpu": "500m"}},
                "livenessProbe": {
                    "httpGet": {"path": "/", "port": 80},
                    "initialDelaySeconds": -1,
                },
            }
        ],
    }
    secret = decode(envelope("v1", "Secret", [(2, [(1, "k"), (2, b"\x00\xff")]), (5, 1)]))
    assert (secret["data"], secret["immutable"]) == ({"k": base64.b64encode(b"\x00\xff").decode()}, True)
    lease = decode(envelope("coordination.k8s.io/v1", "Lease", [(2, [(1, "me"), (4, [(1, 0), (2, 5000)])])]))
    assert lease["spec"] == {"holderIdentity": "me", "renewTime": "1970-01-01T00:00:00.000005Z"}
    fields: dict[str, Any] = {"f:data": {"f:x": {}}}
    managed = decode(envelope("v1", "ConfigMap", [(1, [(17, [(1, "m"), (7, [(1, json.dumps(fields))])])])]))
    assert managed["metadata"]["managedFields"] == [{"manager": "m", "fieldsV1": fields}]


def test_reviews_and_delete_options() -> None:
    spec: Wire = [
        (1, [(1, "ns"), (2, "get"), (5, "pods")]),
        (3, "u"),
        (4, "g"),
        (4, "h"),
        (5, [(1, "k"), (2, [(1, "v")])]),
    ]
    assert decode(envelope("authorization.k8s.io/v1", "SubjectAccessReview", [(2, spec)]))["spec"] == {
        "resourceAttributes": {"namespace": "ns", "verb": "get", "resource": "pods"},
        "user": "u",
        "groups": ["g", "h"],
        "extra": {"k": ["v"]},
    }
    options = decode(envelope("rbac.authorization.k8s.io/v1", "DeleteOptions", [(2, [(1, "u")]), (4, "Background")]))
    assert (options["preconditions"], options["propagationPolicy"]) == ({"uid": "u"}, "Background")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"k8s\x00",
        b"{}",
        envelope("v1", "Node", []),
        envelope("v2", "ConfigMap", []),
        envelope("v1", "ConfigMap", [(1, 5)]),
        envelope("v1", "ConfigMap", [(1, [(1, b"\xff")])]),
        b"k8s\x00\x0a\xff",
        b"k8s\x00" + b"\xff" * 11,
        b"k8s\x00\x0b",
    ],
)
def test_what_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(body)


@given(st.binary(max_size=200), st.sampled_from(["ConfigMap", "Pod", "Secret", "Namespace"]))
def test_noise_is_refused_or_read_but_never_worse(noise: bytes, kind: str) -> None:
    body = envelope("v1", kind, [])[:-4] + b"\x12" + varint(len(noise)) + noise
    try:
        value: Any = decode(body)
    except ValueError:
        return
    assert value["kind"] == kind
