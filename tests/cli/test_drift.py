"""drift as a person runs it, on the sandbox: apply, an edit by hand, drift names it, apply mends it, drift is quiet."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac import wiring
from iamrbac.cli.main import run
from iamrbac.compile.names import INSTANCE_LABEL, SET_LABEL, applyset_id
from iamrbac.kube.client import KubeApi
from iamrbac.kube.paths import item
from iamrbac.model.documents import Cluster
from iamrbac.sandbox.runner import Sandbox
from tests.cli.test_plan_apply import Shell, schema
from tests.conftest import ROOT
from tests.recorded import recorded

HOME = "iamrbac-system"


@pytest.fixture
def repository(tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Path:
    """A copy of the sample's repository, in no Git repository."""
    copy = tmp_path / "repo"
    shutil.copytree(ROOT / "policies", copy / "policies")
    shutil.copy(ROOT / "iamrbac.yaml", copy)
    return copy


@pytest.fixture
def shell(repository: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    made = Shell(repository, capsys)
    assert made("apply", "--yes") == 0
    return made


@contextmanager
def api(repository: Path, cluster: str) -> Iterator[KubeApi]:
    """The API of a cluster, as the admin sees it."""
    edges = wiring.edges(repository)
    client = edges.kube(edges.aws.target(Cluster(name=cluster, account="111122223333", region="eu-west-1")))
    assert isinstance(client, KubeApi)
    yield client
    client.close()


def edit(repository: Path, cluster: str, one: dict[str, Any]) -> None:
    """Write an object as `kubectl edit` does, by the field manager that it names."""
    metadata = one["metadata"]
    path = item(one["kind"], metadata.get("namespace", ""), metadata["name"])
    with api(repository, cluster) as client:
        client._transport.write("edit", "PUT", f"{path}?fieldManager=kubectl-edit", one)


def ours(sandbox: Sandbox, cluster: str, kind: str) -> dict[str, Any]:
    """The first object of ours of a kind."""
    found = sandbox.cluster(cluster).store.list(kind)
    return next(dict(one) for one in found if one["metadata"].get("labels", {}).get(INSTANCE_LABEL))


def drift_json(shell: Shell, *arguments: str) -> dict[str, Any]:
    shell("drift", "-o", "json", *arguments)
    value: dict[str, Any] = json.loads(shell.out)
    assert list(schema("drift").iter_errors(value)) == []
    return value


def test_from_an_apply_over_an_edit_by_hand_to_quiet(shell: Shell, repository: Path, fresh_sandbox: Sandbox) -> None:
    assert shell("drift") == 0
    assert shell.out.splitlines()[-1] == "Drift: 3 as applied."
    binding = ours(fresh_sandbox, "staging", "RoleBinding")
    binding["subjects"].append({"kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"})
    edit(repository, "staging", binding)
    role = ours(fresh_sandbox, "staging", "Role")
    del role["metadata"]["labels"][SET_LABEL]
    edit(repository, "staging", role)
    alice = fresh_sandbox.arn("alice")
    eks = fresh_sandbox.client("eks")
    eks.update_access_entry(clusterName="staging", principalArn=alice, kubernetesGroups=["mallory"])
    fresh_sandbox.client("eks").delete_access_entry(clusterName="development", principalArn=alice)
    production = fresh_sandbox.cluster("production").store
    aws_auth = next(one for one in production.list("ConfigMap", "kube-system") if one["metadata"]["name"] == "aws-auth")
    rows = yaml.safe_load(aws_auth["data"]["mapUsers"])
    aws_auth["data"]["mapUsers"] = yaml.safe_dump([one for one in rows if one["userarn"] != alice])
    production.put(aws_auth)
    assert shell("drift") == 2
    said = shell.out
    at = r"\d{4}-\d\d-\d\dT[0-9:]{8}Z"
    assert re.search(rf"~ RoleBinding \S+: changed in subjects, by field manager kubectl-edit, {at}\n", said)
    assert re.search(r"~ Role \S+: lost label iamrbac.dev/set, by whom only the API server's audit log knows\n", said)
    assert re.search(rf"~ AccessEntry {alice}: changed in groups, by whom CloudTrail knows \(changed {at}\)\n", said)
    assert f"- AccessEntry {alice}: removed, by whom CloudTrail knows\n      next apply: makes it again\n" in said
    assert f"- AwsAuthRow {alice}: removed, " in said
    assert said.splitlines()[-1] == "Drift: 3 drifted."
    found = drift_json(shell, "--cluster", "staging")
    assert (found["exitCode"], found["summary"]["drifted"], len(found["clusters"][0]["drifted"])) == (2, 1, 3)
    # Whatever the policies say by now.
    (repository / "policies" / "search.yaml").write_text("kind: [\n")
    assert shell("drift", "--cluster", "staging") == 2
    shutil.copy(ROOT / "policies" / "search.yaml", repository / "policies")
    assert shell("apply", "--yes") == 0
    assert shell("drift", "-q") == 0
    assert shell.err == ""


def test_objects_that_we_never_applied_and_policies_that_changed(
    shell: Shell, repository: Path, fresh_sandbox: Sandbox
) -> None:
    policy = repository / "policies" / "search.yaml"
    policy.write_text(policy.read_text().replace("role: developer", "role: viewer", 1))
    assert shell("plan", "--detailed-exitcode") == 2
    assert shell("drift") == 0
    role = ours(fresh_sandbox, "staging", "Role")
    role["metadata"] = {
        "name": "extra",
        "namespace": "search",
        "labels": {INSTANCE_LABEL: role["metadata"]["labels"][INSTANCE_LABEL]},
    }
    fresh_sandbox.cluster("staging").store.put(role)
    assert shell("drift", "--cluster", "staging") == 2
    assert "+ Role search/extra: added with our mark; we never applied it" in shell.out
    assert "next apply: removes it" in shell.out
    assert shell("apply", "--yes") == 0
    assert shell("drift") == 0


def test_without_a_record_it_is_not_known(shell: Shell, repository: Path, fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.cluster("production").stop()
    with api(repository, "staging") as client:
        client.delete_configmap(HOME, "iamrbac-applied.acme")
    assert shell("drift") == 1
    assert "Next: run `iamrbac apply --cluster staging`" in shell.out
    assert shell.out.splitlines()[-1] == "Drift: 1 as applied, 2 unknown."
    assert [one["standing"] for one in drift_json(shell)["clusters"]] == ["as-applied", "unknown", "unknown"]
    assert shell("apply", "--yes", "--cluster", "staging") == 0
    assert shell("drift", "--cluster", "staging") == 0


def test_what_it_asks_does_not_grow_with_objects(shell: Shell, repository: Path, fresh_sandbox: Sandbox) -> None:
    with recorded() as (_, few):
        assert run(["drift", "-C", str(repository), "-q", "--cluster", "staging"]) == 0
    assert few["GET", f"/api/v1/namespaces/{HOME}/configmaps/iamrbac-applied.acme"] == 2
    # A no-op apply asks for it once, and writes nothing.
    with recorded() as (_, plan):
        assert run(["plan", "-C", str(repository), "-q", "--cluster", "staging"]) == 0
    with recorded() as (_, apply):
        assert run(["apply", "-C", str(repository), "-q", "--yes", "--cluster", "staging"]) == 0
    assert apply - plan == {("GET", f"/api/v1/namespaces/{HOME}/configmaps/iamrbac-applied.acme"): 1}
    assert plan - apply == {}


def test_the_parent_and_its_event_are_there(shell: Shell, fresh_sandbox: Sandbox) -> None:
    store = fresh_sandbox.cluster("staging").store
    maps = {one["metadata"]["name"]: one for one in store.list("ConfigMap", HOME)}
    parent = maps["iamrbac-acme"]
    assert parent["metadata"]["labels"]["applyset.kubernetes.io/id"] == applyset_id("acme", HOME)
    part_of = {
        one["metadata"]["labels"].get("applyset.kubernetes.io/part-of")
        for kind in ("Role", "RoleBinding")
        for one in store.list(kind)
        if one["metadata"].get("labels", {}).get(INSTANCE_LABEL)
    }
    assert part_of == {applyset_id("acme", HOME)}
    (event,) = store.list("Event", HOME)
    assert event["involvedObject"]["uid"] == parent["metadata"]["uid"]
    assert (event["reason"], event["reportingComponent"]) == ("Applied", "iamrbac")
    assert re.fullmatch(r"\d+ added by arn:aws:iam::\d+:user/pat \(run [0-9a-f-]+\)", event["message"])


def test_a_parent_of_another_tool_refuses(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(repository, capsys)
    store = fresh_sandbox.cluster("staging").store
    store.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    annotations = {"applyset.kubernetes.io/tooling": "kubectl/v1.32"}
    metadata = {"name": "iamrbac-acme", "namespace": HOME, "annotations": annotations}
    store.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    assert shell("apply", "--yes") == 1
    assert shell.err.splitlines()[-1] == (
        "error: [ERR215] staging: the ConfigMap iamrbac-system/iamrbac-acme, which is to be the parent of our "
        "ApplySet, is not ours: it belongs to another tool (applyset.kubernetes.io/tooling: kubectl/v1.32). "
        "Next: look at it (kubectl -n iamrbac-system get configmap iamrbac-acme -o yaml), then remove it, or give this "
        "repository another metadata.name or home.namespace"
    )
    assert not any(one["metadata"].get("labels", {}).get(INSTANCE_LABEL) for one in store.list("Role"))


def test_help_says_what_it_compares(shell: Shell) -> None:
    assert shell("drift", "--help") == 0
    said = " ".join(shell.out.split())
    assert "a policy that has changed since is no drift" in said
    assert "2 drift" in said
