"""A fleet on several machines: Kubernetes Indexed Jobs, each of whose Pods syncs one shard of the clusters.

Fields: Kubernetes, Jobs ("Completion mode", "Backoff limit per index", "Pod failure policy"); KEP-3850, KEP-3329.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from iamrbac.fleet.waves import Wave

CONTAINER: Final = "iamrbac"
SERVICE_ACCOUNT: Final = "iamrbac"
FOLDER: Final = "/var/lib/iamrbac"
FINAL_CODES: Final = (3, 4, 64)
"""Refused, stale, usage: another attempt would say the same, so that the shard has failed (design §4)."""
RETRIES: Final = 3
"""Attempts after the first one of a shard that failed otherwise: what passes is over by then."""
GRACE_SECONDS: Final = 90
"""From SIGTERM to SIGKILL: the clusters that are being written come to an end."""
KEPT_SECONDS: Final = 7 * 24 * 3600
INDEX: Final = "$(JOB_COMPLETION_INDEX)"
"""Kubernetes puts the Pod's index in; there is no shell."""
_NAME: Final = 52
"""Characters of a CronJob's name; its Jobs add eleven (Kubernetes, CronJob)."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a Job is made of."""

    shards: int
    image: str
    namespace: str
    repository: str
    branch: str
    path: str = ""
    parallelism: int | None = None
    """Pods at once; None: all."""
    stop_after: int = 1
    """Failed shards after which the Job stops."""


def jobs(what: Rendered, waves: Iterable[Wave]) -> tuple[dict[str, Any], ...]:
    """Return a Job for each wave, or one for all clusters where there are no waves.

    All but the first are suspended, so that to apply them all at once begins the first alone.
    """
    waves = tuple(waves)
    if len(waves) < 2:
        return (_job(what, "iamrbac-fleet", {}, _spec(what, None)),)
    made = []
    for place, wave in enumerate(waves):
        spec = _spec(what, wave.number) | ({"suspend": True} if place else {})
        notes = {"iamrbac.dev/wave": str(wave.number), "iamrbac.dev/clusters": wave.name}
        made.append(_job(what, name_of(wave), notes, spec))
    return tuple(made)


def cron_job(what: Rendered, schedule: str) -> dict[str, Any]:
    """Return the same as a CronJob, over all clusters at once: one run is over before the next begins."""
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": _metadata(what, "iamrbac-fleet", {}),
        "spec": {
            "schedule": schedule,
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {"metadata": {"labels": _labels()}, "spec": _spec(what, None)},
        },
    }


def name_of(wave: Wave) -> str:
    """Return the name of a wave's Job."""
    words = re.sub("[^a-z0-9]+", "-", wave.name.lower()).strip("-")
    return f"iamrbac-fleet-{wave.number}-{words}"[:_NAME].rstrip("-")


def _job(what: Rendered, name: str, notes: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _metadata(what, name, notes), "spec": spec}


def _metadata(what: Rendered, name: str, notes: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": what.namespace, "labels": _labels()}
    return {**metadata, "annotations": notes} if notes else metadata


def _labels() -> dict[str, str]:
    return {"app.kubernetes.io/name": "iamrbac", "app.kubernetes.io/component": "fleet"}


def _spec(what: Rendered, wave: int | None) -> dict[str, Any]:
    return {
        "completionMode": "Indexed",
        "completions": what.shards,
        "parallelism": min(what.parallelism or what.shards, what.shards),
        "backoffLimitPerIndex": RETRIES,
        "maxFailedIndexes": min(what.stop_after - 1, what.shards),
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "podFailurePolicy": {
            "rules": [
                {
                    "action": "FailIndex",
                    "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": list(FINAL_CODES)},
                },
                # A node that is drained is no failure of the shard.
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            ]
        },
        "template": {"metadata": {"labels": _labels()}, "spec": _pod(what, wave)},
    }


def _pod(what: Rendered, wave: int | None) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "serviceAccountName": SERVICE_ACCOUNT,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": CONTAINER,
                "image": what.image,
                "args": arguments(what, wave),
                "env": [{"name": "HOME", "value": FOLDER}, {"name": "XDG_STATE_HOME", "value": f"{FOLDER}/state"}],
                "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [{"name": "data", "mountPath": FOLDER}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  in the Pod
            }
        ],
        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
    }


def arguments(what: Rendered, wave: int | None) -> list[str]:
    """Return the command line of a shard's Pod. No other Pod has its clusters, so that nobody has to be elected."""
    return [
        "sync",
        "--once",
        f"--repository={what.repository}",
        f"--branch={what.branch}",
        *([f"--path={what.path}"] if what.path else []),
        f"--work-dir={FOLDER}",
        "--no-leader-election",
        *([f"--wave={wave}"] if wave is not None else []),
        f"--shard={INDEX}/{what.shards}",
    ]
