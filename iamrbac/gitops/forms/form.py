"""One way of keeping access entries in Git, and what it takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Files, Resource
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.origin import Origin


@dataclass(frozen=True, slots=True)
class Mapped:
    """One principal of a cluster: its access entry with the policies that are associated with it."""

    entry: AccessEntry
    policies: tuple[PolicyAssociation, ...] = ()
    """Sorted by policy."""
    tags: tuple[tuple[str, str], ...] = ()
    """Sorted by key."""
    origins: tuple[Origin, ...] = ()
    """The policy lines it comes from; () for what was read from a file."""
    taken_over: bool = False
    """The entry is in EKS already and must be taken over, not created (import, adoption). Where a form has no word for
    that, nothing is written for it."""
    policies_taken_over: tuple[str, ...] = ()
    """ARNs, sorted, of those of its policies that are associated in EKS already; () unless the entry is taken over.

    A tool that imports refuses to import what is not there, so each is named. One that is there and is not named does
    no harm: associating a policy again is EKS's way to change its scope."""

    @property
    def principal(self) -> str:
        """The principal's ARN."""
        return self.entry.principal


@dataclass(frozen=True, slots=True)
class Written:
    """What a form needs in Git: Kubernetes objects, which the cluster's layout puts in their place, or files."""

    resources: tuple[Resource, ...] = ()
    files: Files = field(default_factory=dict)


class Form(Protocol):
    """One way of keeping access entries in Git."""

    def write(self, delivery: Delivery, mapped: Sequence[Mapped]) -> Written:
        """Return what stands for the entries; `mapped` is sorted by principal. The same entries give the same bytes.

        Files lie below `delivery.entries_path` and say whose they are (see `gitops.header`).
        """
        ...

    def read(self, delivery: Delivery, values: Mapping[str, object]) -> Iterable[Mapped]:
        """Return the entries that files say: path → the parsed value of a YAML or JSON file. The opposite of `write`.

        Raises ValueError, saying what and in which file, for a file that does not say what we would have written;
        what a tool would understand otherwise is never passed over.
        """
        ...
