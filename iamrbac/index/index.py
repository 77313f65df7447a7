"""The access index as values: where clusters are, who has what there, which roles to try. It holds no secret.

Whoever can write where it is kept decides where developers send their tokens: see `codec` for what a reader refuses
whatever the place says, and `place` for the places whose integrity somebody vouches for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from iamrbac.plan.observed import Target


@dataclass(frozen=True, slots=True, order=True)
class IndexGrant:
    """A role in a namespace."""

    namespace: str
    """"" for the whole cluster."""
    role: str
    """As the policy calls it: `developer`, `clusterRole view`, `eksAccessPolicy AmazonEKSViewPolicy`."""
    because: tuple[str, ...] = ()
    """The policy lines that give it: `policies/payments.yaml:24`."""


@dataclass(frozen=True, slots=True, order=True)
class IndexSet:
    """A team's set on one cluster: who is in it, and what that gives there."""

    team: str
    name: str
    group: str
    """Its Kubernetes group, iamrbac:INSTANCE:TEAM:SET."""
    principals: tuple[str, ...] = ()
    """ARNs of users and roles that the cluster maps to the group as themselves, sorted."""
    roles: tuple[str, ...] = ()
    """ARNs of the set's own IAM roles (`via: role`), sorted: who may assume one is in the set. One for each account
    that the set's groups are in, which is one in nearly all cases."""
    not_after: datetime | None = None
    """When a temporary grant ends; None for a set of a policy."""
    grants: tuple[IndexGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexCluster:
    """One cluster: how it is reached, and the sets that have access there."""

    name: str
    eks_name: str
    arn: str
    endpoint: str
    certificate_authority: str
    """PEM."""
    proxy_url: str | None = None
    tls_server_name: str | None = None
    external: bool = False
    """Somebody else maps principals to the groups: nobody but the cluster knows who is in which set."""
    sets: tuple[IndexSet, ...] = ()

    @property
    def region(self) -> str:
        """The region of its ARN."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account of its ARN."""
        return self.arn.split(":")[4]

    def target(self) -> Target:
        """Return the cluster as EKS would describe it to whoever may ask."""
        return Target(
            name=self.name,
            eks_name=self.eks_name,
            arn=self.arn,
            region=self.region,
            endpoint=self.endpoint,
            certificate_authority=self.certificate_authority,
            # Says how principals are mapped, which nobody looks at who only wants in.
            authentication_mode="API_AND_CONFIG_MAP",
            proxy_url=self.proxy_url,
            tls_server_name=self.tls_server_name,
        )


@dataclass(frozen=True, slots=True)
class AccessIndex:
    """The whole index of one access repository."""

    instance: str
    written: datetime
    """When it was made, with an offset, to the second."""
    commit: str | None = None
    """The commit that it was made from, where that is known."""
    clusters: tuple[IndexCluster, ...] = ()
    """Every cluster of the config, by name."""

    def cluster(self, name: str) -> IndexCluster | None:
        """Return a cluster by its name, None without it."""
        return next((one for one in self.clusters if one.name == name), None)
