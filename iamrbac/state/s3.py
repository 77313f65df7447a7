"""Backups in S3: PREFIX/INSTANCE/CLUSTER/, in a bucket of the account that is named, encrypted.

Which encryption is the bucket's own to say: S3 encrypts every object since January 2023, with the bucket's KMS key
where one is set and else with AES-256 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html).
Asking for AES256 each time would take such a key away. What does not say that it has encrypted (other stores that
speak S3) is asked for AES256, and refused where it does not then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from botocore.exceptions import ClientError

from iamrbac.model.errors import BackupError
from iamrbac.state.asking import Asking, code_of
from iamrbac.state.files import kept_of, name_of
from iamrbac.usecases.backups import Kept, Part

T = TypeVar("T")
GONE: Final = frozenset({"NoSuchKey", "404"})
"""What S3 says of an object that is not there."""


class S3Client(Protocol):
    """What is used of boto3's client."""

    def put_object(self, **arguments: Any) -> Mapping[str, Any]:
        """Write an object."""
        ...

    def get_object(self, **arguments: Any) -> Mapping[str, Any]:
        """Read one."""
        ...

    def delete_object(self, **arguments: Any) -> Mapping[str, Any]:
        """Delete one."""
        ...

    def get_paginator(self, operation_name: Any) -> Any:
        """Return what pages a list."""
        ...


class S3Store:
    """The backups of one instance on one cluster, in a bucket."""

    def __init__(self, client: Callable[[], S3Client], place: str, owner: str, instance: str, cluster: str) -> None:
        """Take s3://BUCKET/PREFIX and the account that the bucket must be of. Nothing is asked yet."""
        self._client = client
        self._bucket, _, prefix = place.removeprefix("s3://").partition("/")
        self._prefix = "/".join(part for part in (prefix.strip("/"), instance, cluster) if part) + "/"
        self._place = {"Bucket": self._bucket, "ExpectedBucketOwner": owner}
        self.where = f"s3://{self._bucket}/{self._prefix}"
        self._asking = Asking(
            BackupError,
            self.where,
            f"the bucket must be of account {owner} (`account` in `backups` says so)",
            "correct `backups` in iamrbac.yaml, or what S3 names",
        )

    def save(self, run: str, part: Part, content: bytes) -> None:
        """Write one half, encrypted. Raises BackupError."""
        key = self._key(run, part)

        def put(**wanted: str) -> bool:
            answer = self._client().put_object(
                **self._place, Key=key, Body=content, ContentType="application/gzip", **wanted
            )
            return bool(answer.get("ServerSideEncryption"))

        if self._asked("s3:PutObject", lambda: put() or put(ServerSideEncryption="AES256")):
            return
        self._asked("s3:DeleteObject", lambda: self._client().delete_object(**self._place, Key=key))
        raise BackupError(
            "the bucket does not encrypt what is written to it, so nothing is kept there",
            where=self.where,
            hint="turn its default encryption on (SSE-S3 or SSE-KMS)",
        )

    def kept(self) -> tuple[Kept, ...]:
        """Return all records, the oldest first, of every page. Raises BackupError."""

        def names() -> list[str]:
            pages = self._client().get_paginator("list_objects_v2").paginate(**self._place, Prefix=self._prefix)
            return [one["Key"].removeprefix(self._prefix) for page in pages for one in page.get("Contents", ())]

        return kept_of(self._asked("s3:ListBucket", names))

    def read(self, runs: Collection[str]) -> Mapping[str, bytes]:
        """Return what is kept of these runs. Raises BackupError."""
        found = {run: self._half(run, Part.BACKUP) for run in runs}
        return {run: half + (self._half(run, Part.RESULTS) or b"") for run, half in found.items() if half is not None}

    def delete(self, run: str) -> None:
        """Delete a record; already gone is fine. Raises BackupError."""
        for part in Part:
            delete = partial(self._client().delete_object, **self._place, Key=self._key(run, part))
            self._asked("s3:DeleteObject", delete)

    def _half(self, run: str, part: Part) -> bytes | None:
        def get() -> bytes | None:
            try:
                answer = self._client().get_object(**self._place, Key=self._key(run, part))
            except ClientError as error:
                if code_of(error) in GONE:
                    return None
                raise
            return bytes(answer["Body"].read())

        return self._asked("s3:GetObject", get)

    def _key(self, run: str, part: Part) -> str:
        return self._prefix + name_of(run, part)

    def _asked(self, action: str, ask: Callable[[], T]) -> T:
        return self._asking.ask(action, ask)
