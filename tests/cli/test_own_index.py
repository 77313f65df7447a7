"""`iamrbac kubeconfig` by the access index, as a developer runs it who has no right on EKS, on the sandbox."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac.cli.main import run
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.cli.test_own_access import list_pods
from tests.conftest import ROOT
from tests.recorded import recorded

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/iamrbac/acme.payments.oncall"
Become = Callable[[str], None]


def written(folder: Path) -> None:
    """The sample, with an index in the repository and on-call by a role."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    (folder / "iamrbac.yaml").write_text((ROOT / "iamrbac.yaml").read_text() + "\nindex: access-index.json\n")
    policy = folder / "policies" / "payments.yaml"
    text = policy.read_text()
    policy.write_text(text.replace("- iamGroup: payments-oncall\n", "- iamGroup: payments-oncall\n        via: role\n"))


@contextmanager
def without_eks(sandbox: Sandbox) -> Iterator[None]:
    """Nobody but pat may ask EKS for anything."""
    pat = sandbox.profile("pat").access_key

    def refuse(operation: str, request: AwsRequest) -> Reply | None:
        if not operation.startswith("eks:") or request.access_key == pat:
            return None
        body = json.dumps({"__type": "AccessDeniedException", "message": "no right on EKS at all"}).encode()
        return Reply(403, body, "application/json", {"x-amzn-ErrorType": "AccessDeniedException"})

    with sandbox.aws.front.fault(refuse):
        yield


@pytest.fixture
def indexed(tmp_path: Path, sandbox: Sandbox, admin_environment: dict[str, str]) -> Iterator[Path]:
    """An access repository whose index is made; nothing is applied."""
    folder = tmp_path / "access"
    written(folder)
    assert run(["index", "-q", "-C", str(folder)]) == 0
    with without_eks(sandbox):
        yield folder


@pytest.fixture
def applied(tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Iterator[Path]:
    """The same, and applied."""
    folder = tmp_path / "access"
    written(folder)
    assert run(["apply", "--yes", "-q", "-C", str(folder)]) == 0
    assert run(["index", "-q", "-C", str(folder)]) == 0
    with without_eks(fresh_sandbox):
        yield folder


@pytest.fixture
def become(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Become:
    def become(person: str) -> None:
        for name, value in sandbox.variables(person).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    return become


def kubeconfig(folder: Path | None, *more: str) -> int:
    return run(["kubeconfig", "-q", *(("-C", str(folder)) if folder is not None else ()), *more])


def contexts() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    return {one["name"]: one["context"] for one in document["contexts"]}


def test_no_right_on_eks_and_no_call_but_who_am_i_and_the_role(
    applied: Path, become: Become, capsys: pytest.CaptureFixture[str]
) -> None:
    become("alice")
    capsys.readouterr()
    with recorded() as (operations, requests):
        assert kubeconfig(applied, "-o", "json", "--namespace-contexts") == 0
    assert dict(operations) == {"sts:GetCallerIdentity": 1, "sts:AssumeRole": 1}
    assert not requests
    document = json.loads(capsys.readouterr().out)
    check("kubeconfig", document)
    assert {one["name"]: [each["name"] for each in one["contexts"]] for one in document["clusters"]} == {
        "development": ["development", "payments@development", "payments-batch@development", "search@development"],
        "production": ["production", "payments@production"],
        "staging": ["staging", "payments@staging", "payments-batch@staging", "search@staging"],
    }
    assert contexts()["production"]["namespace"] == "payments"
    assert list_pods("staging", "payments") == 200
    assert list_pods("production", "kube-system") == 403


def test_a_role_that_aws_gives_is_mine_and_gets_a_user_of_its_own(
    applied: Path, become: Become, capsys: pytest.CaptureFixture[str], fresh_sandbox: Sandbox
) -> None:
    become("carol")
    capsys.readouterr()
    assert kubeconfig(applied) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "development  namespaces payments, payments-batch",
        "production   namespaces payments, payments-batch",
        "staging      namespaces payments, payments-batch",
    ]
    production = contexts()["production"]
    assert (production["cluster"], production["user"]) == ("production", "payments.oncall@production")
    assert f"- --role-arn\n      - {ROLE}\n" in Path(os.environ["KUBECONFIG"]).read_text()
    assert list_pods("production", "payments") == 200

    fresh_sandbox.add_to_group("carol", "search-developers")
    become("pat")
    assert run(["apply", "--yes", "-q", "-C", str(applied)]) == 0
    assert run(["index", "-q", "-C", str(applied)]) == 0
    become("carol")
    capsys.readouterr()
    assert kubeconfig(applied, "--cluster", "staging") == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "staging                  namespace search",
        "payments.oncall@staging  namespaces payments, payments-batch",
    ]
    assert [list_pods("staging", name) for name in ("search", "payments")] == [200, 403]
    assert [list_pods("payments.oncall@staging", name) for name in ("search", "payments")] == [403, 200]


