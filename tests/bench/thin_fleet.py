"""`python -m tests.bench.thin_fleet SECONDS`: a company with many small clusters, each answer late by SECONDS.

EKS, IAM and STS as `thin_aws` has them, entries that can be written, and one Kubernetes API for each cluster, which
keeps what is written to it. Over plain HTTP: the handshakes of TLS are not what is measured. The port is printed.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.bench.thin_aws import ACCOUNT, REGION, Aws, reply

CLUSTERS = {"dev": 20, "stage": 60, "prod": 120}
GROUPS, MEMBERS = 4, 3
NAMES = [f"{env}-{number:03}" for env, count in CLUSTERS.items() for number in range(count)]
_LISTED = {
    "roles": "Role",
    "rolebindings": "RoleBinding",
    "clusterroles": "ClusterRole",
    "clusterrolebindings": "ClusterRoleBinding",
    "namespaces": "Namespace",
}
_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
_VIEW = {"metadata": {"name": "view", "resourceVersion": "1"}, "rules": [_PODS]}


class Kube:
    """One cluster's API."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        for name in ("payments", "kube-system"):
            self.objects[f"/api/v1/namespaces/{name}"] = {"metadata": {"name": name, "resourceVersion": "1"}}
        self.objects["/apis/rbac.authorization.k8s.io/v1/clusterroles/view"] = _VIEW
        self.version = 1

    def answer(self, method: str, path: str, body: str) -> tuple[int, object]:
        """Answer a request."""
        if method == "GET":
            return self._get(path)
        if method == "DELETE":
            return (200, {}) if self.objects.pop(path, None) is not None else _absent(path)
        value = json.loads(body)
        place = path if method == "PUT" else f"{path}/{value['metadata']['name']}"
        namespace = re.match("/api[^n]*/v1/namespaces/([^/]+)/", place)
        if namespace is not None and f"/api/v1/namespaces/{namespace[1]}" not in self.objects:
            return _absent(namespace[1], "namespaces")
        if method == "POST" and place in self.objects:
            return 409, {"kind": "Status", "reason": "AlreadyExists", "message": "it exists"}
        self.version += 1
        value["metadata"]["resourceVersion"] = str(self.version)
        self.objects[place] = value
        return (200 if method == "PUT" else 201), value

    def _get(self, path: str) -> tuple[int, object]:
        plural = path.rpartition("/")[2]
        if plural in _LISTED and path.count("/") < 6:
            found = [one for place, one in self.objects.items() if place.rpartition("/")[0].endswith(f"/{plural}")]
            return 200, {"kind": f"{_LISTED[plural]}List", "metadata": {}, "items": found}
        if plural == "configmaps":
            found = [one for place, one in self.objects.items() if place.startswith(f"{path}/")]
            return 200, {"kind": "ConfigMapList", "metadata": {}, "items": found}
        return (200, self.objects[path]) if path in self.objects else _absent(path)


class Fleet(Aws):
    """All of it."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.kubes = {name: Kube() for name in (*NAMES, "cpu")}
        self.entries: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in self.kubes}

    def eks_call(self, method: str, path: str, query: dict[str, list[str]], body: str) -> tuple[int, object]:
        """Answer a call of EKS."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts == ["access-policies"]:
            return 200, {"accessPolicies": []}
        name = parts[1]
        if len(parts) == 2:
            return 200, {"cluster": {**self._described(name), "endpoint": f"{self.url}/kube/{name}"}}
        there = self.entries[name]
        if method == "POST":
            asked = json.loads(body)
            arn = asked["principalArn"]
            there[arn] = self._made(name, asked)
            return 200, {"accessEntry": there[arn]}
        if len(parts) == 3:
            return 200, {"accessEntries": [] if "associatedPolicyArn" in query else list(there)}
        return (200, {"accessEntry": there[parts[3]]}) if parts[3] in there else (404, {"message": "no such thing"})

    def iam(self, form: dict[str, list[str]]) -> str:
        """Give groups fewer members than a large company has."""
        said = super().iam(form)
        if form["Action"][0] != "GetGroup":
            return said
        head, _, rest = said.partition("<Users>")
        members = rest.split("</member>")
        return f"{head}<Users>{'</member>'.join(members[:MEMBERS])}</member></Users><IsTruncated>false</IsTruncated>"

    def _described(self, name: str) -> dict[str, Any]:
        value = self._cluster(name)
        assert isinstance(value, dict)
        return value

    def _made(self, cluster: str, asked: dict[str, Any]) -> dict[str, Any]:
        arn = asked["principalArn"]
        own = f"arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/{cluster}/{arn[-8:]}"
        known = {key: asked.get(key) for key in ("principalArn", "username", "kubernetesGroups", "type", "tags")}
        return {**known, "clusterName": cluster, "accessEntryArn": own, "type": "STANDARD"}


def _absent(name: str, kind: str = "") -> tuple[int, object]:
    details = {"name": name.rpartition("/")[2], "kind": kind or name.rpartition("/")[0].rpartition("/")[2]}
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
    return 404, {**status, "message": f"{name} not found", "details": details}


def _answer(fleet: Fleet, method: str, target: str, body: str) -> bytes:
    path, _, query = target.partition("?")
    if body.startswith("Action="):
        form = parse_qs(body)
        action = form["Action"][0]
        return reply(200, f"<{action}Response><{action}Result>{fleet.iam(form)}</{action}Result></{action}Response>")
    if path.startswith("/kube/"):
        _, _, name, rest = path.split("/", 3)
        code, value = fleet.kubes[name].answer(method, f"/{rest}", body)
    else:
        code, value = fleet.eks_call(method, path, parse_qs(query), body)
    return reply(code, json.dumps(value))


async def _serve(fleet: Fleet, late: float) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode("latin-1").split("\r\n")
                headers = dict(field.lower().split(": ", 1) for field in fields if field)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await asyncio.sleep(late)
                method, target, _ = line.split(" ")
                writer.write(_answer(fleet, method, target, body.decode()))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    fleet.url = f"http://127.0.0.1:{port}"
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(Fleet(), float(sys.argv[1])))
