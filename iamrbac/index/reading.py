"""Reads the parts of an access index, each value by its form, each failure with its place in the document."""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from iamrbac.compile.names import group_name
from iamrbac.identity.assumable import PATH
from iamrbac.index.endpoint import endpoint_fault
from iamrbac.index.index import IndexCluster, IndexGrant, IndexSet
from iamrbac.model.arn import PARTITIONS, Arn, partition_of
from iamrbac.model.values import ACCOUNT, CLUSTER, LABEL, REGION, TIME

MOST_ITEMS: Final = 100_000
"""Of a list: more users than an account may have, twenty times."""
MOST_TEXT: Final = 2048
_MOST_CERTIFICATE: Final = 64 * 1024
_LABEL: Final = LABEL.pattern.strip("^$")
# As the compiler calls a set: its name in the policy, or that of a temporary grant.
_SET: Final = rf"(temporary\.)?{_LABEL}"
_CLUSTER_ARN: Final = re.compile(
    rf"arn:({'|'.join(PARTITIONS)}):eks:({REGION.pattern.strip('^$')}):([0-9]{{12}}):cluster/([0-9A-Za-z][0-9A-Za-z_-]*)"
)
_DNS: Final = r"[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?)*"


class IndexFaultError(ValueError):
    """What is wrong, with its place: for `decode`, which says where the index came from."""


@dataclass(frozen=True, slots=True)
class At:
    """A value of the document and its place there."""

    value: object
    place: str

    def fault(self, what: str) -> IndexFaultError:
        """Return an error about this place."""
        return IndexFaultError(f"{self.place or 'it'}: {what}" if self.place else what)

    def get(self, key: str) -> At:
        """Return what a key of this mapping has. Raises IndexFaultError where it is not there."""
        found = self.maybe(key)
        if found is None:
            raise self.fault(f"{key} is missing")
        return found

    def maybe(self, key: str) -> At | None:
        """Return the same, None where there is no such key."""
        if not isinstance(self.value, Mapping):
            raise self.fault("it is no mapping")
        return At(self.value[key], f"{self.place}.{key}".lstrip(".")) if key in self.value else None

    def items(self) -> Iterator[At]:
        """Yield the items of this list."""
        if not isinstance(self.value, list) or len(self.value) > MOST_ITEMS:
            raise self.fault(f"it is no list of at most {MOST_ITEMS} items")
        yield from (At(one, f"{self.place}[{index}]") for index, one in enumerate(self.value))

    def text(self, most: int = MOST_TEXT) -> str:
        """Return this text, which has no control character in it: it is shown on terminals."""
        value = self.value
        if not isinstance(value, str) or not value or len(value) > most or not value.isprintable():
            raise self.fault(f"it is no text of 1 to {most} printable characters")
        return value

    def form(self, pattern: str, words: str, most: int = MOST_TEXT) -> str:
        """Return this text, which has a form."""
        text = self.text(most)
        if re.fullmatch(pattern, text) is None:
            raise self.fault(f"it is not {words}")
        return text

    def label(self, most: int = 63) -> str:
        """Return this name."""
        return self.form(_LABEL, "a name of lower-case letters, digits and hyphens", most)

    def time(self) -> datetime:
        """Return this time."""
        return datetime.fromisoformat(self.form(TIME.pattern.strip("^$"), TIME.words))

    def flag(self) -> bool:
        """Return this boolean."""
        if not isinstance(self.value, bool):
            raise self.fault("it is neither true nor false")
        return self.value

    def principal(self, kinds: tuple[str, ...]) -> str:
        """Return this ARN of a user or role."""
        text = self.text()
        if _kind(text) not in kinds:
            raise self.fault(f"it is not the ARN of a {' or '.join(kinds)}")
        return text

    def set_role(self) -> str:
        """Return this ARN of a role that iamrbac made: readers try to assume it, and no other."""
        text = self.principal(("role",))
        if Arn.parse(text).path != PATH:
            raise self.fault(f"it is not a role of iamrbac's, below {PATH}")
        return text


