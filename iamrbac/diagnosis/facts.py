"""What the checks are told: gathered at the edges, without any secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from iamrbac.mapping.aws_auth import Reading
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Request, User

Line: TypeAlias = Origin | str
"""A place in the policies: as this repository has it, or FILE:LINE as an index says it."""

Fault: TypeAlias = Literal[
    "missing",
    "partial",
    "no-profile",
    "sso",
    "expired",
    "unknown-key",
    "signature",
    "assume-denied",
    "denied",
    "not-found",
    "unreachable",
    "other",
]
"""Why AWS said nothing, or no."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that AWS did not give."""

    fault: Fault
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain from a profile to the credentials."""

    name: str
    """`profile payments`, `environment`."""
    how: str
    """`role arn:…, from profile base`, `static keys`, `SSO session corp, role Developer`."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where credentials come from; the last step is the nearest to the keys."""

    provider: str = ""
    """botocore's name of what gave them: env, shared-credentials-file, sso, assume-role, …; "" for nothing."""
    profile: str | None = None
    steps: tuple[Step, ...] = ()
    expires: datetime | None = None
    """When they end, where the environment says so."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What AWS says of whoever asks."""

    source: Source
    arn: str = ""
    """sts:GetCallerIdentity; "" where `refused` says why not."""
    account: str = ""
    user_id: str = ""
    refused: Refused | None = None
    offset: timedelta | None = None
    """AWS's clock minus ours, from the Date of its answer (also of a refusal); None without one."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """How kubectl gets a token: the exec part of a kubeconfig's user."""

    tool: Literal["iamrbac", "aws", "other"]
    command: str = ""
    cluster_name: str = ""
    """For which cluster the token is signed; "" where the arguments do not say."""
    region: str = ""
    profile: str | None = None
    role_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A kubeconfig's context, with the cluster and the user that it names."""

    file: str
    context: str
    cluster: str
    """Name of the entry of `clusters`."""
    server: str
    certificate_authority: str = ""
    """PEM; "" for the machine's own."""
    arn: str = ""
    """The cluster's ARN, where our mark or the entry's name says it."""
    namespace: str = ""
    proxy_url: str = ""
    tls_server_name: str = ""
    insecure: bool = False
    plugin: Plugin | None = None
    """None for a user without an exec plug-in."""


@dataclass(frozen=True, slots=True)
class Described:
    """A cluster as EKS describes it, or the access index, by which nobody needs to ask EKS."""

    arn: str
    status: str
    """"" in the index."""
    endpoint: str
    certificate_authority: str
    """PEM."""
    mode: str
    """Its authenticationMode, "" in the index."""
    by: str = "EKS"


@dataclass(frozen=True, slots=True)
class Named:
    """A cluster as the config, the index or a kubeconfig's plug-in names it."""

    name: str
    eks_name: str
    region: str
    account: str = ""
    """"" where nothing says it."""


ProbeFault: TypeAlias = Literal[
    "unresolved",
    "refused",
    "timeout",
    "unreachable",
    "untrusted",
    "wrong-name",
    "not-now",
    "tls",
    "proxy",
    "not-kubernetes",
]


@dataclass(frozen=True, slots=True)
class Probe:
    """What became of one anonymous request to an endpoint."""

    endpoint: str
    fault: ProbeFault | None = None
    """How far it came: the name, the connection, TLS, HTTP; None: a Kubernetes API answered."""
    detail: str = ""
    address: str = ""
    private: bool = False
    """The name resolves to an address of a private network."""
    proxy: str = ""
    """Host and port of the proxy that it went by."""
    offset: timedelta | None = None
    """The cluster's clock minus ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster, as far as it is known before it is asked anything."""

    named: Named
    entry: Entry | None = None
    described: Described | Refused | None = None
    """None: EKS was not asked."""
    account: str = ""
    """The caller's own account, "" where AWS did not say."""

    @property
    def true_name(self) -> str:
        """The cluster's name at EKS, by its ARN where that is known."""
        arn = self.arn
        return arn.rpartition("/")[2] if arn else self.named.eks_name

    @property
    def arn(self) -> str:
        """The cluster's ARN, "" where nothing says it."""
        if isinstance(self.described, Described):
            return self.described.arn
        return self.entry.arn if self.entry is not None else ""

    @property
    def cluster_account(self) -> str:
        """The cluster's account, "" where nothing says it."""
        return self.named.account or (self.arn.split(":")[4] if self.arn.count(":") > 4 else "")


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """An access entry, and when it was made."""

    entry: AccessEntry
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Maps:
    """What of a cluster's two maps could be read."""

    mode: str = ""
    """authenticationMode, "" where it is not known."""
    entries: tuple[SeenEntry, ...] | None = None
    """None: they could not be read. () also where the mode has none."""
    rows: Reading | None = None
    """None: aws-auth could not be read."""
    made: datetime | None = None
    """When IAM made the principal; None where it did not say."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A temporary grant that is over."""

    name: str
    team: str
    not_after: str
    namespaces: tuple[str, ...]
    """As it says them; () is the whole cluster."""
    mine: bool
    """It names the caller; else it may be meant by one of its groups."""
    origin: Line
    people: tuple[str, ...] = ()
    """spec.owners of the team's policy."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the policies give to the caller's groups somewhere."""

    role: str
    namespace: str
    """"" is the whole cluster."""
    origins: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a namespace is."""

    team: str
    people: tuple[str, ...] = ()
    """spec.owners of its policy."""


@dataclass(frozen=True, slots=True)
class Says:
    """What the policies say of the caller on a cluster."""

    held: tuple[Held, ...] = ()
    allowed: bool | None = None
    """Whether they allow what was asked; None where that is not known."""
    near: tuple[tuple[str, tuple[Line, ...]], ...] = ()
    """What comes nearest to allowing it: words, and the lines."""
    owner: Owner | None = None
    ended: tuple[Ended, ...] = ()
    suspended: bool = False
    roles: tuple[str, ...] = ()
    """ARNs of roles that IAM groups may assume to get in (`via: role`)."""
    expected: bool | None = None
    """Whether the caller is to be mapped; None where that takes IAM to know."""
    entries_wanted: bool = False
    """The config wants access entries on this cluster, and nothing else."""


@dataclass(frozen=True, slots=True)
class Token:
    """What can be seen of a token without showing it."""

    length: int
    signed_for: str
    """The cluster's name in its signed header."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Whom the cluster takes somebody for, and what is known of why."""

    caller: str
    """ARN as STS says it, or the principal's that is asked about."""
    user: User | None
    """None: for nobody (401)."""
    place: Place
    token: Token | None = None
    """None where somebody else is asked about, who signs nothing here."""
    maps: Maps = Maps()
    says: Says | None = None


@dataclass(frozen=True, slots=True)
class May:
    """What the cluster lets somebody do."""

    taken: Taken
    user: User
    asked: Request | None
    """None: anything at all."""
    namespaces: tuple[str, ...]
    """Where anything at all was asked for."""
    allowed: bool
    where: tuple[str, ...] = ()
    """Where it was allowed, of `namespaces`."""
    guessed: bool = False
    """Nothing names a namespace: whoever has no rights in `namespaces` may have them elsewhere."""
