"""`iamrbac migrate --to access-entries` on the embedded sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from iamrbac.cli.main import run
from iamrbac.sandbox.aws.front import Fault
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT
from tests.golden import compare
from tests.importing.existing import CONFIG, manifests

GOLDEN = Path(__file__).parent / "golden" / "migrate"
ACCOUNT = "111122223333"
PAT, ROOT_USER = f"arn:aws:iam::{ACCOUNT}:user/pat", f"arn:aws:iam::{ACCOUNT}:root"
LEAVE = ("--leave", "444455556666", "--leave", ROOT_USER)
GO = ("--yes", "--settle", "0s")
POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    developers: [{iamGroup: payments-developers}]
    deployer: [{iamRole: ci/payments-deployer}]
  access:
    - {to: [developers], clusters: [production], namespaces: [payments], role: {clusterRole: edit}}
    - {to: [deployer], clusters: [production], namespaces: [payments], role: {clusterRole: view}}
"""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's EKS takes no time."""
    monkeypatch.setattr("iamrbac.usecases.migrate_steps.BRIDGE_SECONDS", 0)
    monkeypatch.setattr("iamrbac.usecases.migrate_steps.LOOK_SECONDS", 0)
    monkeypatch.setattr("iamrbac.usecases.migrate_probes.LOOK_SECONDS", 0.05)


@pytest.fixture
def repository(
    fresh_sandbox: Sandbox, admin_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Production grew by hand; a repository says where it is."""
    for cluster, manifest in manifests():
        if cluster == "production":
            fresh_sandbox.cluster(cluster).store.put(manifest)
    # Where sessions of assumed roles are kept: those of another sandbox are no good here.
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "access"
    folder.mkdir()
    (folder / "iamrbac.yaml").write_text(CONFIG)
    return folder


def migrate(folder: Path, *more: str, cluster: str = "production") -> int:
    where = ("-C", str(folder), "-q", "--no-color", "--cluster", cluster)
    return run(["migrate", "--to", "access-entries", *where, *more])


def entries(sandbox: Sandbox, cluster: str = "production") -> list[str]:
    found: list[str] = sandbox.client("eks").list_access_entries(clusterName=cluster)["accessEntries"]
    return sorted(found)


def mode(sandbox: Sandbox) -> str:
    described = sandbox.client("eks").describe_cluster(name="production")["cluster"]
    return str(described["accessConfig"]["authenticationMode"])


def refusing(operation: str, code: str, *, after: int = 0, times: int = 99) -> Fault:
    """A fault that refuses an operation, but for the first ones."""
    seen = [0]

    def fault(name: str, _request: AwsRequest) -> Reply | None:
        if name != f"eks:{operation}":
            return None
        seen[0] += 1
        if not after < seen[0] <= after + times:
            return None
        status = 429 if code.startswith("Throttling") else 403
        body = json.dumps({"message": "not now", "__type": code}).encode()
        return Reply(status, body, "application/json", {"x-amzn-ErrorType": code})

    return fault


def test_what_stands_against_it_is_told_at_once(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert migrate(repository, *GO) == 3
    compare(capsys.readouterr().out, GOLDEN / "blocked.txt")
    assert mode(fresh_sandbox) == "CONFIG_MAP"


def test_a_cluster_by_hand_is_migrated_and_its_rows_come_back(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    before = fresh_sandbox.cluster("production").aws_auth_data()
    capsys.readouterr()
    assert migrate(repository, *GO, *LEAVE, "--probe", "alice", "--probe", "payments-deployer") == 0
    out = capsys.readouterr().out
    compare(out, GOLDEN / "migrated.txt")
    assert out in (ROOT / "docs" / "migrate.md").read_text()
    assert len(entries(fresh_sandbox)) == 5
    after = fresh_sandbox.cluster("production").aws_auth_data()
    assert after is not None
    assert before is not None
    assert after["mapAccounts"] == before["mapAccounts"]
    assert "# written by eksctl, never touch" in after["mapRoles"]
    assert "user/pat" not in after["mapUsers"]
    capsys.readouterr()
    assert migrate(repository, *GO, *LEAVE) == 0
    assert "to do: nothing" in capsys.readouterr().out
    rows = ["rollback", "-C", str(repository), "--yes", "-q", "--cluster", "production"]
    assert run([*rows, _run_of(repository, "migrate (rows)", capsys)]) == 0
    back = fresh_sandbox.cluster("production").aws_auth_data()
    assert back is not None
    assert _rows(back) == _rows(before)


def _run_of(repository: Path, doing: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(["history", "-C", str(repository), "-q", "-o", "json", "--cluster", "production"]) == 0
    text = capsys.readouterr().out
    found = json.loads(text)
    runs = [one for one in found["runs"] if one["doing"] == doing]
    return str(runs[0]["id"])


def _rows(data: object) -> object:
    """What a map says, whatever the order."""
    assert hasattr(data, "items")
    return {
        key: sorted(json.dumps(one, sort_keys=True) for one in yaml.safe_load(text) or ()) for key, text in data.items()
    }


def test_json_has_its_published_shape(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for more, code in (((), 3), (LEAVE, 0), (("--undo",), 3), ((*LEAVE, "--final"), 3)):
        assert migrate(repository, *GO, *more, "-o", "json") == code
        document = json.loads(capsys.readouterr().out)
        check("migrate", document)
        assert document["exitCode"] == code
    assert {one["id"] for one in document["clusters"][0]["findings"]} == {"MIG016"}
    assert migrate(repository, "-o", "json", *GO, cluster="nowhere") == 64


def test_the_same_policies_have_no_changes_afterwards(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows of ours become entries of ours, as `apply` itself would have made them."""
    fresh_sandbox.cluster("production").store.put(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"},
            "data": {"mapUsers": f"- {{userarn: '{PAT}', username: pat, groups: [system:masters]}}  # keep\n"},
        }
    )
    (repository / "policies").mkdir()
    (repository / "policies" / "payments.yaml").write_text(POLICY)
    here = ["-C", str(repository), "-q", "--cluster", "production"]
    assert run(["apply", "--yes", *here]) == 0
    capsys.readouterr()
    assert migrate(repository, *GO, "-o", "json") == 0
    document = json.loads(capsys.readouterr().out)
    owners = {one["name"]: one["owner"] for one in document["clusters"][0]["todo"] if one["kind"] == "AccessEntry"}
    assert owners.pop(PAT) is None
    assert set(owners.values()) == {"acme"}
    assert len(owners) == 3
    assert run(["drift", *here]) == 0
    capsys.readouterr()
    assert run(["plan", "--detailed-exitcode", *here]) == 0
    assert "No changes" in capsys.readouterr().out


