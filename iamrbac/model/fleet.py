"""How a fleet of clusters is changed: in which order, how many first, how many at once, and when to stop."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from iamrbac.model.base import Document
from iamrbac.model.selector import ClusterSelector
from iamrbac.model.span import span
from iamrbac.model.values import AtLeastOne, Count, SpanText, TimeoutText


class Fleet(Document):
    """What `iamrbac fleet` goes by, and the rounds of `iamrbac sync`. Nothing of it says who gets which access."""

    order: tuple[ClusterSelector, ...] = Field(
        default=(),
        description="The waves, one after the other: labels, or names and patterns, as policies select clusters. A "
        "cluster is in the first wave that means it; those that none means are a last wave of their own.",
    )
    canary: Count = Field(
        default=1, description="So many clusters of each wave go first, and the others only if these went well."
    )
    stop_after: AtLeastOne = Field(
        default=1,
        alias="stopAfter",
        description="After so many clusters that failed, were refused or timed out nothing more is begun.",
    )
    concurrency: AtLeastOne = Field(default=8, description="Clusters that are read or written at once.")
    timeout: TimeoutText = Field(
        default="5m", description="How long reading a cluster, or writing to it, may take; then it has timed out."
    )
    pause: SpanText = Field(default="0s", description="How long to wait between two waves.")

    @property
    def timeout_seconds(self) -> float:
        """The time-out of a cluster."""
        return _seconds(self.timeout)

    @property
    def pause_seconds(self) -> float:
        """The wait between two waves."""
        return _seconds(self.pause)


def _seconds(text: str) -> float:
    return (span(text) or timedelta()).total_seconds()
