"""The index as bytes: round trip, and one clear line for whatever is none."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.index.codec import MOST_BYTES, decode, encode, index_json, same
from iamrbac.index.index import AccessIndex, IndexGrant
from iamrbac.model.errors import AccessIndexError
from tests.index.builders import BOB, SSO, cluster, index, set_, whole

WHERE = "s3://acme/index.json"
labels = st.from_regex("[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
printable = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF).filter(str.isprintable), min_size=1, max_size=9
)
grants = st.builds(IndexGrant, st.just("") | labels, printable, st.lists(printable, max_size=2).map(tuple))
sets = st.builds(
    lambda name, team, grants, ends: set_(name, team, grants=tuple(sorted(grants)), not_after=ends),
    labels,
    labels,
    st.lists(grants, max_size=3),
    st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),
)
clusters = st.builds(
    lambda name, sets: cluster(name, *sorted(sets, key=lambda one: (one.team, one.name))),
    labels,
    st.lists(sets, max_size=3, unique_by=lambda one: one.group),
)
indexes = st.lists(clusters, max_size=3, unique_by=lambda one: one.name).map(
    lambda found: index(*sorted(found, key=lambda one: one.name))
)


def read(value: Any) -> AccessIndex:
    return decode(json.dumps(value).encode(), WHERE)


@given(indexes)
def test_what_is_written_is_read(one: AccessIndex) -> None:
    assert decode(encode(one), WHERE) == one


def test_a_whole_one_is_read_too() -> None:
    assert decode(encode(whole()), WHERE) == whole()


def test_the_order_of_things_makes_no_other_bytes() -> None:
    one = whole()
    first, second = one.clusters
    other = replace(one, clusters=(second, replace(first, sets=first.sets[::-1])))
    assert encode(other) == encode(one)


def test_it_holds_nothing_but_what_it_is_to_hold() -> None:
    """Keys of the file, so that nothing else gets in unseen."""
    keys: set[str] = set()

    def walk(value: Any) -> None:
        for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(one)
        keys.update(value if isinstance(value, dict) else ())

    walk(index_json(whole()))
    assert keys == {
        *("formatVersion", "kind", "instance", "written", "commit", "clusters"),
        *("name", "eksName", "arn", "region", "account", "endpoint", "certificateAuthority", "proxyUrl"),
        *("tlsServerName", "external", "sets", "team", "set", "group", "principals", "roles", "notAfter", "grants"),
        *("namespace", "role", "because"),
    }


def test_what_a_later_version_adds_means_nothing() -> None:
    value = index_json(whole())
    value["more"] = {"a": [1]}
    value["clusters"][0]["more"] = value["clusters"][0]["sets"][0]["more"] = "x"
    assert read(value) == whole()


def test_when_it_was_made_is_no_difference() -> None:
    later = replace(whole(), written=whole().written + timedelta(days=3), commit="b" * 40)
    assert same(whole(), later)
    assert not same(whole(), replace(whole(), clusters=whole().clusters[:1]))


def first(value: Any) -> Any:
    return value["clusters"][0]


BROKEN: dict[str, tuple[Callable[[Any], object], str]] = {
    "kind": (lambda v: v.update(kind="Config"), "its kind is not AccessIndex"),
    "no kind": (lambda v: v.pop("kind"), "kind is missing"),
    "instance": (lambda v: v.update(instance="A B"), "instance: it is not a name of lower-case letters"),
    "written": (lambda v: v.update(written="2026-06-01T12:00:00"), "written: it is not a time of RFC 3339"),
    "commit": (lambda v: v.update(commit="--upload-pack"), "commit: it is not a commit's id"),
    "clusters": (lambda v: v.update(clusters={}), "clusters: it is no list"),
    "twice": (lambda v: v["clusters"].append(first(v)), "clusters: production is there twice"),
    "no arn": (lambda v: first(v).pop("arn"), "clusters[0]: arn is missing"),
    "arn": (lambda v: first(v).update(arn=first(v)["arn"].replace("1111", "9999")), "clusters[0].arn: it is not the"),
    "region": (lambda v: first(v).update(region="us-east-1"), "clusters[0].arn: it is not the ARN of a cluster of"),
    "partition": (lambda v: first(v).update(arn=first(v)["arn"].replace("aws", "aws-cn")), "clusters[0].arn: it is"),
    "http": (lambda v: first(v).update(endpoint="http://127.0.0.1:1"), "endpoint: no token may be sent there"),
    "certificate": (lambda v: first(v).update(certificateAuthority="AAAA"), "it is not a certificate in base64"),
    "no base64": (lambda v: first(v).update(certificateAuthority="%"), "it is not a certificate in base64"),
    "key": (
        lambda v: first(v).update(certificateAuthority=base64.b64encode(b"-----BEGIN PRIVATE KEY-----").decode()),
        "it is not a certificate in base64",
    ),
    "proxy": (lambda v: first(v).update(proxyUrl="http://a:secret@proxy"), "clusters[0].proxyUrl: it is not the URL"),
    "server": (lambda v: first(v).update(tlsServerName="a b"), "clusters[0].tlsServerName: it is not a name of DNS"),
    "external": (lambda v: first(v).update(external="no"), "clusters[0].external: it is neither true nor false"),
    "group": (lambda v: first(v)["sets"][0].update(group="system:masters"), "sets[0].group: it is not the group of"),
    "set": (lambda v: first(v)["sets"][0].update(set="../x"), "sets[0].set: it is not the name of a set"),
    "principal": (lambda v: first(v)["sets"][0]["principals"].append("alice"), "principals[1]: it is not the ARN"),
    "session": (
        lambda v: first(v)["sets"][0]["principals"].append("arn:aws:sts::111122223333:assumed-role/a/b"),
        "principals[1]: it is not the ARN of a user or role",
    ),
    "user as role": (
        lambda v: first(v)["sets"][1].update(roles=[BOB]),
        "sets[1].roles[0]: it is not the ARN of a role",
    ),
    "somebody's role": (lambda v: first(v)["sets"][1].update(roles=[SSO]), "it is not a role of iamrbac's, below"),
    "ends": (lambda v: first(v)["sets"][2].update(notAfter=1), "sets[2].notAfter: it is no text"),
    "escape": (lambda v: first(v)["sets"][0]["grants"][0].update(role="\x1b[2J"), "role: it is no text of 1 to"),
    "because": (lambda v: first(v)["sets"][0]["grants"][0].update(because="x"), "because: it is no list"),
    "namespace": (lambda v: first(v)["sets"][0]["grants"][0].update(namespace="*"), "namespace: it is not a name"),
    "long": (lambda v: first(v)["sets"][0]["grants"][0].update(role="x" * 3000), "role: it is no text of 1 to 2048"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_one_is_one_line_with_the_place(name: str) -> None:
    spoil, said = BROKEN[name]
    value = index_json(whole())
    spoil(value)
    with pytest.raises(AccessIndexError) as error:
        read(value)
    assert str(error.value).startswith(f"{WHERE}: the access index is broken: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)
    assert error.value.hint == "whoever applies makes it anew with `iamrbac index`"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1, column 1: Expecting value"),
        (b"\xff", "it is not text"),
        (b"[]", "it is no mapping"),
        (b"{" * 100_000, "line 1"),
        (b'{"a":' * 100_000, "it is nested too deeply"),
        (b'{"formatVersion": ' + b"9" * 5000 + b"}", "it is not JSON"),
        (b'{"kind": "AccessIndex", "kind": "AccessIndex"}', "a key is there twice"),
        (b" " * (MOST_BYTES + 1), "it has more than 64 MiB"),
        (encode(whole())[:-200], "line "),
        (encode(whole()).replace(b'"formatVersion": 1', b'"formatVersion": true'), "has format another; this version"),
        (encode(whole()).replace(b'"formatVersion": 1', b'"formatVersion": 2'), "has format 2; this version reads 1"),
    ],
)
def test_what_is_no_index_at_all_is_one_line(content: bytes, said: str) -> None:
    with pytest.raises(AccessIndexError, match=f"^{re.escape(WHERE)}: ") as error:
        decode(content, WHERE)
    assert said in str(error.value)
    assert len(str(error.value)) < 300


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_is_read_or_one_line_and_never_leads_elsewhere(data: st.DataObject) -> None:
    """Whether it is the same index is for the place's integrity to say; here: no crash, no foreign endpoint."""
    content = bytearray(encode(whole()))
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    try:
        found = decode(bytes(content), WHERE)
    except AccessIndexError as error:
        assert "\n" not in str(error)
        return
    assert all(one.endpoint.lower().endswith(".eu-west-1.eks.amazonaws.com") for one in found.clusters)


@settings(max_examples=200)
@given(st.data())
def test_any_value_anywhere_is_read_or_one_line(data: st.DataObject) -> None:
    value = index_json(whole())
    places: list[tuple[Any, Any]] = []

    def walk(one: Any) -> None:
        for key, child in one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ():
            places.append((one, key))
            walk(child)

    walk(value)
    container, key = data.draw(st.sampled_from(places))
    container[key] = data.draw(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})
    )
    try:
        found = read(value)
    except AccessIndexError as error:
        assert "\n" not in str(error)
    else:
        assert decode(encode(found), WHERE) == found
