"""What a plan is about to change, as a backup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from iamrbac.backup.backup import Backup, Run, Saved
from iamrbac.model.origin import Origin
from iamrbac.plan.change import Change, ClusterPlan

_ROWS: Final = ("mapRoles", "mapUsers", "mapAccounts")
"""What EKS reads of aws-auth; other keys of the map are nobody's business."""


def backup_of(cluster: ClusterPlan, instance: str, run: Run, line: Callable[[Origin], str]) -> Backup:
    """Return what a cluster's plan changes, as it is before; `line` turns an origin into FILE:LINE."""
    changes = tuple(_saved(change, line) for change in sorted(cluster.changes, key=lambda one: one.key))
    return Backup(run, instance, cluster.name, cluster.state.target.arn, changes, _rows(cluster))


def _saved(change: Change, line: Callable[[Origin], str]) -> Saved:
    after = replace(change.after, origins=()) if change.after is not None else None
    because = tuple(dict.fromkeys(line(origin) for origin in change.because))
    return Saved(change.key, change.action, change.before, after, because)


def _rows(cluster: ClusterPlan) -> Mapping[str, str] | None:
    map_ = cluster.state.aws_auth
    if map_ is None or not any(change.key.kind == "AwsAuthRow" for change in cluster.changes):
        return None
    return {key: map_.data[key] for key in _ROWS if key in map_.data}
