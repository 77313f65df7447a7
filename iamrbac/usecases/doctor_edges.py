"""The edges as the doctor sees them: what a developer's kubectl uses, and what AWS and the endpoint say to that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from iamrbac.diagnosis.facts import Described, Entry, Identity, Probe, Refused, SeenEntry
from iamrbac.index.index import AccessIndex
from iamrbac.model.config import Config
from iamrbac.plan.observed import Target
from iamrbac.rbac.objects import RbacState
from iamrbac.usecases.ports import Edges, OwnAccess, Repository, Roles


class Contexts(Protocol):
    """What kubectl would use."""

    def context(self, name: str | None) -> Entry | None:
        """Return a context, without a name the current one; None where there is none.

        Raises KubeconfigError where a file cannot be read, UsageError where the context is not there.
        """
        ...

    def of_cluster(self, arn: str, name: str) -> Entry | None:
        """Return the context of a cluster, by its ARN or else its name. Raises KubeconfigError."""
        ...


class Own(Protocol):
    """AWS by the credentials that a kubeconfig's plug-in signs with. Nothing here raises: no answer is an answer."""

    def identity(self) -> Identity:
        """Who AWS says this is, or why it does not."""
        ...

    def described(self, name: str, region: str) -> Described | Refused:
        """What EKS says of a cluster (its name there), or why it does not."""
        ...

    def entries(self, name: str, region: str, like: Callable[[str], bool]) -> tuple[SeenEntry, ...] | None:
        """The access entries whose principal is like somebody; None where they may not be read."""
        ...

    def made(self, arn: str) -> datetime | None:
        """When IAM made a user or role; None where it does not say."""
        ...

    def access(self, target: Target) -> OwnAccess:
        """The cluster's answers about the caller."""
        ...

    def token_length(self, target: Target) -> int | None:
        """How long a token for the cluster is; None where none can be signed."""
        ...


class Prober(Protocol):
    """One anonymous request to an endpoint."""

    def __call__(self, endpoint: str, authority: str, *, proxy_url: str, tls_server_name: str, insecure: bool) -> Probe:
        """Say how far it came; nothing is raised."""
        ...


@dataclass(frozen=True, slots=True)
class DoctorEdges:
    """All that the doctor asks."""

    contexts: Contexts
    own: Callable[[str | None, str | None, str], Own]
    """Profile, role to assume, region → AWS as that."""
    probe: Prober
    repository: Repository | None = None
    """None outside of an access repository."""
    roles: Roles | None = None
    builtin: Callable[[], RbacState] = RbacState
    index: Callable[[Config | None, datetime], AccessIndex | None] = lambda _config, _at: None
    """The access index where the config (without a repository: the environment) names one, as it is at a time.

    Raises IamrbacError where it cannot be read.
    """
    everything: Callable[[], Edges] | None = None
    """What it takes to look at somebody else; None where that is not wanted."""
