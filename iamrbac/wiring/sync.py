"""Plugs `sync` together: one process, its rounds, and who is told of them."""

from __future__ import annotations

import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from iamrbac import wiring
from iamrbac.git.checkout import Place
from iamrbac.model.errors import EndedError, IamrbacError, OvertimeError, UsageError
from iamrbac.render.sync import cluster_fields, event_fields, round_fields
from iamrbac.serve.logs import Level, Lines
from iamrbac.usecases.apply import Applying
from iamrbac.usecases.bounds import Bounds
from iamrbac.usecases.leader import Electing, Elector
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.sync import Syncing, sync_round
from iamrbac.usecases.sync_loop import Looping, Memory, loop
from iamrbac.usecases.sync_notices import about_cluster, about_round, post
from iamrbac.usecases.sync_report import Result, Round, Taken
from iamrbac.wiring.sync_opening import Opening, Options, now

if TYPE_CHECKING:
    from iamrbac.plan.change import Plan
    from iamrbac.serve.http import Health
    from iamrbac.serve.metrics import Metrics

__all__ = ["Level", "Lines", "Options", "Place", "Service"]
_LEVELS: Final = {
    Result.UNCHANGED: Level.INFO,
    Result.DONE: Level.INFO,
    Result.ENDED: Level.INFO,
    Result.PAUSED: Level.WARNING,
    Result.HELD: Level.WARNING,
    Result.PARTLY: Level.ERROR,
    Result.FAILED: Level.ERROR,
}
_NOTICE_SECONDS: Final = 30.0
"""That events of a round may take, on all clusters together."""


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
        self._opening = Opening(options, self._called)
        self._elector = self._electing() if options.elects else None
        self._source = self._opening.source(self._stack, self._elector)
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
        self._metrics = Metrics(now)
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
            now,
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
            now,
            time.monotonic,
            self._stop.wait,
            _Steps(self._log),
            self._ended,
            self._wrote,
            lambda: self._memory.clusters,
            self._options.part,
        )

    def _opened(self, taken: Taken) -> Edges:
        self._edges = self._opening.edges(taken)
        return self._edges

    def _called(self, api: str) -> None:
        if self._metrics is not None:
            self._metrics.called(api)

    def _electing(self) -> Elector:
        if self._opening.management is None:
            raise UsageError(
                "--leader-election needs a cluster for the Lease", hint="name the one that this runs on: --in-cluster"
            )
        return Elector(
            Electing(
                self._opening.management,
                self._opening.namespace(),
                f"{self._host}_{secrets.token_hex(4)}",
                now,
                time.monotonic,
                self._elected,
            )
        )

    def _elected(self, event: str, text: str) -> None:
        if event == "lost" and self._metrics is not None:
            self._metrics.lost()
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
            if self._opening.management is not None:
                post(self._opening.management, self._opening.namespace(), about_round(made, self._host), steps.note)
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
