"""Who runs this, when and from which commit: the same in the record, the events and the backups of one run."""

from __future__ import annotations

from datetime import UTC, datetime

from iamrbac.backup.backup import Run
from iamrbac.model.errors import DeliveryError
from iamrbac.plan.change import Plan
from iamrbac.usecases.ports import Edges


def make_run(
    edges: Edges, plan: Plan, doing: str, allowed: tuple[tuple[str, str], ...], at: datetime, host: str, nonce: str
) -> Run:
    """Return this run; `nonce` tells it from others of the same second. Raises AwsError."""
    at = at.astimezone(UTC)
    aws = any(one.git is None or one.form != "external" for one in plan.planned)
    return Run(
        f"{at:%Y%m%d-%H%M%S}-{nonce}",
        f"{at:%Y-%m-%dT%H:%M:%SZ}",
        doing,
        # Where all goes by Git, and somebody else maps, AWS is not needed.
        edges.aws.caller().arn if aws else "",
        host,
        commit_of(edges),
        plan.policy_digest,
        allowed,
    )


def commit_of(edges: Edges) -> str:
    """Return the commit that the access repository is at, with a + where it was changed since; "" where none is known.

    It is for people to read.
    """
    try:
        revision = edges.deliveries.revision()
    except DeliveryError:
        return ""
    return f"{revision.commit}{'+' if revision.changed else ''}" if revision.commit else ""
