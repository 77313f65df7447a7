"""Audit logs in S3, as CloudWatch Logs and Firehose write them: every object below a prefix, streamed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Final

from iamrbac.model.errors import AuditLogError, UsageError
from iamrbac.state.asking import Asking
from iamrbac.state.audit_files import PROBE
from iamrbac.state.s3 import S3Client
from iamrbac.usecases.audit_log import Entries, Source

SCHEME: Final = "s3://"
_BUFFER: Final = 256 << 10
_OWNER: Final = re.compile(r"(?P<place>.*)#(?P<account>\d{12})", re.DOTALL)


class S3Log:
    """The objects at s3://BUCKET/PREFIX#ACCOUNT, in the order in which S3 lists them: by key.

    With the account that the bucket must be of, S3 refuses a bucket that somebody else has made of that name.
    """

    def __init__(self, client: Callable[[], S3Client], place: str, entries: Entries) -> None:
        """Take what makes a client, and what reads a stream. Nothing is asked yet. Raises UsageError."""
        self._client = client
        owned = _OWNER.fullmatch(place)
        named = str(owned["place"]) if owned is not None else place
        self._bucket, _, self._prefix = named.removeprefix(SCHEME).partition("/")
        if not self._bucket:
            raise UsageError(f"{place} names no bucket", hint="write s3://BUCKET/PREFIX")
        owner = {"ExpectedBucketOwner": owned["account"]} if owned is not None else {}
        self._where = {"Bucket": self._bucket, **owner}
        self._entries = entries
        self._asking = Asking(
            AuditLogError,
            place,
            "the bucket's policy and its key must allow it",
            "correct the place, or what S3 names",
        )

    def sources(self) -> Iterator[Source]:
        """Yield each object. Raises AuditLogError, also while one is read."""
        pages = self._asking.ask(
            "s3:ListBucket",
            lambda: iter(self._client().get_paginator("list_objects_v2").paginate(**self._where, Prefix=self._prefix)),
        )
        while (page := self._asking.ask("s3:ListBucket", lambda: next(pages, None))) is not None:
            for one in page.get("Contents", ()):
                key = str(one["Key"])
                if one.get("Size") != 0 and not key.endswith(("/", PROBE)):
                    yield Source(f"{SCHEME}{self._bucket}/{key}", self._opened(key))

    def _opened(self, key: str) -> Iterator[tuple[int, object]]:
        answer = self._asking.ask("s3:GetObject", lambda: self._client().get_object(**self._where, Key=key))
        body = answer["Body"]
        try:
            found = self._entries(io.BufferedReader(body, _BUFFER))
            while (entry := self._asking.ask("s3:GetObject", lambda: next(found, None))) is not None:
                yield entry
        finally:
            body.close()
