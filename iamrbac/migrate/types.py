"""What a migration of one cluster is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from iamrbac.findings.finding import Finding
from iamrbac.importing.proof import Proof
from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.plan.change import Change
from iamrbac.plan.observed import AuthenticationMode, ClusterState


class Fate(StrEnum):
    """What becomes of a row."""

    ENTRY = "entry"
    """An access entry is made, and the row goes then."""
    MADE = "made"
    """migrate made its entry before; the row goes."""
    THERE = "there"
    """Somebody else's entry counts already, so the row has no effect; it goes."""
    HIDDEN = "hidden"
    """Another row of its principal counts; it goes with that one."""
    NODES = "nodes"
    """It is nodes', and EKS's: it stays."""
    STAYS = "stays"
    """EKS ignores it, or it matches nobody: it stays."""
    LEFT = "left"
    """It counts and stays, since it was asked for (`--leave`)."""
    BLOCKED = "blocked"
    """It counts, and no entry can say it."""


GOES = frozenset({Fate.ENTRY, Fate.MADE, Fate.THERE, Fate.HIDDEN})


@dataclass(frozen=True, slots=True)
class Row:
    """One row of aws-auth, and what becomes of it."""

    row: ReadRow
    fate: Fate
    ours: bool = False
    """Our annotation names it."""
    entry: AccessEntry | None = None
    """What it becomes, or what is there."""
    policy: PolicyAssociation | None = None
    """What stands for system:masters."""
    notes: tuple[str, ...] = ()
    """What to know of it: why it stays, what is said otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a migration was asked for."""

    principals: Mapping[str, str] = field(default_factory=dict)
    """identity → full ARN of roles whose path IAM does not say (`--principal`)."""
    leave: frozenset[str] = frozenset()
    """ARNs of rows (their `identity`), accounts and places (`mapRoles[2]`) that stay in aws-auth."""
    nodes: bool = False
    """Nodes get typed entries where EKS has not made them."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One cluster's way, as far as it is not gone yet."""

    state: ClusterState
    rows: tuple[Row, ...]
    """All rows that the authenticator takes, in their order."""
    blockers: tuple[Finding, ...]
    """All that stands against it, at once."""
    notes: tuple[str, ...]
    """What EKS ignores of the map, and the like."""
    create: tuple[tuple[Change, ...], ...]
    """For each principal its entry and its access policy, as they are to be in the end."""
    unbridge: tuple[Change, ...]
    """Entries that carry the bridge's group (see `bridge`) until their access policy is known to work."""
    remove: tuple[Change, ...]
    """Rows that go in the end."""
    leftover: tuple[str, ...]
    """What counts in aws-auth and stays: while there is any the mode cannot become API."""
    proof: Proof | None
    """None where there is nothing to prove, or something stands against it."""

    @property
    def cluster(self) -> str:
        """The cluster's name in the config."""
        return self.state.target.name

    @property
    def mode(self) -> AuthenticationMode:
        """The authentication mode now."""
        return self.state.target.authentication_mode

    @property
    def may(self) -> bool:
        """Whether nothing stands against it."""
        return not self.blockers

    @property
    def switches(self) -> bool:
        """Whether the mode has to change first."""
        return self.mode == "CONFIG_MAP"

    def done(self, *, keep_rows: bool) -> bool:
        """Whether nothing is left to do."""
        return not (self.switches or self.create or self.unbridge or (self.remove and not keep_rows))
