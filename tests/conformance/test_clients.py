"""The clients that people have: kubectl where it is on the PATH, and the official Python client."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import kubernetes
import pytest

from tests.conformance.conftest import Target
from tests.e2e.real import eventually

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "app", "image": "app:1"}, {"name": "side", "image": "side:1"}]},
        },
    },
}
ROLE: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reader"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
}
BINDING: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "readers"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "developers"}],
}


class Tool(Protocol):
    """What a person does with a client, as one of the users."""

    def apply(self, user: str, namespace: str, manifest: dict[str, Any]) -> None:
        """Create or change an object from a manifest."""

    def get(self, namespace: str, kind: str, name: str) -> dict[str, Any]:
        """Read an object as admin."""

    def can(self, user: str, namespace: str, verb: str, resource: str) -> bool:
        """Ask what a user may."""

    def refusal(self, user: str, namespace: str, kind: str) -> str:
        """What a list is refused with; "" when it is not."""

    def delete(self, namespace: str, kind: str, name: str) -> None:
        """Delete an object as admin and wait until it is gone."""

    def whoami(self, user: str) -> str:
        """The user's name, as the API says."""

    def create(self, namespace: str, name: str, key: str, value: str) -> None:
        """Create a ConfigMap with a typed client."""

    def label(self, namespace: str, name: str, label: str | None) -> None:
        """Set or remove (None) the label `tier` of a ConfigMap."""

    def listed(self, namespace: str, selector: str) -> list[str]:
        """The names of ConfigMaps."""

    def may_list(self, user: str, namespace: str) -> bool:
        """Whether `pods` is among the rules that the user has."""


def kubeconfig(target: Target, path: Path) -> Path:
    """A kubeconfig with a context for each user."""
    ca = base64.b64encode(target.ca_pem.encode()).decode()
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": target.url, "certificate-authority-data": ca}}],
        "users": [{"name": user, "user": {"token": token}} for user, token in target.tokens.items()],
        "contexts": [{"name": user, "context": {"cluster": "c", "user": user}} for user in target.tokens],
    }
    path.write_text(json.dumps(value))
    return path


