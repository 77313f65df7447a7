"""A kustomize base that is ours, and an overlay beside it that is the user's.

One base for each cluster, not one for all: a change of a common base would reach every environment in the same commit,
and a promotion from staging to production would be none.

Order: the base lists namespaces, roles, bindings, entries, and kustomize prints kinds in that order too. Who applies it
decides whether an object whose file went is deleted: `kubectl apply -k` deletes nothing unless told to (--prune).

kustomize's own time grows faster than the number of objects: seconds for some hundred, minutes for some thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Resource
from iamrbac.gitops.layouts.objects import LaidOut, own_object, stages
from iamrbac.gitops.yaml_text import Json, yaml_text

KUSTOMIZATION: Final = "kustomization.yaml"
_BASE: Final = "base"
_YOURS: Final = """\
# iamrbac wrote this file once, and never touches it again: add your own resources and patches here.
# What is below base/ is written anew on every run.
"""


def kustomize(delivery: Delivery, objects: Iterable[Desired], resources: Sequence[Resource]) -> LaidOut:
    """Return FOLDER/base/… with its kustomization.yaml, and once FOLDER/kustomization.yaml (see LayoutFiles)."""
    found = stages(delivery, objects, resources)
    names = [file for files in found.values() for file in files]
    base = f"{delivery.path}/{_BASE}"
    return LaidOut(
        {
            f"{base}/{KUSTOMIZATION}": own_object(delivery, kustomization(names)),
            **{f"{base}/{file}": text for files in found.values() for file, text in files.items()},
        },
        once={f"{delivery.path}/{KUSTOMIZATION}": _YOURS + yaml_text(kustomization([_BASE]))},
    )


def kustomization(resources: Sequence[str]) -> dict[str, Json]:
    """Return a kustomization of files or folders, in the order given."""
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}
