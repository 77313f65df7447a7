"""Plain folders: a file for each object and nothing else, as any tool that reads manifests takes them.

The reader decides on order and on what happens to an object whose file goes. Namespaces say to Argo CD and to Flux that
they must stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Resource
from iamrbac.gitops.layouts.objects import LaidOut, stages


def plain(delivery: Delivery, objects: Iterable[Desired], resources: Sequence[Resource]) -> LaidOut:
    """Return FOLDER/NAMESPACE/KIND-NAME.yaml for every object (see LayoutFiles)."""
    found = stages(delivery, objects, resources)
    return LaidOut({f"{delivery.path}/{file}": text for files in found.values() for file, text in files.items()})
