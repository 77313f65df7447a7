"""The small pieces do what the modules do in whose place they stand."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.token.lean import epoch, hmac_sha256, percent, quoted, read_json, sha1, sha256

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(key=st.binary(max_size=200), message=st.binary(max_size=300))
def test_hmac_and_digests(key: bytes, message: bytes) -> None:
    assert hmac_sha256(key, message) == hmac.new(key, message, hashlib.sha256).digest()
    assert sha256(message).hexdigest() == hashlib.sha256(message).hexdigest()
    assert sha1(message).hexdigest() == hashlib.sha1(message).hexdigest()


@given(st.text())
def test_texts(text: str) -> None:
    assert percent(text) == quote(text, safe="-_.~")
    assert quoted(text) == json.dumps(text)


@given(VALUES)
def test_json(value: object) -> None:
    assert read_json(f" {json.dumps(value)}\n") == value


@pytest.mark.parametrize("text", ["", "{", "{} {}", '{"a": }', "[" * 100_000, "\ufeff{}", "nope", '"a\nb"'])
def test_what_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        read_json(text)


@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9998, 12, 31)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["", ".5", ".123456789"]),
)
def test_times(time: datetime, minutes: int, fraction: str) -> None:
    zone = timezone(timedelta(minutes=minutes))
    at = time.replace(microsecond=0, tzinfo=zone)
    text = at.isoformat()
    assert epoch(text[:19] + fraction + text[19:]) == int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


@pytest.mark.parametrize("offset", ["Z", "UTC", "+00:00"])
def test_times_of_utc(offset: str) -> None:
    assert epoch(f"2026-11-24T08:30:05{offset}") == 1_795_509_005


@pytest.mark.parametrize(
    "text",
    [
        *["", "2026-11-24", "2026-11-24T08:30:05", "2026-11-24 08:30:05Z", "2026-13-01T00:00:00Z", "soon"],
        *["2026-02-29T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T08:30:05+0100", "2026-11-24T08:30:05.Z"],
        *["2026-11-24T08:30:05CET", "٢٠٢٦-11-24T08:30:05Z", "0000-01-01T00:00:00Z", "2026-11-24T08:30:05Z "],
    ],
)
def test_what_is_no_time_with_an_offset(text: str) -> None:
    assert epoch(text) is None
