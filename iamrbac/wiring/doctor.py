"""Plugs in what the doctor and `whoami --live` ask; as `wiring`, it imports edges."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from iamrbac import wiring
from iamrbac.wiring.index import VARIABLE, index_store, place_of, repository_here

if TYPE_CHECKING:
    from iamrbac.index.index import AccessIndex
    from iamrbac.model.config import Config
    from iamrbac.plan.observed import Target
    from iamrbac.usecases.doctor_edges import DoctorEdges, Own
    from iamrbac.usecases.ports import OwnAccess, Progress
    from iamrbac.usecases.whoami import OwnEdges


def doctor_edges(root: Path | None, progress: Progress) -> DoctorEdges:
    """Return what the doctor asks; without an access repository around, what a kubeconfig alone says of a cluster.

    Raises RepositoryError where `root` is named and is none.
    """
    from iamrbac.kube.probe import probe
    from iamrbac.kubeconfig.reading import KubeconfigContexts
    from iamrbac.usecases.doctor_edges import DoctorEdges

    contexts = KubeconfigContexts(os.environ)
    files = repository_here(root)
    if files is None:
        return DoctorEdges(contexts, own_credentials, probe, index=lambda config, at: index(None, config, at, progress))
    place = Path(files.root)
    return DoctorEdges(
        contexts,
        own_credentials,
        probe,
        files,
        wiring.roles(place),
        lambda: wiring.builtin().rbac,
        lambda config, at: index(place, config, at, progress),
        lambda: wiring.edges(root),
    )


def whoami_edges(root: Path | None, progress: Progress, *, assume: bool) -> OwnEdges:
    """Return what `whoami` asks, with the credentials of the environment. Raises RepositoryError, AwsError.

    With `assume`, the clusters are asked by the roles that the config assumes, and no index is.
    """
    own = wiring.own_edges(root, assume=assume)
    identity = own_credentials(None, None, "").identity
    own = replace(own, identity=identity, builtin=lambda: wiring.builtin().rbac)
    place = Path(own.repository.root)
    return own if assume else replace(own, index=lambda config, at: index(place, config, at, progress))


def index(root: Path | None, config: Config | None, at: datetime, progress: Progress) -> AccessIndex | None:
    """Return the access index that the config names, without one that of IAMRBAC_INDEX; None where none is named.

    Raises UsageError for a place that is none, AccessIndexError, AwsError.
    """
    from iamrbac.usecases.own_index import read_index

    text = config.index if config is not None else os.environ.get(VARIABLE) or None
    if text is None:
        return None
    return read_index(index_store(place_of(text, config), root), config, at, progress)


def own_credentials(profile: str | None, role_arn: str | None, region: str) -> Own:
    """Return AWS as a kubeconfig's plug-in comes to it."""
    from iamrbac.aws.own import OwnAws
    from iamrbac.token.sign import Credentials, presign, token

    def sign(target: Target, access_key: str, secret_key: str, session_token: str | None) -> str:
        found = Credentials(access_key, secret_key, session_token)
        return token(presign(found, target.region, target.eks_name, datetime.now(UTC)))

    def open_(target: Target, fresh: Callable[[], str]) -> OwnAccess:
        from iamrbac.kube.client import KubeApi

        return KubeApi(target, fresh)

    return OwnAws(profile, role_arn, region, sign, open_)
