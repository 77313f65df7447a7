"""What one process of `sync` opens: the access repository, AWS, clusters, and the one that it runs on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from iamrbac import wiring
from iamrbac.aws.accounts import Accounts
from iamrbac.aws.eks import EksApi
from iamrbac.aws.iam import IamApi
from iamrbac.aws.people import IamPeople
from iamrbac.aws.session import session
from iamrbac.fleet.part import Part
from iamrbac.git.checkout import Checkout, Place
from iamrbac.kube.client import KubeApi
from iamrbac.kube.in_cluster import TOKEN_LIFE, ServiceAccount
from iamrbac.model.errors import UsageError
from iamrbac.render.people import people_text
from iamrbac.usecases.leader import Elector
from iamrbac.usecases.load import load
from iamrbac.usecases.offline import WantedOnly
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.schedule import Pace
from iamrbac.usecases.sync_report import Taken, Trouble

if TYPE_CHECKING:
    from iamrbac.documents.identities import SavedPeople
    from iamrbac.plan.observed import Target
    from iamrbac.usecases.ports import Kube, Repository

OLD: Final = "SYN003"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    clusters: tuple[str, ...]
    pace: Pace
    timeout: float
    """Seconds that one cluster may keep a round."""
    stale_after: float
    """Seconds after which people of a file are too old."""
    root: Path | None = None
    place: Place | None = None
    """What is fetched; None: the folder as it is."""
    work_dir: Path | None = None
    identities: Path | None = None
    in_cluster: str = ""
    elects: bool = False
    lease_namespace: str = ""
    listen: str = ""
    part: Part = field(default_factory=Part)
    """Which of the clusters: a shard, or some waves."""


class Opening:
    """Opens everything; what was read for an earlier round is not believed."""

    def __init__(self, options: Options, called: Callable[[str], None]) -> None:
        """Take what is asked for, and what is told of each request to an API. Raises InClusterError, AwsError."""
        self._options = options
        self._called = called
        self._aws = Accounts(session(), called)
        self._own = ServiceAccount.found(os.environ) if options.in_cluster else None
        self.management: KubeApi | None = None
        """The cluster that we run on, as far as that can be known without AWS."""
        if self._own is not None:
            self.management = self._pod_kube(self._own, self._own.target(options.in_cluster))

    def namespace(self) -> str:
        """Return where the Lease is. Raises InClusterError."""
        return self._options.lease_namespace or (self._own.namespace() if self._own is not None else "")

    def source(self, stack: ExitStack, elector: Elector | None) -> Callable[[], Taken]:
        """Return what takes the access repository at each round.

        A clone that nobody named a place for is removed with `stack`.
        """
        options = self._options
        if options.place is None:
            root = options.root if options.root is not None else Path(wiring.repository(None).root)
            # A link that a sidecar turns to another folder is followed once a round.
            return lambda: self._aged(Taken(root.resolve()))
        folder = options.work_dir
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="iamrbac-sync-")))
        checkout = Checkout(options.place, folder.absolute(), options.timeout)
        return lambda: self._aged(self._fetched(checkout, elector))

    def _fetched(self, checkout: Checkout, elector: Elector | None) -> Taken:
        """Take it from where the last leader was, and leave word of it for the next."""
        taken = checkout.take(elector.commit() if elector is not None else "")
        if elector is not None and not taken.refusals:
            elector.worked_on(taken.commit)
        return taken

    def _aged(self, taken: Taken) -> Taken:
        """Add how old people are, and refuse to work by such as are too old."""
        saved = self._people()
        if saved is None:
            return taken
        limit = self._options.stale_after
        if saved.at is None or (now() - saved.at).total_seconds() > limit:
            hint = f"iamrbac identities export --out {saved.file}; --stale-after says how old it may be"
            old = Trouble(OLD, people_text(saved.at, now(), saved.file), hint)
            return replace(taken, refusals=(*taken.refusals, old), people_at=saved.at)
        return replace(taken, people_at=saved.at)

    def _people(self) -> SavedPeople | None:
        file = self._options.identities
        return wiring.saved_people(file) if file is not None else None

    def edges(self, taken: Taken) -> Edges:
        """Open everything anew: what was read for an earlier round is not believed."""
        root = Path(taken.folder)
        saved = self._people()
        files = wiring.repository(root)
        self._check_name(files)
        iam = IamApi(self._aws)
        return Edges(
            files,
            wiring.roles(root),
            IamPeople(self._aws) if saved is None else saved,
            EksApi(self._aws),
            self.kube,
            wiring.deliveries(root),
            lambda: wiring.builtin().rbac,
            iam if saved is None else WantedOnly(iam),
        )

    def _check_name(self, files: Repository) -> None:
        """Refuse a cluster of our own that the config does not have: it would be reached by EKS's tokens, silently."""
        name = self._options.in_cluster
        readable = load(files).readable if name else None
        names = [one.name for one in readable.config.document.clusters] if readable is not None else [name]
        if name not in names:
            hint = f"use one of {', '.join(names)}"
            raise UsageError(f"--in-cluster {name}: iamrbac.yaml has no such cluster", hint=hint)

    def kube(self, target: Target) -> Kube:
        """Open a cluster: our own as the ServiceAccount, others by EKS's tokens."""
        if self._own is not None and target.name == self._options.in_cluster:
            return self._pod_kube(self._own, self._own.reached(target))
        return wiring.kube_opener(self._aws, called=lambda: self._called("kubernetes"))(target)

    def _pod_kube(self, own: ServiceAccount, target: Target) -> KubeApi:
        return KubeApi(target, own.token, token_life=TOKEN_LIFE, called=lambda: self._called("kubernetes"))


def now() -> datetime:
    """Return the time that everything is judged by."""
    return datetime.now(UTC)
