"""Plain folders: a file for each object and nothing else, as any tool that reads manifests takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Files, Resource
from iamrbac.gitops.header import header
from iamrbac.gitops.layouts.objects import KEPT, object_file, resource_file, resource_text
from iamrbac.gitops.manifests import Manifests
from iamrbac.rbac.objects import NO_LABELS


def plain(delivery: Delivery, objects: Iterable[Desired], resources: Sequence[Resource]) -> Files:
    """Return FOLDER/NAMESPACE/KIND-NAME.yaml for every object (see LayoutFiles)."""
    manifests = Manifests()
    files = {
        f"{delivery.path}/{object_file(item)}": header(delivery.instance, item.origins)
        + manifests.text(item, KEPT if item.key.kind == "Namespace" else NO_LABELS)
        for item in objects
    }
    for resource in resources:
        files[f"{delivery.path}/{resource_file(resource)}"] = resource_text(delivery.instance, resource)
    return files
