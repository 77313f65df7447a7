"""One EKS cluster's access entries: the single calls, each under the cluster's budget, each failure an AwsError."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from iamrbac.aws.errors import aws_call, code_of, text_of
from iamrbac.compile.desired import Key
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.plan.observed import Meta, Observed, Target

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import AccessEntryTypeDef, AssociatedAccessPolicyTypeDef

T = TypeVar("T")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Described:
    """An access entry as EKS describes it."""

    observed: Observed
    arn: str
    """The entry's own ARN, which tags hang on."""


@dataclass(frozen=True, slots=True)
class EksCluster:
    """A cluster and the client of its region."""

    client: EKSClient
    budget: threading.BoundedSemaphore
    target: Target
    about: Callable[[str], AbstractContextManager[object]] = nullcontext
    """Is told which cluster a call is about, as long as it lasts."""

    def call(self, make: Callable[[], T]) -> T:
        """Make one call. Raises AwsError."""
        with self.budget, self.about(self.target.name), aws_call(self.target.name, "eks"):
            return make()

    def principals(self, policy: str | None = None) -> tuple[str, ...]:
        """ListAccessEntries, every page: all principals, or those with an access policy (its ARN)."""

        def pages() -> tuple[str, ...]:
            paginator = self.client.get_paginator("list_access_entries")
            name = self.target.eks_name
            found = (
                paginator.paginate(clusterName=name)
                if policy is None
                else paginator.paginate(clusterName=name, associatedPolicyArn=policy)
            )
            return tuple(principal for page in found for principal in page["accessEntries"])

        return self.call(pages)

    def policies(self) -> tuple[str, ...]:
        """ListAccessPolicies, every page: the ARNs of all access policies that AWS has."""

        def pages() -> tuple[str, ...]:
            found = self.client.get_paginator("list_access_policies").paginate()
            return tuple(policy["arn"] for page in found for policy in page["accessPolicies"])

        return self.call(pages)

    def describe(self, principal: str) -> Described | None:
        """DescribeAccessEntry; None when there is no such entry (any more)."""

        def ask() -> Described:
            answer = self.client.describe_access_entry(clusterName=self.target.eks_name, principalArn=principal)
            return self._described(answer["accessEntry"])

        return self.unless_gone(ask)

    def associations(self, principal: str) -> tuple[Observed, ...] | None:
        """ListAssociatedAccessPolicies, every page; None when there is no such entry (any more)."""

        def pages() -> tuple[Observed, ...]:
            paginator = self.client.get_paginator("list_associated_access_policies")
            found = paginator.paginate(clusterName=self.target.eks_name, principalArn=principal)
            return tuple(
                self._association(principal, policy) for page in found for policy in page["associatedAccessPolicies"]
            )

        return self.unless_gone(pages)

    def unless_gone(self, make: Callable[[], T]) -> T | None:
        """Make one call; None when EKS says that the entry or association is not there. Raises AwsError."""

        def attempt() -> T | None:
            try:
                return make()
            except ClientError as error:
                # The same code stands for a missing cluster, which is no answer about its entries.
                if code_of(error) != "ResourceNotFoundException" or "no cluster" in text_of(error).lower():
                    raise
                return None

        return self.call(attempt)

    def _described(self, entry: AccessEntryTypeDef) -> Described:
        principal = _shared(entry["principalArn"])
        spec = AccessEntry(
            principal,
            _shared(entry["username"]),
            _groups(tuple(entry.get("kubernetesGroups", ()))),
            entry.get("type", "STANDARD"),
        )
        key = Key(self.target.name, "AccessEntry", "", principal)
        tags = _tags(tuple(entry.get("tags", {}).items()))
        modified = entry["modifiedAt"].astimezone(UTC).strftime(_TIME) if "modifiedAt" in entry else ""
        meta = Meta(labels=tags, modified=modified, created=entry.get("createdAt"))
        return Described(Observed(key, spec, meta), entry["accessEntryArn"])

    def _association(self, principal: str, policy: AssociatedAccessPolicyTypeDef) -> Observed:
        scope = policy["accessScope"]
        spec = PolicyAssociation(
            principal, policy["policyArn"], scope["type"], tuple(sorted(set(scope.get("namespaces", ()))))
        )
        modified = policy["modifiedAt"].astimezone(UTC).strftime(_TIME) if "modifiedAt" in policy else ""
        key = Key(self.target.name, "AccessPolicyAssociation", "", f"{principal}#{policy['policyArn']}")
        return Observed(key, spec, Meta(modified=modified))


# Thousands of entries, on many clusters, say the same: one copy of each serves them all.
@lru_cache(maxsize=4096)
def _groups(said: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(said)))


@lru_cache(maxsize=4096)
def _tags(said: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return MappingProxyType(dict(said))


def _shared(text: str) -> str:
    """Return the one copy of a text."""
    # What answered may not be EKS; what it said instead of a text is found out by whoever looks at it.
    return intern(text) if type(text) is str else text
