"""`iamrbac index` as whoever applies runs it, on the sandbox."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from iamrbac.cli.main import run
from iamrbac.index.codec import decode
from iamrbac.index.index import AccessIndex
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT
from tests.recorded import recorded
from tests.web import Web

ACCOUNT = "111122223333"
BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/iamrbac/acme.payments.oncall"


@pytest.fixture
def repository(tmp_path: Path, sandbox: Sandbox, admin_environment: dict[str, str]) -> Iterator[Path]:
    """The sample, with an index in the repository and on-call by a role."""
    folder = tmp_path / "access"
    shutil.copytree(ROOT / "policies", folder / "policies")
    (folder / "iamrbac.yaml").write_text((ROOT / "iamrbac.yaml").read_text() + "\nindex: access-index.json\n")
    policy = folder / "policies" / "payments.yaml"
    text = policy.read_text()
    policy.write_text(text.replace("- iamGroup: payments-oncall\n", "- iamGroup: payments-oncall\n        via: role\n"))
    yield folder


def read(folder: Path) -> AccessIndex:
    return decode((folder / "access-index.json").read_bytes(), "it")


def index(folder: Path, *more: str) -> int:
    return run(["index", "-q", "-C", str(folder), *more])


def test_it_is_made_whole_and_again_the_same(
    repository: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert index(repository, "--check") == 2
    assert not (repository / "access-index.json").exists()
    assert index(repository) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[5:-1] == [
        "+ cluster development",
        "+ cluster production",
        "+ cluster staging",
        "18 gained, 0 lost (principal × cluster)",
    ]
    assert out[-1] == "access-index.json: written, 3 clusters and 14 sets"
    found = read(repository)
    assert (found.instance, found.commit) == ("acme", None)
    production = found.cluster("production")
    assert production is not None
    assert production.endpoint == sandbox.cluster("production").url
    sets = {(one.team, one.name): one for one in production.sets}
    assert sets["payments", "developers"].principals == (BOB, ALICE)
    assert (sets["payments", "oncall"].principals, sets["payments", "oncall"].roles) == ((), (ROLE,))
    line = next(
        number
        for number, text in enumerate((repository / "policies/payments.yaml").read_text().splitlines())
        if "clusters: [production]" in text
    )
    grants = [(one.namespace, one.role, one.because) for one in sets["payments", "developers"].grants]
    assert grants == [("payments", "clusterRole view", (f"policies/payments.yaml:{line}",))]

    first = (repository / "access-index.json").read_bytes()
    assert index(repository) == 0
    assert capsys.readouterr().out == "access-index.json: there already\n"
    assert index(repository, "--check") == 0
    assert (repository / "access-index.json").read_bytes() == first


def test_what_changes_is_said_in_numbers(
    repository: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert index(repository) == 0
    sandbox.remove_from_group("alice", "payments-developers")
    try:
        capsys.readouterr()
        assert index(repository, "--check") == 2
        assert capsys.readouterr().out == (
            "0 gained, 3 lost (principal × cluster)\naccess-index.json: not what it would be now\n"
        )
        assert index(repository, "-o", "json") == 0
    finally:
        sandbox.add_to_group("alice", "payments-developers")
    document = json.loads(capsys.readouterr().out)
    check("index", document)
    assert (document["lost"], document["changed"], document["written"]) == (3, True, True)


def test_a_cluster_that_is_somewhere_else_is_a_warning(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert index(repository) == 0
    path = repository / "access-index.json"
    there = read(repository).clusters[0].endpoint
    path.write_text(path.read_text().replace(there, "https://127.0.0.1:9"))
    capsys.readouterr()
    assert index(repository) == 0
    out, err = capsys.readouterr()
    assert out.startswith("~ cluster development is somewhere else\n")
    assert err == (
        f"warning: development: its endpoint changed from https://127.0.0.1:9 to {there}: right if the cluster was"
        " made anew; if not, somebody changed the index, and tokens went there\n"
    )


def test_what_is_broken_is_replaced(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "access-index.json").write_text("<<<<<<< HEAD\n")
    capsys.readouterr()
    assert index(repository) == 0
    assert capsys.readouterr().err.startswith(
        "warning: access-index.json: the access index is broken: line 1, column 1: Expecting value\n"
    )
    assert index(repository, "--check") == 0


def test_a_part_is_no_index(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = repository / "iamrbac.yaml"
    config.write_text(config.read_text().replace("- name: staging\n", "- name: staging\n    eksName: gone\n"))
    capsys.readouterr()
    assert index(repository) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("staging: not known: [ERR201] EKS has no cluster gone in account 111122223333")
    assert err.endswith("error: [ERR217] no index is made of a part of the clusters; nothing was written\n")
    assert not (repository / "access-index.json").exists()


def test_who_is_not_known_is_not_left_out(repository: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    people = tmp_path / "people.json"
    people.write_text('{"formatVersion": 1, "kind": "Identities", "groups": [], "principals": []}')
    capsys.readouterr()
    assert index(repository, "--identities", str(people)) == 1
    assert "who iamGroup payments-developers is could not be read" in capsys.readouterr().out
    assert not (repository / "access-index.json").exists()


def test_bad_places_are_one_line(repository: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = repository / "iamrbac.yaml"
    text = config.read_text()
    (repository / "access-index.json").symlink_to(tmp_path / "elsewhere.json")
    capsys.readouterr()
    assert index(repository) == 1
    assert "it is behind a symlink that leads out of the repository" in capsys.readouterr().err
    config.write_text(text.replace("index: access-index.json", "index: https://example.com/index.json"))
    assert index(repository) == 3
    assert "a tampered endpoint harvests tokens" in capsys.readouterr().out
    config.write_text(text.replace("index: access-index.json\n", ""))
    assert index(repository) == 64
    assert "nothing says where the access index is kept" in capsys.readouterr().err
    assert index(repository, "--out", str(tmp_path / "out.json")) == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["access", "out.json"]
    assert index(repository, "--out", str(tmp_path / "no" / "out.json")) == 1
    assert "it cannot be written: No such file or directory" in capsys.readouterr().err


def test_a_signed_one_is_written_with_its_signature(
    repository: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kms = sandbox.client("kms")
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]
    config = repository / "iamrbac.yaml"
    config.write_text(config.read_text().replace("access-index.json", f"https://127.0.0.1:9/index.json#{key}"))
    assert index(repository, "--out", str(tmp_path / "index.json")) == 0
    assert (tmp_path / "index.json.sig").stat().st_size > 50
    capsys.readouterr()
    assert index(repository) == 1
    assert "cannot be read:" in capsys.readouterr().err


def rights(folder: Path, command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    capsys.readouterr()
    assert run(["permissions", command, "--form", "iam", "-q", "-C", str(folder)]) == 0
    document = json.loads(capsys.readouterr().out)
    return {action for statement in document.get("Statement", ()) for action in statement["Action"]}


def test_the_rights_that_are_printed_are_enough_and_used(
    repository: Path,
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    web: Web,
) -> None:
    key = sandbox.client("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]
    sandbox.client("s3").create_bucket(
        Bucket="acme-index", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    config = (repository / "iamrbac.yaml").read_text()
    people = {"iam:GetGroup", "iam:GetUser", "iam:GetRole", "eks:DescribeCluster"}
    # The first is told from a denial by the second, and the role is for its group alone, whose policy allows it.
    unseen = {"s3:ListBucket", "sts:GetCallerIdentity", "sts:AssumeRole"}
    for place, writing, reading in (
        ("access-index.json", set(), set()),
        ("s3://acme-index/a/index.json", {"s3:GetObject", "s3:PutObject"}, {"s3:GetObject"}),
        (
            f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/iamrbac/index",
            {"ssm:GetParameter", "ssm:PutParameter"},
            {"ssm:GetParameter"},
        ),
        (f"{web.url}#{key}", {"kms:Sign", "kms:Verify"}, {"kms:Verify"}),
    ):
        (repository / "iamrbac.yaml").write_text(config.replace("access-index.json", place))
        with recorded() as (wrote, _):
            assert index(repository, *(("--out", str(web.folder / "index.json")) if "https" in place else ())) == 0
            assert index(repository, "--check") == 0
        assert rights(repository, "index", capsys) - unseen == set(wrote) - unseen == writing | people
        with recorded() as (read, requests):
            assert run(["kubeconfig", "-q", "-C", str(repository), "--kubeconfig", str(repository / "config")]) == 3
        assert rights(repository, "kubeconfig", capsys) - unseen == set(read) - unseen == reading
        assert {path for _, path in requests} <= {"/index.json"}
