"""Argo CD's Application of a cluster, or the ApplicationSet that makes one for each (argoproj.io/v1alpha1).

Neither ever takes access away when it goes itself: no Application has the finalizer that would delete its objects with
it. Access ends by a file that goes, which was reviewed and which a guard counted; an Application that is renamed, or
deleted by a slip, leaves everything where it is, and its successor takes it over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iamrbac.gitops.delivery import Delivery, has_credentials
from iamrbac.gitops.files import KUBERNETES
from iamrbac.gitops.layouts.names import LABEL_LIMIT, cluster_label, hash8, instance_prefix
from iamrbac.gitops.yaml_text import Json
from iamrbac.model.errors import DeliveryError

API_VERSION: Final = "argoproj.io/v1alpha1"
# Files that are called as ours are, and nothing else that lies there: neither the inventory nor the parameters.
_INCLUDE: Final = f"{{{','.join([*(f'*/{kind}-*.yaml' for kind in sorted(KUBERNETES)), '_entries/*.yaml'])}}}"
_SYNC_POLICY: Final[Mapping[str, Json]] = {
    # allowEmpty: a folder in which Argo CD finds nothing at all is taken for a mistake, not for a revocation.
    "automated": {"prune": True, "selfHeal": True, "allowEmpty": False},
    "syncOptions": [
        "CreateNamespace=false",
        "ApplyOutOfSyncOnly=true",
        # Two Applications that have the same binding would undo each other's changes.
        "FailOnSharedResource=true",
        # In the foreground (the default) a binding allows until the garbage collector has seen to it.
        "PrunePropagationPolicy=background",
    ],
    # Bounded: an older Argo CD, which does not know `refresh`, takes no newer commit while it tries again.
    "retry": {"limit": 5, "refresh": True, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
}


def argocd_fault(delivery: Delivery) -> tuple[str, str] | None:
    """Return what is wrong with the URL that Argo CD would read from, and the next step; None where all is well."""
    own = delivery.argocd.repo_url
    url = own or delivery.repository
    if has_credentials(url):
        return "the URL for Argo CD has credentials in it", "take them out: Argo CD has its own, in a Secret"
    if url.startswith(("/", ".")) or not url:
        named = f"{url} is a path" if url else "there is no repository"
        return (
            f"layout argocd: {named}, and Argo CD needs a URL to read from",
            "name it in `gitops: {argocd: {repoURL}}`",
        )
    return None


def repo_url(delivery: Delivery) -> str:
    """Return the URL that Argo CD reads from. Raises DeliveryError where there is none (see `argocd_fault`)."""
    fault = argocd_fault(delivery)
    if fault is not None:
        raise DeliveryError(fault[0], where=delivery.cluster, hint=fault[1])
    return delivery.argocd.repo_url or delivery.repository


def application_name(delivery: Delivery) -> str:
    """Return iamrbac-INSTANCE-CLUSTER, the name of a cluster's Application and of its AppProject."""
    return instance_prefix(delivery.instance) + _label(delivery)


def destination(delivery: Delivery) -> tuple[str, str]:
    """Return how Argo CD knows the cluster: (`name` or `server`, its value)."""
    given = delivery.argocd.destination or delivery.cluster
    return ("server" if given.startswith(("https://", "http://")) else "name"), given


def application(delivery: Delivery, name: str, url: str) -> Mapping[str, Json]:
    """Return the Application of one cluster."""
    key, value = destination(delivery)
    return {
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": {"name": name, "namespace": delivery.argocd.namespace},
        "spec": _spec(delivery, name, url, delivery.path, {key: value}),
    }


def parameters_file(delivery: Delivery) -> str:
    """Return the file in a cluster's folder by which the ApplicationSet finds it; another instance has another."""
    return f"argocd-{delivery.instance}.yaml"


def parameters(delivery: Delivery) -> Mapping[str, Json]:
    """Return what the ApplicationSet has to know of one cluster."""
    key, value = destination(delivery)
    return {"cluster": _label(delivery), "destination": {"name": "", "server": "", key: value}}


def set_name(delivery: Delivery, url: str) -> str:
    """Return the ApplicationSet's name: one for each repository, branch and path template of an instance."""
    return instance_prefix(delivery.instance) + hash8(url, delivery.branch, _folders(delivery))


def application_set(delivery: Delivery, name: str, url: str) -> Mapping[str, Json]:
    """Return the ApplicationSet; it says nothing of single clusters, so that every run writes the same.

    It looks for our files with parameters, not for folders: a folder that somebody else made gets no Application.
    The project's name begins with text of ours, so that whoever can write such a file cannot choose project `default`.
    """
    cluster = f"{instance_prefix(delivery.instance)}{{{{.cluster}}}}"
    to: dict[str, Json] = {"name": "{{.destination.name}}", "server": "{{.destination.server}}"}
    found = f"{_folders(delivery)}/{parameters_file(delivery)}"
    return {
        "apiVersion": API_VERSION,
        "kind": "ApplicationSet",
        "metadata": {"name": name, "namespace": delivery.argocd.namespace},
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"git": {"repoURL": url, "revision": delivery.branch, "files": [{"path": found}]}}],
            # Else every Application would get the finalizer, and lose all its objects when its folder goes.
            "syncPolicy": {"preserveResourcesOnDeletion": True},
            "template": {
                "metadata": {"name": cluster},
                "spec": _spec(delivery, cluster, url, "{{.path.path}}", to),
            },
        },
    }


def _spec(delivery: Delivery, project: str, url: str, path: str, to: Mapping[str, Json]) -> Mapping[str, Json]:
    return {
        "project": project,
        "source": {
            "repoURL": url,
            "targetRevision": delivery.branch,
            "path": path,
            "directory": {"recurse": True, "include": _INCLUDE},
        },
        "destination": to,
        "syncPolicy": _SYNC_POLICY,
    }


def _label(delivery: Delivery) -> str:
    room = LABEL_LIMIT - len(instance_prefix(delivery.instance))
    return cluster_label(delivery.instance, delivery.cluster, room)


def _folders(delivery: Delivery) -> str:
    return delivery.path_template.replace("{cluster}", "*")
