"""Access entries between the two shapes that they have: objects of a plan, and principals with all that is theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from iamrbac.compile.desired import Desired, Key
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.forms import FORMS, Mapped
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation


def mapped_of(objects: Iterable[Desired], taken_over: Collection[str] = ()) -> tuple[Mapped, ...]:
    """Return the principals of a cluster, sorted; `taken_over` are those whose entries are in EKS already."""
    entries: dict[str, tuple[AccessEntry, Desired]] = {}
    policies: dict[str, list[PolicyAssociation]] = {}
    for item in objects:
        if isinstance(item.spec, AccessEntry):
            entries[item.spec.principal] = (item.spec, item)
        elif isinstance(item.spec, PolicyAssociation):
            policies.setdefault(item.spec.principal, []).append(item.spec)
    return tuple(
        Mapped(
            entry,
            tuple(sorted(policies.get(principal, ()), key=lambda one: one.policy)),
            tuple(sorted(item.labels.items())),
            item.origins,
            principal in taken_over,
        )
        for principal, (entry, item) in sorted(entries.items())
    )


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
