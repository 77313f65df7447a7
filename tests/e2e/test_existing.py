"""Three clusters of different habits, on real servers with EKS's own authenticator: imported, adopted,
migrated, kept.

While iamrbac works, everybody asks all the time what they could do before, each with a real token.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac.token.sign import Credentials
from tests.conftest import ROOT
from tests.e2e.real import RealSandbox, eventually, may, meanwhile
from tests.git.repo import Repo
from tests.importing.existing import CONFIG, PAT, manifests, terraform

IAMRBAC = [sys.executable, "-m", "iamrbac"]
HAD = (
    ("development", "alice", "list", "pods", "payments"),
    ("development", "bob", "patch", "deployments.apps", "payments"),
    ("development", "carol", "delete", "pods", "payments-batch"),
    ("staging", "dave", "delete", "pods", "search"),
    ("staging", "erin", "create", "rolebindings.rbac.authorization.k8s.io", "search"),
    ("staging", "payments-deployer", "list", "pods", "search"),
    ("production", "alice", "delete", "pods", "payments"),
    ("production", "bob", "create", "pods", "payments"),
    ("production", "payments-deployer", "patch", "deployments.apps", "payments-batch"),
    ("production", "pat", "delete", "nodes", ""),
)
HAD_NOT = (
    ("development", "alice", "delete", "pods", "payments"),
    ("staging", "dave", "list", "pods", "payments"),
    ("production", "bob", "list", "pods", "search"),
    ("production", "carol", "list", "pods", "payments"),
)

RIGHT: list[bool | None] = [*(True for _ in HAD), *(False for _ in HAD_NOT)]
# One after the other is what is tested: on one worker.
pytestmark = pytest.mark.xdist_group("existing")


@dataclass
class Probes:
    """People who ask all the time what they had."""

    real: RealSandbox
    asked: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def ask(self, cluster: str, person: str, *request: str) -> bool | None:
        """Ask with a token made now; None where the cluster does not know the person."""
        client = self.real.clusters[cluster].as_(self._keys(person))
        try:
            return may(client, *request)
        except AssertionError:
            return None
        finally:
            client.close()

    def all(self) -> list[bool | None]:
        """Ask for all that people had, and had not."""
        return [self.ask(*question) for question in (*HAD, *HAD_NOT)]

    def becomes(self, expected: bool | None, *question: str) -> bool:
        """Ask for some seconds, until the answer is the expected one."""
        return eventually(lambda: self.ask(*question) is expected, expected=True)

    def _keys(self, person: str) -> Credentials:
        return (
            self.real.session(person, "pipeline-7") if person == "payments-deployer" else self.real.people[person].keys
        )

    def once(self) -> None:
        """Ask all of it once."""
        for question in HAD:
            self.asked[question[0]] += 1
            if (answer := self.ask(*question)) is not True:
                self.failed.append(f"{time.strftime('%X')} {question}: {answer}")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the clusters are, and nothing else."""
    folder = tmp_path_factory.mktemp("access")
    (folder / "iamrbac.yaml").write_text(CONFIG)
    shutil.copyfile(ROOT / "sandbox.yaml", folder / "sandbox.yaml")
    return folder


@pytest.fixture(scope="module")
def existing(repository: Path) -> Iterator[RealSandbox]:
    """By hand, eksctl, Terraform: what a policy cannot say is taken out of them, as whoever reads `import` would."""
    sandbox = RealSandbox(repository)
    try:
        for cluster, manifest in manifests():
            if manifest["metadata"]["name"] != "one-session":
                sandbox.clusters[cluster].objects.put(_sayable(manifest))
        terraform(sandbox.client("eks"))
        yield sandbox
    finally:
        sandbox.stop()


