"""What becomes of each row of one cluster's aws-auth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from iamrbac.compile import names
from iamrbac.compile.desired import Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import Identities
from iamrbac.mapping.aws_auth import Reading, ReadRow
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry
from iamrbac.mapping.resolve import identity, shadows
from iamrbac.migrate import bridge
from iamrbac.migrate.people import Nobody, principal_of
from iamrbac.migrate.translate import Said, Unsayable, node_type, translate
from iamrbac.migrate.types import Asked, Fate, Row
from iamrbac.plan.form import owned_rows
from iamrbac.plan.observed import ClusterState, Observed

NODE_GROUPS = ("system:nodes",)
"""What EKS itself gives to entries of nodes."""
NO_ENTRY = "they come in by this row: EKS makes entries for managed node groups and Fargate, not for other nodes"


@dataclass(slots=True)
class Judging:
    """Judges a cluster's rows one by one; what stands against them is in `blockers`."""

    state: ClusterState
    instance: str
    reading: Reading
    identities: Identities
    asked: Asked
    blockers: list[Finding] = field(default_factory=list)
    entries: dict[str, Observed] = field(init=False)
    owned: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.entries = {identity(item.key.name): item for item in self.state.objects if item.key.kind == "AccessEntry"}
        self.owned = owned_rows(self.state.aws_auth, self.instance) or frozenset()

    def rows(self) -> tuple[Row, ...]:
        """Return what becomes of every row."""
        hidden = {(one.hidden.section, one.hidden.index): one for one in shadows((), self.reading)}
        found: dict[tuple[str, int], Row] = {}
        for row in self.reading.rows:
            if (row.section, row.index) not in hidden:
                found[row.section, row.index] = self._row(row)
        fates = {identity(one.row.arn): one.fate for one in found.values()}
        for row in self.reading.rows:
            shadow = hidden.get((row.section, row.index))
            if shadow is None:
                continue
            if shadow.reason == "spelling" and not self._left(row.arn):
                self.block(
                    "MIG010",
                    row.arn,
                    f"two rows spell {row.arn} in two ways, and EKS picks one of them at random",
                    "take one of them out of aws-auth",
                )
            goes = fates.get(row.arn.lower()) in (Fate.ENTRY, Fate.MADE, Fate.THERE) and not is_system(row)
            note = "another row of the same principal counts"
            found[row.section, row.index] = Row(
                row, Fate.HIDDEN if goes else Fate.STAYS, row.arn in self.owned, notes=(note,)
            )
        return tuple(found[row.section, row.index] for row in self.reading.rows)

    def block(self, id_: str, what: str, message: str, hint: str, *, leavable: bool = True) -> None:
        """Say what stands against the migration."""
        or_leave = f"; or let it stay in aws-auth: --leave '{what}'" if leavable else ""
        self.blockers.append(
            Finding(
                id_, Level.ERROR, message, hint + or_leave, cluster=self.state.target.name, object=f"AwsAuthRow/{what}"
            )
        )

    def _left(self, arn: str) -> bool:
        return identity(arn) in self.asked.leave

    def _row(self, row: ReadRow) -> Row:
        ours = row.arn in self.owned
        partition = self.state.target.partition
        who = principal_of(row, partition, self.identities, self.asked.principals)
        if isinstance(who, Nobody):
            return Row(row, Fate.STAYS, ours, notes=(who.why,))
        if self._left(row.arn):
            return Row(row, Fate.LEFT, ours, notes=("it is asked to stay (--leave)",))
        if is_system(row) and not (isinstance(who, Unsayable) and who.id == "MIG007"):
            return self._nodes(row, who)
        if isinstance(who, Unsayable):
            return self._blocked(row, who)
        said = translate(row, who, partition)
        there = self.entries.get(identity(who))
        if isinstance(said, Unsayable):
            counts = there is not None and not self._migrated(there) and not self._stale(there)
            return self._there(row, there) if there is not None and counts else self._blocked(row, said)
        if there is None:
            return Row(row, Fate.ENTRY, ours, said.entry, said.policy, said.notes)
        return self._compared(row, said, there)

    def _compared(self, row: ReadRow, said: Said, there: Observed) -> Row:
        ours = row.arn in self.owned
        if self._stale(there):
            if self._migrated(there):
                note = "it was deleted and made anew after its entry, which is made anew too"
                return Row(row, Fate.ENTRY, ours, said.entry, said.policy, (*said.notes, note))
            return self._blocked(row, self._recreated(there))
        if not self._migrated(there):
            return self._there(row, there)
        entry = there.spec
        if isinstance(entry, AccessEntry) and bridge.crossed(entry, self.instance) == said.entry:
            return Row(row, Fate.MADE, ours, said.entry, said.policy, said.notes)
        changed = Unsayable(
            "MIG018",
            "its row was changed since migrate made its entry, or the entry was",
            "take the entries back with `iamrbac migrate --undo`, and begin again",
        )
        return self._blocked(row, changed)

    def _there(self, row: ReadRow, there: Observed) -> Row:
        spec = there.spec
        if not isinstance(spec, AccessEntry):
            raise TypeError("an access entry's key with another spec")
        said = (row.username, tuple(sorted(set(row.groups))))
        same = said == (spec.username, spec.groups)
        how = "and says the same" if same else f"and differs: username {spec.username}, groups {_listed(spec.groups)}"
        note = f"an access entry is what counts today, {how}; the row has no effect"
        return Row(row, Fate.THERE, row.arn in self.owned, spec, notes=(note,))

    def _nodes(self, row: ReadRow, who: str | Unsayable) -> Row:
        there = self.entries.get(identity(row.arn))
        if there is not None and isinstance(there.spec, AccessEntry):
            kind = there.spec.type
            return Row(row, Fate.NODES, entry=there.spec, notes=(f"EKS has an entry of type {kind} for them",))
        kind_ = node_type(row)
        local = isinstance(who, str) and f"::{self.state.target.account}:" in who
        if not self.asked.nodes or kind_ is None or not isinstance(who, str) or not local:
            return Row(row, Fate.NODES, notes=(NO_ENTRY,))
        entry = AccessEntry(who, row.username, NODE_GROUPS, kind_)
        return Row(row, Fate.NODES, entry=entry, notes=(f"an entry of type {kind_} is made for them",))

    def _blocked(self, row: ReadRow, why: Unsayable) -> Row:
        self.block(why.id, row.arn, f"{row.arn}: {why.why}", why.hint)
        return Row(row, Fate.BLOCKED, row.arn in self.owned, notes=(why.why,))

    def _migrated(self, entry: Observed) -> bool:
        return entry.meta.labels.get(names.MIGRATED_TAG) == self.instance

    def _stale(self, entry: Observed) -> bool:
        made = self.identities.created.get(entry.key.name)
        return made is not None and entry.meta.created is not None and made > entry.meta.created

    def _recreated(self, entry: Observed) -> Unsayable:
        name = self.state.target.eks_name
        command = f"aws eks delete-access-entry --cluster-name {name} --principal-arn {entry.key.name}"
        return Unsayable(
            "MIG011",
            "it was deleted and made anew after its access entry, which lets nobody in: the row is what counts",
            f"have the entry deleted by whoever keeps it: {command}",
        )


def key_of(state: ClusterState, row: ReadRow) -> Key:
    """Return the key of a row."""
    return Key(state.target.name, "AwsAuthRow", "", row.arn)


def sso_places(reading: Reading) -> Iterator[tuple[str, str]]:
    """Yield the place (`mapRoles[2]`) and the fault of each row that only EKS's switched-off `sso` could match."""
    for fault in reading.faults:
        place, _, why = fault.partition(": ")
        if "`sso`" in why:
            yield place, why


def _listed(groups: tuple[str, ...]) -> str:
    return ", ".join(groups) or "none"
