"""Defaults that the API server writes into objects, for the kinds that are served.

Left out: what controllers, the scheduler or address allocation would add (a Service gets no cluster IP).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from iamrbac.sandbox.kube.kinds import RBAC_GROUP, Kind
from iamrbac.sandbox.kube.values import Json

_ROLLING = {"maxUnavailable": "25%", "maxSurge": "25%"}


def default(kind: Kind, obj: Json) -> None:
    """Write the defaults into a canonical object, in place."""
    match kind.kind:
        case "RoleBinding" | "ClusterRoleBinding":
            _binding(obj)
        case "Namespace":
            _namespace(obj)
        case "Secret":
            _secret(obj)
        case "Service":
            _service(obj["spec"])
        case "Pod":
            _pod_spec(obj["spec"])
            obj["status"].setdefault("phase", "Pending")
        case "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet":
            _workload(kind.kind, obj["spec"])
        case "Job":
            _job_spec(obj["spec"])
        case "CronJob":
            _cron_job(obj["spec"])


def _fill(target: Json, **values: Any) -> None:
    for name, value in values.items():
        target.setdefault(name, value)


def _binding(obj: Json) -> None:
    if not obj["roleRef"].get("apiGroup"):
        obj["roleRef"]["apiGroup"] = RBAC_GROUP
    for subject in obj.get("subjects", ()):
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC_GROUP)


def _namespace(obj: Json) -> None:
    name = obj["metadata"].get("name")
    if name:
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name


def _secret(obj: Json) -> None:
    _fill(obj, type="Opaque")
    texts = obj.pop("stringData", {})
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        obj["data"] = {**obj.get("data", {}), **encoded}


def _service(spec: Json) -> None:
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] != "ExternalName":
        _fill(spec, internalTrafficPolicy="Cluster")
    for port in spec.get("ports", ()):
        _fill(port, protocol="TCP")
        _fill(port, targetPort=port["port"])


def _workload(kind: str, spec: Json) -> None:
    _pod_spec(spec["template"]["spec"])
    if kind != "DaemonSet":
        _fill(spec, replicas=1)
    if kind != "ReplicaSet":
        _fill(spec, revisionHistoryLimit=10)
    if kind == "Deployment":
        _fill(spec, progressDeadlineSeconds=600)
        _fill(spec["strategy"], type="RollingUpdate")
        if spec["strategy"]["type"] == "RollingUpdate":
            _fill(spec["strategy"].setdefault("rollingUpdate", {}), **_ROLLING)
    if kind == "StatefulSet":
        _fill(spec, podManagementPolicy="OrderedReady", updateStrategy={})
        _fill(spec["updateStrategy"], type="RollingUpdate")
        if spec["updateStrategy"]["type"] == "RollingUpdate":
            _fill(spec["updateStrategy"].setdefault("rollingUpdate", {}), partition=0)
        _fill(spec, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"})
    if kind == "DaemonSet":
        _fill(spec["updateStrategy"], type="RollingUpdate")
        if spec["updateStrategy"]["type"] == "RollingUpdate":
            _fill(spec["updateStrategy"].setdefault("rollingUpdate", {}), maxSurge=0, maxUnavailable=1)


def _job_spec(spec: Json) -> None:
    _pod_spec(spec["template"]["spec"])
    _fill(
        spec,
        backoffLimit=6,
        completionMode="NonIndexed",
        suspend=False,
        manualSelector=False,
        podReplacementPolicy="TerminatingOrFailed",
    )
    if "completions" not in spec and "parallelism" not in spec:
        _fill(spec, completions=1)
    _fill(spec, parallelism=1)


def _cron_job(spec: Json) -> None:
    _fill(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    _pod_spec(spec["jobTemplate"]["spec"]["template"]["spec"])


def _pod_spec(spec: Json) -> None:
    _fill(
        spec,
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        terminationGracePeriodSeconds=30,
        schedulerName="default-scheduler",
        securityContext={},
    )
    if "serviceAccountName" in spec:
        _fill(spec, serviceAccount=spec["serviceAccountName"])
    for container in _containers(spec):
        _container(container)
    for volume in spec.get("volumes", ()):
        _volume(volume)


def _containers(spec: Json) -> Iterable[Json]:
    for name in ("containers", "initContainers", "ephemeralContainers"):
        yield from spec.get(name) or ()


def _container(container: Json) -> None:
    image = container.get("image", "")
    if image:
        last = image.rsplit("/", 1)[-1]
        moving = "@" not in last and (":" not in last or last.endswith(":latest"))
        _fill(container, imagePullPolicy="Always" if moving else "IfNotPresent")
    _fill(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    for port in container.get("ports", ()):
        _fill(port, protocol="TCP")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            _probe(container[probe])
    for variable in container.get("env", ()):
        reference = variable.get("valueFrom", {}).get("fieldRef")
        if reference is not None:
            _fill(reference, apiVersion="v1")


def _probe(probe: Json) -> None:
    _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if "httpGet" in probe:
        _fill(probe["httpGet"], path="/", scheme="HTTP")


def _volume(volume: Json) -> None:
    for source in ("configMap", "secret", "projected"):
        if source in volume:
            _fill(volume[source], defaultMode=0o644)
    if "hostPath" in volume:
        _fill(volume["hostPath"], type="")
    if not volume.keys() - {"name"}:
        volume["emptyDir"] = {}