def _sayable(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["metadata"]["name"] == "aws-auth":
        data = manifest["data"]
        data.pop("mapAccounts", None)
        rows = [row for row in yaml.safe_load(data["mapUsers"]) if not str(row.get("userarn")).endswith(":root")]
        data["mapUsers"] = yaml.safe_dump(rows)
    return dict(manifest)


def run(real: RealSandbox, folder: Path, *arguments: str, code: int = 0) -> str:
    """Run a command of ours as the platform engineer; what it prints."""
    done = real.run(*IAMRBAC, *arguments, "-C", str(folder), cwd=folder)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def imported(existing: RealSandbox, repository: Path) -> Probes:
    """The clusters imported and adopted; what everybody was told meanwhile."""
    probes = Probes(existing)
    assert probes.all() == RIGHT
    with meanwhile(probes.once):
        said = json.loads(run(existing, repository, "import", "--out", str(repository), "-o", "json"))
        assert {one["cluster"]: one["equal"] for one in said["clusters"]} == dict.fromkeys(existing.clusters, True)
        adopt = [word for one in said["clusters"] for key in one["adopt"] for word in ("--adopt", key)]
        run(existing, repository, "apply", "--yes", *adopt, "--allow-lockout-of", PAT, "--allow-removals", "9")
    return probes


@pytest.fixture(scope="module")
def migrated(existing: RealSandbox, repository: Path, imported: Probes) -> Probes:
    """Their rows turned into entries; what everybody was told meanwhile."""
    assert imported.failed == []
    probes = Probes(existing)
    with meanwhile(probes.once):
        for cluster, probe in (("staging", "dave"), ("production", "alice")):
            said = ["--cluster", cluster, "--probe", probe, "--probe", "payments-deployer"]
            run(existing, repository, "migrate", "--to", "access-entries", *said, "--settle", "3s", "--yes")
        run(existing, repository, "plan", "--detailed-exitcode")
    return probes


def test_everybody_keeps_what_they_had(imported: Probes) -> None:
    assert imported.failed == []
    assert set(imported.asked) == {"development", "staging", "production"}
    assert imported.all() == RIGHT


def test_rows_become_entries_and_nobody_notices(existing: RealSandbox, migrated: Probes) -> None:
    assert migrated.failed == []
    assert migrated.all() == RIGHT
    eks = existing.client("eks")
    for cluster, node in (("staging", "NodeInstanceRole"), ("production", "production-node")):
        config = eks.describe_cluster(name=cluster)["cluster"]["accessConfig"]
        assert config["authenticationMode"] == "API_AND_CONFIG_MAP"
        map_ = existing.clusters[cluster].superuser.get("/api/v1/namespaces/kube-system/configmaps/aws-auth")
        rows = str(map_.json["data"])
        assert "user/staff/alice" not in rows
        assert "payments-developers" not in rows
        assert node in rows


def test_sync_keeps_it_so_through_faults(
    existing: RealSandbox, repository: Path, migrated: Probes, tmp_path: Path
) -> None:
    """From Git: what somebody breaks is mended, who leaves the IAM group leaves; where something is lost, all stays."""
    probes = migrated
    git = Repo(repository)
    git.git("init", "--quiet", "--initial-branch=main")
    git.commit({})
    origin = ["--repository", repository.as_uri(), "--branch", "main", "--work-dir", str(tmp_path / "work")]
    once = ["sync", "--once", "--listen", "", "-o", "json"]

    def sync(*more: str, code: int = 0) -> dict[str, str]:
        done = existing.run(*IAMRBAC, *once, *(more or origin), cwd=tmp_path)
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        return {one["name"]: one["result"] for one in json.loads(done.stdout)["clusters"]}

    assert sync() == dict.fromkeys(existing.clusters, "unchanged")

    production = existing.clusters["production"].superuser
    bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/payments/rolebindings"
    ours = [one["metadata"]["name"] for one in production.get(bindings).json["items"]]
    for name in ours:
        assert production.delete(f"{bindings}/{name}").code == 200
    assert probes.becomes(False, "production", "bob", "create", "pods", "payments")
    assert sync() == {"development": "unchanged", "staging": "unchanged", "production": "done"}
    assert probes.becomes(True, "production", "bob", "create", "pods", "payments")

    # Git is lost: nobody loses anything by it, not even who has left.
    existing.client("iam").remove_user_from_group(GroupName="payments-developers", UserName="bob")
    assert sync("--repository", (tmp_path / "nowhere").as_uri(), "--branch", "main", code=1) in (
        {},
        dict.fromkeys(existing.clusters, "failed"),
    )
    assert probes.ask("development", "bob", "patch", "deployments.apps", "payments") is True
    # With Git back, who has left the group has left.
    assert sync()["development"] == "done"
    assert probes.becomes(None, "development", "bob", "patch", "deployments.apps", "payments")
    assert probes.ask("development", "alice", "list", "pods", "payments") is True
