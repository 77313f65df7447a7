"""What is broken in a cluster's aws-auth today, whoever wrote it: what EKS ignores, and by which nobody logs in."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.aws_auth import Reading, ReadRow, read
from iamrbac.mapping.resolve import Shadow, can_match, shadows
from iamrbac.plan.observed import ClusterState

_HINT = "mend the ConfigMap by hand: kubectl -n kube-system edit configmap aws-auth"
_HIDDEN = {
    "later row": "a later row for the same principal wins, and their groups are not merged",
    "mapRoles": "a row of mapRoles for the same principal wins",
    "spelling": "another row of mapUsers spells the same principal otherwise, and EKS picks one of the two at random",
}


def broken_today(state: ClusterState) -> tuple[Finding, ...]:
    """Return a warning for each section, row or key that does not do what it says; () where the mode has no aws-auth.

    A row that an access entry hides is no fault: that is how a migration goes.
    """
    if state.aws_auth is None or state.target.authentication_mode == "API":
        return ()
    reading = read(state.aws_auth.data)
    return tuple(
        Finding(
            id=id_,
            level=Level.WARNING,
            message=f"kube-system/aws-auth: {message}",
            hint=_HINT,
            cluster=state.target.name,
            object="ConfigMap/kube-system/aws-auth",
        )
        for id_, message in _faults(reading)
    )


def _faults(reading: Reading) -> Iterator[tuple[str, str]]:
    for line in reading.broken:
        yield "MAP002", f"{line}; EKS maps nobody by that section"
    for line in reading.faults:
        yield "MAP007", line
    for row in reading.rows:
        if not can_match(row.arn):
            yield "MAP008", f"{_place(row)}: nobody can log in by {row.arn}: {_why(row)}"
    for shadow in shadows((), reading):
        if can_match(shadow.hidden.arn):
            yield "MAP009", f"{_place(shadow.hidden)}: the row for {shadow.hidden.arn} {_hidden(shadow)}"


def _hidden(shadow: Shadow) -> str:
    certain = "may have no effect" if shadow.reason == "spelling" else "has no effect"
    return f"{certain}: {_HIDDEN[shadow.reason]}"


def _why(row: ReadRow) -> str:
    if row.canonical != row.arn:
        return f"EKS compares with the role, write {row.canonical}"
    if ":role/" in row.arn:
        return f"EKS never sees a role's path, write {row.arn.split(':role/')[0]}:role/{row.arn.rsplit('/', 1)[-1]}"
    return "it is no ARN of a user, a role or an account's root"


def _place(row: ReadRow) -> str:
    return f"{row.section}[{row.index}]"
