"""One cluster's migration, worked out from what the cluster says now: whatever was done before is seen in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from iamrbac.access.world import World
from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import Identities
from iamrbac.importing.proof import prove
from iamrbac.mapping.aws_auth import Reading, read
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.mapping.resolve import identity
from iamrbac.migrate import bridge
from iamrbac.migrate.judge import Judging, sso_places
from iamrbac.migrate.types import GOES, Asked, Fate, Migration, Row
from iamrbac.plan import simulate
from iamrbac.plan.change import Action, Change
from iamrbac.plan.keeps import kept_rows, kept_tags
from iamrbac.plan.observed import ClusterState, Meta, Observed
from iamrbac.rbac.objects import Role

MOST_ENTRIES = 3000
"""Access entries of a cluster (eks-facts §1.2; it cannot be raised)."""
EVERYBODY = "every user and role of the account may log in by it, and an entry is one principal's"


def reading_of(state: ClusterState) -> Reading:
    """Return what EKS reads of a cluster's aws-auth: nothing where there is none, or where the mode ignores it."""
    if state.aws_auth is None or state.target.authentication_mode == "API":
        return Reading(())
    return read(state.aws_auth.data)


def migration(
    state: ClusterState, instance: str, identities: Identities, asked: Asked, defaults: Iterable[Role], at: datetime
) -> Migration:
    """Work out what is left to do, and what stands against it. `defaults` are Kubernetes' own roles.

    Raises AwsAuthError where the rows could not be taken out of aws-auth.
    """
    reading = reading_of(state)
    judging = Judging(state, instance, reading, identities, asked)
    rows = judging.rows()
    _whole_map(judging)
    create = tuple(_creations(state, rows, instance))
    _quota(judging, create)
    unbridge = tuple(_unbridged(state, rows, instance))
    remove = tuple(_removals(state, rows, instance))
    notes = tuple(fault for fault in reading.faults)
    found = Migration(
        state,
        rows,
        tuple(judging.blockers),
        notes,
        create,
        unbridge,
        remove,
        tuple(_leftover(reading, rows)),
        None,
    )
    if found.blockers or found.done(keep_rows=False):
        return found
    proof = prove(state.target.name, *_sides(found, instance), defaults, at)
    blockers = () if proof.equal else (_unequal(state.target.name),)
    return replace(found, proof=proof, blockers=blockers)


def _whole_map(judging: Judging) -> None:
    """Say what concerns no single row."""
    leave = judging.asked.leave
    for broken in judging.reading.broken:
        section = broken.partition(":")[0]
        judging.block(
            "MIG001",
            section,
            f"aws-auth does not parse, and EKS takes the section for empty: {broken}",
            "mend it by hand: kubectl -n kube-system edit configmap aws-auth",
            leavable=False,
        )
    for account in judging.reading.accounts:
        if account not in leave:
            judging.block(
                "MIG002",
                account,
                f"mapAccounts {account}: {EVERYBODY}",
                "give those who need it rows or entries of their own, and take the account out",
            )
    for place, why in sso_places(judging.reading):
        if place.lower() not in leave:
            judging.block(
                "MIG008",
                place,
                f"{place}: EKS ignores this row ({why}), and somebody means something by it",
                "write the permission set's role in its place (rolearn without path), or take the row out",
            )


def _quota(judging: Judging, create: tuple[tuple[Change, ...], ...]) -> None:
    new = sum(pair[0].action is Action.CREATE for pair in create if pair[0].key.kind == "AccessEntry")
    if new and len(judging.entries) + new > MOST_ENTRIES:
        judging.blockers.append(
            Finding(
                "MIG012",
                Level.ERROR,
                f"{len(judging.entries)} access entries and {new} new ones are more than EKS lets a cluster have "
                f"({MOST_ENTRIES})",
                "let roles stand for people (via: role), or leave some rows: --leave ARN",
                cluster=judging.state.target.name,
            )
        )


def _unequal(cluster: str) -> Finding:
    return Finding(
        "MIG013",
        Level.ERROR,
        "the proof is not equal: somebody would gain or lose access",
        "look at the proof, and change the row or the binding that it names; or let the row stay: --leave ARN",
        cluster=cluster,
    )


