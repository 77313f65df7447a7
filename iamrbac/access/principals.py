"""Short names for principals, as long as they are needed to tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Names:
    """Short names for the given ARNs: `alice`, `role payments-deployer`; the whole ARN where two would read alike."""

    def __init__(self, arns: Iterable[str]) -> None:
        self._taken = Counter(_short(arn) for arn in set(arns))

    def short(self, arn: str) -> str:
        """Return the name to show for an ARN that the constructor was given."""
        short = _short(arn)
        return short if self._taken[short] <= 1 else arn


def _short(arn: str) -> str:
    resource = arn.split(":", 5)[-1]
    kind, _, path = resource.partition("/")
    name = path.rsplit("/", 1)[-1]
    if not name:
        return arn
    return name if kind == "user" else f"{kind} {name}"
