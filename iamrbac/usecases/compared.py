"""A cluster's plan through Git: files as they should be against those of its branch, as the objects that they are.

Who says what should be there, the policies or an older commit, is in `delivered` and `turnback`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Desired
from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.entries import objects_of
from iamrbac.gitops.files import KUBERNETES, Files
from iamrbac.gitops.forms import Mapped
from iamrbac.gitops.header import instance_of
from iamrbac.gitops.inventory import INVENTORY, inventory_text
from iamrbac.gitops.layouts.objects import object_file
from iamrbac.gitops.standing import FileChange, Standing, blob_id, only_header, standing
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.plan.change import GitHalf
from iamrbac.plan.observed import ClusterState, Meta, Observed
from iamrbac.plan.ownership import is_marked
from iamrbac.plan.synced import declared_people, not_synced
from iamrbac.usecases.branch import BranchFiles
from iamrbac.usecases.fetched import Fetched, folders_of

IN_THE_WAY, NO_HEADER, LEFT_IN_EKS = "GIT001", "GIT002", "GIT004"


@dataclass(frozen=True, slots=True)
class Compared:
    """What a cluster's branch has, in the terms of a plan."""

    desired: ClusterDesired
    """With the namespaces that are kept although no policy needs them any more."""
    state: ClusterState
    """With what the branch says in the place of our own objects."""
    half: GitHalf
    findings: tuple[Finding, ...]
    quiet: bool = False
    """Every file is as it should be, and our RBAC objects, all of them the same, are left out of both sides."""


