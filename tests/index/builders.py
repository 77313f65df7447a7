"""A small access index and the values that a property needs."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import replace
from datetime import UTC, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from iamrbac.index.index import AccessIndex, IndexCluster, IndexGrant, IndexSet

NOW = datetime.datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ALICE = "arn:aws:iam::222233334444:user/staff/alice"
BOB = "arn:aws:iam::222233334444:user/bob"
ROLE = "arn:aws:iam::222233334444:role/iamrbac/acme.payments.oncall"
SSO = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_0123456789abcdef"


@cache
def pem() -> str:
    """A certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime.datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def set_(name: str = "developers", team: str = "payments", **more: Any) -> IndexSet:
    found = IndexSet(
        team,
        name,
        f"iamrbac:acme:{team}:{name}",
        (ALICE,),
        grants=(IndexGrant("payments", "developer", (f"policies/{team}.yaml:24",)),),
    )
    return replace(found, **more)


def cluster(name: str = "staging", *sets: IndexSet, **more: Any) -> IndexCluster:
    found = IndexCluster(
        name,
        name,
        f"arn:aws:eks:eu-west-1:111122223333:cluster/{name}",
        "https://0A1B2C3D.gr7.eu-west-1.eks.amazonaws.com",
        pem(),
        sets=sets,
    )
    return replace(found, **more)


def index(*clusters: IndexCluster) -> AccessIndex:
    return AccessIndex("acme", NOW, "a" * 40, clusters)


def whole() -> AccessIndex:
    """An index with one of everything."""
    ends = NOW + timedelta(hours=4)
    return index(
        cluster(
            "production",
            set_(principals=(SSO,)),
            set_("oncall", principals=(), roles=(ROLE,)),
            set_("temporary.inc-4211", principals=(BOB,), not_after=ends, grants=(IndexGrant("", "clusterRole view"),)),
            proxy_url="http://proxy.example.com:3128",
            tls_server_name="kubernetes.default",
        ),
        cluster("staging", set_(), external=True),
    )
