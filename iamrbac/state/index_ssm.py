"""The access index in a parameter of Systems Manager, compressed: who may write it is who may ssm:PutParameter on it.

A parameter that another account shares is named by its ARN when it is read
(https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html); the answer must
be of the very ARN that was asked for. It is written by its name, which is that of the writer's own account and region.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from iamrbac.index.codec import MOST_BYTES
from iamrbac.model.errors import AccessIndexError
from iamrbac.model.index_place import SsmParameter
from iamrbac.state.asking import Asking, code_of
from iamrbac.usecases.index_places import Signed

MOST: Final = 8 * 1024
"""Characters of an advanced parameter (ssm:PutParameter); a standard one has half."""
_NONE: Final = "ParameterNotFound"


class SsmClient(Protocol):
    """What is used of boto3's client."""

    def get_parameter(self, **arguments: Any) -> Mapping[str, Any]:
        """Read a parameter."""
        ...

    def put_parameter(self, **arguments: Any) -> Mapping[str, Any]:
        """Write one."""
        ...


class SsmIndex:
    """One parameter."""

    def __init__(self, client: Callable[[], SsmClient], place: SsmParameter) -> None:
        """Take what makes a client of the parameter's region. Nothing is asked yet."""
        self._client = client
        self._place = place
        self.where = str(place)
        denied = f"the parameter must be of account {place.arn.split(':')[4]}, or shared by it"
        self._asking = Asking(AccessIndexError, self.where, denied, "correct the place of the index, or what SSM names")

    def read(self) -> bytes | None:
        """Return the parameter's bytes, None where there is no such parameter. Raises AccessIndexError."""

        def get() -> tuple[str, str] | None:
            try:
                found = self._client().get_parameter(Name=self._place.arn)["Parameter"]
            except ClientError as error:
                if code_of(error) == _NONE:
                    return None
                raise
            return found["ARN"], found["Value"]

        found = self._asking.ask("ssm:GetParameter", get)
        if found is None:
            return None
        arn, value = found
        if arn != self._place.arn:
            raise self._refused(f"the answer is of another parameter: {arn}", "check AWS_ENDPOINT_URL and the place")
        return self._unpacked(value)

    def seal(self, content: bytes) -> Signed:
        """Return the bytes, compressed. Raises AccessIndexError where they do not fit into a parameter."""
        packed = base64.b64encode(gzip.compress(content, mtime=0))
        if len(packed) > MOST:
            raise self._refused(
                f"the access index has {len(packed)} characters when compressed, and a parameter has room for {MOST}",
                "keep it in S3: index: s3://BUCKET/KEY#ACCOUNT",
            )
        return Signed(packed)

    def write(self, signed: Signed) -> None:
        """Write the parameter, a new version of it. Raises AccessIndexError.

        A standard parameter becomes an advanced one by itself where it has to.
        """
        self._asking.ask("ssm:PutParameter", lambda: self._put(signed.content.decode("ascii")))

    def _put(self, value: str) -> None:
        self._client().put_parameter(
            Name=self._place.name, Value=value, Type="String", Overwrite=True, Tier="Intelligent-Tiering"
        )

    def _unpacked(self, value: str) -> bytes:
        try:
            unpacking = zlib.decompressobj(31)
            content = unpacking.decompress(base64.b64decode(value, validate=True), MOST_BYTES + 1)
        except (binascii.Error, zlib.error, ValueError) as error:
            raise self._refused("the parameter holds no access index", "make it anew with `iamrbac index`") from error
        if not unpacking.eof and len(content) <= MOST_BYTES:
            raise self._refused("the parameter's text is cut off", "make it anew with `iamrbac index`")
        return content

    def _refused(self, message: str, hint: str) -> AccessIndexError:
        return AccessIndexError(message, where=self.where, hint=hint)
