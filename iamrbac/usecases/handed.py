"""What a thread raises, handed to whoever waits for it: a thread has nobody above it."""

from __future__ import annotations

from collections.abc import Callable


class Handed:
    """Hands on whatever is raised within, an interruption too."""

    def __init__(self, to: Callable[[BaseException], None]) -> None:
        self._to = to

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Hand it over."""
        if error is not None:
            self._to(error)
        return error is not None
