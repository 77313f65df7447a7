"""A sandbox from start to stop: what there is, in every account, and that nothing stays."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from iamrbac.mapping.aws_auth import read
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.runner import Sandbox
from iamrbac.sandbox.spec import parse_spec
from iamrbac.sandbox.welcome import summary, welcome
from tests.sandbox.documents import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
HEAD = "apiVersion: iamrbac.dev/v1alpha1\nkind: Sandbox\npeople: [{user: pat, admin: true}]\n"
ONE = '{clusters: [{name: one, account: "111122223333", region: eu-west-1}]}'
TWO_ACCOUNTS = """
identity: {account: "111122223333"}
clusters:
  - {name: near, account: "111122223333", region: eu-west-1}
  - {name: far, eksName: far-away, account: "444455556666", region: us-east-1}
"""


@pytest.fixture
def paused(sandbox: Sandbox) -> Iterator[None]:
    """The shared sandbox stopped, so that a test can have one of its own in this process."""
    sandbox.stop()
    yield
    sandbox.start()


def test_people_groups_and_roles(fresh_sandbox: Sandbox) -> None:
    iam = fresh_sandbox.client("iam")
    groups = {
        group["GroupName"]: [user["UserName"] for user in iam.get_group(GroupName=group["GroupName"])["Users"]]
        for group in iam.list_groups()["Groups"]
    }
    assert groups == {
        "contractors": [],
        "payments-developers": ["alice", "bob"],
        "payments-oncall": ["carol"],
        "search-developers": ["dave", "erin"],
        "platform-admins": ["pat"],
    }
    assert fresh_sandbox.arn("alice") == "arn:aws:iam::111122223333:user/staff/alice"
    role = iam.get_role(RoleName="payments-deployer")["Role"]
    assert role["Arn"] == "arn:aws:iam::111122223333:role/ci/payments-deployer"
    fresh_sandbox.remove_from_group("alice", "payments-developers")
    fresh_sandbox.add_to_group("dave", "contractors")
    assert [user["UserName"] for user in iam.get_group(GroupName="payments-developers")["Users"]] == ["bob"]
    assert [user["UserName"] for user in iam.get_group(GroupName="contractors")["Users"]] == ["dave"]


def test_clusters_as_before_iamrbac(fresh_sandbox: Sandbox) -> None:
    eks = fresh_sandbox.client("eks")
    pat, nodes = fresh_sandbox.arn("pat"), "arn:aws:iam::111122223333:role/eks-node-role"
    modes = {"development": "API", "staging": "API_AND_CONFIG_MAP", "production": "CONFIG_MAP"}
    for name, mode in modes.items():
        described = eks.describe_cluster(name=name)["cluster"]
        assert described["accessConfig"]["authenticationMode"] == mode
        assert described["endpoint"] == fresh_sandbox.cluster(name).url
        assert (described["status"], described["version"]) == ("ACTIVE", "1.36")
        namespaces = [one["metadata"]["name"] for one in fresh_sandbox.cluster(name).store.list("Namespace")]
        assert {"payments", "payments-batch", "search"} < set(namespaces)
        if mode != "CONFIG_MAP":
            assert eks.list_access_entries(clusterName=name)["accessEntries"] == [nodes, pat]
            entry = eks.describe_access_entry(clusterName=name, principalArn=nodes)["accessEntry"]
            assert entry["type"] == "EC2_LINUX"
    assert fresh_sandbox.cluster("development").aws_auth_data() is None
    staging = read(fresh_sandbox.cluster("staging").aws_auth_data() or {})
    production = read(fresh_sandbox.cluster("production").aws_auth_data() or {})
    node_row = (nodes, "system:node:{{EC2PrivateDNSName}}", ("system:bootstrappers", "system:nodes"))
    assert [(row.arn, row.username, row.groups) for row in staging.rows] == [node_row]
    assert [(row.arn, row.username, row.groups) for row in production.rows] == [
        node_row,
        (pat, "pat", ("system:masters",)),
    ]
    assert (staging.broken, staging.faults, production.broken, production.faults) == ((), (), (), ())
    data = fresh_sandbox.cluster("production").aws_auth_data() or {}
    assert all(text.startswith("# ") for text in data.values()), "comments, as people write them"


def test_the_environment_is_enough_for_boto3(fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> None:
    assert boto3.client("sts").get_caller_identity()["Arn"] == fresh_sandbox.arn("pat")
    for person in ("alice", "payments-deployer"):
        caller = boto3.Session(profile_name=person).client("sts").get_caller_identity()["Arn"]
        expected = "arn:aws:sts::111122223333:assumed-role/payments-deployer/pat"
        assert caller == (expected if person == "payments-deployer" else fresh_sandbox.arn("alice"))
    assert fresh_sandbox.environment("alice")["KUBECONFIG"].endswith("/kubeconfig-alice")
    assert admin_environment["KUBECONFIG"] == str(fresh_sandbox.folder / "kubeconfig")


def test_what_it_says_of_itself_holds_no_secret(fresh_sandbox: Sandbox) -> None:
    text = welcome(fresh_sandbox)
    for part in (
        fresh_sandbox.aws.url,
        fresh_sandbox.cluster("production").url,
        "arn:aws:iam::111122223333:user/staff/alice  payments-developers",
        "administrator of every cluster",
        f"  export AWS_SHARED_CREDENTIALS_FILE={fresh_sandbox.folder}/credentials",
        f"Stop it with Ctrl-C, or: kill {os.getpid()}",
    ):
        assert part in text
    assert not any(profile.secret_key in text + summary(fresh_sandbox) for profile in fresh_sandbox.profiles)


def test_several_accounts(paused: None) -> None:
    spec = parse_spec(HEAD + "roles: [{name: deployer}]\n")
    with Sandbox(documents(TWO_ACCOUNTS), spec, ROOT) as both:
        assert [profile.name for profile in both.profiles] == ["pat", "pat-444455556666"]
        far = both.client("eks", "pat-444455556666", "us-east-1")
        assert far.list_clusters()["clusters"] == ["far-away"]
        assert both.client("eks").list_clusters()["clusters"] == ["near"]
        admins = {"arn:aws:iam::111122223333:user/pat", "arn:aws:iam::444455556666:user/pat"}
        entries = set(far.list_access_entries(clusterName="far-away")["accessEntries"])
        assert entries == {*admins, "arn:aws:iam::444455556666:role/eks-node-role"}
        assert both.people.role_arn("deployer", "444455556666") == "arn:aws:iam::444455556666:role/deployer"
        assert "pat-444455556666  arn:aws:iam::444455556666:user/pat" in welcome(both)


def test_start_and_stop_leave_nothing(paused: None) -> None:
    before = dict(os.environ)
    one = Sandbox(documents(ONE), None, ROOT)
    with pytest.raises(SandboxError, match="not running"):
        _ = one.folder
    one.stop()
    one.start()
    folder = one.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(SandboxError, match="a sandbox is running in this process"):
        Sandbox(documents(ONE), None, ROOT).start()
    assert folder.exists()
    one.stop()
    one.stop()
    assert not folder.exists()
    with one:
        assert one.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/admin"
    # pytest itself keeps the name of the running test there.
    assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**before, "PYTEST_CURRENT_TEST": ""}


def test_names_that_nobody_has(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match=r"no cluster x\. Next: one of development, staging, production"):
        sandbox.cluster("x")
    with pytest.raises(SandboxError, match=r"nobody is called x\. Next: one of alice, bob"):
        sandbox.profile("x")


def test_manifests(paused: None, tmp_path: Path) -> None:
    folder = tmp_path / "sandbox" / "one"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: made}\ndata: {k: v}\n---\n---\n"
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: theirs}\nrules: []\n"
    )
    spec = parse_spec(HEAD + "clusters: {one: {manifests: sandbox/one/}}\n")
    with Sandbox(documents(ONE), spec, tmp_path) as one:
        found = one.cluster("one").store.get("ConfigMap", "made", "a")
        assert found is not None
        assert found["data"] == {"k": "v"}
        assert one.cluster("one").store.get("ClusterRole", None, "theirs") is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "sandbox/one/a.yaml: cannot be read: "),
        ("[]", "sandbox/one/a.yaml: a document is no manifest: kind and metadata.name are needed"),
        ("kind: Gadget\nmetadata: {name: a}", "sandbox/one/: the embedded API has no kind 'Gadget'"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: 1}",
            "sandbox/one/: the API refuses a manifest: ",
        ),
    ],
)
def test_manifests_that_are_none(paused: None, tmp_path: Path, text: str, message: str) -> None:
    folder = tmp_path / "sandbox" / "one"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(text)
    spec = parse_spec(HEAD + "clusters: {one: {manifests: sandbox/one/}}\n")
    one = Sandbox(documents(ONE), spec, tmp_path)
    with pytest.raises(SandboxError) as caught:
        one.start()
    assert str(caught.value).startswith(message)
    with Sandbox(documents(ONE), None, tmp_path):
        """After a failed start another one can start."""


def test_a_folder_that_is_not_there(paused: None, tmp_path: Path) -> None:
    spec = parse_spec(HEAD + "clusters: {one: {manifests: nowhere}}\n")
    with pytest.raises(SandboxError, match=r"^nowhere: is not a folder\. Next: "):
        Sandbox(documents(ONE), spec, tmp_path).start()


def test_it_starts_again(sandbox: Sandbox) -> None:
    sandbox.stop()
    assert sandbox.clusters == {}
    started = time.monotonic()
    sandbox.start()
    assert time.monotonic() - started < 60
    assert len(sandbox.clusters) == 3


def test_several_sandboxes_at_once_are_several_processes() -> None:
    code = (
        "import sys; from pathlib import Path; from iamrbac.sandbox.runner import Sandbox\n"
        "from tests.sandbox.documents import documents\n"
        f"with Sandbox(documents({ONE!r}), None, Path('.')) as one:\n"
        "    print(one.aws.url, flush=True); sys.stdin.read(1)\n"
        "    print(len(one.client('iam').list_users()['Users']))\n"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(2)
    ]
    urls = {process.stdout.readline() for process in both if process.stdout}
    assert len(urls) == 2
    for process in both:
        out, _ = process.communicate("x", timeout=30)
        assert (out.strip(), process.returncode) == ("1", 0)
