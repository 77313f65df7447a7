"""whoami by the access index, and --live beside it: what ought to be, what the cluster says, and why it differs."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iamrbac.cli.main import run
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.runner import Sandbox
from tests.cli.test_own_access import ALICE, become
from tests.conftest import ROOT
from tests.golden import compare
from tests.recorded import recorded
from tests.usecases.test_own_access import assert_shape

__all__ = ["become"]
ROLE = "arn:aws:iam::111122223333:role/iamrbac/acme.payments.oncall"
Become = Callable[[str], None]
GOLDEN = Path(__file__).with_name("golden") / "whoami"
Out = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Iterator[Path]:
    """The sample, applied, with an index in the repository, on-call by a role, and EKS for nobody but pat."""
    folder = tmp_path / "access"
    shutil.copytree(ROOT / "policies", folder / "policies")
    (folder / "iamrbac.yaml").write_text((ROOT / "iamrbac.yaml").read_text() + "\nindex: access-index.json\n")
    policy = folder / "policies" / "payments.yaml"
    oncall = "- iamGroup: payments-oncall\n"
    policy.write_text(policy.read_text().replace(oncall, f"{oncall}        via: role\n"))
    assert run(["apply", "--yes", "-q", "-C", str(folder)]) == 0
    assert run(["index", "-q", "-C", str(folder)]) == 0
    pat = fresh_sandbox.profile("pat").access_key

    def refuse(operation: str, request: AwsRequest) -> Reply | None:
        if not operation.startswith("eks:") or request.access_key == pat:
            return None
        body = json.dumps({"__type": "AccessDeniedException", "message": "no right on EKS at all"}).encode()
        return Reply(403, body, "application/json", {"x-amzn-ErrorType": "AccessDeniedException"})

    with fresh_sandbox.aws.front.fault(refuse):
        yield folder


def text(capsys: Out, name: str, folder: Path, *more: str, code: int = 0) -> None:
    assert run(["whoami", "-q", "-C", str(folder), *more]) == code
    out = re.sub(r"index of [0-9T:-]+Z", "index of TIME", capsys.readouterr().out)
    compare(out, GOLDEN / f"{name}.txt")


def document(capsys: Out, folder: Path, *more: str, code: int = 0) -> dict[str, Any]:
    assert run(["whoami", "-q", "-o", "json", "-C", str(folder), *more]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert_shape("whoami", found)
    return found


def test_by_the_index_and_live(
    repository: Path, become: Become, capsys: Out, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    become("alice")
    capsys.readouterr()
    with recorded() as (operations, requests):
        text(capsys, "alice-by-the-index", repository)
    assert (set(operations), dict(requests)) == ({"sts:GetCallerIdentity"}, {})
    found = document(capsys, repository)
    assert (found["source"], found["teams"], found["live"]) == ("index", ["payments"], False)
    assert {one["status"] for one in found["clusters"]} == {"expected"}
    with recorded() as (operations, _):
        live = document(capsys, repository, "--live")
    assert set(operations) == {"sts:GetCallerIdentity"}
    assert {(one["status"], one["differs"]) for one in live["clusters"]} == {("mapped", None)}
    assert run(["kubeconfig", "-q", "-C", str(repository)]) == 0
    path = Path(os.environ["KUBECONFIG"])
    path.write_text(path.read_text().replace("- eu-west-1\n", f"- eu-west-1\n      - --role-arn\n      - {ROLE}\n"))
    capsys.readouterr()
    assert run(["doctor", "-q", "-o", "json", "-C", str(repository), "--cluster", "production"]) == 3
    denied = json.loads(capsys.readouterr().out)["checks"][0]
    assert (denied["status"], denied["causes"][0]["id"]) == ("failed", "assume-denied")
    become("carol")
    text(capsys, "carol-by-the-index", repository, "--cluster", "production")
    assert document(capsys, repository, "--cluster", "production")["clusters"][0]["roles"] == [ROLE]


def test_where_a_cluster_differs(repository: Path, become: Become, capsys: Out, fresh_sandbox: Sandbox) -> None:
    become("alice")
    capsys.readouterr()
    text(capsys, "alice-live", repository, "--live", "--cluster", "staging")
    assert document(capsys, repository, "--live", "--cluster", "staging")["clusters"][0]["differs"] is None
    eks = fresh_sandbox.client("eks")
    eks.update_access_entry(clusterName="staging", principalArn=ALICE, kubernetesGroups=["iamrbac:acme:search:leads"])
    text(capsys, "alice-live-other-groups", repository, "--live", "--cluster", "staging")
    eks.delete_access_entry(clusterName="staging", principalArn=ALICE)
    text(capsys, "alice-live-nobody", repository, "--live", "--cluster", "staging")
    found = document(capsys, repository, "--live", "--cluster", "staging")["clusters"][0]
    assert (found["status"], found["differs"]["missing"]) == ("no-access", ["iamrbac:acme:payments:developers"])
    (repository / "access-index.json").unlink()
    assert run(["whoami", "-q", "-C", str(repository)]) == 1
    assert "there is no access index yet" in capsys.readouterr().err