@lru_cache(maxsize=1 << 15)
def _kind(arn: str) -> str:
    """Return what an ARN is of, "" where it is none; the same people are on most clusters."""
    try:
        return Arn.parse(arn).kind
    except ValueError:
        return ""


def cluster_of(at: At, instance: str) -> IndexCluster:
    """Read a cluster. Raises IndexFaultError."""
    name = at.get("name").form(CLUSTER.pattern.strip("^$"), CLUSTER.words, 100)
    eks_name = at.get("eksName").form(CLUSTER.pattern.strip("^$"), CLUSTER.words, 100)
    region = at.get("region").form(REGION.pattern.strip("^$"), REGION.words)
    account = at.get("account").form(ACCOUNT.pattern.strip("^$"), ACCOUNT.words)
    arn = _arn(at.get("arn"), region, account, eks_name)
    endpoint = at.get("endpoint")
    wrong = endpoint_fault(endpoint.text(), region)
    if wrong is not None:
        raise endpoint.fault(f"no token may be sent there: {wrong}")
    proxy, server, external = at.maybe("proxyUrl"), at.maybe("tlsServerName"), at.maybe("external")
    sets = tuple(_set(one, instance) for one in at.get("sets").items())
    if len({one.group for one in sets}) < len(sets):
        raise at.get("sets").fault("a set is there twice")
    return IndexCluster(
        name,
        eks_name,
        arn,
        endpoint.text(),
        _certificate(at.get("certificateAuthority")),
        None if proxy is None else _proxy(proxy),
        None if server is None else server.form(_DNS, "a name of DNS", 253),
        external is not None and external.flag(),
        tuple(sorted(sets, key=lambda one: (one.team, one.name))),
    )


def _arn(at: At, region: str, account: str, eks_name: str) -> str:
    text = at.text()
    match = _CLUSTER_ARN.fullmatch(text)
    if match is None or (match[1], match[2]) != (partition_of(region), region):
        raise at.fault("it is not the ARN of a cluster of this region")
    if text != f"arn:{match[1]}:eks:{region}:{account}:cluster/{eks_name}":
        raise at.fault("it is not the ARN of this account and name")
    return text


def _certificate(at: At) -> str:
    """Return the PEM of a certificate that TLS takes."""
    try:
        pem = base64.b64decode(at.text(_MOST_CERTIFICATE), validate=True).decode("ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (binascii.Error, UnicodeDecodeError, ssl.SSLError, ValueError) as error:
        if isinstance(error, IndexFaultError):
            raise
        raise at.fault("it is not a certificate in base64") from error
    return pem


def _proxy(at: At) -> str:
    """Return a proxy's URL; one with a password is none that everybody may read."""
    text = at.text()
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https", "socks5") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        fine = False
    if not fine or " " in text:
        raise at.fault("it is not the URL of a proxy, without user and password")
    return text


def _set(at: At, instance: str) -> IndexSet:
    team, name = at.get("team").label(40), at.get("set").form(_SET, "the name of a set", 80)
    group = at.get("group")
    if group.text() != group_name(instance, team, name):
        raise group.fault("it is not the group of this instance, team and set")
    ends, roles = at.maybe("notAfter"), at.maybe("roles")
    principals = [one.principal(("user", "role")) for one in at.get("principals").items()]
    return IndexSet(
        team,
        name,
        group.text(),
        tuple(sorted(set(principals))),
        () if roles is None else tuple(sorted({one.set_role() for one in roles.items()})),
        None if ends is None else ends.time(),
        tuple(sorted(_grant(one) for one in at.get("grants").items())),
    )


def _grant(at: At) -> IndexGrant:
    namespace = at.get("namespace")
    place = "" if namespace.value == "" else namespace.label()
    return IndexGrant(place, at.get("role").text(), tuple(one.text() for one in at.get("because").items()))
