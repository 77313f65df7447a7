"""What `sync` counts, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from iamrbac.plan.change import Action
from iamrbac.usecases.sync_report import SOUND, ClusterRound, Result, Round

BUCKETS: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
API: Final = ("eks", "iam", "kubernetes", "sts")
"""APIs that are asked in every round; others appear when they are."""


class Metrics:
    """The metrics of one process, in a registry of their own; told of each round. Used by several threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Take the clock that ages are told by."""
        self._now = now
        self._people_at: datetime | None = None
        self._commit = ""
        self._known: set[str] = set()
        self.registry = CollectorRegistry()
        # When a counter began is a second series for each, which nothing here is asked by.
        disable_created_metrics()
        by = self.registry
        self._success = Gauge(
            "iamrbac_sync_last_success_timestamp_seconds",
            "When a round left nothing undone on the cluster.",
            ["cluster"],
            registry=by,
        )
        self._rounds = Counter(
            "iamrbac_sync_rounds", "Rounds, by what became of them.", ["cluster", "result"], registry=by
        )
        self._changes = Counter(
            "iamrbac_sync_changes", "Changes that were written.", ["cluster", "action"], registry=by
        )
        self._refused = Gauge(
            "iamrbac_sync_refused", "1 while something refuses what the policies want there.", ["cluster"], registry=by
        )
        self._refusals = Counter("iamrbac_sync_refusals", "Refusals, by rule.", ["cluster", "rule"], registry=by)
        self._drift = Gauge(
            "iamrbac_sync_drift",
            "Objects that were not as the last apply left them when the round began.",
            ["cluster"],
            registry=by,
        )
        self._duration = Histogram(
            "iamrbac_sync_duration_seconds",
            "How long a round took on the cluster, its reading with the others' included.",
            ["cluster"],
            buckets=BUCKETS,
            registry=by,
        )
        self._calls = Counter("iamrbac_sync_api_calls", "Requests to APIs.", ["api"], registry=by)
        age = Gauge("iamrbac_sync_identities_age_seconds", "How long ago IAM said who is who.", registry=by)
        age.set_function(self._age)
        self._leader = Gauge("iamrbac_sync_leader", "1 for the process that works.", registry=by)
        self._leader.set(1)
        self._info = Gauge(
            "iamrbac_sync_commit_info", "The commit that the last round worked on.", ["commit"], registry=by
        )
        for api in API:
            self._calls.labels(api)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def called(self, api: str) -> None:
        """Count a request to an API."""
        self._calls.labels(api).inc()

    def led_by(self, leads: Callable[[], bool]) -> None:
        """Ask this whether the process works, whenever somebody wants to know; without it, it does."""
        self._leader.set_function(lambda: 1 if leads() else 0)

    def lost(self) -> None:
        """Forget how clusters stand: from now on another process says it."""
        for gauge in (self._success, self._refused, self._drift, self._info):
            gauge.clear()
        self._known, self._commit, self._people_at = set(), "", None

    def saw(self, made: Round) -> None:
        """Take note of a round."""
        self._people_at = made.people_at or self._people_at
        if made.commit != self._commit:
            self._info.clear()
            self._commit = made.commit
        if made.commit:
            self._info.labels(made.commit).set(1)
        for one in made.every:
            self._one(one, made)
        if made.people_at is not None:
            # A cluster that the config does not have any more is no cluster that is not well.
            names = {one.name for one in made.every}
            for gone in self._known - names:
                for gauge in (self._success, self._refused, self._drift):
                    gauge.remove(gone)
            self._known = names

    def _one(self, one: ClusterRound, made: Round) -> None:
        self._known.add(one.name)
        self._rounds.labels(one.name, one.result.value).inc()
        if one.result is Result.ENDED:
            return
        self._duration.labels(one.name).observe(one.seconds or made.seconds)
        for action in Action:
            self._changes.labels(one.name, action.value).inc(one.changes.get(action, 0))
        refused = one.result is Result.PAUSED
        gauge = self._refused.labels(one.name)
        if one.result in SOUND or refused:
            # What is not known of this round refuses nothing, and allows nothing either.
            gauge.set(1 if refused else 0)
        for trouble in one.troubles if refused else ():
            self._refusals.labels(one.name, trouble.id).inc()
        if one.result in SOUND:
            self._success.labels(one.name).set(made.at.timestamp())
        else:
            # It is there from the first round on, so that an alert on its age has something to look at.
            self._success.labels(one.name)
        if one.drift is not None:
            self._drift.labels(one.name).set(one.drift)

    def _age(self) -> float:
        return (self._now() - self._people_at).total_seconds() if self._people_at is not None else float("nan")