@dataclass(slots=True)
class Comparison:
    """A cluster's branch, being compared."""

    fetched: Fetched
    files: BranchFiles
    desired: ClusterDesired
    inventory: frozenset[str]

    @property
    def delivery(self) -> Delivery:
        """Where the cluster is delivered."""
        return self.fetched.delivery

    def standing(self, wanted: Files) -> Standing:
        """Compare by hashes, and read what differs. Raises DeliveryError."""
        stand = standing(wanted, self.fetched.tip.files, self.inventory)
        self.files.read([*stand.differ, *stand.stale])
        return stand

    def entries(self, stand: Standing) -> tuple[Mapped, ...] | None:
        """Return the access entries that the branch has; None where it has those that it should. Raises DeliveryError.

        They are read only where one of their files differs.
        """
        if self.delivery.entries == "direct":
            return None
        if not any(self.files.is_entry(path) for path in (*stand.differ, *stand.new, *stand.stale)):
            return None
        paths = [path for path in (*stand.same, *stand.differ, *stand.stale) if self.files.is_entry(path)]
        self.files.read(paths)
        return self.files.entries(paths)

    def finish(
        self, stand: Standing, wanted: Files, ours: Collection[str], entries: Collection[Mapped], *, whole: bool = True
    ) -> Compared:
        """Return what there is to commit, and the objects that the branch has.

        `ours` are the paths that the inventory will list; `entries` those that the branch has. Not `whole`: where
        nothing differs the objects are not looked at either.
        """
        stand = self._judged(stand, wanted)
        quiet = not (whole or stand.differ or stand.new or stand.stale) and self.fetched.live is None
        observed = () if quiet else self._observed(stand)
        changes = self._changes(stand, wanted, ours)
        state = self._state(observed, entries, quiet=quiet)
        unsynced, late = not_synced(self.delivery, observed, self.fetched.live, self.fetched.unread)
        if self.delivery.entries != "direct":
            late = (*late, *self._late(entries))
        half = GitHalf(self.delivery, self.fetched.tip.commit, changes, self.delivery.entries != "direct", unsynced)
        desired = self.desired
        if quiet:
            rest = tuple(item for item in desired.objects if item.key.kind not in KUBERNETES)
            desired = replace(desired, objects=rest)
        return Compared(desired, state, half, (*self.files.findings, *late), quiet)

    def _late(self, entries: Collection[Mapped]) -> tuple[Finding, ...]:
        """Say whether EKS has the entries that the branch has; what nobody wants there is told elsewhere."""
        in_git = [_observed(item) for one in entries for item in objects_of(self.desired.cluster, one)]
        known = {one.principal for one in entries}
        live = [
            item
            for item in self.fetched.state.objects
            if isinstance(item.spec, AccessEntry | PolicyAssociation) and item.spec.principal in known
        ]
        return not_synced(self.delivery, in_git, live, "")[1]

    def _judged(self, stand: Standing, wanted: Files) -> Standing:
        """Leave out, with a finding, what others have put where a file of ours is or should be."""
        instance = self.delivery.instance
        texts = self.files.texts
        foreign = [path for path in stand.differ if path not in self.inventory and instance_of(texts[path]) != instance]
        odd = self.fetched.tip.odd
        blocked = {path: odd[part] for path in wanted for part in _parts(path) if part in odd}
        for path in (*foreign, *blocked):
            owner = instance_of(texts.get(path, ""))
            what = blocked.get(path) or (f"a file of the iamrbac instance {owner}" if owner else "a file of others")
            hint = "move it away in Git, or give the cluster another folder with gitops: {path: …}"
            self._say(IN_THE_WAY, Level.ERROR, f"{path} is {what} on {self.delivery.branch}", hint, path)
        taken = [path for path in stand.stale if instance_of(texts[path]) != instance]
        for path in taken:
            message = (
                f"{path} is in our inventory and has lost its header, so it stays although nothing wants it any more"
            )
            self._say(NO_HEADER, Level.WARNING, message, "look who changed it, and remove it by hand", path)
        return replace(
            stand,
            differ=tuple(path for path in stand.differ if path not in foreign),
            stale=tuple(path for path in stand.stale if path not in taken),
        )

    def _observed(self, stand: Standing) -> tuple[Observed, ...]:
        """Return our RBAC objects and namespaces as the branch has them."""
        by_file = {object_file(item): item for item in self.desired.objects if item.key.kind in KUBERNETES}
        found = [_observed(by_file[_tail(path)]) for path in stand.same if _tail(path) in by_file]
        for item in self.files.objects((*stand.differ, *stand.stale)).values():
            marked = {**item.labels, names.INSTANCE_LABEL: self.delivery.instance}
            found.append(Observed(item.key, item.spec, Meta(labels=marked)))
        return tuple(found)

    def _changes(self, stand: Standing, wanted: Files, ours: Collection[str]) -> tuple[FileChange, ...]:
        if not (stand.differ or stand.new or stand.stale) and self.inventory == frozenset(ours):
            return ()
        there = self.fetched.tip.files
        changes = [FileChange(path, there[path], wanted[path]) for path in stand.differ]
        changes += [FileChange(path, None, wanted[path]) for path in stand.new]
        changes += [FileChange(path, there[path], None) for path in stand.stale]
        # What lies in no folder that was looked at may still be there.
        looked_at = tuple(f"{folder}/" for folder in folders_of(self.delivery))
        kept = {path for path in self.inventory if path in there or not path.startswith(looked_at)} - set(stand.stale)
        path = f"{self.delivery.path}/{INVENTORY}"
        listed = inventory_text(self.delivery.instance, {*ours, *kept})
        before = there.get(path)
        after = listed if ours or kept else None
        if before != (after and blob_id(after, like=before or "")):
            changes.append(FileChange(path, before, after))
        serious = [one for one in changes if not self._only_header(one)]
        return tuple(sorted(changes, key=lambda one: one.path)) if serious else ()

    def _only_header(self, change: FileChange) -> bool:
        """A file that names other policy lines and says the same is brought up to date with the next commit."""
        before = self.files.texts.get(change.path)
        return before is not None and change.after is not None and only_header(before, change.after)

    def _state(self, observed: Collection[Observed], entries: Iterable[Mapped], *, quiet: bool) -> ClusterState:
        state = self.fetched.state
        objects = [*state.objects, *observed]
        if self.delivery.entries != "direct":
            in_git = [_observed(item) for one in entries for item in objects_of(self.desired.cluster, one)]
            objects = [*observed, *self._beside(in_git), *in_git]
        elif self.fetched.external and not quiet:
            objects += declared_people(self.desired, observed)
        return replace(state, objects=tuple(objects))

    def _beside(self, in_git: Collection[Observed]) -> Iterable[Observed]:
        """Yield what is not in Git: EKS's own entries; one of ours that no file has is told, and left."""
        known = {item.spec.principal for item in in_git if isinstance(item.spec, AccessEntry)}
        wanted = {item.spec.principal for item in self.desired.objects if isinstance(item.spec, AccessEntry)}
        for item in self.fetched.state.objects:
            if not isinstance(item.spec, AccessEntry | PolicyAssociation):
                yield item
            elif item.spec.principal in known:
                continue
            elif not is_marked(item.meta, self.delivery.instance) or item.spec.principal in wanted:
                yield item
            else:
                self._say(
                    LEFT_IN_EKS,
                    Level.WARNING,
                    f"the access entry of {item.spec.principal} is ours, and neither a policy nor a file wants it",
                    "wait until whoever reads the files has removed it; where nobody does: aws eks delete-access-entry "
                    f"--cluster-name {self.delivery.eks_name} --principal-arn {item.spec.principal}",
                    item.spec.principal,
                )
                yield Observed(item.key, item.spec)

    def _say(self, id_: str, level: Level, message: str, hint: str, about: str) -> None:
        found = Finding(id_, level, message, hint, cluster=self.desired.cluster, object=about)
        self.files.findings.append(found)


def _observed(item: Desired) -> Observed:
    return Observed(item.key, item.spec, Meta(labels=item.labels))


def _tail(path: str) -> str:
    """Return the last two parts of a path: in every layout they are the object's file."""
    return "/".join(path.rsplit("/", 2)[-2:])


def _parts(path: str) -> Iterable[str]:
    """Yield a path and every folder above it."""
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
