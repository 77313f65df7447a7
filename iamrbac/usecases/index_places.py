"""Where the access index is kept, as use cases see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Signed:
    """Bytes with the signature that proves them, where their place wants one."""

    content: bytes
    signature: bytes | None = None


class IndexStore(Protocol):
    """One place. What it gives was vouched for by whatever vouches for the place."""

    where: str
    """As the config writes it."""

    def read(self) -> bytes | None:
        """Return the index's bytes, not judged yet; None where the place says that there is none.

        Raises AccessIndexError where that cannot be known, or nobody vouches for it.
        """
        ...

    def seal(self, content: bytes) -> Signed:
        """Return what has to be kept there for these bytes. Raises AccessIndexError, which also says "too large"."""
        ...

    def write(self, signed: Signed) -> None:
        """Keep it, whole or not at all. Raises AccessIndexError, also of a place that cannot be written from here."""
        ...
