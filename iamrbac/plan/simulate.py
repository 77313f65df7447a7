"""A cluster before and after its changes, as worlds that the authorizer can judge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from iamrbac.access.world import World
from iamrbac.compile import names
from iamrbac.compile.desired import Spec
from iamrbac.mapping.aws_auth import Reading, read
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.errors import AwsAuthError
from iamrbac.plan.change import Change
from iamrbac.plan.observed import ClusterState
from iamrbac.rbac.objects import Binding, RbacState, Role


def before(state: ClusterState) -> World:
    """Return the cluster as it was read."""
    data = state.aws_auth.data if state.aws_auth is not None else None
    return _world((item.spec for item in state.objects), _reading(state, data))


def after(state: ClusterState, changes: Iterable[Change], aws_auth: Mapping[str, str] | None) -> World:
    """Return the cluster as it will be; `aws_auth` is the edited data, None when it does not change."""
    specs = {item.key: item.spec for item in state.objects}
    for change in changes:
        specs.pop(change.key, None)
        if change.after is not None and change.key.kind != "AwsAuthRow":
            specs[change.key] = change.after.spec
    gone = {item.key.name for item in state.objects if item.key.kind == "AccessEntry" and item.key not in specs}
    kept = (spec for spec in specs.values() if not _orphaned(spec, gone))
    data = aws_auth if aws_auth is not None else (state.aws_auth.data if state.aws_auth is not None else None)
    return _world(kept, _reading(state, data))


def edited_aws_auth(state: ClusterState, changes: Iterable[Change]) -> dict[str, str] | None:
    """Return aws-auth's data after the row changes, or None when there are none. Raises AwsAuthError."""
    rows = [change for change in changes if change.key.kind == "AwsAuthRow"]
    if not rows:
        return None
    data = state.aws_auth.data if state.aws_auth is not None else {}
    return edit_rows(data, rows)


def absent(cluster: str) -> AwsAuthError:
    """Return the error for rows that have no ConfigMap to go into."""
    return AwsAuthError(
        "kube-system/aws-auth is not there, and iamrbac does not make it: a map without the rows of all nodes would "
        "lock them out, and which roles nodes and Fargate profiles have does not stand in the cluster",
        where=cluster,
        hint="make it with a row for every node and Fargate role (`eksctl create iamidentitymapping` writes one) and "
        "run again, or use access entries: authentication mode API_AND_CONFIG_MAP, and mapping: access-entries",
    )


def edit_rows(data: Mapping[str, str], rows: Iterable[Change]) -> dict[str, str]:
    """Apply row changes to aws-auth's data. Raises AwsAuthError."""
    wanted: list[AwsAuthRow] = []
    remove: list[str] = []
    for change in rows:
        if change.after is not None and isinstance(change.after.spec, AwsAuthRow):
            wanted.append(change.after.spec)
        else:
            remove.append(change.key.name)
    return edit(data, wanted, remove)


def owned_after(before: Collection[str], rows: Iterable[Change]) -> frozenset[str]:
    """Return the ARNs of our rows after the changes, for the annotation that records them."""
    owned = set(before)
    for change in rows:
        if change.after is None or change.after.released:
            owned.discard(change.key.name)
        else:
            owned.add(change.key.name)
    return frozenset(owned)


def _orphaned(spec: Spec, gone: Collection[str]) -> bool:
    """A deleted access entry takes its associations with it (eks-facts 1.2)."""
    return isinstance(spec, PolicyAssociation) and spec.principal in gone


def _reading(state: ClusterState, data: Mapping[str, str] | None) -> Reading | None:
    if data is None or state.target.authentication_mode == "API":
        return None
    return read(data)


def _world(specs: Iterable[Spec], reading: Reading | None) -> World:
    entries: list[AccessEntry] = []
    associations: list[PolicyAssociation] = []
    roles: list[Role] = []
    bindings: list[Binding] = []
    for spec in specs:
        if isinstance(spec, AccessEntry):
            entries.append(spec)
        elif isinstance(spec, PolicyAssociation):
            associations.append(spec)
        elif isinstance(spec, Role):
            roles.append(spec)
        elif isinstance(spec, Binding):
            bindings.append(spec)
    display: dict[tuple[str, str | None, str], str] = {
        (role.kind, role.namespace, role.name): role.labels[names.ROLE_LABEL]
        for role in roles
        if names.ROLE_LABEL in role.labels
    }
    return World(tuple(entries), tuple(associations), reading, RbacState(tuple(roles), tuple(bindings)), display)
