"""What a developer would type: real kubectl where it is installed, else the official Python client."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What a cluster said to one request."""

    status: int
    """HTTP status: 200 allowed, 403 forbidden, 401 not known."""
    text: str
    """What the person sees, the last line of it."""


class Client(Protocol):
    """Lists and patches with somebody's kubeconfig."""

    name: str

    def get(self, environment: Mapping[str, str], context: str, resource: str, namespace: str) -> Answer:
        """List a resource in a namespace."""
        ...

    def patch(
        self, environment: Mapping[str, str], context: str, resource: str, name: str, namespace: str, body: str
    ) -> Answer:
        """Send a JSON patch."""
        ...


def client() -> Client:
    """Return kubectl if it is on the PATH, else the Python client."""
    path = shutil.which("kubectl")
    return Kubectl(path) if path else PythonClient()


class Kubectl:
    """The real kubectl."""

    def __init__(self, path: str) -> None:
        self.name = f"kubectl ({path})"
        self._path = path

    def get(self, environment: Mapping[str, str], context: str, resource: str, namespace: str) -> Answer:
        """List a resource in a namespace."""
        return self._run(environment, ["--context", context, "-n", namespace, "get", resource])

    def patch(
        self, environment: Mapping[str, str], context: str, resource: str, name: str, namespace: str, body: str
    ) -> Answer:
        """Send a JSON patch."""
        where = ["--context", context, "-n", namespace]
        return self._run(environment, [*where, "patch", resource, name, "--type", "json", "-p", body])

    def _run(self, environment: Mapping[str, str], arguments: list[str]) -> Answer:
        done = subprocess.run(
            [self._path, *arguments], env=dict(environment), capture_output=True, text=True, timeout=60, check=False
        )
        said = (done.stdout + done.stderr).strip().splitlines()
        text = said[-1] if said else ""
        if done.returncode == 0:
            return Answer(200, text)
        if "Forbidden" in text:
            return Answer(403, text)
        unknown = "Unauthorized" in text or "must be logged in" in text or "provide credentials" in text
        return Answer(401 if unknown else 500, text)


class PythonClient:
    """The official Python client, for machines without kubectl."""

    name = "the official Python client (no kubectl on the PATH)"

    def get(self, environment: Mapping[str, str], context: str, resource: str, namespace: str) -> Answer:
        """List a resource in a namespace."""
        return self._call(environment, context, "CoreV1Api", f"list_namespaced_{resource.rstrip('s')}", [namespace])

    def patch(
        self, environment: Mapping[str, str], context: str, resource: str, name: str, namespace: str, body: str
    ) -> Answer:
        """Send a JSON patch."""
        method = {"rolebinding": "patch_namespaced_role_binding"}[resource]
        return self._call(environment, context, "RbacAuthorizationV1Api", method, [name, namespace, json.loads(body)])

    def _call(
        self, environment: Mapping[str, str], context: str, api: str, method: str, arguments: list[object]
    ) -> Answer:
        script = [sys.executable, "-c", _SCRIPT, context, api, method, json.dumps(arguments)]
        done = subprocess.run(script, env=dict(environment), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0 or not done.stdout.strip():
            return Answer(500, (done.stderr.strip().splitlines() or ["no answer"])[-1])
        value = json.loads(done.stdout)
        return Answer(value["status"], value["text"])


# A process of its own, as kubectl is: its environment is the developer's, not ours.
_SCRIPT = """
import json, sys
import kubernetes
from kubernetes.client.exceptions import ApiException
context, api, method, arguments = sys.argv[1:5]
try:
    client = kubernetes.config.new_client_from_config(context=context)
    getattr(getattr(kubernetes.client, api)(client), method)(*json.loads(arguments))
    print(json.dumps({"status": 200, "text": "ok"}))
except ApiException as error:
    try:
        text = json.loads(error.body).get("message", "")
    except ValueError:
        text = str(error.reason)
    print(json.dumps({"status": error.status, "text": text}))
"""