def test_the_config_must_not_ask_for_rows(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = CONFIG.replace("{name: production,", "{name: production, mapping: aws-auth,")
    (repository / "iamrbac.yaml").write_text(text)
    capsys.readouterr()
    assert migrate(repository, *GO, *LEAVE) == 3
    out = capsys.readouterr().out
    assert "iamrbac.yaml:8:" in out
    assert "MIG014: production: iamrbac.yaml says mapping: aws-auth" in out
    assert "write `mapping: auto` in its place" in out


def test_clusters_of_others_are_left_out_unless_they_are_named(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONFIG.replace("{name: production,", "{name: production, mapping: external,")
    (repository / "iamrbac.yaml").write_text(text)
    capsys.readouterr()
    assert run(["migrate", "--to", "access-entries", "-C", str(repository), "--undo"]) == 0
    said = capsys.readouterr()
    assert "production" not in said.out
    assert "somebody else maps there (mapping: external): production" in said.err
    assert migrate(repository, *GO) == 3
    assert "MIG019" in capsys.readouterr().out


def test_stop_before_rows_go_take_it_back_then_go_all_the_way_to_the_end(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    iam = fresh_sandbox.client("iam")
    iam.create_role(RoleName="acme-production-node", Path="/nodes/", AssumeRolePolicyDocument="{}")
    store = fresh_sandbox.cluster("production").store
    data = {**(fresh_sandbox.cluster("production").aws_auth_data() or {}), "mapAccounts": ""}
    data["mapUsers"] = "".join(data["mapUsers"].partition(f"- userarn: {ROOT_USER}")[:1])
    store.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": _AWS_AUTH, "data": data})
    assert migrate(repository, *GO, "--keep-rows") == 0
    assert fresh_sandbox.cluster("production").aws_auth_data() == data
    assert len(entries(fresh_sandbox)) == 5
    assert migrate(repository, "--yes", "--undo") == 0
    assert entries(fresh_sandbox) == []
    assert migrate(repository, *GO) == 0
    capsys.readouterr()
    assert migrate(repository, *GO, "--final") == 3
    assert "MIG016" in capsys.readouterr().out
    assert mode(fresh_sandbox) == "API_AND_CONFIG_MAP"
    assert migrate(repository, *GO, "--nodes") == 0
    node = f"arn:aws:iam::{ACCOUNT}:role/nodes/acme-production-node"
    described = fresh_sandbox.client("eks").describe_access_entry(clusterName="production", principalArn=node)
    assert described["accessEntry"]["type"] == "EC2_LINUX"
    assert migrate(repository, *GO, "--final", "--probe", "bob") == 0
    assert mode(fresh_sandbox) == "API"
    assert migrate(repository, *GO, "--final") == 0


_AWS_AUTH = {"name": "aws-auth", "namespace": "kube-system"}


def test_nobody_to_ask_is_a_no(repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert migrate(repository, *LEAVE) == 5
    capsys.readouterr()
    assert migrate(repository, *LEAVE, "-o", "json") == 5
    document = json.loads(capsys.readouterr().out)
    check("migrate", document)
    assert (document["exitCode"], document["done"]) == (5, [])
    assert mode(fresh_sandbox) == "CONFIG_MAP"


@pytest.mark.parametrize(
    "fault",
    [
        refusing("CreateAccessEntry", "AccessDeniedException", after=2),
        refusing("AssociateAccessPolicy", "AccessDeniedException"),
        refusing("DescribeUpdate", "AccessDeniedException"),
    ],
    ids=["create", "associate", "update-seen"],
)
def test_what_aws_refuses_loses_nothing_and_the_same_command_goes_on(
    fault: Fault,
    repository: Path,
    fresh_sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = fresh_sandbox.cluster("production").aws_auth_data()
    with fresh_sandbox.aws.front.fault(fault):
        assert migrate(repository, *GO, *LEAVE) == 1
    assert "AccessDeniedException" in capsys.readouterr().err
    assert fresh_sandbox.cluster("production").aws_auth_data() == before
    assert migrate(repository, *GO, *LEAVE, "--timeout", "20s") == 0
    assert len(entries(fresh_sandbox)) == 5
    bindings = fresh_sandbox.cluster("production").store.list("ClusterRoleBinding")
    assert not [one for one in bindings if one["metadata"]["name"].startswith("iamrbac-migrate")]


def test_throttling_is_waited_out(repository: Path, fresh_sandbox: Sandbox) -> None:
    with fresh_sandbox.aws.front.fault(refusing("CreateAccessEntry", "ThrottlingException", times=1)):
        assert migrate(repository, *GO, *LEAVE) == 0
    assert len(entries(fresh_sandbox)) == 5


def test_what_nobody_has_is_usage(repository: Path) -> None:
    assert migrate(repository, "--leave", "nobody") == 64
    assert migrate(repository, "--principal", f"arn:aws:iam::{ACCOUNT}:role/x/y") == 64
    assert migrate(repository, "--principal", PAT) == 64
    assert migrate(repository, "--undo", "--final") == 64
    assert migrate(repository, "--probe", "no-such-profile") == 1


def test_a_role_of_another_account_is_named_in_full_or_stands_against_it(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of the same name here is somebody else: never guessed."""

    def write(**data: str) -> None:
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _AWS_AUTH, "data": data}
        fresh_sandbox.cluster("production").store.put(manifest)

    row = "- {rolearn: 'arn:aws:iam::999988887777:role/payments-deployer', username: other, groups: [others]}\n"
    write(mapRoles=row)
    capsys.readouterr()
    # pat is in by no row here, so that the cluster cannot be read.
    assert migrate(repository, *GO) == 1
    users = f"- {{userarn: '{PAT}', username: pat, groups: [system:masters]}}\n"
    write(mapRoles=row, mapUsers=users)
    assert migrate(repository, *GO) == 3
    out = capsys.readouterr().out
    assert "MIG009" in out
    assert "--principal arn:aws:iam::999988887777:role/PATH/payments-deployer" in out
    full = "arn:aws:iam::999988887777:role/ci/payments-deployer"
    assert migrate(repository, "--principal", full) == 5
    assert f"{full}: username other; groups others" in capsys.readouterr().out


def test_it_can_be_interrupted_and_goes_on(
    repository: Path, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = fresh_sandbox.cluster("production").aws_auth_data()
    with monkeypatch.context() as patch:
        patch.setattr("iamrbac.usecases.migrate_writes.write_rows", interrupt)
        assert migrate(repository, *GO, *LEAVE) == 130
    said = "interrupted on production; `iamrbac migrate --to access-entries` goes on from here"
    assert said in capsys.readouterr().err
    assert fresh_sandbox.cluster("production").aws_auth_data() == before
    assert migrate(repository, *GO, *LEAVE) == 0
    assert "5 rows out of aws-auth" in capsys.readouterr().out
