"""An access entry beats an aws-auth row for the same principal: what we would hide, or be hidden by (design §4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from iamrbac.compile.desired import Desired, Form, Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.model.arn import comparable
from iamrbac.plan.change import Action, Change
from iamrbac.plan.observed import ClusterState


def shadow_findings(
    state: ClusterState, form: Form, wanted: Iterable[Desired], changes: Iterable[Change], adopt: Collection[str]
) -> tuple[Finding, ...]:
    """Refuse what would silently change a foreign mapping, or has no effect because of one.

    `wanted` is all that the policies want here: a row that needs no change may have been hidden since it was written.
    What this plan itself removes does not count, nor does a row that is adopted (`--adopt AwsAuthRow/ARN`).
    """
    if form == "external":
        return ()
    removed = {change.key for change in changes if change.action is Action.DELETE}
    gone = {key.name for key in removed if key.kind == "AwsAuthRow"}
    left = {key.name for key in removed if key.kind == "AccessEntry"}
    if form == "access-entries":
        made = [change.after.spec for change in changes if change.action is Action.CREATE and change.after is not None]
        entries = [spec for spec in made if isinstance(spec, AccessEntry)]
        return (
            *_hidden_rows(state, gone, entries, adopt),
            *_uncovered_rows(state, left, {*adopt, *map(_row_key, gone)}),
        )
    rows = [item.spec for item in wanted if isinstance(item.spec, AwsAuthRow)]
    uncovered = _uncovered_rows(state, left, {*adopt, *map(_row_key, gone), *(_row_key(row.arn) for row in rows)})
    return (*_hiding_entries(state, removed, rows), *_other_spellings(state, rows), *uncovered)


def _hidden_rows(
    state: ClusterState, removed: Collection[str], entries: Iterable[AccessEntry], adopt: Collection[str]
) -> Iterable[Finding]:
    if state.aws_auth is None or state.target.authentication_mode == "API":
        return
    # Of several rows for one ARN the last counts; but one for nodes keeps them all from being hidden.
    rows = {row.canonical.lower(): row for row in sorted(read(state.aws_auth.data).rows, key=is_system)}
    for entry in entries:
        row = rows.get(comparable(entry.principal).lower())
        if row is None or row.arn in removed or (_row_key(row.arn) in adopt and not is_system(row)):
            continue
        mend = f"remove the row by hand, or accept that it loses its effect: --adopt 'AwsAuthRow/{row.arn}'"
        yield Finding(
            id="MAP003",
            level=Level.ERROR,
            message=(
                f"an access entry for {entry.principal} would hide its aws-auth row "
                f"(username {row.username or 'none'}, groups {', '.join(row.groups) or 'none'}), which is not ours"
            ),
            # Nodes that lose their row stop; nobody may adopt it.
            hint="take it out of the policy: that row is for nodes or AWS's own services" if is_system(row) else mend,
            cluster=state.target.name,
            object=_row_key(row.arn),
        )


def _row_key(arn: str) -> str:
    return f"AwsAuthRow/{arn}"


def _uncovered_rows(state: ClusterState, principals: Collection[str], known: Collection[str]) -> Iterable[Finding]:
    """Who loses an entry must not get by it what a row gives that the entry has hidden; `known` rows do not count."""
    if state.aws_auth is None or state.target.authentication_mode == "API":
        return
    rows = {row.canonical.lower(): row for row in read(state.aws_auth.data).rows}
    for name in sorted(principals):
        row = rows.get(comparable(name).lower())
        if row is None or _row_key(row.arn) in known:
            continue
        yield Finding(
            id="MAP006",
            level=Level.ERROR,
            message=(
                f"without its access entry {name} would fall back to its aws-auth row "
                f"(username {row.username or 'none'}, groups {', '.join(row.groups) or 'none'}), which is not ours"
            ),
            hint=f"remove the row by hand, or accept that it takes effect: --adopt 'AwsAuthRow/{row.arn}'",
            cluster=state.target.name,
            object=_row_key(row.arn),
        )


def _hiding_entries(state: ClusterState, removed: Collection[Key], rows: Iterable[AwsAuthRow]) -> Iterable[Finding]:
    entries = {
        comparable(item.spec.principal).lower(): item.spec
        for item in state.objects
        if isinstance(item.spec, AccessEntry) and item.key not in removed
    }
    for row in rows:
        entry = entries.get(comparable(row.arn).lower())
        if entry is not None:
            mend = "delete that access entry, which is not ours, or set mapping: access-entries for this cluster"
            yield Finding(
                id="MAP004",
                level=Level.ERROR,
                message=f"the aws-auth row for {row.arn} has no effect: the access entry {entry.principal} hides it",
                hint="take it out of the policy: that entry is for nodes or AWS's own services"
                if is_system(entry)
                else mend,
                cluster=state.target.name,
                object=f"AccessEntry/{entry.principal}",
            )


def _other_spellings(state: ClusterState, rows: Iterable[AwsAuthRow]) -> Iterable[Finding]:
    """EKS compares ARNs without case, so a row in another spelling is the same principal's (eks-facts 2)."""
    if state.aws_auth is None:
        return
    there = {row.canonical.lower(): row for row in read(state.aws_auth.data).rows}
    for row in rows:
        other = there.get(comparable(row.arn).lower())
        if other is not None and other.arn != row.arn:
            yield Finding(
                id="MAP005",
                level=Level.ERROR,
                message=f"aws-auth already maps {row.arn}, written as {other.arn}; of two such rows one is ignored",
                hint="remove that row by hand, then run again",
                cluster=state.target.name,
                object=_row_key(other.arn),
            )
