"""Who holds which role where: what `access` lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iamrbac.access.judge import SYSTEM, Judge, Somebody
from iamrbac.access.world import is_default, policy_name, shown_role
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, Subject
from iamrbac.rbac.subjects import MASTERS, keys_of, subject_key


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """A role that somebody holds. `namespace` "" is the whole cluster."""

    principal: str
    """As the entry or row has it; `Group x`, `User x`, `ServiceAccount ns/x` for a subject that nobody is mapped to."""
    namespace: str
    role: str
    group: str = ""
    """The Kubernetes group that gives it; "" where the user itself is named."""
    origins: tuple[Origin, ...] = ()


def held(judge: Judge, somebody: Somebody, name: str) -> Iterator[Held]:
    """Yield what somebody, who is called `name`, holds; not what everybody has who logs in."""
    if MASTERS in somebody.user.groups:
        yield Held(name, "", MASTERS, MASTERS)
    names = set(keys_of(somebody.user))
    for binding, _ in judge.authorizer.bindings_of(somebody.user):
        groups = (
            subject.name
            for subject in binding.subjects
            if subject.kind == "Group" and subject_key(subject, binding.namespace) in names
        )
        yield Held(
            name, binding.namespace or "", shown_role(judge.world, binding), next(groups, ""), judge.origins(binding)
        )
    for association in judge.associations(somebody):
        policy = policy_name(association.policy)
        for namespace in association.namespaces or ("",):
            origins, group = judge.given_by(somebody, policy, namespace)
            yield Held(name, namespace, f"eksAccessPolicy {policy}", group, origins)


def held_by_others(judge: Judge) -> Iterator[Held]:
    """Yield what subjects hold that nobody is mapped to, or more than are mapped, as bindings name them.

    What Kubernetes' own bindings give its own users, groups and controllers is left out.
    """
    for binding, subject in of_others(judge):
        yield Held(
            subject_text(subject, binding.namespace),
            binding.namespace or "",
            shown_role(judge.world, binding),
            subject.name if subject.kind == "Group" else "",
            judge.origins(binding),
        )


def of_others(judge: Judge) -> Iterator[tuple[Binding, Subject]]:
    """Yield each binding with each such subject of it."""
    for binding in judge.world.rbac.bindings:
        for subject in binding.subjects:
            key = subject_key(subject, binding.namespace)
            if key is None or (is_default(binding) and _is_kubernetes(subject)):
                continue
            if judge.holders(key) and not (key.kind == "Group" and key.name.startswith(SYSTEM)):
                continue
            yield binding, subject


def subject_text(subject: Subject, binding_namespace: str | None) -> str:
    """Return a subject's kind and name, a service account's with its namespace."""
    if subject.kind == "ServiceAccount":
        return f"ServiceAccount {subject.namespace or binding_namespace}/{subject.name}"
    return f"{subject.kind} {subject.name}"


def _is_kubernetes(subject: Subject) -> bool:
    return subject.name.startswith((SYSTEM, "eks:")) or subject.namespace == "kube-system"