def _creations(state: ClusterState, rows: Iterable[Row], instance: str) -> Iterator[tuple[Change, ...]]:
    there = {identity(item.spec.principal): item for item in state.objects if isinstance(item.spec, AccessEntry)}
    policies = {item.spec for item in state.objects if isinstance(item.spec, PolicyAssociation)}
    for one in rows:
        if one.entry is None or one.fate not in (Fate.ENTRY, Fate.MADE, Fate.NODES):
            continue
        key = Key(state.target.name, "AccessEntry", "", one.entry.principal)
        changes = []
        old = there.get(identity(one.entry.principal))
        if old is None or (one.fate is Fate.ENTRY and old.key == key):
            action = Action.CREATE if old is None else Action.REPLACE
            changes.append(Change(key, action, old, Desired(key, one.entry, _tags(state, instance, one))))
        gone = bool(changes) and old is not None
        if one.policy is not None and (gone or one.policy not in policies):
            name = f"{one.policy.principal}#{one.policy.policy}"
            about = Key(state.target.name, "AccessPolicyAssociation", "", name)
            changes.append(Change(about, Action.CREATE, None, Desired(about, one.policy)))
        if changes:
            yield tuple(changes)


def tags(instance: str, *, ours: bool) -> dict[str, str]:
    """Return the tags of an entry that migrate makes; only a row of ours becomes an entry of ours."""
    return {names.MIGRATED_TAG: instance, **(names.entry_tags(instance) if ours else {})}


def _tags(state: ClusterState, instance: str, row: Row) -> dict[str, str]:
    """Return an entry's tags; what a row of ours keeps of before (plan.kept), its entry keeps too."""
    return {**tags(instance, ours=row.ours), **_keeps(state, instance, row)}


def _keeps(state: ClusterState, instance: str, row: Row) -> dict[str, str]:
    if not row.ours or state.aws_auth is None:
        return {}
    return kept_tags(kept_rows(state.aws_auth, instance).get(row.row.arn, {}))


def _unbridged(state: ClusterState, rows: Iterable[Row], instance: str) -> Iterator[Change]:
    wanted = {identity(one.entry.principal) for one in rows if one.entry is not None and one.fate is Fate.MADE}
    for item in state.objects:
        spec = item.spec
        if not isinstance(spec, AccessEntry) or bridge.crossed(spec, instance) == spec:
            continue
        if identity(spec.principal) in wanted or item.meta.labels.get(names.MIGRATED_TAG) == instance:
            after = Desired(item.key, bridge.crossed(spec, instance), item.meta.labels)
            yield Change(item.key, Action.UPDATE, item, after)


def _removals(state: ClusterState, rows: Iterable[Row], instance: str) -> Iterator[Change]:
    last = {one.row.arn: one for one in rows if one.fate in GOES}
    kept = {one.row.arn for one in rows if one.fate not in GOES}
    for arn, one in last.items():
        if arn in kept:
            continue
        key = Key(state.target.name, "AwsAuthRow", "", arn)
        row = AwsAuthRow(one.row.section, arn, one.row.username, tuple(sorted(set(one.row.groups))))
        marks = {**names.entry_tags(instance), **_keeps(state, instance, one)} if one.ours else {}
        yield Change(key, Action.DELETE, Observed(key, row, Meta(labels=marks)), None)


def _leftover(reading: Reading, rows: Iterable[Row]) -> Iterator[str]:
    yield from (f"mapAccounts {account}" for account in reading.accounts)
    for one in rows:
        if one.fate in (Fate.LEFT, Fate.BLOCKED) or (one.fate is Fate.NODES and one.entry is None):
            yield f"{one.row.section} {one.row.arn}"


def _sides(found: Migration, instance: str) -> tuple[World, World]:
    """Return the cluster before and after. What stays as it is on both sides, and has no name, is left out of both."""
    people = [change for some in found.create for change in some if not _nodes(change)]
    standing = bridge.standing(found.state, instance)
    gone = [Change(standing.key, Action.DELETE, standing, None)] if standing is not None else []
    data = simulate.edited_aws_auth(found.state, found.remove)
    one = simulate.before(found.state)
    other = simulate.after(found.state, (*people, *found.unbridge, *gone), data)
    return _named(one), _named(other)


def _nodes(change: Change) -> bool:
    spec = change.after.spec if change.after is not None else None
    return isinstance(spec, AccessEntry) and spec.type != "STANDARD"


def _named(world: World) -> World:
    return replace(world, reading=replace(world.reading, accounts=()) if world.reading is not None else None)
