"""Objects of ours that lost the labels by which we know them: told, so that none is left behind in silence."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.plan import ownership
from iamrbac.plan.observed import ClusterState, Observed
from iamrbac.rbac.objects import Binding, Role

_OUR_NAME = re.compile(r"iamrbac-.+-[0-9a-f]{8}")


def stripped(
    state: ClusterState, wanted: Mapping[Key, Desired], instance: str, adopt: Collection[str]
) -> Iterator[Finding]:
    """Yield a warning for each RBAC object with our name or a policy's label, and without the instance's or ApplySet's.

    Not for what `adopt` names (a plan shows that by its symbol), nor for what another owner has marked, or what the
    groups of another instance are bound to. A cluster that is not read itself has none.
    """
    if state.partial:
        return
    sets = {item.labels[names.PART_OF_LABEL] for item in wanted.values() if names.PART_OF_LABEL in item.labels}
    others = _of_others(state.objects, instance)
    for item in state.objects:
        if not isinstance(item.spec, Role | Binding):
            continue
        will = wanted.get(item.key)
        if names.INSTANCE_LABEL not in item.meta.labels:
            if (
                _ours(item, instance, sets)
                and item.key not in others
                and not (will is not None and _shown(item.key) in adopt)
            ):
                yield _unknown(item, instance, wanted=will is not None)
        elif will is not None and _lost_set(item, will, instance):
            yield _finding(
                item,
                f"{_shown(item.key)} has lost its label {names.PART_OF_LABEL}: it was taken off, and is put back",
                "find out who did: kubectl get --show-managed-fields tells",
            )


def _lost_set(item: Observed, will: Desired, instance: str) -> bool:
    lost = names.PART_OF_LABEL in will.labels and names.PART_OF_LABEL not in item.meta.labels
    return lost and isinstance(ownership.owner_of(item.meta, instance), ownership.Ours)


def _ours(item: Observed, instance: str, sets: Collection[str]) -> bool:
    """Say whether an object without the instance's label looks like ours, and no other owner has marked it."""
    labels = dict(item.meta.labels)
    part_of = labels.pop(names.PART_OF_LABEL, None)
    if part_of is not None and part_of not in sets:
        return False
    rest = ownership.owner_of(replace(item.meta, labels=labels), instance)
    return isinstance(rest, ownership.Unclaimed) and (
        names.POLICY_LABEL in labels or _OUR_NAME.fullmatch(item.key.name) is not None
    )


def _of_others(objects: Collection[Observed], instance: str) -> frozenset[Key]:
    """Return the bindings of other instances' groups, and the roles that they refer to."""
    found: set[Key] = set()
    for item in objects:
        if not isinstance(item.spec, Binding):
            continue
        groups = [subject.name for subject in item.spec.subjects if names.team_of(subject.name)]
        if groups and not any(group.startswith(f"iamrbac:{instance}:") for group in groups):
            ref = item.spec.role_ref
            namespace = item.key.namespace if ref.kind == "Role" else ""
            found |= {item.key, Key(item.key.cluster, ref.kind, namespace, ref.name)}
    return frozenset(found)


def _unknown(item: Observed, instance: str, *, wanted: bool) -> Finding:
    place = f"-n {item.key.namespace} " if item.key.namespace else ""
    label = f"kubectl {place}label {item.key.kind.lower()} {item.key.name} {names.INSTANCE_LABEL}={instance}"
    then = "it counts as somebody else's" if wanted else "no policy wants it any more, and it stays"
    return _finding(
        item,
        f"{_shown(item.key)} looks like ours, but its label {names.INSTANCE_LABEL} is gone: {then}",
        f"if it is of this repository, put the label back ({label}), then run again; else remove it by hand",
    )


def _finding(item: Observed, message: str, hint: str) -> Finding:
    return Finding("OWN005", Level.WARNING, message, hint, cluster=item.key.cluster, object=_shown(item.key))


def _shown(key: Key) -> str:
    return "/".join(part for part in (key.kind, key.namespace, key.name) if part)
