"""Plugs `sync` together: where the repository comes from, how clusters are reached, who is told."""

from __future__ import annotations

import os
import random
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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
from iamrbac.model.errors import EndedError, IamrbacError, OvertimeError, UsageError
from iamrbac.render.people import people_text
from iamrbac.render.sync import cluster_fields, event_fields, round_fields
from iamrbac.serve.logs import Level, Lines
from iamrbac.usecases.apply import Applying
from iamrbac.usecases.bounds import Bounds
from iamrbac.usecases.leader import Electing, Elector
from iamrbac.usecases.load import load
from iamrbac.usecases.offline import WantedOnly
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.schedule import Pace
from iamrbac.usecases.sync import Syncing, sync_round
from iamrbac.usecases.sync_loop import Looping, Memory, loop
from iamrbac.usecases.sync_notices import about_cluster, about_round, post
from iamrbac.usecases.sync_report import Result, Round, Taken, Trouble

if TYPE_CHECKING:
    from iamrbac.documents.identities import SavedPeople
    from iamrbac.plan.change import Plan
    from iamrbac.plan.observed import Target
    from iamrbac.serve.http import Health
    from iamrbac.serve.metrics import Metrics
    from iamrbac.usecases.ports import Kube

__all__ = ["Level", "Lines", "Options", "Place", "Service"]
OLD: Final = "SYN003"
_LEVELS: Final = {
    Result.UNCHANGED: Level.INFO,
    Result.DONE: Level.INFO,
    Result.ENDED: Level.INFO,
    Result.PAUSED: Level.WARNING,
    Result.PARTLY: Level.ERROR,
    Result.FAILED: Level.ERROR,
}
_NOTICE_SECONDS: Final = 30.0
"""That events of a round may take, on all clusters together."""


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


