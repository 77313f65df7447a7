"""Write rows of ours into aws-auth: read, edit as text, send with the version read; a conflict starts again."""

from __future__ import annotations

import json
from collections.abc import Sequence

from iamrbac.compile import names
from iamrbac.model.errors import AwsAuthError, ConflictError
from iamrbac.plan.change import Change
from iamrbac.plan.form import owned_rows
from iamrbac.plan.observed import AwsAuth
from iamrbac.plan.simulate import edit_rows
from iamrbac.plan.simulate import owned_rows as owned_after
from iamrbac.usecases.ports import Kube

ATTEMPTS = 5


def write_rows(kube: Kube, instance: str, rows: Sequence[Change], cluster: str) -> None:
    """Put and remove rows in one write, on the map as it is NOW: what others changed since the plan is kept.

    Raises AwsAuthError when the map does not parse or is not there, ConflictError when somebody else keeps writing.
    """
    for attempt in range(1, ATTEMPTS + 1):
        current = kube.aws_auth()
        if current is None:
            raise AwsAuthError(
                "kube-system/aws-auth is not there, and making it without the nodes' rows would lock the nodes out",
                where=cluster,
                hint="create it with the rows of the cluster's node roles first",
            )
        data, annotations = _edited(current, instance, rows, cluster)
        if data == current.data and annotations == current.annotations:
            return
        try:
            kube.write_aws_auth(current, data, annotations)
        except ConflictError:
            if attempt == ATTEMPTS:
                raise
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
    owned = owned_after(before, rows)
    annotations = dict(current.annotations)
    annotations[names.rows_annotation(instance)] = json.dumps(sorted(owned))
    return edit_rows(current.data, rows), annotations
