"""Mappings of users and roles that IAM does not have any more, whosever they are. Pure.

What is ours and not wanted goes anyway. What is left is said: a row of aws-auth lets in whoever makes a user or role of
that name again, an access entry lets in nobody and takes up room (EKS matches it by the old one's unique id).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import IamName, Unreadable
from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.arn import Arn, canonical
from iamrbac.plan.change import ClusterPlan
from iamrbac.plan.simulate import before

KINDS = ("role", "user")
Existing = Mapping[IamName, frozenset[str] | Unreadable]
"""Account and `user` or `role` → all their names in lower case: IAM's names are unique whatever their case."""


@dataclass(frozen=True, slots=True)
class Stays:
    """An entry or row that stays, with the user or role that it names."""

    kind: str
    """AccessEntry or AwsAuthRow."""
    arn: str
    """As the entry or row has it."""
    who: Arn

    @property
    def asked(self) -> IamName:
        """The list that says whether the principal is there."""
        return IamName(self.who.account, self.who.kind)


def staying(plan: ClusterPlan, accounts: Collection[str], known: Collection[str]) -> Iterator[Stays]:
    """Yield the entries and rows of users and roles of some accounts that the plan leaves, one for each.

    `known` are names (`ACCOUNT/user/NAME`, lower case) that IAM has just said are there.
    """
    world = before(plan.state)
    going = {change.key.name for change in plan.changes if change.after is None}
    rows = world.reading.rows if world.reading is not None else ()
    found: list[tuple[str, str, AccessEntry | ReadRow]] = [("AccessEntry", one.principal, one) for one in world.entries]
    found += [("AwsAuthRow", row.arn, row) for row in rows]
    for kind, arn, mapping in found:
        who = _principal(arn)
        if who is None or who.account not in accounts or is_system(mapping) or arn in going:
            continue
        if name_of(who) not in known:
            yield Stays(kind, arn, who)


def name_of(who: Arn) -> str:
    """Return a user or role by what is unique of it in IAM."""
    return f"{who.account}/{who.kind}/{who.name}".lower()


def gone(plan: ClusterPlan, stays: Collection[Stays], existing: Existing) -> Iterator[Finding]:
    """Yield a warning for each entry and row whose principal is in no list; of one without a list nothing is said."""
    for one in stays:
        names = existing.get(one.asked)
        if not isinstance(names, frozenset) or one.who.name.lower() in names:
            continue
        what = "access entry" if one.kind == "AccessEntry" else "row of aws-auth"
        yield Finding(
            id="MAP115",
            level=Level.WARNING,
            message=f"the {one.who.kind} {one.who.name} of the {what} {one.arn} does not exist any more"
            + ("" if one.kind == "AccessEntry" else f": whoever makes a {one.who.kind} of that name comes in by it"),
            hint=_hint(plan, one),
            cluster=plan.name,
            object=f"{one.kind}/{one.arn}",
        )


def unknown(existing: Existing) -> Iterator[Finding]:
    """Yield a note for each list that IAM did not give: then nobody knows, and nothing is called gone."""
    for asked, names in sorted(existing.items(), key=lambda item: item[0]):
        if isinstance(names, Unreadable):
            yield Finding(
                "MAP116",
                Level.INFO,
                f"whether the {asked.name}s of account {asked.account} that clusters map are still there is not known: "
                f"{names.reason}",
                "`iamrbac permissions plan --form iam` prints the rights that it takes",
            )


def _hint(plan: ClusterPlan, one: Stays) -> str:
    if one.kind == "AwsAuthRow":
        return "remove the row from aws-auth in kube-system, or the member from the policies where it is ours"
    command = f"aws eks delete-access-entry --cluster-name {plan.state.target.eks_name} --principal-arn {one.arn}"
    return f"whoever keeps it removes it: {command}"


def _principal(arn: str) -> Arn | None:
    try:
        who = Arn.parse(canonical(arn))
    except ValueError:
        return None
    return who if who.kind in KINDS else None
