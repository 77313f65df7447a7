"""`sync` as a process in front of a real API server: a ServiceAccount's own token, and the rights that we print.

The API server's authorizer has no mercy: one right that is missing is a refusal, and a line of the log says so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.conftest import ROOT
from tests.e2e.real import RealCluster, RealSandbox, eventually

HOME, ACCOUNT = "iamrbac-system", "iamrbac"
RBAC = "rbac.authorization.k8s.io"
PATIENCE = 120.0
Manifests = list[dict[str, Any]]


class Pod:
    """Processes with the files and the environment of a Pod's ServiceAccount, and pat's credentials for AWS."""

    def __init__(self, real: RealSandbox, folder: Path) -> None:
        self.real = real
        self.cluster: RealCluster = real.clusters["staging"]
        self.folder = folder
        self.repo = folder / "repo"
        shutil.copytree(ROOT / "policies", self.repo / "policies")
        shutil.copy(ROOT / "iamrbac.yaml", self.repo)
        self.bound: list[tuple[str, str | None, str]] = []

    def printed(self) -> Manifests:
        done = self.run("permissions", "sync", "--form", "rbac", "-q", "-C", str(self.repo))
        assert done.returncode == 0, done.stderr
        return [one for one in yaml.safe_load_all(done.stdout) if one]

    def bind(self, manifests: Manifests) -> None:
        """Give the ServiceAccount these roles, and a token of its own."""
        objects = self.cluster.objects
        for one in manifests:
            kind, metadata = one["kind"], one["metadata"]
            if kind == "Namespace":
                if objects.get(kind, None, metadata["name"]) is None:
                    objects.put(one)
                continue
            objects.put(one)
            subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": HOME}
            role = {"apiGroup": RBAC, "kind": kind, "name": metadata["name"]}
            binding = {"apiVersion": f"{RBAC}/v1", "kind": f"{kind}Binding", "metadata": metadata}
            objects.put({**binding, "roleRef": role, "subjects": [subject]})
            self.bound.append((f"{kind}Binding", metadata.get("namespace"), metadata["name"]))
        path = f"/api/v1/namespaces/{HOME}/serviceaccounts"
        made = self.cluster.superuser.post(path, {"metadata": {"name": ACCOUNT}})
        assert made.code in (201, 409), made.raw
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        answer = self.cluster.superuser.post(f"{path}/{ACCOUNT}/token", asked)
        assert answer.code == 201, answer.raw
        (self.folder / "token").write_text(answer.json["status"]["token"])
        (self.folder / "ca.crt").write_text(self.cluster.ca_pem)
        (self.folder / "namespace").write_text(HOME)

    def unbind(self) -> None:
        for kind, namespace, name in self.bound:
            self.cluster.objects.delete(kind, namespace, name)
            self.cluster.objects.delete(kind.removesuffix("Binding"), namespace, name)
        self.bound.clear()

    def environment(self) -> Mapping[str, str]:
        place = urlsplit(self.cluster.url)
        return {
            **self.real.environment(),
            "IAMRBAC_SERVICE_ACCOUNT_DIR": str(self.folder),
            "KUBERNETES_SERVICE_HOST": str(place.hostname),
            "KUBERNETES_SERVICE_PORT": str(place.port),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    def words(self, *more: str) -> list[str]:
        return ["sync", "-C", str(self.repo), "--cluster", "staging", "--in-cluster", "staging", *more]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "iamrbac", *words]
        return subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=300, check=False, cwd=self.folder
        )

    def once(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """One round: its JSON, and its log."""
        done = self.run(*self.words("--once", "-v", "-o", "json", "--log-format", "json"))
        assert done.stdout, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer, [json.loads(line) for line in done.stderr.splitlines()]

    def joined(self, user: str, group: str) -> None:
        self.real.client("iam").add_user_to_group(UserName=user, GroupName=group)

    def left(self, user: str, group: str) -> None:
        self.real.client("iam").remove_user_from_group(UserName=user, GroupName=group)


@pytest.fixture
def pod(real: RealSandbox, tmp_path: Path) -> Iterator[Pod]:
    pod = Pod(real, tmp_path)
    yield pod
    pod.unbind()
    done = real.run("iamrbac", "apply", "--yes", "-q", "--cluster", "staging")
    assert done.returncode == 0, done.stderr


def refusals(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines about a right that is missing, or about anything else that was not as it should be."""
    said = [line for line in log if line["level"] in ("warning", "error")]
    return said + [line for line in log if "403" in json.dumps(line) and line not in said]


def bare(cluster: RealCluster) -> None:
    """Let nothing of ours be on a cluster, so that everything is to be made."""
    marks = {"labelSelector": "app.kubernetes.io/managed-by=iamrbac"}
    for plural in ("rolebindings", "clusterrolebindings", "roles", "clusterroles"):
        for one in cluster.superuser.get(f"/apis/{RBAC}/v1/{plural}", **marks).json["items"]:
            place = one["metadata"]
            where = f"namespaces/{place['namespace']}/" if "namespace" in place else ""
            cluster.superuser.delete(f"/apis/{RBAC}/v1/{where}{plural}/{place['name']}")
    for plural in ("leases", "configmaps"):
        group = "/api/v1" if plural == "configmaps" else "/apis/coordination.k8s.io/v1"
        for one in cluster.superuser.get(f"{group}/namespaces/{HOME}/{plural}").json["items"]:
            if one["metadata"]["name"].startswith("iamrbac"):
                cluster.superuser.delete(f"{group}/namespaces/{HOME}/{plural}/{one['metadata']['name']}")


