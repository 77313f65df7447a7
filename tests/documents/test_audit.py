"""JSON values in logs of every form, whole, cut off and broken."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.audit.shapes import OTHER, Broken, events_in
from iamrbac.documents import audit
from iamrbac.documents.audit import entries
from tests.audit.build import event, lines

EVENTS = [event("get", "pods", "blue", name=f"web-{number}") for number in range(7)]
LIST = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": EVENTS}
MESSAGES = [{"id": "3", "timestamp": 1, "message": json.dumps(one)} for one in EVENTS]
DATA = {
    "messageType": "DATA_MESSAGE",
    "owner": "111122223333",
    "logGroup": "/aws/eks/staging/cluster",
    "subscriptionFilters": ["all"],
    "logEvents": MESSAGES,
}
FILTERED = {"events": MESSAGES, "searchedLogStreams": [{"logStreamName": "a", "searchedCompletely": True}, {"b": 1}]}
STAMP = b"2026-11-26T10:00:00.000Z "
EXPORTED = b"".join(STAMP + line + b"\n" for line in lines(EVENTS).splitlines())
FORMS = {
    "lines": lines(EVENTS),
    "lines without a last newline": lines(EVENTS).rstrip(),
    "lines with blanks around": b" " + lines(EVENTS).replace(b"\n", b" \t\n "),
    "lines with a byte order mark": b"\xef\xbb\xbf" + lines(EVENTS),
    "lines with blank ones and CRLF": b"\n" + lines(EVENTS).replace(b"\n", b"\r\n\r\n"),
    "an EventList on a line": lines([LIST]),
    "EventLists on lines": lines([LIST | {"items": EVENTS[:3]}, LIST | {"items": EVENTS[3:]}]),
    "an EventList over many lines": json.dumps(LIST, indent=2).encode(),
    "EventLists over many lines": b"\n".join(
        json.dumps(LIST | {"items": some}, indent=4).encode() for some in (EVENTS[:3], [], EVENTS[3:])
    ),
    "an array over many lines": json.dumps(EVENTS, indent=1).encode(),
    "export to S3": EXPORTED,
    "records of Firehose in one line": b"".join(
        json.dumps(DATA | {"logEvents": some}).encode() for some in (MESSAGES[:2], MESSAGES[2:])
    ),
    "filter-log-events": json.dumps(FILTERED, indent=4).encode() + b"\n",
    "filter-log-events in a line": json.dumps(FILTERED).encode(),
}


def read(data: bytes) -> list[tuple[int, object]]:
    return list(entries(io.BufferedReader(io.BytesIO(data))))


def found(data: bytes) -> list[object]:
    return [one for _, value in read(data) for one in events_in(value) if one is not OTHER]


def twice(data: bytes) -> bytes:
    """As Firehose joins them."""
    return gzip.compress(data[:99]) + gzip.compress(data[99:])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, twice])
def test_every_form(form: str, pack: Callable[[bytes], bytes]) -> None:
    assert found(pack(FORMS[form])) == EVENTS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("most", [2_000, 3_000, 9_000])
def test_what_is_longer_than_a_line_may_be_is_read_by_its_elements(
    form: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing holds more than an element, and a piece of what is read at a time."""
    monkeypatch.setattr(audit, "MOST", most)
    monkeypatch.setattr(audit, "_CHUNK", 300)
    assert found(FORMS[form]) == EVENTS


def test_a_broken_line_is_told_with_its_place_and_the_rest_goes_on() -> None:
    good = lines(EVENTS).splitlines(keepends=True)
    data = b"".join([*good[:2], good[2][:300] + b"\n", b"\x00\xff\xfe\n", *good[3:], b"17\n", good[2][:80]])
    broken = [(number, value) for number, value in read(data) if isinstance(value, Broken)]
    assert [number for number, _ in broken] == [3, 4, 10]
    assert found(data)[:2] == EVENTS[:2]
    assert [one for one in found(data) if not isinstance(one, Broken)] == EVENTS[:2] + EVENTS[3:]


def test_text_of_other_components_is_no_audit_event() -> None:
    data = EXPORTED + STAMP + b"I1126 10:00:00.0 1 a.go:1] {\n" + STAMP + b'{"kind": "Ev\n'
    assert [type(value).__name__ for _, value in read(data)[-2:]] == ["Other", "Broken"]


@pytest.mark.parametrize("form", ["lines", "an EventList over many lines", "filter-log-events"])
def test_gzip_that_is_cut_off_gives_what_is_there_and_says_so(form: str) -> None:
    packed = gzip.compress(FORMS[form] + lines([{"pad": str(hash(str(n)))} for n in range(9_000)]))
    got = [value for _, value in read(packed[:-2_000])]
    assert isinstance(got[-1], Broken)
    assert got[-1].lost
    assert [one for one in found(packed[:-2_000]) if one in EVENTS] == EVENTS


def test_a_document_that_is_cut_off_gives_its_whole_elements() -> None:
    data = json.dumps(LIST, indent=2).encode()
    got = read(data[: len(data) - 900])
    assert [value for _, value in got[:-1]] == EVENTS[: len(got) - 1]
    assert isinstance(got[-1][1], Broken)
    assert got[-1][1].lost
    number = got[-1][0]
    assert data.splitlines()[number - 1].strip() == b"{"


def test_very_deep_nesting_is_no_crash() -> None:
    got = [value for _, value in read(b"[" * 200_000 + b"\n" + lines(EVENTS))]
    assert isinstance(got[0], Broken)


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    for _, value in read(data):
        list(events_in(value))


@given(st.data())
def test_no_damage_raises_and_whole_lines_before_it_are_read(data: st.DataObject) -> None:
    form = FORMS[data.draw(st.sampled_from(sorted(FORMS)))]
    place = data.draw(st.integers(0, len(form) - 1))
    damaged = form[:place] + data.draw(st.binary(min_size=1, max_size=3)) + form[place + 1 :]
    found(damaged)
    found(gzip.compress(damaged)[: data.draw(st.integers(0, 400))])
