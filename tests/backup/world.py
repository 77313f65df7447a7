"""A cluster in memory that changes are written to, and the records that runs leave; for the way back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from iamrbac.backup.backup import Backup, Record, Result, Run, Saved
from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key, Spec
from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.plan.change import Change, ClusterPlan
from iamrbac.plan.form import owned_rows
from iamrbac.plan.observed import AwsAuth, ClusterState, Meta, Observed
from iamrbac.plan.order import phases
from iamrbac.plan.simulate import edit_rows, owned_after
from tests.plan import builders as b

_OURS = (names.MANAGED_BY_LABEL, names.PART_OF_LABEL)


def record(plan: ClusterPlan, id_: str, doing: str = "apply", results: tuple[Result, ...] | None = None) -> Record:
    """Return what a run keeps of a plan."""
    saved = tuple(
        Saved(one.key, one.action, one.before, replace(one.after, origins=()) if one.after else None)
        for one in plan.changes
    )
    run = Run(id_, "2026-11-26T12:21:46Z", doing, b.PAT)
    return Record(Backup(run, b.INSTANCE, plan.name, plan.state.target.arn, saved), results)


def written(plan: ClusterPlan) -> list[Change]:
    """Return the writes of a plan in their order."""
    return [change for phase in phases(plan.changes) for change in phase.changes]


def write(state: ClusterState, changes: Iterable[Change]) -> ClusterState:
    """Return a cluster after some writes, as the API and EKS leave it."""
    objects = {item.key: item for item in state.objects}
    aws_auth = state.aws_auth
    for change in changes:
        if change.key.kind == "AwsAuthRow":
            aws_auth = _rows(aws_auth, change)
        elif change.after is None:
            objects.pop(change.key, None)
            if change.key.kind == "AccessEntry":
                for key, item in list(objects.items()):
                    if isinstance(item.spec, PolicyAssociation) and item.spec.principal == change.key.name:
                        del objects[key]
        else:
            objects[change.key] = _put(objects.get(change.key), change.after)
    return replace(state, objects=tuple(objects[key] for key in sorted(objects)), aws_auth=aws_auth)


def content(state: ClusterState) -> tuple[dict[Key, tuple[Spec, dict[str, str]]], dict[str, object], list[str]]:
    """Return all that a cluster holds, without versions: objects with labels, rows, and which rows are ours."""
    rows: dict[str, object] = {
        row.arn: (row.section, row.username, tuple(sorted(set(row.groups))))
        for row in (read(state.aws_auth.data).rows if state.aws_auth is not None else ())
    }
    objects = {item.key: (item.spec, dict(item.meta.labels)) for item in state.objects}
    return objects, rows, sorted(owned_rows(state.aws_auth, b.INSTANCE) or ())


def _put(now: Observed | None, after: Desired) -> Observed:
    kept = dict(now.meta.labels) if now is not None else {}
    entry = isinstance(after.spec, AccessEntry)
    if after.released or not entry:
        gone = ("iamrbac.dev/", *(() if entry or not after.released else _OURS))
        kept = {name: value for name, value in kept.items() if not name.startswith(gone)}
    version = str(int(now.meta.version or "0") + 1) if now is not None else "1"
    return Observed(after.key, after.spec, Meta(kept | dict(after.labels), version=version))


def _rows(aws_auth: AwsAuth | None, change: Change) -> AwsAuth:
    assert aws_auth is not None
    owned = owned_after(owned_rows(aws_auth, b.INSTANCE) or (), [change])
    annotation = {names.rows_annotation(b.INSTANCE): json.dumps(sorted(owned))}
    return AwsAuth(edit_rows(aws_auth.data, [change]), {**aws_auth.annotations, **annotation}, f"{aws_auth.version}1")
