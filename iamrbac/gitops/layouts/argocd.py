"""Folders as `plain` has them with Argo CD's sync waves, and what Argo CD itself needs to sync them.

Order: what is new comes in waves (namespaces, roles, bindings, entries), each when the one before is applied and
healthy. What goes, goes in the opposite order, interleaved: Argo CD turns the waves of deletions round, and within a
wave deletes before it creates. A role that is replaced by another leaves its people without it for as long as Argo CD
waits between two waves (two seconds). There is no PruneLast, which would close that gap: every revocation would then
wait until every grant is applied and healthy.

One object that the API server refuses (a role in a namespace that is not there) ends a sync after its wave: what comes
in later waves, deletions too, waits for the next commit or for somebody's sync.

What somebody changes by hand is put back within seconds (selfHeal).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Files, Resource, Stage
from iamrbac.gitops.header import header
from iamrbac.gitops.layouts import argocd_application as application
from iamrbac.gitops.layouts.argocd_project import app_project
from iamrbac.gitops.layouts.objects import LaidOut, own_object, stages
from iamrbac.gitops.yaml_text import yaml_text

_WAVE: Final = "argocd.argoproj.io/sync-wave"
_WAVES: Final[dict[Stage, dict[str, str]]] = {
    # A namespace whose file went stays (KEPT): without IgnoreExtraneous the Application would be out of sync for ever.
    "namespaces": {_WAVE: "-3", "argocd.argoproj.io/compare-options": "IgnoreExtraneous"},
    "roles": {_WAVE: "-2"},
    "bindings": {_WAVE: "-1"},
    "entries": {_WAVE: "0"},
}


def argocd(delivery: Delivery, objects: Iterable[Desired], resources: Sequence[Resource]) -> LaidOut:
    """Return the objects' files, the AppProject, and the Application or the ApplicationSet (see LayoutFiles).

    Raises DeliveryError where Argo CD cannot be told which repository it is (see `argocd_fault`).
    """
    all_objects = tuple(objects)
    url = application.repo_url(delivery)
    found = stages(delivery, all_objects, resources, _WAVES)
    files = {f"{delivery.path}/{file}": text for own in found.values() for file, text in own.items()}
    name = application.application_name(delivery)
    folder = delivery.argocd.path
    project = app_project(delivery, name, url, all_objects, resources)
    files[f"{folder}/AppProject-{name}.yaml"] = own_object(delivery, project)
    if not delivery.argocd.application_set:
        files[f"{folder}/Application-{name}.yaml"] = own_object(delivery, application.application(delivery, name, url))
        return LaidOut(files)
    parameters = header(delivery.instance) + yaml_text(application.parameters(delivery))
    files[f"{delivery.path}/{application.parameters_file(delivery)}"] = parameters
    return LaidOut(files, shared=_shared(delivery, url))


def _shared(delivery: Delivery, url: str) -> Files:
    name = application.set_name(delivery, url)
    path = f"{delivery.argocd.path}/ApplicationSet-{name}.yaml"
    return {path: own_object(delivery, application.application_set(delivery, name, url))}
