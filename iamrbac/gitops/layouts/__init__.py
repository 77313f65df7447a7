"""How a cluster's objects lie in its folder: one file per layout, all of them the same function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Files, Resource
from iamrbac.gitops.layouts.plain import plain
from iamrbac.model.gitops import Layout

__all__ = ["LAYOUTS", "LayoutFiles"]


class LayoutFiles(Protocol):
    """Lays a cluster's Kubernetes objects out."""

    def __call__(self, delivery: Delivery, objects: Iterable[Desired], resources: Sequence[Resource]) -> Files:
        """Return every file of the cluster: one for each object, and what the layout itself needs.

        The same arguments give the same bytes. Every file begins with our header. `objects` are Kubernetes objects
        only. Paths lie below `delivery.path`, and for the deliverer's own objects below the folder that the config
        names for these.
        """
        ...


LAYOUTS: Final[Mapping[Layout, LayoutFiles]] = {"plain": plain}