class Service:
    """One process of `sync`. Used as a context manager: what it holds is given back at the end."""

    def __init__(self, options: Options, log: Lines) -> None:
        """Take what is asked for. Raises UsageError and InClusterError for what cannot be."""
        self._options = options
        self._log = log
        self._stop = threading.Event()
        self._stack = ExitStack()
        self._memory = Memory()
        self._metrics: Metrics | None = None
        self._edges: Edges | None = None
        self._host = socket.gethostname()
        self._aws = Accounts(session(), self._called)
        self._own = ServiceAccount.found(os.environ) if options.in_cluster else None
        self._management: KubeApi | None = None
        if self._own is not None:
            self._management = self._pod_kube(self._own, self._own.target(options.in_cluster))
        self._elector = self._electing() if options.elects else None
        self._source = self._sourced()
        self.port = 0
        """Where metrics are, once it runs."""

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        if self._elector is not None:
            self._elector.release()
        self._stack.close()

    def stop(self) -> None:
        """End after the write in hand; may be called from a signal handler."""
        self._stop.set()

    def once(self) -> Round:
        """Make one round and tell of it."""
        made = sync_round(self._syncing())
        self._told(made)
        return made

    def keep(self) -> None:
        """Make rounds until `stop` is called."""
        from iamrbac.serve.http import Health, Server
        from iamrbac.serve.metrics import Metrics

        options = self._options
        self._metrics = Metrics(_now)
        interval = options.pace.interval
        health = Health(time.monotonic, max(3 * interval, 2 * interval + 4 * options.timeout))
        health.ready = self._ready
        if self._elector is not None:
            self._metrics.led_by(self._elector.leads)
        if options.listen:
            server = Server(options.listen, health, self._metrics.text)
            self._stack.callback(server.close)
            self.port = server.port
            self._log(Level.INFO, "listening", port=server.port)
        if self._elector is not None:
            self._elector.start()
        loop(self._looping(health))
        self._log(Level.INFO, "ended")

    def _looping(self, health: Health) -> Looping:
        syncing = self._syncing()

        def told(made: Round, wait: float) -> None:
            self._told(made, wait)

        return Looping(
            self._options.pace,
            lambda: sync_round(syncing),
            told,
            _now,
            random.SystemRandom().random,
            self._stop.wait,
            self._elector.leads if self._elector is not None else lambda: True,
            health.beat,
            self._memory,
        )

    def _ready(self) -> bool:
        return self._memory.rounds > 0 or (self._elector is not None and self._elector.stands_by())

    def _ended(self) -> str:
        if self._stop.is_set():
            return "sync was told to end"
        return "" if self._elector is None or self._elector.leads() else "another sync leads now"

    def _syncing(self) -> Syncing:
        return Syncing(
            self._source,
            self._opened,
            self._applying,
            self._options.clusters,
            self._options.timeout,
            _now,
            time.monotonic,
            self._stop.wait,
            _Steps(self._log),
            self._ended,
            self._wrote,
            lambda: self._memory.clusters,
            self._options.part,
        )

    def _sourced(self) -> Callable[[], Taken]:
        options = self._options
        if options.place is None:
            root = options.root if options.root is not None else Path(wiring.repository(None).root)
            # A link that a sidecar turns to another folder is followed once a round.
            return lambda: self._aged(Taken(root.resolve()))
        folder = options.work_dir
        if folder is None:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="iamrbac-sync-")))
        checkout = Checkout(options.place, folder.absolute(), options.timeout)
        return lambda: self._aged(self._fetched(checkout))

    def _fetched(self, checkout: Checkout) -> Taken:
        """Take it from where the last leader was, and leave word of it for the next."""
        elector = self._elector
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
        if saved.at is None or (_now() - saved.at).total_seconds() > limit:
            hint = f"iamrbac identities export --out {saved.file}; --stale-after says how old it may be"
            old = Trouble(OLD, people_text(saved.at, _now(), saved.file), hint)
            return replace(taken, refusals=(*taken.refusals, old), people_at=saved.at)
        return replace(taken, people_at=saved.at)

    def _people(self) -> SavedPeople | None:
        file = self._options.identities
        return wiring.saved_people(file) if file is not None else None

    def _opened(self, taken: Taken) -> Edges:
        """Open everything anew: what was read for an earlier round is not believed."""
        root = Path(taken.folder)
        saved = self._people()
        files = wiring.repository(root)
        self._check_name(files)
        iam = IamApi(self._aws)
        self._edges = Edges(
            files,
            wiring.roles(root),
            IamPeople(self._aws) if saved is None else saved,
            EksApi(self._aws),
            self._kube,
            wiring.deliveries(root),
            lambda: wiring.builtin().rbac,
            iam if saved is None else WantedOnly(iam),
        )
        return self._edges

    def _check_name(self, files: Any) -> None:
        """Refuse a cluster of our own that the config does not have: it would be reached by EKS's tokens, silently."""
        name = self._options.in_cluster
        readable = load(files).readable if name else None
        names = [one.name for one in readable.config.document.clusters] if readable is not None else [name]
        if name not in names:
            hint = f"use one of {', '.join(names)}"
            raise UsageError(f"--in-cluster {name}: iamrbac.yaml has no such cluster", hint=hint)

    def _kube(self, target: Target) -> Kube:
        if self._own is not None and target.name == self._options.in_cluster:
            return self._pod_kube(self._own, self._own.reached(target))
        return wiring.kube_opener(self._aws, called=lambda: self._called("kubernetes"))(target)

    def _pod_kube(self, own: ServiceAccount, target: Target) -> KubeApi:
        return KubeApi(target, own.token, token_life=TOKEN_LIFE, called=lambda: self._called("kubernetes"))

    def _called(self, api: str) -> None:
        if self._metrics is not None:
            self._metrics.called(api)

    def _electing(self) -> Elector:
        if self._own is None or self._management is None:
            raise UsageError(
                "--leader-election needs a cluster for the Lease", hint="name the one that this runs on: --in-cluster"
            )
        return Elector(
            Electing(
                self._management,
                self._namespace(),
                f"{self._host}_{secrets.token_hex(4)}",
                _now,
                time.monotonic,
                self._elected,
            )
        )

    def _namespace(self) -> str:
        return self._options.lease_namespace or (self._own.namespace() if self._own is not None else "")

    def _elected(self, event: str, text: str) -> None:
        level = {"unknown": Level.ERROR, "lost": Level.WARNING}.get(event, Level.INFO)
        self._log(level, "leader-election", state=event, reason=text)

    def _applying(
        self, edges: Edges, plan: Plan, recheck: Callable[[], None], pause: Callable[[float], None]
    ) -> Applying:
        steps = _Steps(self._log)
        run = wiring.this_run(edges, plan, "sync", ())
        locking = replace(wiring.locking(0, steps, recheck), pause=pause)

        def line(origin: Any) -> str:
            position = edges.repository.position(origin.file, origin.path)
            return f"{origin.file}:{position[0]}" if position else str(origin.file)

        return Applying(
            steps,
            pause,
            locking=locking,
            recording=wiring.recording(run, steps.warn, steps.note),
            keeping=wiring.keeping(run, steps, steps.warn, line, lambda kept: steps.note(f"backup {kept.run} is kept")),
        )

    def _wrote(self, event: Event | Delivered) -> None:
        good = event.outcome in (Outcome.DONE, Outcome.PROPOSED, Outcome.WAITING)
        name = "delivery" if isinstance(event, Delivered) else "change"
        self._log(Level.INFO if good else Level.ERROR, name, **event_fields(event))

    def _told(self, made: Round, wait: float | None = None) -> None:
        if self._metrics is not None:
            self._metrics.saw(made)
        for one in made.every:
            self._log(_LEVELS[one.result], "cluster", **cluster_fields(one, made.commit))
        level = _LEVELS[made.result] if made.troubles else Level.INFO
        next_ = round(wait, 1) if wait is not None else None
        self._log(level, "round", **round_fields(made), seconds=round(made.seconds, 2), next=next_)
        self._notify(made)

    def _notify(self, made: Round) -> None:
        """Post events, for some seconds at most: who does not answer here was told of by the round."""
        bounds = Bounds(time.monotonic() + _NOTICE_SECONDS, f"{_NOTICE_SECONDS:.0f}s", time.monotonic, lambda: "")
        steps = _Steps(self._log)

        def posts() -> None:
            if self._management is not None:
                post(self._management, self._namespace(), about_round(made, self._host), steps.note)
            for one in made.clusters:
                notice = about_cluster(one, made, self._host)
                if notice is not None and one.target is not None and self._edges is not None:
                    post(self._edges.kube(one.target), made.home, notice, steps.note)

        try:
            bounds.read("events", posts)
        except (IamrbacError, OvertimeError, EndedError) as error:
            steps.note(str(error))


@dataclass(frozen=True, slots=True)
class _Steps:
    """Progress, as log lines."""

    log: Lines

    def step(self, text: str) -> None:
        self.log(Level.DEBUG, "step", text=text)

    def note(self, text: str) -> None:
        self.log(Level.DEBUG, "note", text=text)

    def warn(self, text: str) -> None:
        self.log(Level.WARNING, "warning", text=text)


def _now() -> datetime:
    return datetime.now(UTC)