def test_the_place_may_be_elsewhere_and_no_repository_is_needed(
    indexed: Path,
    become: Become,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sandbox: Sandbox,
) -> None:
    sandbox.client("s3").create_bucket(
        Bucket="acme-own-index", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    content = (indexed / "access-index.json").read_bytes()
    sandbox.client("s3").put_object(Bucket="acme-own-index", Key="index.json", Body=content)
    become("alice")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    capsys.readouterr()
    assert kubeconfig(None, "--index", "s3://acme-own-index/index.json") == 64
    assert "nothing says whose bucket it must be" in capsys.readouterr().err
    assert kubeconfig(None, "--index", f"s3://acme-own-index/gone.json#{ACCOUNT}") == 1
    assert "there is no access index yet" in capsys.readouterr().err
    assert kubeconfig(None, "--index", "access-index.json") == 64
    assert "is a file of the access repository, and there is none here" in capsys.readouterr().err
    assert not Path(os.environ["KUBECONFIG"]).exists()
    monkeypatch.setenv("IAMRBAC_INDEX", f"s3://acme-own-index/index.json#{ACCOUNT}")
    assert kubeconfig(None, "--cluster", "staging") == 0
    assert list(contexts()) == ["staging"]
    capsys.readouterr()
    assert kubeconfig(None, "--cluster", "stagin") == 64
    assert "no such cluster in the access index: stagin" in capsys.readouterr().err
    assert kubeconfig(None, "--region", "eu-west-1") == 64
    assert "--region is for work without" in capsys.readouterr().err


BAD: dict[str, tuple[Callable[[bytes], bytes | None], str]] = {
    "none": (lambda _: None, "there is no access index yet. Next: whoever applies makes it anew with `iamrbac index`"),
    "cut off": (lambda text: text[:1000], "the access index is broken: line "),
    "other instance": (
        lambda text: text.replace(b'"acme"', b'"evil"').replace(b"iamrbac:acme", b"iamrbac:evil"),
        "it is the access index of evil, and iamrbac.yaml is acme's",
    ),
    "newer": (lambda text: text.replace(b'"formatVersion": 1', b'"formatVersion": 7'), "has format 7; this version"),
    "elsewhere": (
        lambda text: text.replace(b"https://127.0.0.1:", b"https://203.0.113.1:"),
        "clusters[0].endpoint: no token may be sent there: 203.0.113.1 is not a name that EKS gives in eu-west-1",
    ),
    "other account": (
        lambda text: text.replace(b"arn:aws:eks:eu-west-1:1", b"arn:aws:eks:eu-west-1:9").replace(
            b'"account": "1', b'"account": "9'
        ),
        "the access index says of development what iamrbac.yaml does not",
    ),
}


def test_what_is_no_index_of_ours_is_one_line_and_nothing_is_written(
    indexed: Path, become: Become, capsys: pytest.CaptureFixture[str]
) -> None:
    become("alice")
    path = indexed / "access-index.json"
    content = path.read_bytes()
    for spoil, said in BAD.values():
        spoilt = spoil(content)
        path.unlink(missing_ok=True)
        if spoilt is not None:
            path.write_bytes(spoilt)
        capsys.readouterr()
        assert kubeconfig(indexed) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith("error: [ERR217] access-index.json: ")
        assert said in err
        assert not Path(os.environ["KUBECONFIG"]).exists()
    old = content.replace(b'"written": "2026', b'"written": "2025')
    path.write_bytes(old)
    assert old != content
    assert run(["kubeconfig", "-C", str(indexed)]) == 0
    assert " days ago): what was granted since is not in it" in capsys.readouterr().err


def test_a_role_of_which_nobody_knows_is_an_error_and_never_no_access(
    indexed: Path, become: Become, capsys: pytest.CaptureFixture[str], sandbox: Sandbox
) -> None:
    def broken(operation: str, request: AwsRequest) -> Reply | None:
        if operation != "sts:AssumeRole":
            return None
        body = b"<ErrorResponse><Error><Code>MalformedInput</Code><Message>broken</Message></Error></ErrorResponse>"
        return Reply(400, body, "text/xml")

    become("alice")
    capsys.readouterr()
    with sandbox.aws.front.fault(broken):
        assert kubeconfig(indexed, "--cluster", "staging") == 1
        out = capsys.readouterr().out.splitlines()
        assert out[0] == "staging  namespaces payments, payments-batch, search"
        assert out[1].startswith(f"staging  not all known: [ERR201] {ROLE}: sts:AssumeRole failed with MalformedInput")
        assert list(contexts()) == ["staging"]
        become("carol")
        assert kubeconfig(indexed, "--cluster", "staging") == 1
        assert capsys.readouterr().out.startswith("staging  not known: [ERR201] ")


def test_without_repository_and_index_the_clusters_of_the_region_are_asked(
    become: Become,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fresh_sandbox: Sandbox,
    admin_environment: dict[str, str],
) -> None:
    assert run(["apply", "--yes", "-q", "-C", str(ROOT), "--cluster", "staging"]) == 0
    monkeypatch.chdir(tmp_path)
    become("alice")
    capsys.readouterr()
    assert kubeconfig(None) == 0
    assert capsys.readouterr().out.splitlines()[:3] == ["development  no access", "production   no access", "staging"]
    assert list(contexts()) == ["staging"]
    assert kubeconfig(None, "--region", "us-east-1") == 1
    assert "EKS has no cluster in account 111122223333, region us-east-1" in capsys.readouterr().err
    assert kubeconfig(None, "--prune") == 64
    assert "here nothing says what that is" in capsys.readouterr().err
    assert kubeconfig(None, "--cluster", "x") == 64
    assert capsys.readouterr().err.startswith("error: [ERR064] no such cluster: x. Next: EKS has development, prod")
