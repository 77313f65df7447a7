"""How a cluster's objects lie in its folder: one file per layout, all of them the same function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Resource
from iamrbac.gitops.layouts.argocd import argocd
from iamrbac.gitops.layouts.argocd_application import argocd_fault
from iamrbac.gitops.layouts.flux import flux
from iamrbac.gitops.layouts.kustomize import kustomize
from iamrbac.gitops.layouts.objects import LaidOut
from iamrbac.gitops.layouts.plain import plain
from iamrbac.model.gitops import Layout

__all__ = ["LAYOUTS", "LaidOut", "LayoutFiles", "argocd_fault"]


class LayoutFiles(Protocol):
    """Lays a cluster's Kubernetes objects out."""

    def __call__(self, delivery: Delivery, objects: Iterable[Desired], resources: Sequence[Resource]) -> LaidOut:
        """Return every file of the cluster: one for each object, and what the layout itself needs.

        The same arguments, in any order, give the same bytes. Every file of ours begins with our header. `objects` are
        Kubernetes objects only. Paths lie below `delivery.path`, and for the deliverer's own objects below the folder
        that the config names for these.
        """
        ...


LAYOUTS: Final[Mapping[Layout, LayoutFiles]] = {"plain": plain, "kustomize": kustomize, "argocd": argocd, "flux": flux}
