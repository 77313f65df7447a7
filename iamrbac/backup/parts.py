"""Something long in several ConfigMaps: cut into parts that know each other, so that no mixture is taken for a whole.

The API takes 1 MiB of data in one ConfigMap (Kubernetes, "ConfigMaps", and core validation's MaxSecretSize).
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PART: Final = 900 * 1024
"""Bytes in one part: what names, other keys and what the API adds take still fits below its 1 MiB."""
LONGEST: Final = 64 * 1024 * 1024
"""Bytes that are unpacked at most: whoever can write there must not be able to fill our memory."""
_HEADER: Final = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3}) sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a whole."""

    number: int
    """From 1."""
    count: int
    """Parts of the whole."""
    digest: str
    """SHA-256 of the whole, in hexadecimal: parts of two wholes do not go together."""
    data: bytes

    @property
    def header(self) -> str:
        """What stands beside the data, for `part_of`: `1/3 sha256:…`."""
        return f"{self.number}/{self.count} sha256:{self.digest}"


def part_of(header: str, data: bytes) -> Part:
    """Return a part as it was read. Raises ValueError where the header is none."""
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ValueError(f"{header[:80]!r} is not what stands beside a part")
    return Part(int(match[1]), int(match[2]), match[3], data)


def split(whole: bytes, most: int = PART) -> tuple[Part, ...]:
    """Return a whole in parts of at most `most` bytes; nothing is one empty part."""
    pieces = [whole[at : at + most] for at in range(0, len(whole), most)] or [b""]
    digest = hashlib.sha256(whole).hexdigest()
    return tuple(Part(number, len(pieces), digest, piece) for number, piece in enumerate(pieces, 1))


def join(parts: Sequence[Part]) -> bytes:
    """Return the whole, whatever the order of its parts. Raises ValueError where one is missing, twice or another's."""
    found = {part.number: part for part in parts}
    counts = {part.count for part in parts}
    if len(found) != len(parts) or counts != {len(parts)} or set(found) != set(range(1, len(parts) + 1)):
        raise ValueError(f"{len(parts)} parts are not all of a whole")
    whole = b"".join(found[number].data for number in sorted(found))
    if {part.digest for part in parts} != {hashlib.sha256(whole).hexdigest()}:
        raise ValueError("the parts are not of the same whole, or somebody changed them")
    return whole


def pack(text: str) -> bytes:
    """Return a text compressed with gzip; the same text always gives the same bytes (with the same zlib)."""
    return gzip.compress(text.encode(), mtime=0)


def unpack(data: bytes) -> str:
    """Return what `pack` packed. Raises ValueError for what is not whole, no text, or longer than LONGEST."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(data, LONGEST)
    except zlib.error as error:
        raise ValueError(f"it is not gzip: {error}") from error
    if not unpacker.eof:
        raise ValueError(f"it is cut off, or longer than {LONGEST} bytes")
    return text.decode()
