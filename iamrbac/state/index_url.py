"""The access index on any web server, with a signature beside it (PATH.sig) that a KMS key made of its SHA-256 digest.

The server and the way to it need no trust: kms:Verify says whether the key signed these very bytes. An old index with
its own signature is still a signed one, so the index says when it was made, and its age is shown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from iamrbac.index.codec import MOST_BYTES
from iamrbac.model.errors import AccessIndexError
from iamrbac.model.index_place import SignedUrl
from iamrbac.state.asking import Asking, code_of
from iamrbac.usecases.index_places import Signed

ALGORITHM: Final = "ECDSA_SHA_256"
SUFFIX: Final = ".sig"
_MOST_SIGNATURE: Final = 1024
_PATIENCE: Final = 10.0
"""Seconds that the server may say nothing."""
_DEADLINE: Final = 60.0
"""Seconds that all of an answer may take."""
_PIECE: Final = 64 * 1024


class KmsClient(Protocol):
    """What is used of boto3's client."""

    def sign(self, **arguments: Any) -> Mapping[str, Any]:
        """Sign a digest."""
        ...

    def verify(self, **arguments: Any) -> Mapping[str, Any]:
        """Say whether a key signed a digest."""
        ...


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect may lead anywhere, and nothing needs one."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the redirect itself is the answer, and a failure."""


class UrlIndex:
    """One file and its signature. It is read from here, and written by whoever uploads."""

    def __init__(self, client: Callable[[], KmsClient], place: SignedUrl) -> None:
        """Take what makes a client of the key's region. Nothing is asked yet."""
        self._client = client
        self._place = place
        self.where = str(place)
        denied = "the key's policy must allow it too"
        self._asking = Asking(AccessIndexError, self.where, denied, "correct the key of the place, or what KMS names")
        self._open = urllib.request.build_opener(_NoRedirect).open

    def read(self) -> bytes | None:
        """Return the file's bytes once the key has vouched for them; None where the server has no such file (404).

        Raises AccessIndexError.
        """
        content = self._got(self._place.url, MOST_BYTES)
        if content is None:
            return None
        text = self._got(self._place.url + SUFFIX, _MOST_SIGNATURE)
        if text is None:
            raise self._refused(f"the signature {self._place.url}{SUFFIX} is not there", "upload both files")
        self._verify(content, text)
        return content

    def seal(self, content: bytes) -> Signed:
        """Sign the bytes with the key (kms:Sign). Raises AccessIndexError."""
        made = self._asking.ask("kms:Sign", lambda: self._client().sign(**self._asked(content))["Signature"])
        return Signed(content, base64.b64encode(made) + b"\n")

    def write(self, signed: Signed) -> None:
        """Refuse: nobody but its owner knows how a web server is written to. Raises AccessIndexError."""
        del signed
        raise self._refused(
            "a web server is not written from here",
            f"iamrbac index --out FILE writes FILE and FILE{SUFFIX}; upload both",
        )

    def _asked(self, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).digest()
        return {"KeyId": self._place.key, "Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": ALGORITHM}

    def _verify(self, content: bytes, text: bytes) -> None:
        """Raise AccessIndexError unless the key signed these bytes."""
        try:
            signature = base64.b64decode(text.strip(), validate=True)
        except binascii.Error as error:
            raise self._refused("its signature is not one", "upload FILE.sig as it was written") from error

        def verify() -> bool:
            try:
                return self._client().verify(**self._asked(content), Signature=signature)["SignatureValid"] is True
            except ClientError as error:
                if code_of(error) == "KMSInvalidSignatureException":
                    return False
                raise

        if not signature or not self._asking.ask("kms:Verify", verify):
            raise self._refused(
                "its signature is not the key's: somebody changed the file, or only one of the two was uploaded",
                "ask whoever applies; nothing of it was used",
            )

    def _got(self, url: str, most: int) -> bytes | None:
        """Return a file, None where it is not there. Raises AccessIndexError."""
        deadline = time.monotonic() + _DEADLINE
        content = bytearray()
        try:
            with self._open(url, timeout=_PATIENCE) as answer:
                while piece := answer.read1(min(_PIECE, most + 1 - len(content))):
                    content += piece
                    if len(content) > most:
                        raise self._refused(f"{url} has more than {most} bytes", "upload what `iamrbac index` wrote")
                    if time.monotonic() > deadline:
                        raise self._refused(f"{url} takes too long to come", "check the server and the network")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    return None
                redirect = " (redirects are not followed)" if 300 <= error.code < 400 else ""
                message = f"{url} was answered with {error.code}{redirect}"
            raise self._refused(message, "correct the place of the index") from error
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            said = " ".join(str(reason).split()).rstrip(".") or type(error).__name__
            raise self._refused(f"{url} cannot be read: {said}", "check the network and the proxy") from error
        return bytes(content)

    def _refused(self, message: str, hint: str) -> AccessIndexError:
        return AccessIndexError(message, where=self.where, hint=hint)
