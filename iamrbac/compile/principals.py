"""Who carries which groups and policies on one cluster, in the form that the cluster's mapping wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Form, Key
from iamrbac.compile.report import Report
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation, Section
from iamrbac.model.arn import Arn, default_username, without_path
from iamrbac.model.origin import Origin

MOST_ENTRIES = 3000
"""Access entries of a cluster; EKS does not raise it (eks-facts §1.2)."""
MOST_POLICIES = 20
"""Access policies of an entry (eks-facts §1.2)."""
Reach = frozenset[str] | None
"""Namespaces, or None for the whole cluster, which absorbs them."""


def joined(one: Reach, other: Reach) -> Reach:
    """Return the reach of the same policy given twice."""
    return None if one is None or other is None else one | other


@dataclass(slots=True)
class Policies:
    """Access policies by name, each with its reach and the lines that give it."""

    reach: dict[str, Reach] = field(default_factory=dict)
    origins: dict[str, set[Origin]] = field(default_factory=dict)

    def add(self, policy: str, reach: Reach, origins: set[Origin]) -> None:
        """Add a policy; the same one twice is the union of its namespaces."""
        self.reach[policy] = joined(self.reach[policy], reach) if policy in self.reach else reach
        self.origins.setdefault(policy, set()).update(origins)


@dataclass(slots=True)
class Person:
    """One principal while a cluster is compiled."""

    groups: set[str] = field(default_factory=set)
    policies: Policies = field(default_factory=Policies)
    origins: set[Origin] = field(default_factory=set)
    """The lines of members that stand for it."""

    def join(self, group: str, policies: Policies, origin: Origin) -> None:
        """Put the principal into a set."""
        self.groups.add(group)
        self.origins.add(origin)
        for policy, reach in policies.reach.items():
            self.policies.add(policy, reach, policies.origins[policy])


def mapping_objects(
    cluster: str, form: Form, instance: str, partition: str, people: Mapping[str, Person]
) -> Iterator[Desired]:
    """Return entries with associations, or rows; nothing where somebody else maps or nobody was asked for."""
    if form == "access-entries":
        tags = names.entry_tags(instance)
        for arn, person in people.items():
            entry = AccessEntry(arn, default_username(arn), tuple(sorted(person.groups)))
            yield Desired(Key(cluster, "AccessEntry", "", arn), entry, tags, tuple(sorted(person.origins)))
            yield from _associations(cluster, partition, arn, person.policies)
    elif form == "aws-auth":
        for arn, person in people.items():
            row = _row(arn, person)
            yield Desired(Key(cluster, "AwsAuthRow", "", row.arn), row, origins=tuple(sorted(person.origins)))


def check_limits(report: Report, form: Form, people: Mapping[str, Person], config: Origin) -> None:
    """Report what EKS or aws-auth would refuse or merge; `config` is the cluster's place in iamrbac.yaml."""
    if form == "access-entries":
        if len(people) > MOST_ENTRIES:
            report.error(
                "MAP106",
                f"the policies make {len(people)} access entries, and EKS has room for {MOST_ENTRIES} on a cluster",
                "let people assume a role (iamRole) in place of an entry for each",
                config,
            )
        for arn in sorted(people):
            _check_policies(report, arn, people[arn])
    if form == "aws-auth":
        _check_paths(report, people)


def _check_policies(report: Report, arn: str, person: Person) -> None:
    count = len(person.policies.reach)
    if count > MOST_POLICIES:
        report.error(
            "MAP107",
            f"{arn} gets {count} EKS access policies, and EKS has room for {MOST_POLICIES} on an entry",
            "use role templates in place of some",
            min(person.origins),
            f"AccessEntry/{arn}",
        )


def _check_paths(report: Report, people: Mapping[str, Person]) -> None:
    """Find roles of one name in two paths: aws-auth knows no paths, so they would be one row (eks-facts §2)."""
    rows: dict[str, str] = {}
    for arn in sorted(people):
        # The authenticator compares without regard to case.
        other = rows.setdefault(without_path(arn).lower(), arn)
        if other != arn:
            report.error(
                "MAP108",
                f"{other} and {arn} are one and the same row of aws-auth, which knows no paths: each would get both's",
                "rename one of the roles, or use access entries on this cluster",
                min(people[arn].origins),
                f"AwsAuthRow/{without_path(arn)}",
            )


def _associations(cluster: str, partition: str, arn: str, policies: Policies) -> Iterator[Desired]:
    for name, reach in policies.reach.items():
        policy = names.access_policy_arn(partition, name)
        if reach is None:
            spec = PolicyAssociation(arn, policy, "cluster")
        else:
            spec = PolicyAssociation(arn, policy, "namespace", tuple(sorted(reach)))
        key = Key(cluster, "AccessPolicyAssociation", "", f"{arn}#{policy}")
        yield Desired(key, spec, origins=tuple(sorted(policies.origins[name])))


def _row(arn: str, person: Person) -> AwsAuthRow:
    section: Section = "mapRoles" if Arn.parse(arn).kind == "role" else "mapUsers"
    return AwsAuthRow(section, without_path(arn), default_username(arn), tuple(sorted(person.groups)))
