"""A Git repository with the sample's policies, the sandbox, and what everybody may do there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT
from tests.git.repo import Repo

CLUSTERS = ("development", "staging", "production")
_KINDS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


class Stage:
    """Runs `iamrbac sync --once` on it, and says who has which access."""

    def __init__(self, folder: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
        self.sandbox = sandbox
        self.repo = Repo.init(folder / "server")
        shutil.copytree(ROOT / "policies", self.repo.folder / "policies")
        shutil.copy(ROOT / "iamrbac.yaml", self.repo.folder)
        self.repo.commit({})
        self.work = folder / "work"
        self.signers: list[str] = []
        self.code = 0
        self.err = ""
        self._capsys = capsys

    @property
    def fetched(self) -> list[str]:
        """The options that name the repository."""
        return ["--repository", self.repo.folder.as_uri(), "--branch", "main", "--work-dir", str(self.work)]

    def sync(self, *more: str) -> dict[str, Any]:
        """One round; its JSON."""
        self._capsys.readouterr()
        self.code = run(["sync", "--once", "-o", "json", *self.fetched, *self.signers, *more])
        out, self.err = self._capsys.readouterr()
        value: dict[str, Any] = json.loads(out)
        check("sync", value)
        assert value["exitCode"] == self.code
        return value

    def results(self, *more: str) -> dict[str, str]:
        """One round: cluster → result."""
        return {one["name"]: one["result"] for one in self.sync(*more)["clusters"]}

    def grant(self, name: str, until: datetime, user: str = "dave") -> str:
        """Commit a temporary grant; return the commit."""
        text = (
            "apiVersion: iamrbac.dev/v1alpha1\nkind: TemporaryGrant\n"
            f"metadata: {{name: {name}}}\nspec:\n  team: payments\n  members: [{{iamUser: {user}}}]\n"
            "  access: [{clusters: ['*'], namespaces: [payments], role: viewer}]\n"
            f'  notAfter: "{until.isoformat()}"\n  reason: a test\n'
        )
        return self.repo.commit({f"policies/temporary/{name}.yaml": text})

    def policy(self, change: Callable[[str], str], name: str = "payments") -> str:
        """Commit a changed policy; return the commit."""
        text = (self.repo.folder / "policies" / f"{name}.yaml").read_text()
        assert change(text) != text
        return self.repo.commit({f"policies/{name}.yaml": change(text)})

    def access(self, *clusters: str) -> dict[str, Any]:
        """Everything that gives access on clusters (all without names): RBAC objects, aws-auth, access entries."""
        return {name: self._one(name) for name in clusters or CLUSTERS}

    def _one(self, name: str) -> dict[str, Any]:
        store, eks = self.sandbox.cluster(name).store, self.sandbox.client("eks")
        found: dict[str, Any] = {}
        for kind in _KINDS:
            for one in store.list(kind):
                place = f"{kind}/{one['metadata'].get('namespace', '')}/{one['metadata']['name']}"
                found[place] = {key: one.get(key) for key in ("rules", "roleRef", "subjects")}
        for one in store.list("ConfigMap", "kube-system"):
            found[f"ConfigMap/{one['metadata']['name']}"] = one.get("data")
        if eks.describe_cluster(name=name)["cluster"]["accessConfig"]["authenticationMode"] != "CONFIG_MAP":
            for arn in eks.list_access_entries(clusterName=name)["accessEntries"]:
                entry = eks.describe_access_entry(clusterName=name, principalArn=arn)["accessEntry"]
                found[arn] = sorted(entry["kubernetesGroups"])
        return found


def refusing(patch: pytest.MonkeyPatch, service: str, code: str) -> None:
    """Let a service of AWS answer every call with an error."""
    call = vars(BaseClient)["_make_api_call"]

    def _call(self: Any, operation: str, arguments: Any) -> Any:
        if self.meta.service_model.service_name == service:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)
        return call(self, operation, arguments)

    patch.setattr(BaseClient, "_make_api_call", _call)


def later(seconds: float, now: datetime) -> datetime:
    """A time from now on, to the millisecond."""
    at = now + timedelta(seconds=seconds)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
