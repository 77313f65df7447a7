"""What a revocation is, beside its plan: what still lets the principal in, how long what is open lives on, the line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iamrbac.access.principals import Names
from iamrbac.model.arn import Arn
from iamrbac.render.plan import Paint
from iamrbac.usecases.revoke import Revoked


def revoke_text(revoked: Revoked, paint: Paint) -> str:
    """Return what else there is to know before somebody agrees; "" where there is nothing."""
    lines = []
    plan = revoked.plan
    if plan is not None and plan.planned and not plan.changed:
        where = ", ".join(cluster.name for cluster in plan.planned)
        lines.append(f"Nothing of ours maps {_short(revoked)} on {where}.")
    for one in revoked.left:
        groups = f", groups {', '.join(one.groups)}" if one.groups else ""
        owner = f", kept by {one.owner}" if one.owner else ""
        lines.append(
            f"{paint('!', 'warning')} {one.cluster}: {one.what} {one.name}{groups}{owner} is not ours and stays: "
            f"it still lets {_short(revoked)} in. Next: {one.command}"
        )
    return "\n".join(lines) + "\n" if lines else ""


def lasting(revoked: Revoked) -> tuple[str, ...]:
    """Return how long what is open lives on, each with what is known of it; nothing else is promised.

    Sources: EKS user guide (access entries: "may take several seconds"), aws-iam-authenticator (it watches aws-auth),
    STS (a role's session lives 15 minutes to 12 hours, at most the role's maximum), design §2.
    """
    kinds = {change.key.kind for change in revoked.plan.changes} if revoked.plan is not None else set()
    return tuple(_lasting(revoked, entry="AccessEntry" in kinds, row="AwsAuthRow" in kinds))


def suspended_line(revoked: Revoked) -> str:
    """Return what iamrbac.yaml should say."""
    return f"suspended:\n  - {revoked.principal}"


def revoke_json(revoked: Revoked, line: str) -> dict[str, Any]:
    """Return the first line of `revoke -o json`; `line` is already, written, missing or failed."""
    return {
        "type": "revoke",
        "principal": revoked.principal,
        "suspended": line,
        "left": [
            {
                "cluster": one.cluster,
                "what": one.what,
                "name": one.name,
                "groups": list(one.groups),
                "owner": one.owner or None,
                "command": one.command,
            }
            for one in revoked.left
        ],
        "lasting": list(lasting(revoked)),
    }


def _lasting(revoked: Revoked, *, entry: bool, row: bool) -> Iterator[str]:
    if entry:
        yield "A removed access entry takes some seconds to count at EKS; AWS names no bound."
    if row:
        yield "A removed row of aws-auth counts once EKS's authenticator, which watches the map, has seen it."
    if entry or row:
        yield "The API server may know a token for a while longer; for how long, EKS does not publish."
        yield "What is open (exec, logs -f, port-forward, watches) goes on until it ends."
    if Arn.parse(revoked.principal).kind == "user":
        yield "The user's access keys stay valid in AWS: deactivate them there (aws iam update-access-key)."
    else:
        yield (
            "Sessions of the role stay valid in AWS until they end, at most the role's maximum session duration "
            "(15 minutes to 12 hours)."
        )
    yield (
        "Not known: roles that the principal may assume. Whoever comes in by one that is mapped still does; "
        "IAM groups, trust policies and Identity Center decide that."
    )


def _short(revoked: Revoked) -> str:
    return Names((revoked.principal,)).short(revoked.principal)
