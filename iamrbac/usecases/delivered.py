"""A cluster's plan through Git: the files that it should have, against those of its branch, as the objects they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Desired, Key, Namespace
from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.entries import NOBODY, Taken, eks_entries, mapped_of, objects_of, read_entries, taken_over
from iamrbac.gitops.files import KUBERNETES, Files
from iamrbac.gitops.forms import FORMS, Mapped, Written
from iamrbac.gitops.header import instance_of
from iamrbac.gitops.inventory import INVENTORY, inventory_paths, inventory_text
from iamrbac.gitops.layouts import LAYOUTS
from iamrbac.gitops.layouts.objects import LaidOut, object_file
from iamrbac.gitops.reading import object_of
from iamrbac.gitops.standing import FileChange, Standing, blob_id, only_header, standing
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.errors import DeliveryError
from iamrbac.plan.change import GitHalf
from iamrbac.plan.observed import ClusterState, Meta, Observed
from iamrbac.plan.synced import declared_people, not_synced
from iamrbac.usecases.deliveries import Deliveries
from iamrbac.usecases.fetched import Fetched, folders_of

IN_THE_WAY, NO_HEADER, BROKEN, LEFT_IN_EKS = "GIT001", "GIT002", "GIT003", "GIT004"
_NAMESPACE_FILE = "/_cluster/Namespace-"
_ENTRIES = "/_entries/"


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


def compare(deliveries: Deliveries, fetched: Fetched, desired: ClusterDesired, *, whole: bool = False) -> Compared:
    """Compare a cluster's files by their hashes, and read only those that differ. Raises DeliveryError.

    Where nothing differs the objects are not looked at either, unless `whole`.
    """
    return _Comparison(deliveries, fetched, desired, whole).run()


@dataclass(slots=True)
class _Comparison:
    deliveries: Deliveries
    fetched: Fetched
    desired: ClusterDesired
    whole: bool
    findings: list[Finding] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """Files of the branch that were read."""

    @property
    def delivery(self) -> Delivery:
        return self.fetched.delivery

    def run(self) -> Compared:
        inventory = self._inventory()
        self._keep_namespaces(inventory)
        laid_out = self._laid_out(NOBODY)
        stand = self._standing(laid_out, inventory)
        entries, taken = self._entries(stand)
        if taken:
            laid_out = self._laid_out(taken)
            stand = self._standing(laid_out, inventory)
        wanted = self._wanted(laid_out)
        stand = self._judged(stand, wanted, inventory)
        quiet = not (self.whole or stand.differ or stand.new or stand.stale) and self.fetched.live is None
        observed = () if quiet else self._observed(stand)
        files = self._files(stand, wanted, {*laid_out.files}, inventory)
        state = self._state(observed, entries)
        unsynced, late = not_synced(self.delivery, observed, self.fetched.live, self.fetched.unread)
        half = GitHalf(self.delivery, self.fetched.tip.commit, files, self.delivery.entries != "direct", unsynced)
        desired = self.desired
        if quiet:
            rest = tuple(item for item in desired.objects if item.key.kind not in KUBERNETES)
            desired = replace(desired, objects=rest)
        return Compared(desired, state, half, (*self.findings, *late), quiet)

    def _inventory(self) -> frozenset[str]:
        path = f"{self.delivery.path}/{INVENTORY}"
        if path not in self.fetched.tip.files:
            return frozenset()
        self._read([path])
        try:
            return inventory_paths(self.texts[path])
        except ValueError as error:
            raise DeliveryError(
                f"{error}, so nothing is removed or replaced by it",
                where=path,
                hint="restore the file in Git, or remove it: our files are then left where they are",
            ) from error

    def _keep_namespaces(self, inventory: Collection[str]) -> None:
        """Namespaces that we wrote stay, whatever the policies say: none is ever deleted by us."""
        wanted = {item.key.name for item in self.desired.objects if item.key.kind == "Namespace"}
        kept = {
            path.rpartition(_NAMESPACE_FILE)[2].removesuffix(".yaml")
            for path in inventory
            if _NAMESPACE_FILE in path and path in self.fetched.tip.files
        } - wanted
        if kept:
            marks = names.namespace_labels(self.delivery.instance)
            cluster = self.desired.cluster
            more = [Desired(Key(cluster, "Namespace", "", name), Namespace(name), marks) for name in kept]
            objects = sorted((*self.desired.objects, *more), key=lambda item: item.key)
            self.desired = replace(self.desired, objects=tuple(objects))

    def _laid_out(self, taken: Taken) -> LaidOut:
        objects = [item for item in self.desired.objects if item.key.kind in KUBERNETES]
        written = Written()
        if self.delivery.entries != "direct":
            written = FORMS[self.delivery.entries].write(self.delivery, mapped_of(self.desired.objects, taken))
        laid_out = LAYOUTS[self.delivery.layout](self.delivery, objects, written.resources)
        return replace(laid_out, files={**laid_out.files, **written.files})

    def _wanted(self, laid_out: LaidOut) -> Files:
        """Return all files that should be there; what is the user's once it is there only where it is not."""
        there = {*self.fetched.tip.files, *self.fetched.tip.odd}
        once = {path: text for path, text in laid_out.once.items() if path not in there}
        return {**once, **laid_out.shared, **laid_out.files}

    def _standing(self, laid_out: LaidOut, inventory: Collection[str]) -> Standing:
        stand = standing(self._wanted(laid_out), self.fetched.tip.files, inventory)
        self._read([*stand.differ, *stand.stale])
        return stand

    def _read(self, paths: Iterable[str]) -> None:
        """Read files of the branch. Raises DeliveryError."""
        ids = {path: self.fetched.tip.files[path] for path in paths if path not in self.texts}
        if not ids:
            return
        contents = self.fetched.repository.read(set(ids.values()))
        for path, id_ in ids.items():
            self.texts[path] = contents[id_].decode("utf-8", "replace")

    def _value(self, path: str) -> object:
        return self.deliveries.parse(path, self.texts[path].encode())

    def _entries(self, stand: Standing) -> tuple[tuple[Mapped, ...], Taken]:
        """Return the entries that the branch has, and those which must be taken over."""
        if self.delivery.entries == "direct":
            return (), NOBODY
        changed = {*stand.differ, *stand.new, *stand.stale}
        if not any(self._is_entry(path) for path in changed):
            return mapped_of(self.desired.objects), NOBODY
        paths = [path for path in (*stand.same, *stand.differ, *stand.stale) if self._is_entry(path)]
        self._read(paths)
        values: dict[str, object] = {}
        for path in paths:
            try:
                values[path] = self._value(path)
            except ValueError as error:
                self._broken(path, error)
        try:
            there = read_entries(self.delivery, values)
        except ValueError as error:
            self._broken(self.delivery.entries_path, error)
            there = ()
        wanted = {item.spec.principal for item in self.desired.objects if isinstance(item.spec, AccessEntry)}
        in_eks = eks_entries(item.spec for item in self.fetched.state.objects)
        return there, taken_over(wanted, there, in_eks)

    def _is_entry(self, path: str) -> bool:
        return _ENTRIES in path or path.startswith(f"{self.delivery.entries_path}/")

    def _broken(self, path: str, error: ValueError) -> None:
        self._say(
            BROKEN,
            Level.ERROR,
            f"{path} on {self.delivery.branch} cannot be understood, so who has access by it is not known: {error}",
            "restore it in Git (git revert), or remove it: the next run writes it anew",
            path,
        )

    def _judged(self, stand: Standing, wanted: Files, inventory: Collection[str]) -> Standing:
        """Leave out, with a finding, what others have put where a file of ours is or should be."""
        instance = self.delivery.instance
        foreign = [path for path in stand.differ if path not in inventory and instance_of(self.texts[path]) != instance]
        odd = self.fetched.tip.odd
        blocked = {path: odd[part] for path in wanted for part in _parts(path) if part in odd}
        for path in (*foreign, *blocked):
            owner = instance_of(self.texts.get(path, ""))
            what = blocked.get(path) or (f"a file of the iamrbac instance {owner}" if owner else "a file of others")
            hint = "move it away in Git, or give the cluster another folder with gitops: {path: …}"
            self._say(IN_THE_WAY, Level.ERROR, f"{path} is {what} on {self.delivery.branch}", hint, path)
        taken = [path for path in stand.stale if instance_of(self.texts[path]) != instance]
        for path in taken:
            message = f"{path} is in our inventory and has lost its header, so it stays although no policy wants it"
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
        for path in (*stand.differ, *stand.stale):
            if self._is_entry(path):
                continue
            try:
                item = object_of(self.desired.cluster, self._value(path))
            except ValueError as error:
                self._broken(path, error)
                continue
            if item is not None:
                marked = {**item.labels, names.INSTANCE_LABEL: self.delivery.instance}
                found.append(Observed(item.key, item.spec, Meta(labels=marked)))
        return tuple(found)

    def _files(
        self, stand: Standing, wanted: Files, ours: Collection[str], inventory: Collection[str]
    ) -> tuple[FileChange, ...]:
        there = self.fetched.tip.files
        changes = [FileChange(path, there[path], wanted[path]) for path in stand.differ]
        changes += [FileChange(path, None, wanted[path]) for path in stand.new]
        changes += [FileChange(path, there[path], None) for path in stand.stale]
        # What lies in no folder that was looked at may still be there.
        looked_at = tuple(f"{folder}/" for folder in folders_of(self.delivery))
        kept = {path for path in inventory if path in there or not path.startswith(looked_at)} - set(stand.stale)
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
        before = self.texts.get(change.path)
        return before is not None and change.after is not None and only_header(before, change.after)

    def _state(self, observed: Collection[Observed], entries: Iterable[Mapped]) -> ClusterState:
        state = self.fetched.state
        objects = [*state.objects, *observed]
        if self.delivery.entries != "direct":
            in_git = [_observed(item) for one in entries for item in objects_of(self.desired.cluster, one)]
            objects = [*observed, *self._beside(in_git), *in_git]
        elif self.fetched.external:
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
            elif item.meta.labels.get(names.INSTANCE_LABEL) != self.delivery.instance or item.spec.principal in wanted:
                yield item
            else:
                self._say(
                    LEFT_IN_EKS,
                    Level.WARNING,
                    f"the access entry of {item.spec.principal} is ours, and neither a policy nor a file wants it",
                    f"remove it: aws eks delete-access-entry --cluster-name {self.delivery.eks_name} "
                    f"--principal-arn {item.spec.principal}",
                    item.spec.principal,
                )
                yield Observed(item.key, item.spec)

    def _say(self, id_: str, level: Level, message: str, hint: str, about: str) -> None:
        self.findings.append(Finding(id_, level, message, hint, cluster=self.desired.cluster, object=about))


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
