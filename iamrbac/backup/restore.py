"""The way back: what a cluster should have so that a run, and all later ones, have not been. Pure.

Each object that one of these runs touched goes back to what it was before the first of them; everything else stays as
it is. What a run that was cut short never wrote is as it was before, so nothing happens to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from iamrbac.backup.backup import Record, Run, Saved
from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Desired, Form, Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.suspended import Suspended
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.plan import ownership
from iamrbac.plan.change import Action
from iamrbac.plan.observed import ClusterState, Observed
from iamrbac.plan.planner import display_key, ours_of, with_owners
from iamrbac.rbac.objects import Binding, Role

BY_HAND, NOT_OURS, SUSPENDED, OVER, GONE = "BCK001", "BCK002", "BCK003", "BCK004", "BCK005"
_OURS = "iamrbac.dev/"
_TEMPORARY = names.temporary_set("")
_DONE = frozenset({"done", "proposed"})


@dataclass(frozen=True, slots=True)
class Today:
    """What of today's documents an old state must not undo."""

    suspended: Suspended = field(default_factory=lambda: Suspended(()))
    running: frozenset[str] = frozenset()
    """Kubernetes groups of the temporary grants that run; every other temporary one is over."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """What one cluster should have, and what to say of it."""

    desired: ClusterDesired
    runs: tuple[Run, ...]
    """What has not been then, the newest first."""
    adopt: frozenset[str] = frozenset()
    """Display keys of what these runs gave back, and what is ours again."""
    findings: tuple[Finding, ...] = ()
    by_hand: tuple[Key, ...] = ()
    """What somebody changed since: it goes back nevertheless."""


def changed_something(record: Record) -> bool:
    """Say whether a run may have changed the cluster; of one that was cut short nobody knows better."""
    if record.results is None:
        return bool(record.backup.changes)
    return any(result.outcome in _DONE for result in record.results)


def last_change(records: Iterable[Record]) -> str | None:
    """Return the id of the last run that may have changed something; None where there is none."""
    return max((one.backup.run.id for one in records if changed_something(one)), default=None)


def restore(
    records: Iterable[Record], run: str, state: ClusterState, form: Form, instance: str, today: Today
) -> WayBack:
    """Return how a cluster was before `run`, as far as that run or a later one touched it.

    Records of another cluster or instance do not count. Namespaces stay, whoever made them. Raises AwsAuthError where
    nobody can tell which rows are ours.
    """
    mine = [
        one
        for one in records
        if (one.backup.instance, one.backup.arn) == (instance, state.target.arn) and one.backup.run.id >= run
    ]
    mine.sort(key=lambda one: one.backup.run.id)
    work = _Restoring(state, form, instance, today, _touched(mine, state.target.name))
    for key in sorted(work.touched):
        work.back(key)
    work.leave_out()
    objects = tuple(sorted(work.wanted.values(), key=lambda item: item.key))
    return WayBack(
        ClusterDesired(state.target.name, objects, (), {}),
        tuple(one.backup.run for one in reversed(mine)),
        frozenset(work.adopt),
        tuple(dict.fromkeys(work.findings)),
        tuple(work.by_hand),
    )


def _touched(records: Sequence[Record], cluster: str) -> dict[Key, list[Saved]]:
    """Return all that was done to each object, the oldest first; a cluster may have been renamed since."""
    found: dict[Key, list[Saved]] = {}
    for record in records:
        for saved in record.backup.changes:
            found.setdefault(replace(saved.key, cluster=cluster), []).append(saved)
    return found


class _Restoring:
    """One cluster's way back, being worked out."""

    def __init__(
        self, state: ClusterState, form: Form, instance: str, today: Today, touched: Mapping[Key, Sequence[Saved]]
    ) -> None:
        self.state = state
        self.instance = instance
        self.today = today
        self.touched = touched
        observed, owners = with_owners(state, form, instance)
        self.there = {key: (item, owners[key]) for key, item in observed.items()}
        self.asis = {item.key: item for item in ours_of(state, form, instance)}
        self.wanted = dict(self.asis)
        self.adopt: set[str] = set()
        self.findings: list[Finding] = []
        self.by_hand: list[Key] = []

    def back(self, key: Key) -> None:
        """Put one object back, unless somebody else has it by now."""
        if key.kind == "Namespace":
            return
        saved = self.touched[key]
        before = saved[0].before
        now, owner = self.there.get(key, (None, ownership.Ours()))
        if isinstance(owner, ownership.Foreign):
            self._stays(key, f"{owner.owner} keeps it")
            return
        if now is not None and isinstance(owner, ownership.Unclaimed):
            self._unclaimed(key, now, before)
            return
        if before is None:
            self.wanted.pop(key, None)
        else:
            self.wanted[key] = self._as_before(key, before, now)
        if not self._known(key, now):
            self.by_hand.append(key)

    def leave_out(self) -> None:
        """Leave out what must not come back, and what has nowhere to come back to."""
        for key in sorted(self.touched):
            item = self.wanted.get(key)
            if item is None or item == self.asis.get(key):
                continue
            if not self._has_place(key):
                self._as_it_is(key)
            elif isinstance(item.spec, Role | Binding):
                self._temporary_objects(key, item)
            else:
                self._person(key, item)
        for key, item in list(self.wanted.items()):
            entry = Key(key.cluster, "AccessEntry", "", key.name.split("#", 1)[0])
            if key.kind == "AccessPolicyAssociation" and entry not in self.wanted and entry not in self.there:
                del self.wanted[key]
                if isinstance(item.spec, PolicyAssociation):
                    self._say(GONE, key, "its access entry does not come back, and so it does not either")

    def _unclaimed(self, key: Key, now: Observed, before: Observed | None) -> None:
        """What is there and nobody's: these runs gave it back, or somebody made or took it since."""
        last = self.touched[key][-1].after
        if before is not None and not self._was_ours(key, before):
            if now.spec != before.spec:
                self._stays(key, "it is not ours any more")
        elif before is not None and last is not None and now.spec == last.spec:
            self.adopt.add(display_key(key))
            self.wanted[key] = self._as_before(key, before, now)
        else:
            self._stays(key, "it is not ours any more")

    def _as_before(self, key: Key, before: Observed, now: Observed | None) -> Desired:
        """Return an object as it was. Labels of others that it has had since stay as they are now."""
        labels = dict(before.meta.labels)
        if now is not None:
            labels = {name: value for name, value in labels.items() if _is_ours(name)}
        spec = before.spec
        if isinstance(spec, Role | Binding):
            spec = replace(spec, labels=labels)
        return Desired(key, spec, labels, released=not self._was_ours(key, before))

    def _was_ours(self, key: Key, before: Observed) -> bool:
        if not isinstance(before.spec, PolicyAssociation):
            return ownership.is_marked(before.meta, self.instance)
        # EKS gives associations no tags: they are whoever's the entry was.
        entry = Key(key.cluster, "AccessEntry", "", before.spec.principal)
        saved = self.touched.get(entry)
        if saved is not None and saved[0].before is not None:
            return ownership.is_marked(saved[0].before.meta, self.instance)
        return True

    def _known(self, key: Key, now: Observed | None) -> bool:
        """Say whether an object is as one of these runs found it, left it, or passed through."""
        saved = self.touched[key]
        if now is None:
            cascade = key.kind == "AccessPolicyAssociation"
            return cascade or any(
                one.before is None or one.after is None or one.action is Action.REPLACE for one in saved
            )
        specs = [side.spec for one in saved for side in (one.before, one.after) if side is not None]
        return now.spec in specs or any(_halfway(now, one.before) for one in saved)

    def _has_place(self, key: Key) -> bool:
        """Say whether the cluster still has what an object needs to be; say so where not."""
        mode = self.state.target.authentication_mode
        if key.namespace and key.namespace not in self.state.namespaces:
            self._say(GONE, key, f"namespace {key.namespace} is gone, so it cannot come back")
            return False
        if key.kind == "AwsAuthRow" and (mode == "API" or self.state.aws_auth is None):
            self._say(GONE, key, "the cluster has no rows of aws-auth any more")
            return False
        if key.kind in ("AccessEntry", "AccessPolicyAssociation") and mode == "CONFIG_MAP":
            self._say(GONE, key, "the cluster has no access entries any more")
            return False
        return True

    def _person(self, key: Key, item: Desired) -> None:
        """Give nothing back to who is suspended, and no temporary group whose time is over."""
        principal = key.name if isinstance(item.spec, AwsAuthRow) else key.name.split("#", 1)[0]
        if self._is_suspended(principal):
            self._say(SUSPENDED, key, "iamrbac.yaml suspends the principal, so nothing of it comes back")
            self._as_it_is(key)
            return
        spec = item.spec
        if not isinstance(spec, AccessEntry | AwsAuthRow):
            return
        had = self.asis[key].spec if key in self.asis else None
        has = had.groups if isinstance(had, AccessEntry | AwsAuthRow) else ()
        over = [group for group in spec.groups if group not in has and self._is_over(group)]
        if not over:
            return
        self._say(OVER, key, f"temporary access is over, so it does not come back: {', '.join(over)}")
        left = tuple(group for group in spec.groups if group not in over)
        if left or key in self.asis:
            self.wanted[key] = replace(item, spec=replace(spec, groups=left))
        else:
            del self.wanted[key]

    def _temporary_objects(self, key: Key, item: Desired) -> None:
        labels = item.labels
        team, set_name = labels.get(names.POLICY_LABEL, ""), labels.get(names.SET_LABEL, "")
        if self._is_over(names.group_name(self.instance, team, set_name)):
            self._say(OVER, key, "temporary access is over, so it does not come back")
            self._as_it_is(key)

    def _is_over(self, group: str) -> bool:
        parts = group.split(":")
        ours = len(parts) == 4 and parts[:2] == ["iamrbac", self.instance]
        return ours and parts[3].startswith(_TEMPORARY) and group not in self.today.running

    def _is_suspended(self, principal: str) -> bool:
        try:
            return self.today.suspended.covers(principal)
        except ValueError:
            return False

    def _as_it_is(self, key: Key) -> None:
        if key in self.asis:
            self.wanted[key] = self.asis[key]
        else:
            self.wanted.pop(key, None)

    def _stays(self, key: Key, why: str) -> None:
        self._say(NOT_OURS, key, f"{why}, so it stays as it is")

    def _say(self, id_: str, key: Key, why: str) -> None:
        shown = display_key(key)
        self.findings.append(Finding(id_, Level.WARNING, f"{shown}: {why}", cluster=key.cluster, object=shown))


def _halfway(now: Observed, before: Observed | None) -> bool:
    """Say whether a principal has left some of its groups: the first of two writes, and a kill before the second."""
    if before is None:
        return False
    was, spec = before.spec, now.spec
    if not isinstance(was, AccessEntry | AwsAuthRow) or not isinstance(spec, AccessEntry | AwsAuthRow):
        return False
    return set(spec.groups) <= set(was.groups) and (spec.username, type(spec)) == (was.username, type(was))


def _is_ours(label: str) -> bool:
    return label.startswith(_OURS) or label in (names.MANAGED_BY_LABEL, names.PART_OF_LABEL)
