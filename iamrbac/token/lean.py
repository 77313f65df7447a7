"""What the fast path needs of hashlib, hmac, json, urllib and datetime, without importing them.

Each of these takes as long to import as Python takes to start (`re` and OpenSSL are behind them), and kubectl waits for
it. The C pieces are the ones that the standard library itself is built on; where an interpreter lacks one (PyPy, a
build with OpenSSL's hashes alone), the public module takes its place.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha1, sha256
    from json import loads as read_json
    from json.encoder import encode_basestring_ascii as quoted
else:
    try:
        from _sha256 import sha256
    except ImportError:
        try:
            from _sha2 import sha256
        except ImportError:
            from hashlib import sha256
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1
    try:
        from _json import encode_basestring_ascii as quoted
        from _json import make_scanner
    except ImportError:
        from json import loads as read_json
        from json.encoder import encode_basestring_ascii as quoted
    else:

        class _Strict:
            """What the C scanner asks of `json.JSONDecoder`."""

            strict = True
            object_hook = None
            object_pairs_hook = None
            parse_float = float
            parse_int = int
            parse_constant = float

        def read_json(text: str) -> object:
            """Return the value of a JSON text. Raises ValueError."""
            text = text.strip(" \t\r\n")
            try:
                value, end = make_scanner(_Strict())(text, 0)
            except (StopIteration, RecursionError) as error:
                raise ValueError("not JSON") from error
            if end != len(text):
                raise ValueError("more than one JSON value")
            return value


__all__ = ["epoch", "hmac_sha256", "percent", "quoted", "read_json", "sha1", "sha256"]

_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the HMAC-SHA256 (RFC 2104)."""
    padded = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return sha256(padded.translate(_OUTER) + sha256(padded.translate(_INNER) + message).digest()).digest()


def percent(text: str) -> str:
    """Return the text percent-encoded as SigV4 wants it: all but RFC 3986's unreserved characters."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def epoch(text: str) -> int | None:
    """Return the seconds since 1970 of an ISO 8601 time with an offset (fractions cut off), None for anything else.

    `UTC` is what botocore writes into the AWS CLI's cache; `Z` and `+00:00` are what everybody else writes.
    """
    date, time, offset = _split(text)
    if not (_shaped(date, "dddd-dd-dd") and _shaped(time, "dd:dd:dd")):
        return None
    shift = _offset(offset)
    year, month, day = int(date[:4]), int(date[5:7]), int(date[8:])
    hour, minute, second = int(time[:2]), int(time[3:5]), int(time[6:])
    if shift is None or not (year > 0 and 1 <= month <= 12 and 1 <= day <= _days(year, month)):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((_day_number(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - shift


def _split(text: str) -> tuple[str, str, str]:
    """Return date, time of day without fraction, and offset."""
    date, time, rest = text[:10], text[11:19], text[19:]
    if text[10:11] != "T":
        return "", "", ""
    if rest.startswith("."):
        digits = len(rest) - 1 - len(rest[1:].lstrip("0123456789"))
        rest = rest[1 + digits :] if digits else ""
    return date, time, rest


def _shaped(text: str, shape: str) -> bool:
    """Return whether the text is like the shape, where `d` is a digit."""
    return len(text) == len(shape) and all(
        (one in "0123456789") if like == "d" else one == like for one, like in zip(text, shape, strict=True)
    )


def _offset(text: str) -> int | None:
    if text in {"Z", "UTC"}:
        return 0
    if not _shaped(text[1:], "dd:dd") or text[0] not in "+-":
        return None
    seconds = (int(text[1:3]) * 60 + int(text[4:])) * 60
    return -seconds if text[0] == "-" else seconds


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def _day_number(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 in the proleptic Gregorian calendar."""
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719_162
    return days + sum(_days(year, earlier) for earlier in range(1, month)) + day - 1
