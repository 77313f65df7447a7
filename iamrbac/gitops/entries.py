"""Access entries between the two shapes that they have: objects of a plan, and principals with all that is theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

from iamrbac.compile.desired import Desired, Key, Spec
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.forms import FORMS, Mapped
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation

Taken: TypeAlias = Mapping[str, Collection[str]]
"""Principals whose entries are in EKS already → the ARNs of the policies that are associated there."""
NOBODY: Final[Taken] = {}


def mapped_of(objects: Iterable[Desired], taken: Taken = NOBODY) -> tuple[Mapped, ...]:
    """Return the principals of a cluster, sorted, with the mark of those that are to be taken over."""
    entries: dict[str, tuple[AccessEntry, Desired]] = {}
    policies: dict[str, list[PolicyAssociation]] = {}
    for item in objects:
        if isinstance(item.spec, AccessEntry):
            entries[item.spec.principal] = (item.spec, item)
        elif isinstance(item.spec, PolicyAssociation):
            policies.setdefault(item.spec.principal, []).append(item.spec)
    found: list[Mapped] = []
    for principal, (entry, item) in sorted(entries.items()):
        own = tuple(sorted(policies.get(principal, ()), key=lambda one: one.policy))
        there = taken.get(principal, ())
        known = tuple(one.policy for one in own if one.policy in there)
        tags = tuple(sorted(item.labels.items()))
        found.append(Mapped(entry, own, tags, item.origins, principal in taken, known))
    return tuple(found)


def taken_over(wanted: Collection[str], in_git: Iterable[Mapped], in_eks: Taken) -> Taken:
    """Return which of the wanted principals must be taken over: as their file says, or where none is yet, as EKS is.

    A file keeps what it says, so that it does not change when the tool has taken the entry over.
    """
    known = {one.principal: one for one in in_git}
    found: dict[str, Collection[str]] = {}
    for principal in wanted:
        one = known.get(principal)
        if one is None and principal in in_eks:
            found[principal] = in_eks[principal]
        elif one is not None and one.taken_over:
            found[principal] = one.policies_taken_over
    return found


def eks_entries(specs: Iterable[Spec]) -> Taken:
    """Return every principal that EKS maps, with the policies that are associated."""
    policies: dict[str, set[str]] = {}
    for spec in specs:
        if isinstance(spec, AccessEntry):
            policies.setdefault(spec.principal, set())
        elif isinstance(spec, PolicyAssociation):
            policies.setdefault(spec.principal, set()).add(spec.policy)
    return policies


def objects_of(cluster: str, mapped: Mapped) -> Iterable[Desired]:
    """Yield a principal's entry and its associations as objects of a cluster."""
    principal = mapped.entry.principal
    yield Desired(Key(cluster, "AccessEntry", "", principal), mapped.entry, dict(mapped.tags), mapped.origins)
    for one in mapped.policies:
        key = Key(cluster, "AccessPolicyAssociation", "", f"{principal}#{one.policy}")
        yield Desired(key, one, origins=mapped.origins)


def read_entries(delivery: Delivery, values: Mapping[str, object]) -> tuple[Mapped, ...]:
    """Return what files say in the cluster's form, or, after a change of form, in the one that they have.

    `values` is path → parsed file. Raises ValueError for files that are in no form.
    """
    if not values:
        return ()
    try:
        return tuple(FORMS[delivery.entries].read(delivery, values))
    except ValueError as error:
        for name, form in FORMS.items():
            if name != delivery.entries:
                try:
                    return tuple(form.read(delivery, values))
                except ValueError:
                    continue
        raise error
