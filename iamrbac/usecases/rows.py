"""Write rows of ours into aws-auth: read, edit as text, send with the version read; a conflict starts again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from iamrbac.compile import names
from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.objects import AwsAuthRow
from iamrbac.model.errors import AwsAuthError, ConflictError
from iamrbac.plan.change import Change
from iamrbac.plan.form import owned_rows
from iamrbac.plan.keeps import rows_after
from iamrbac.plan.observed import AwsAuth
from iamrbac.plan.simulate import absent, edit_rows, owned_after
from iamrbac.usecases.ports import Kube

ATTEMPTS = 60
"""Each conflict means that somebody else got through. Thirty were too few on an overloaded machine, beside somebody who
wrote several times a second: three requests lie between the read and the write."""
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.5
"""Seconds."""


def pause_after(conflicts: int, chance: float) -> float:
    """Return how many seconds to wait after so many conflicts in a row; `chance` is from 0 to 1, drawn at random.

    From nothing to twice as long each time ("full jitter", AWS Architecture Blog, Exponential Backoff And Jitter), so
    that those who met do not meet again.
    """
    return chance * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (conflicts - 1))


def write_rows(kube: Kube, instance: str, rows: Sequence[Change], cluster: str, wait: Callable[[int], None]) -> None:
    """Put and remove rows in one write, on the map as it is NOW: what others changed since the plan is kept.

    `wait` gets the number of conflicts in a row before the next attempt; what it raises ends it. Raises AwsAuthError
    when the map does not parse or is not there, ConflictError when somebody else keeps writing, or has written one of
    these very rows since the plan.
    """
    for attempt in range(1, ATTEMPTS + 1):
        current = kube.aws_auth()
        if current is None:
            raise absent(cluster)
        data, annotations = _edited(current, instance, rows, cluster)
        if data == current.data and annotations == current.annotations:
            return
        try:
            kube.write_aws_auth(current, data, annotations)
        except ConflictError:
            if attempt == ATTEMPTS:
                raise
            wait(attempt)
        else:
            return


def _edited(
    current: AwsAuth, instance: str, rows: Sequence[Change], cluster: str
) -> tuple[dict[str, str], dict[str, str]]:
    before = owned_rows(current, instance)
    if before is None:
        raise AwsAuthError(
            f"the annotation {names.rows_annotation(instance)} of kube-system/aws-auth is not a list of ARNs",
            where=cluster,
            hint="restore it from a backup of the ConfigMap",
        )
    _check_unchanged(current, rows, cluster)
    owned = owned_after(before, rows)
    annotations = dict(current.annotations)
    key = names.rows_annotation(instance)
    # Where nothing is ours, nor ever was, we leave no trace.
    if owned or key in annotations:
        annotations[key] = json.dumps(sorted(owned))
    annotations.pop(names.keeps_annotation(instance), None)
    if (kept := rows_after(current, instance, rows)) is not None:
        annotations[names.keeps_annotation(instance)] = kept
    return edit_rows(current.data, rows), annotations


def _check_unchanged(current: AwsAuth, rows: Sequence[Change], cluster: str) -> None:
    """Refuse to write over a row that is neither as the plan saw it nor as it should become. Raises ConflictError."""
    there = {row.arn: (row.section, row.username, tuple(sorted(set(row.groups)))) for row in read(current.data).rows}
    for change in rows:
        seen = [side.spec for side in (change.before, change.after) if side is not None]
        known = [(spec.section, spec.username, spec.groups) for spec in seen if isinstance(spec, AwsAuthRow)]
        found = there.get(change.key.name)
        if found not in known and (found is not None or (change.before is not None and change.after is not None)):
            raise ConflictError(
                f"somebody changed the row for {change.key.name} in kube-system/aws-auth since it was read",
                where=cluster,
                hint="run the same command again and look at what it says",
            )
