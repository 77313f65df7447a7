"""Real clusters behind proxies: what stands in every request's way, what is there, and who may do what."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import trustme

from iamrbac.aws.cluster import EksCluster
from iamrbac.aws.reader import read
from iamrbac.kube.client import KubeApi
from iamrbac.plan.observed import AuthenticationMode, ClusterState, Target
from tests.e2e.real import RealCluster, RealSandbox
from tests.torture.proxy import Asked, Forward, Middle, Proxy, Said, let_through
from tests.torture.repository import ACCOUNT, CLUSTERS, ENTRIES, REGION, ROWS

HOME = "iamrbac-system"
_KINDS = ("Namespace", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ConfigMap")


class Ground:
    """Starts with the object, ends with `stop`. What a caller sees at `url` are the proxies, by whatever API."""

    def __init__(self, root: Path) -> None:
        self.real = RealSandbox(root)
        self._proxies = ExitStack()
        authority = trustme.CA()
        self._ca_pem = authority.cert_pem.bytes().decode()
        self._aws = self._proxies.enter_context(Proxy("aws", self.real.url))
        self._kube = {
            name: self._proxies.enter_context(Proxy(name, one.url, one.ca_pem, authority))
            for name, one in self.real.clusters.items()
        }
        self.middle(let_through)

    def stop(self) -> None:
        """End everything."""
        self._proxies.close()
        for one in self._direct.values():
            one.close()
        self.real.stop()

    def middle(self, middle: Middle) -> None:
        """Put this between callers and all servers."""
        self._aws.middle = lambda asked, forward: middle(asked, lambda sent: self._redirected(sent, forward))
        for proxy in self._kube.values():
            proxy.middle = middle

    @contextmanager
    def between(self, middle: Middle) -> Iterator[None]:
        """Put this between as long as the context lasts."""
        self.middle(middle)
        try:
            yield
        finally:
            self.middle(let_through)

    def environment(self, person: str = "pat") -> dict[str, str]:
        """The environment of a person's shell, by way of the proxies."""
        return self.real.environment(person) | {"AWS_ENDPOINT_URL": self._aws.url}

    def cluster(self, name: str) -> RealCluster:
        """A cluster itself, as its superuser."""
        return self.real.clusters[name]

    def kube(self, name: str) -> KubeApi:
        """A cluster's API for the superuser, past the proxies."""
        return self._direct[name]

    def target(self, name: str) -> Target:
        """A cluster past the proxies."""
        one = self.cluster(name)
        arn = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{name}"
        mode: AuthenticationMode = "API" if name == ENTRIES else "CONFIG_MAP"
        return Target(name, name, arn, REGION, one.url, one.ca_pem, mode)

    def state(self, name: str) -> ClusterState:
        """Everything that is on a cluster, as we read it."""
        target = self.target(name)
        namespaces, objects, aws_auth = self.kube(name).state()
        entries = read(EksCluster(self._eks, threading.BoundedSemaphore(4), target)) if name == ENTRIES else ()
        return ClusterState(target, namespaces, (*objects, *entries), None if name == ENTRIES else aws_auth)

    def states(self) -> dict[str, ClusterState]:
        """The same of all clusters."""
        return {name: self.state(name) for name in CLUSTERS}

    def aws_auth_map(self) -> dict[str, Any]:
        """The ConfigMap aws-auth of the cluster that has rows, as it is."""
        found = self.cluster(ROWS).objects.get("ConfigMap", "kube-system", "aws-auth")
        assert found is not None
        return found

    def aws_auth(self) -> dict[str, str]:
        """Its data."""
        data: dict[str, str] = self.aws_auth_map()["data"]
        return data

    def put_aws_auth(self, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """Replace its data and all its annotations."""
        metadata = {"name": "aws-auth", "namespace": "kube-system", "annotations": dict(annotations)}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
        self.cluster(ROWS).objects.put(manifest)

    def everything(self) -> dict[str, Any]:
        """All that an apply could write, versions included: two that are alike mean that nothing was written.

        Under `home` are the home namespace's ConfigMaps, where iamrbac says what it has done.
        """
        found: dict[str, Any] = {"home": []}
        for name in CLUSTERS:
            objects = self.cluster(name).objects
            found[name] = {kind: objects.list(kind) for kind in _KINDS}
            maps = found[name].pop("ConfigMap")
            found["home"] += [one for one in maps if one["metadata"]["namespace"] == HOME]
            found[name]["ConfigMap"] = [one for one in maps if one["metadata"]["namespace"] != HOME]
            found[name]["Lease"] = [one for one in objects.list("Lease") if one["metadata"]["namespace"] == HOME]
        principals = self._eks.list_access_entries(clusterName=ENTRIES)["accessEntries"]
        found["eks"] = [
            (
                self._eks.describe_access_entry(clusterName=ENTRIES, principalArn=one)["accessEntry"],
                self._eks.list_associated_access_policies(clusterName=ENTRIES, principalArn=one)[
                    "associatedAccessPolicies"
                ],
            )
            for one in sorted(principals)
        ]
        return found

    @cached_property
    def _direct(self) -> dict[str, KubeApi]:
        def opened(name: str) -> KubeApi:
            return KubeApi(self.target(name), lambda: self.cluster(name).token)

        return {name: opened(name) for name in CLUSTERS}

    @cached_property
    def _eks(self) -> Any:
        return self.real.client("eks")

    def _redirected(self, asked: Asked, forward: Forward) -> Said:
        """DescribeCluster says that a cluster's API is where its proxy is."""
        said = forward(asked)
        name = asked.path.removeprefix("/clusters/")
        if asked.method != "GET" or name not in self._kube or said.status != 200:
            return said
        answer = json.loads(said.body)
        answer["cluster"]["endpoint"] = self._kube[name].url
        answer["cluster"]["certificateAuthority"] = {"data": base64.b64encode(self._ca_pem.encode()).decode()}
        return replace(said, body=json.dumps(answer).encode())
