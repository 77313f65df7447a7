"""The access index in S3, in a bucket that is of the named account: S3 itself refuses any other one's."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import ClientError

from iamrbac.index.codec import MOST_BYTES
from iamrbac.model.errors import AccessIndexError
from iamrbac.model.index_place import S3Object
from iamrbac.state.asking import Asking, code_of
from iamrbac.state.s3 import GONE, S3Client
from iamrbac.usecases.index_places import Signed


class S3Index:
    """One object. Every call names the bucket's owner (x-amz-expected-bucket-owner)."""

    def __init__(self, client: Callable[[], S3Client], place: S3Object) -> None:
        """Take what makes a client. Nothing is asked yet."""
        self._client = client
        self._object = {"Bucket": place.bucket, "Key": place.key, "ExpectedBucketOwner": place.account}
        self.where = str(place)
        owner = f"the bucket must be of account {place.account}, or what was in its name is somebody else's now"
        self._asking = Asking(AccessIndexError, self.where, owner, "correct the place of the index, or what S3 names")

    def read(self) -> bytes | None:
        """Return the object's bytes, None where there is no such object. Raises AccessIndexError."""

        def get() -> bytes | None:
            try:
                answer = self._client().get_object(**self._object)
            except ClientError as error:
                if code_of(error) in GONE:
                    return None
                raise
            # One more than an index may have is enough to refuse it.
            return bytes(answer["Body"].read(MOST_BYTES + 1))

        return self._asking.ask("s3:GetObject", get)

    def seal(self, content: bytes) -> Signed:
        """Return the bytes: the bucket's owner vouches for them."""
        return Signed(content)

    def write(self, signed: Signed) -> None:
        """Write the object. Raises AccessIndexError."""
        how = {"ContentType": "application/json", "CacheControl": "no-cache"}
        self._asking.ask("s3:PutObject", lambda: self._client().put_object(**self._object, Body=signed.content, **how))