class Kubectl:
    """kubectl, with a home of its own for its caches."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig(target, folder / "config")),
            "HOME": str(folder),
        }

    def run(self, user: str, *arguments: str, stdin: str = "", code: int | None = 0) -> str:
        """Run it; stdout and stderr together."""
        done = subprocess.run(
            ["kubectl", "--context", user, *arguments],
            input=stdin,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout
        return done.stdout

    def apply(self, user: str, namespace: str, manifest: dict[str, Any]) -> None:
        self.run(user, "apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))

    def get(self, namespace: str, kind: str, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.run("admin", "get", "-n", namespace, kind, name, "-o", "json"))
        return value

    def can(self, user: str, namespace: str, verb: str, resource: str) -> bool:
        return self.run(user, "auth", "can-i", verb, resource, "-n", namespace, code=None).strip() == "yes"

    def refusal(self, user: str, namespace: str, kind: str) -> str:
        output = self.run(user, "get", kind, "-n", namespace, code=None).strip()
        return output.partition("): ")[2] if output.startswith("Error from server (Forbidden)") else ""

    def delete(self, namespace: str, kind: str, name: str) -> None:
        self.run("admin", "delete", kind, name, "-n", namespace, "--timeout=20s")

    def whoami(self, user: str) -> str:
        name: str = json.loads(self.run(user, "auth", "whoami", "-o", "json"))["status"]["userInfo"]["username"]
        return name

    def create(self, namespace: str, name: str, key: str, value: str) -> None:
        self.run("admin", "create", "configmap", name, f"--from-literal={key}={value}", "-n", namespace)

    def label(self, namespace: str, name: str, label: str | None) -> None:
        self.run("admin", "label", "configmap", name, "tier-" if label is None else f"tier={label}", "-n", namespace)

    def listed(self, namespace: str, selector: str) -> list[str]:
        return self.run("admin", "get", "cm", "-n", namespace, "-l", selector, "-o", "name").split()

    def may_list(self, user: str, namespace: str) -> bool:
        output = self.run(user, "auth", "can-i", "--list", "-n", namespace)
        return any(line.split()[:1] == ["pods"] for line in output.splitlines())


class Python:
    """The official Python client."""

    def __init__(self, target: Target, folder: Path) -> None:
        path = str(kubeconfig(target, folder / "config"))
        self.clients = {user: kubernetes.config.new_client_from_config(path, context=user) for user in target.tokens}

    def close(self) -> None:
        """Close the pools."""
        for client in self.clients.values():
            client.rest_client.pool_manager.clear()
            client.close()

    def apply(self, user: str, namespace: str, manifest: dict[str, Any]) -> None:
        patch = self.call(self.clients[user], "patch", manifest["kind"].lower())
        name, media = manifest["metadata"]["name"], "application/apply-patch+yaml"
        patch(name, namespace, manifest, field_manager="tests", force=True, _content_type=media)

    def get(self, namespace: str, kind: str, name: str) -> dict[str, Any]:
        client = self.clients["admin"]
        value: dict[str, Any] = client.sanitize_for_serialization(self.call(client, "read", kind)(name, namespace))
        return value

    def can(self, user: str, namespace: str, verb: str, resource: str) -> bool:
        attributes = kubernetes.client.V1ResourceAttributes(namespace=namespace, verb=verb, resource=resource)
        spec = kubernetes.client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
        review = kubernetes.client.V1SelfSubjectAccessReview(spec=spec)
        api = kubernetes.client.AuthorizationV1Api(self.clients[user])
        return bool(api.create_self_subject_access_review(review).status.allowed)

    def refusal(self, user: str, namespace: str, kind: str) -> str:
        try:
            kubernetes.client.CoreV1Api(self.clients[user]).list_namespaced_pod(namespace)
        except kubernetes.client.ApiException as error:
            message: str = json.loads(error.body)["message"]
            return message
        return ""

    def delete(self, namespace: str, kind: str, name: str) -> None:
        self.call(self.clients["admin"], "delete", kind)(name, namespace)

    def whoami(self, user: str) -> str:
        api = kubernetes.client.AuthenticationV1Api(self.clients[user])
        name: str = api.create_self_subject_review(kubernetes.client.V1SelfSubjectReview()).status.user_info.username
        return name

    def create(self, namespace: str, name: str, key: str, value: str) -> None:
        body = kubernetes.client.V1ConfigMap(metadata=kubernetes.client.V1ObjectMeta(name=name), data={key: value})
        kubernetes.client.CoreV1Api(self.clients["admin"]).create_namespaced_config_map(namespace, body)

    def label(self, namespace: str, name: str, label: str | None) -> None:
        body = {"metadata": {"labels": {"tier": label}}}
        kubernetes.client.CoreV1Api(self.clients["admin"]).patch_namespaced_config_map(name, namespace, body)

    def listed(self, namespace: str, selector: str) -> list[str]:
        api = kubernetes.client.CoreV1Api(self.clients["admin"])
        found = api.list_namespaced_config_map(namespace, label_selector=selector).items
        return [f"configmap/{item.metadata.name}" for item in found]

    def may_list(self, user: str, namespace: str) -> bool:
        spec = kubernetes.client.V1SelfSubjectRulesReviewSpec(namespace=namespace)
        review = kubernetes.client.V1SelfSubjectRulesReview(spec=spec)
        api = kubernetes.client.AuthorizationV1Api(self.clients[user])
        status = api.create_self_subject_rules_review(review).status
        return any("pods" in rule.resources for rule in status.resource_rules)

    def call(self, client: Any, verb: str, kind: str) -> Any:
        """The method for a kind."""
        api = kubernetes.client.AppsV1Api if kind == "deployment" else kubernetes.client.RbacAuthorizationV1Api
        snake = {"deployment": "deployment", "role": "role", "rolebinding": "role_binding"}[kind]
        return getattr(api(client), f"{verb}_namespaced_{snake}")


TOOLS = ["python", *(["kubectl"] if shutil.which("kubectl") else [])]


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, target: Target, tmp_path: Path) -> Iterator[Tool]:
    """Each client that there is."""
    if request.param == "kubectl":
        yield Kubectl(target, tmp_path)
        return
    python = Python(target, tmp_path)
    yield python
    python.close()


def test_a_role_from_nothing_to_used_to_gone(tool: Tool, namespace: str) -> None:
    refused = (
        f'pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "{namespace}"'
    )
    assert tool.refusal("alice", namespace, "pods") == refused
    assert not tool.can("alice", namespace, "list", "pods")
    tool.apply("admin", namespace, ROLE)
    tool.apply("admin", namespace, BINDING)
    # The authorizer of a real server reads from its own cache, a moment behind the write.
    assert eventually(lambda: tool.refusal("alice", namespace, "pods"), "") == ""
    assert tool.can("alice", namespace, "list", "pods")
    assert tool.may_list("alice", namespace)
    assert not tool.can("alice", namespace, "delete", "pods")
    tool.apply("admin", namespace, {**ROLE, "rules": [{**ROLE["rules"][0], "verbs": ["get"]}]})
    assert tool.get(namespace, "role", "reader")["rules"][0]["verbs"] == ["get"]
    assert eventually(lambda: tool.refusal("alice", namespace, "pods"), refused) == refused
    tool.delete(namespace, "rolebinding", "readers")
    assert not eventually(lambda: tool.can("alice", namespace, "get", "pods"), False)
    assert not tool.may_list("alice", namespace)


def test_small_things(tool: Tool, namespace: str) -> None:
    assert tool.whoami("alice") == "alice"
    tool.create(namespace, "a", "x", "1")
    tool.create(namespace, "b", "x", "2")
    tool.label(namespace, "b", "front")
    assert tool.listed(namespace, "tier=front") == ["configmap/b"]
    assert tool.listed(namespace, "!tier") == ["configmap/a"]
    tool.label(namespace, "b", None)
    assert tool.listed(namespace, "tier") == []


def test_a_changed_deployment_keeps_what_did_not_change(tool: Tool, namespace: str) -> None:
    tool.apply("admin", namespace, DEPLOYMENT)
    first = tool.get(namespace, "deployment", "web")
    changed = json.loads(json.dumps(DEPLOYMENT))
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "app:2"
    tool.apply("admin", namespace, changed)
    second = tool.get(namespace, "deployment", "web")
    images = {one["name"]: one["image"] for one in second["spec"]["template"]["spec"]["containers"]}
    assert images == {"app": "app:2", "side": "side:1"}
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert (first["metadata"]["generation"], second["metadata"]["generation"]) == (1, 2)
    tool.apply("admin", namespace, changed)
    third = tool.get(namespace, "deployment", "web")
    assert third["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    tool.delete(namespace, "deployment", "web")
