"""JSON values in a log, one after the other, as they come: JSON lines, with CloudWatch's times or without, and whole
documents over many lines. gzip or not. Nothing is held but the line, or the element, that is read.

Source of the time before each line: "Exporting log data to Amazon S3" (CloudWatch Logs).
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from iamrbac.audit.shapes import OTHER, Broken

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST: Final = 16 << 20
"""Bytes of a line, or characters of an element; what is longer is no audit event (etcd takes 1.5 MiB)."""
_CHUNK: Final = 256 << 10
_STAMP: Final = re.compile(rb"\s*\d{4}-\d\d-\d\dT[\d:.]+Z\s+")
_BEGUN: Final = re.compile(rb"\s*[\[{].{0,200}(?<=[\[{,])\s*\Z", re.DOTALL)
"""A line of a document over many lines."""
_LIST: Final = re.compile(r'\s*(?:\[|\{(?:[^{}]|\{\s*\})*?"(?:items|events|logEvents)"\s*:\s*\[)')
_GAP: Final = re.compile(r"[\s,]*")
_AFTER: Final = re.compile(r"\}\s*(?=\{)")
_DECODER: Final = json.JSONDecoder()

Entry: TypeAlias = tuple[int, object]
"""A line number, and a JSON value, or Broken or OTHER."""


def entries(buffered: io.BufferedReader) -> Iterator[Entry]:
    """Yield everything in a log. What cannot be read is Broken, and the rest goes on where that is possible.

    Raises what reading the stream raises.
    """
    number, decode = 0, _DECODER.raw_decode
    try:
        if buffered.peek(2)[:2] == b"\x1f\x8b":
            buffered = io.BufferedReader(_Unpacked(buffered), _CHUNK)
        for line in iter(partial(buffered.readline, MOST), b""):
            number += 1
            try:
                # What json.loads does beside, to guess the encoding and to skip blanks, takes half as long again.
                text = line.decode()
                value, end = decode(text)
                if end + 1 != len(text) and text[end:].strip():
                    raise ValueError(text[end : end + 1])
            except (ValueError, RecursionError):
                for place, other in _otherwise(line, number, buffered):
                    yield place, other
                    if isinstance(other, Broken) and other.lost:
                        return
            else:
                yield number, value
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield number + 1, Broken(f"the gzip data is cut off or damaged, and the rest is lost: {error}", lost=True)


class _Unpacked(io.RawIOBase):
    """gzip data, a piece at a time: to ask for more at once would lose what comes before a damage."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._gzip = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._gzip.readinto1(buffer)


def _otherwise(line: bytes, number: int, stream: io.BufferedReader) -> Iterator[Entry]:
    """Yield what is in a line that is not just one JSON value."""
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    if not line.strip():
        return
    stamp = _STAMP.match(line)
    if stamp is not None:
        yield number, _stamped(line[stamp.end() :])
    elif (len(line) >= MOST and line[-1:] != b"\n") or (number == 1 and _BEGUN.match(line)):
        yield from _Streamed(line, number, stream).values()
    else:
        yield from _joined(line, number)


def _stamped(line: bytes) -> object:
    if line[:1] != b"{":
        return OTHER
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return Broken("it is no JSON")


def _joined(line: bytes, number: int) -> Iterator[Entry]:
    """Yield the values of a line that has several, as Firehose writes them."""
    text, position = line.decode("utf-8", "replace").strip(), 0
    while position < len(text):
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            yield number, Broken("it is no JSON")
            return
        yield number, value
        position = _gap(text, position)


def _gap(text: str, position: int) -> int:
    found = _GAP.match(text, position)
    return found.end() if found is not None else position


class _Streamed:
    """Documents that need not end where a line does: each element of their lists is read alone."""

    def __init__(self, begun: bytes, number: int, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._text = self._decode(begun)
        self._position = 0
        self._number = number
        self._ended = False

    def values(self) -> Iterator[Entry]:
        """Yield everything to the end of the stream, or to what cannot be read."""
        self._more(_CHUNK)
        while self._begins():
            while len(self._text) - self._position < _CHUNK and self._more(_CHUNK):
                pass
            head = _LIST.match(self._text, self._position, self._position + _CHUNK)
            if head is None:
                yield from self._value()
            else:
                self._move(head.end())
                yield from self._elements()

    def _elements(self) -> Iterator[Entry]:
        while self._begins() and self._text[self._position] != "]":
            yield from self._value()
        self._passes()

    def _passes(self) -> None:
        """Go to the next document, past whatever else is in this one."""
        while (after := _AFTER.search(self._text, self._position)) is None:
            # The brace that ends this document may be all that is there of the two.
            rest = self._text.rstrip()
            self._move(max(self._position, len(rest) - 1) if rest.endswith("}") else len(self._text))
            if not self._more(_CHUNK):
                self._move(len(self._text))
                return
        self._move(after.end())

    def _value(self) -> Iterator[Entry]:
        number = self._number
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._position)
            except (ValueError, RecursionError):
                held = len(self._text) - self._position
                if held < MOST and self._more(max(held, _CHUNK)):
                    continue
                yield number, Broken("from here on it is no JSON, or cut off, and the rest is lost", lost=True)
                self._move(len(self._text))
                self._ended = True
                return
            self._move(end)
            yield number, value
            return

    def _begins(self) -> bool:
        """Go to where the next thing begins; False at the end."""
        while True:
            self._move(_gap(self._text, self._position))
            if self._position < len(self._text):
                return True
            if not self._more(_CHUNK):
                return False

    def _move(self, position: int) -> None:
        self._number += self._text.count("\n", self._position, position)
        self._position = position

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        found = self._stream.read1(size)
        self._ended = not found
        self._text = self._text[self._position :] + self._decode(found, final=self._ended)
        self._position = 0
        return not self._ended
