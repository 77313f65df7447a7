"""Parts: any bytes come back whole, and nothing else comes back as a whole."""

from __future__ import annotations

import gzip
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.backup import parts
from iamrbac.backup.parts import LONGEST, PART, join, pack, part_of, split, unpack


@given(st.binary(max_size=300), st.integers(min_value=1, max_value=100), st.randoms())
def test_what_was_split_is_joined_in_any_order(whole: bytes, most: int, random: Random) -> None:
    cut = split(whole, most)
    assert all(len(part.data) <= most for part in cut)
    shuffled = [part_of(part.header, part.data) for part in cut]
    random.shuffle(shuffled)
    assert join(shuffled) == whole


@given(st.binary(min_size=2, max_size=100), st.data())
def test_one_part_less_twice_changed_or_of_another_whole_is_none(whole: bytes, data: st.DataObject) -> None:
    cut = list(split(whole, (len(whole) + 1) // 2))
    at = data.draw(st.integers(min_value=0, max_value=len(cut) - 1))
    for wrong in (
        [part for part in cut if part is not cut[at]],
        [*cut, cut[at]],
        [replace(part, data=part.data + b"x") if part is cut[at] else part for part in cut],
        [replace(part, count=part.count + 1) for part in cut],
        [replace(part, number=part.number + 1) for part in cut],
        [*cut[:at], split(whole + b"x", len(whole))[0], *cut[at + 1 :]],
    ):
        with pytest.raises(ValueError, match="parts"):
            join(wrong)


@pytest.mark.parametrize("header", ["", "1/3", "0/1 sha256:" + "0" * 64, "1/1 sha256:" + "G" * 64, "1/1 sha256:0\n"])
def test_headers_that_are_none(header: str) -> None:
    with pytest.raises(ValueError, match="beside a part"):
        part_of(header, b"")


@given(st.text())
def test_packed_alike_and_unpacked(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert pack(text) == pack(text)
    assert unpack(pack(text)) == text


def test_what_is_not_packed_or_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (b"", b"{}", pack("text")[:-1], gzip.compress(b"\xff")):
        with pytest.raises(ValueError, match=r"gzip|cut off|utf-8"):
            unpack(wrong)
    monkeypatch.setattr(parts, "LONGEST", 3)
    with pytest.raises(ValueError, match="longer than"):
        unpack(pack("text"))


def test_a_part_fits_below_what_the_api_takes() -> None:
    assert PART < 1024 * 1024 < LONGEST
