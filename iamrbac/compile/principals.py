"""Who carries which groups and policies on one cluster, in the form that the cluster's mapping wants. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Form, Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation, Section
from iamrbac.model.arn import Arn, default_username, without_path
from iamrbac.model.origin import Origin

MOST_ENTRIES = 3000
MOST_POLICIES = 20
"""EKS's quotas: entries per cluster and policies per entry (eks-facts 1.2)."""


@dataclass(slots=True)
class Person:
    """One principal while a cluster is compiled."""

    groups: set[str] = field(default_factory=set)
    policies: dict[str, frozenset[str] | None] = field(default_factory=dict)
    """Policy ARN → namespaces; None is the whole cluster, which absorbs them."""
    origins: set[Origin] = field(default_factory=set)

    def associate(self, policy: str, namespaces: frozenset[str] | None) -> None:
        """Add a policy: the same one twice is the union of its namespaces."""
        had = self.policies.get(policy, frozenset())
        self.policies[policy] = None if had is None or namespaces is None else had | namespaces


def mapping_objects(cluster: str, form: Form, instance: str, people: dict[str, Person]) -> Iterator[Desired]:
    """Return entries with associations, or rows; nothing where somebody else maps."""
    if form == "access-entries":
        for arn, person in people.items():
            yield from _entry(cluster, instance, arn, person)
    elif form == "aws-auth":
        for arn, person in people.items():
            yield _row(cluster, arn, person)


def limits(cluster: str, form: Form, people: dict[str, Person]) -> Iterator[Finding]:
    """Return what EKS or aws-auth would refuse, or merge, before anything is written."""
    if form == "access-entries":
        if len(people) > MOST_ENTRIES:
            yield _error(
                cluster,
                "CMP010",
                f"{len(people)} access entries, and EKS allows {MOST_ENTRIES} on a cluster",
                "use roles instead of users (iamRole members)",
            )
        for arn, person in people.items():
            if len(person.policies) > MOST_POLICIES:
                yield _error(
                    cluster,
                    "CMP011",
                    f"{arn} gets {len(person.policies)} EKS access policies, and EKS allows {MOST_POLICIES}",
                    "use fewer policies, or role templates",
                )
    if form == "aws-auth":
        yield from _collapsing(cluster, people)


def _collapsing(cluster: str, people: Iterable[str]) -> Iterator[Finding]:
    """aws-auth knows no paths: two roles of one name in two paths would be one row (eks-facts 2)."""
    seen: dict[str, str] = {}
    for arn in sorted(people):
        other = seen.setdefault(without_path(arn).lower(), arn)
        if other != arn:
            yield _error(
                cluster,
                "CMP012",
                f"{other} and {arn} are the same row in aws-auth, which ignores a role's path",
                "use access entries on this cluster, or one role",
            )


def _error(cluster: str, id_: str, message: str, hint: str) -> Finding:
    return Finding(id_, Level.ERROR, message, hint, cluster=cluster)


def _entry(cluster: str, instance: str, arn: str, person: Person) -> Iterator[Desired]:
    origins = tuple(sorted(person.origins))
    entry = AccessEntry(arn, default_username(arn), tuple(sorted(person.groups)))
    yield Desired(Key(cluster, "AccessEntry", "", arn), entry, names.entry_tags(instance), origins)
    for policy, namespaces in person.policies.items():
        scope = PolicyAssociation(arn, policy, "cluster")
        if namespaces is not None:
            scope = PolicyAssociation(arn, policy, "namespace", tuple(sorted(namespaces)))
        yield Desired(Key(cluster, "AccessPolicyAssociation", "", f"{arn}#{policy}"), scope, {}, origins)


def _row(cluster: str, arn: str, person: Person) -> Desired:
    plain = without_path(arn)
    section: Section = "mapRoles" if Arn.parse(arn).kind == "role" else "mapUsers"
    row = AwsAuthRow(section, plain, default_username(arn), tuple(sorted(person.groups)))
    return Desired(Key(cluster, "AwsAuthRow", "", plain), row, {}, tuple(sorted(person.origins)))
