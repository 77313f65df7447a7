"""The members of sets as principals, on every cluster of one run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from iamrbac.compile.documents import Documents
from iamrbac.compile.iam import set_role
from iamrbac.compile.principals import Person, Policies
from iamrbac.compile.report import Report
from iamrbac.compile.sets import AccessSet
from iamrbac.identity.expand import Expansion, Unusable, expand
from iamrbac.identity.members import describe, group_key, via
from iamrbac.identity.snapshot import Ambiguous, Identities, Missing, Unreadable, Wanted
from iamrbac.identity.suspended import Suspended
from iamrbac.identity.wanted import wanted
from iamrbac.model.documents import Cluster, Config, IamGroup, Member, PermissionSet
from iamrbac.model.origin import Origin

UNREAD = "MAP102"
"""IAM did not say: the documents may be right, but nobody knows."""
_Expanded = tuple[tuple[Member, Origin, Expansion], ...]


def wanted_names(documents: Documents, at: datetime, clusters: Collection[str]) -> Wanted:
    """Return what IAM must be asked before `documents` can be compiled for these clusters."""
    policies = [sourced.document for sourced in documents.policies]
    grants = [sourced.document for sourced in documents.grants]
    return wanted(documents.config.document, policies, grants, at, clusters)


class People:
    """Expands each set once per account and partition, and gathers principals by cluster."""

    def __init__(self, config: Config, identities: Identities, suspended: Suspended) -> None:
        self._config = config
        self._identities = identities
        self._suspended = suspended
        self._expanded: dict[tuple[AccessSet, str, str], _Expanded] = {}
        self._people: dict[str, dict[str, Person]] = defaultdict(dict)

    def of(self, cluster: str) -> dict[str, Person]:
        """Return the cluster's principals by full ARN."""
        return self._people[cluster]

    def declared(self, one: AccessSet, account: str) -> tuple[str, ...]:
        """Return a set's members as they were declared, sorted; without those that are suspended by name."""
        return tuple(
            sorted(
                {
                    describe(member)
                    for member, _ in one.members
                    if not self._suspended.covers_member(member, self._config, account)
                }
            )
        )

    def join(self, one: AccessSet, policies: Policies, cluster: Cluster, partition: str, report: Report) -> None:
        """Give everybody in a set its group and its policies on a cluster; report who cannot be known."""
        people = self._people[cluster.name]
        for member, origin, expansion in self._members(one, cluster.account, partition):
            if not isinstance(expansion, tuple):
                _unknown(report, member, origin, expansion)
                continue
            self._look_into(member, expansion, report, origin)
            for arn in expansion:
                if not self._suspended.covers(arn):
                    people.setdefault(arn, Person()).join(one.group, policies, origin)

    def _look_into(self, member: Member, expansion: tuple[str, ...], report: Report, origin: Origin) -> None:
        """Report a group that IAM says is empty or not there, also where a role stands for whoever is in it."""
        found: Expansion = expansion
        if isinstance(member, IamGroup) and via(member, self._config) == "role":
            key = group_key(member, self._config)
            found = self._identities.groups.get(key, expansion) if key is not None else expansion
        if isinstance(found, Missing):
            _unknown(report, member, origin, found)
        elif found == ():
            _empty(report, member, origin)

    def _members(self, one: AccessSet, account: str, partition: str) -> _Expanded:
        key = (one, account, partition)
        if key not in self._expanded:
            role = set_role(self._config, one)
            self._expanded[key] = tuple(
                (member, origin, expand(member, self._config, account, partition, self._identities, role))
                for member, origin in one.members
            )
        return self._expanded[key]


def _unknown(report: Report, member: Member, origin: Origin, why: Missing | Ambiguous | Unreadable | Unusable) -> None:
    shown = describe(member)
    if isinstance(why, Missing) and isinstance(member, PermissionSet):
        report.error(
            "MAP101",
            f"no role of {shown} is in the account",
            "correct the name, or assign it there: Identity Center makes the role with the first assignment",
            origin,
        )
    elif isinstance(why, Ambiguous):
        hint = "remove the one that nobody uses, or name the role that is meant as an iamRole"
        report.error("MAP110", f"{shown} may be {' or '.join(why.arns)}", hint, origin)
    elif isinstance(why, Missing):
        report.error("MAP101", f"IAM has no {shown}", "correct the name, create it, or remove the member", origin)
    elif isinstance(why, Unreadable):
        # The reason ends in its own next step.
        report.error(UNREAD, f"who {shown} is could not be read: {why.reason}", "", origin)
    else:
        report.error("MAP103", f"{shown}: {why.reason}", why.hint, origin)


def _empty(report: Report, member: Member, origin: Origin) -> None:
    if isinstance(member, IamGroup):
        report.info(
            "MAP104",
            f"nobody is in {describe(member)}: it gives access to nobody, and takes away what it gave",
            "nothing to do if that is meant",
            origin,
        )
