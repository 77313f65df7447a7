"""A folder and a Flux Kustomization for each stage, each one after the one before.

Order: a Kustomization waits until the one before has applied the same commit and is ready (`dependsOn`, `wait`), so
roles are there before bindings, and bindings before entries. Flux deletes in the same order, stage by stage, each after
it has applied what is new in it: a role goes before the binding that names it. That never gives anybody anything, since
a binding to a role that is gone allows nothing; but a role that is replaced by another leaves its people without it
until the next stage is done. One object that the API server refuses (a binding in a namespace that is not there) stops
its stage and all after it, with their revocations.

A revocation is a file that goes. The stages of roles, bindings and (with a form for Flux) entries are therefore there
even when they are empty: would the last binding take its Kustomization with it, then whether it is deleted would hang
on a deletion policy that the folder above decides. The other way round, a Kustomization that goes (the cluster is not
delivered by Git any more, its folder or the instance has another name) leaves all its objects where they are
(`deletionPolicy: Orphan`): one file less must not be everybody's access less.

Namespaces are never pruned. What somebody changes by hand is put back when the next interval is over. kustomize, which
Flux builds with, takes seconds for some hundred objects of a stage and minutes for some thousand: a cluster with more
than these is better off with another layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import STAGES, Resource, Stage
from iamrbac.gitops.layouts.kustomize import KUSTOMIZATION, kustomization
from iamrbac.gitops.layouts.names import LABEL_LIMIT, cluster_label, hash8, instance_prefix
from iamrbac.gitops.layouts.objects import LaidOut, own_object, stages
from iamrbac.gitops.yaml_text import Json

_LONGEST: Final = LABEL_LIMIT - max(len(f"-{stage}") for stage in STAGES)
_RETRY: Final = "1m"
_TIMEOUT: Final = "5m"


def flux(delivery: Delivery, objects: Iterable[Desired], resources: Sequence[Resource]) -> LaidOut:
    """Return FOLDER/STAGE/… with a kustomization.yaml each, and Flux's Kustomizations in its own (see LayoutFiles)."""
    found = stages(delivery, objects, resources)
    files: dict[str, str] = {}
    before: Stage | None = None
    for stage, own in found.items():
        if not own and not _always(delivery, stage):
            continue
        folder = f"{delivery.path}/{stage}"
        files[f"{folder}/{KUSTOMIZATION}"] = own_object(delivery, kustomization(list(own)))
        files.update((f"{folder}/{file}", text) for file, text in own.items())
        name = _name(delivery, stage)
        files[f"{delivery.flux.path}/Kustomization-{name}.yaml"] = own_object(
            delivery, _kustomization(delivery, stage, before)
        )
        before = stage
    return LaidOut(files)


def _always(delivery: Delivery, stage: Stage) -> bool:
    if stage == "entries":
        return delivery.entries in ("ack", "crossplane")
    return stage != "namespaces"


def _kustomization(delivery: Delivery, stage: Stage, before: Stage | None) -> dict[str, Json]:
    spec: dict[str, Json] = {
        "interval": delivery.flux.interval,
        "retryInterval": _RETRY,
        "timeout": _TIMEOUT,
        "sourceRef": {"kind": "GitRepository", "name": delivery.flux.source},
        "path": f"./{delivery.path}/{stage}",
        "prune": stage != "namespaces",
        "deletionPolicy": "Orphan",
        "wait": True,
        "force": False,
    }
    if before is not None:
        spec["dependsOn"] = [{"name": _name(delivery, before)}]
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": _name(delivery, stage), "namespace": delivery.flux.namespace},
        "spec": spec,
    }


def _name(delivery: Delivery, stage: Stage) -> str:
    """Return iamrbac-INSTANCE-CLUSTER-STAGE, shortened where it is too long for a label."""
    prefix = instance_prefix(delivery.instance)
    room = _LONGEST - len(prefix)
    if room < len("c-") + 8:
        # An instance's name of 40 characters leaves no room for the cluster's: the hash stands for both.
        both = hash8(delivery.instance, delivery.cluster)
        return f"{prefix[: _LONGEST - 9].rstrip('-')}-{both}-{stage}"
    return f"{prefix}{cluster_label(delivery.instance, delivery.cluster, room)}-{stage}"