def settled(pod: Pod) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first round that the authorizer, whose cache lags a write, lets pass; else the last one."""
    found: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []

    def sound() -> bool:
        found.append(pod.once())
        return not any("403" in json.dumps(line) for line in found[-1][1])

    eventually(sound, True)
    return found[-1]


def test_the_rights_that_we_print_are_enough_for_everything_that_it_does(pod: Pod) -> None:
    bare(pod.cluster)
    pod.bind(pod.printed())
    answer, log = settled(pod)
    assert refusals(log) == []
    assert (answer["exitCode"], answer["clusters"][0]["result"]) == (0, "done"), answer
    assert answer["clusters"][0]["changes"]["create"] > 0

    # What somebody did by hand is put right, and what a policy does not want any more goes.
    binding = pod.cluster.superuser.get(
        f"/apis/{RBAC}/v1/rolebindings", labelSelector="app.kubernetes.io/managed-by=iamrbac"
    ).json["items"][0]
    where = binding["metadata"]
    path = f"/apis/{RBAC}/v1/namespaces/{where['namespace']}/rolebindings/{where['name']}"
    mallory = {"kind": "User", "name": "mallory", "apiGroup": RBAC}
    assert pod.cluster.superuser.put(path, {**binding, "subjects": [*binding["subjects"], mallory]}).code == 200
    policy = pod.repo / "policies" / "payments.yaml"
    text = policy.read_text()
    policy.write_text(text.replace("clusters: [development, staging]\n", "clusters: [development]\n"))
    assert policy.read_text() != text
    answer, log = pod.once()
    assert refusals(log) == []
    assert answer["clusters"][0]["drift"] == 1
    assert answer["clusters"][0]["changes"]["update"] >= 1
    assert answer["clusters"][0]["changes"]["delete"] >= 1

    # A refusal is an event that everybody finds there.
    config = pod.repo / "iamrbac.yaml"
    alice = pod.real.people["alice"].arn
    config.write_text(config.read_text().replace("protectedPrincipals: [", f"protectedPrincipals: [{alice}, "))
    policy.write_text("".join(line for line in text.splitlines(True) if "iamGroup: payments-developers" not in line))
    policy.write_text(policy.read_text().replace("    developers:\n", "    developers:\n      - iamUser: dave\n"))
    answer, log = pod.once()
    assert (answer["exitCode"], answer["clusters"][0]["result"]) == (3, "paused"), answer
    assert {line["event"] for line in refusals(log)} == {"cluster"}
    events = pod.cluster.superuser.get(f"/api/v1/namespaces/{HOME}/events").json["items"]
    assert any(one["reason"] == "SyncPaused" and "GRD003" in one["message"] for one in events)


@pytest.mark.parametrize(("resource", "verb"), [("roles", "create"), ("leases", "get"), ("configmaps", "create")])
def test_a_right_less_is_seen(pod: Pod, resource: str, verb: str) -> None:
    bare(pod.cluster)
    manifests = pod.printed()
    for one in manifests:
        for rule in one.get("rules", ()):
            if resource in rule["resources"] and "escalate" not in rule["verbs"]:
                rule["verbs"] = [some for some in rule["verbs"] if some != verb]
    pod.bind(manifests)
    found: list[list[dict[str, Any]]] = []

    def only_this() -> bool:
        found.append(refusals(pod.once()[1]))
        return f"cannot {verb} {resource.removesuffix('s')} " in json.dumps(found[-1])

    assert eventually(only_this, True), found[-1]


class Loop:
    """`iamrbac sync` in a Pod."""

    def __init__(self, pod: Pod, name: str) -> None:
        self.log = pod.folder / f"{name}.log"
        words = pod.words("--interval", "1s", "--listen", "", "--log-format", "json")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "iamrbac", *words], env=pod.environment(), stderr=log, cwd=pod.folder
            )

    def said(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines(True) if line.endswith("\n")]
        return [line for line in lines if line["event"] == event]

    def leads(self) -> bool:
        said = self.said("leader-election")
        return bool(said) and said[-1]["state"] == "leader"


def wait(ask: Callable[[], bool], log: Path) -> None:
    """Wait until it is so, for long: another's lease has to run out."""
    deadline = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def test_a_leader_that_is_killed_is_followed_by_the_other(pod: Pod) -> None:
    pod.bind(pod.printed())
    answer, log = settled(pod)
    assert answer["exitCode"] == 0, log
    one = Loop(pod, "one")
    running = [one]
    try:
        wait(lambda: one.leads() and len(one.said("round")) > 0, one.log)
        two = Loop(pod, "two")
        running.append(two)
        wait(lambda: bool(two.said("leader-election")), two.log)
        assert two.said("leader-election")[-1]["state"] == "standby"
        one.process.send_signal(signal.SIGKILL)
        one.process.wait(PATIENCE)
        pod.joined("dave", "payments-oncall")
        wait(lambda: two.leads() and any(line.get("update") for line in two.said("cluster")), two.log)
        two.process.send_signal(signal.SIGTERM)
        assert two.process.wait(PATIENCE) == 0
        lease = pod.cluster.superuser.get(f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/iamrbac-sync").json
        assert not lease["spec"].get("holderIdentity")
        assert refusals(two.said("warning")) == []
    finally:
        pod.left("dave", "payments-oncall")
        for some in running:
            some.process.kill()
            some.process.wait(PATIENCE)
