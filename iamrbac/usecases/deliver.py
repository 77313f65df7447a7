"""Commit what a plan has for Git: one commit for each branch, on top of whatever others committed meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.standing import FileChange, on_top
from iamrbac.model.errors import DeliveryError, IamrbacError, MovedError, StalePlanError
from iamrbac.plan import message
from iamrbac.plan.change import ClusterPlan
from iamrbac.usecases.deliveries import Committed, Deliveries, DeliveryRepository, Message, PolicyRevision
from iamrbac.usecases.fetched import folders_of
from iamrbac.usecases.outcome import Delivered, Outcome

ATTEMPTS: Final = 8
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a commit says beside its changes."""

    trailers: tuple[tuple[str, str], ...] = ()
    about: str = "Access"
    """What its subject begins with."""
    policy: str | None = None
    """The policies that it delivers, where these are not the access repository's own commit."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The clusters of one branch that are committed together."""

    clusters: tuple[ClusterPlan, ...]
    """All with a Git half of the same repository, branch and way of publishing."""
    delivery: Delivery
    """Of the first: what all have in common is the same in each."""
    files: tuple[FileChange, ...]


def batches(clusters: Iterable[ClusterPlan]) -> tuple[Batch, ...]:
    """Return what is to be committed, by repository and branch, in the order of the clusters."""
    grouped: dict[tuple[str, str, str], list[ClusterPlan]] = {}
    for cluster in clusters:
        if cluster.git is not None and cluster.git.files:
            one = cluster.git.delivery
            grouped.setdefault((one.repository, one.branch, one.publish), []).append(cluster)
    return tuple(_batch(some) for some in grouped.values())


def _batch(clusters: Sequence[ClusterPlan]) -> Batch:
    halves = [cluster.git for cluster in clusters if cluster.git is not None]
    # A file that several clusters share (an ApplicationSet) is written once; one that any of them wants stays.
    files: dict[str, FileChange] = {}
    for change in (change for half in halves for change in half.files):
        known = files.get(change.path)
        if known is None or known.after is None:
            files[change.path] = change
    return Batch(tuple(clusters), halves[0].delivery, tuple(files[path] for path in sorted(files)))


def deliver(
    deliveries: Deliveries,
    batch: Batch,
    fingerprint: str,
    recorded: Recorded,
    pause: Callable[[int], None],
) -> Delivered:
    """Commit and publish a batch. A failure is in the answer; nothing is half pushed.

    Where the branch has moved, the commit is made anew on top, unless one of our own files was changed by somebody:
    then the plan is stale. `pause` waits a little, the longer the more attempts there were.
    """
    names = tuple(sorted(cluster.name for cluster in batch.clusters))
    shown = batch.delivery.repository
    try:
        said = _message(batch, fingerprint, deliveries.revision(), recorded)
        done, files = _publish(
            deliveries.open(batch.delivery.repository, local=batch.delivery.publish == "local"), batch, said, pause
        )
    except IamrbacError as error:
        reason = f"{error.where}: {error.message}" if error.where else error.message
        return Delivered(shown, batch.delivery.branch, names, 0, Outcome.FAILED, reason=reason, hint=error.hint)
    outcome = Outcome.PROPOSED if batch.delivery.publish == "pull-request" and done.url else Outcome.DONE
    return Delivered(shown, batch.delivery.branch, names, files, outcome, done.commit, done.url)


def _publish(
    repository: DeliveryRepository, batch: Batch, said: Message, pause: Callable[[int], None]
) -> tuple[Committed, int]:
    """Return the commit, and how many files it changed. Raises DeliveryError, StalePlanError."""
    delivery = batch.delivery
    folders = sorted({folder for one in batch.clusters if one.git for folder in folders_of(one.git.delivery)})
    for attempt in range(1, ATTEMPTS + 1):
        tip = repository.tip(delivery.branch, folders)
        left = on_top(batch.files, tip.files)
        if left is None:
            raise StalePlanError(
                "somebody changed our files on the branch since the plan was made; nothing was committed",
                where=delivery.branch,
                hint="run the same command again and look at what it says",
            )
        if not left:
            return Committed(tip.commit or ""), 0
        changes: Mapping[str, str | None] = {change.path: change.after for change in left}
        try:
            if delivery.publish == "pull-request":
                head = proposal_branch(batch)
                return repository.propose(tip, head, changes, said, delivery.author, delivery.forge), len(left)
            write = repository.push if delivery.publish == "push" else repository.commit
            return write(tip, changes, said, delivery.author), len(left)
        except MovedError:
            pause(attempt)
    raise DeliveryError(
        f"others pushed {ATTEMPTS} times in a row just before we did; nothing was committed",
        where=delivery.branch,
        hint="run the same command again",
    )


def proposal_branch(batch: Batch) -> str:
    """Return our branch for a pull request: iamrbac/INSTANCE/CLUSTERS, the same at every run for the same clusters."""
    names = "-".join(sorted(cluster.name for cluster in batch.clusters))
    if len(names) > _LONGEST:
        names = f"{len(batch.clusters)}-clusters-{hashlib.sha256(names.encode()).hexdigest()[:8]}"
    return f"iamrbac/{batch.delivery.instance}/{names}"


def _message(batch: Batch, fingerprint: str, revision: PolicyRevision, recorded: Recorded) -> Message:
    own = revision.commit or "unknown"
    own = f"{own} with changes that are not committed" if revision.changed else own
    trailers = [
        ("Policy-Commit", recorded.policy or own),
        ("Plan-Fingerprint", fingerprint),
        ("Iamrbac-Instance", batch.delivery.instance),
        ("Iamrbac-Clusters", ", ".join(sorted(cluster.name for cluster in batch.clusters))),
        *recorded.trailers,
    ]
    subject = message.subject(batch.clusters, recorded.about)
    return Message(subject, message.body(batch.clusters, trailers), subject, message.markdown(batch.clusters, trailers))
