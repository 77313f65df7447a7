"""Rounds on the sandbox, and every fault: whatever is not known or is refused leaves everybody's access as it was."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iamrbac.cli.main import run
from iamrbac.kube.client import KubeApi
from iamrbac.model.errors import ForbiddenError
from iamrbac.usecases import lock
from iamrbac.usecases.lease import Seen, Verdict, judge
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from iamrbac.wiring.sync import Service
from tests.conftest import ROOT
from tests.git.test_checkout import Keys
from tests.sync.stage import CLUSTERS, Stage, later, refusing

ALL_SEARCH = ("clusters: [production]", "clusters: [staging]")
"""What takes dave's and erin's access on production away."""
VIA_ROLE = ("      - iamGroup: payments-oncall\n", "      - iamGroup: payments-oncall\n        via: role\n")


def events(stage: Stage, cluster: str) -> list[dict[str, Any]]:
    return stage.sandbox.cluster(cluster).store.list("Event", "iamrbac-system")


def test_a_round_does_what_was_committed_and_the_next_has_nothing_to_do(stage: Stage) -> None:
    value = stage.sync()
    assert stage.code == 0
    assert {one["result"] for one in value["clusters"]} == {"unchanged"}
    assert value["commit"] == stage.repo.git("rev-parse", "HEAD")
    assert {one["drift"] for one in value["clusters"]} == {0}
    assert value["identitiesAgeSeconds"] == 0
    stage.sandbox.add_to_group("dave", "payments-oncall")
    joined = stage.sync()
    assert [one["changes"]["update"] for one in joined["clusters"]] == [1, 1, 1]
    assert stage.results() == dict.fromkeys(CLUSTERS, "unchanged")


def test_what_somebody_changed_by_hand_is_counted_and_put_right(stage: Stage) -> None:
    before = stage.access()
    store = stage.sandbox.cluster("staging").store
    role = next(one for one in store.list("Role", "payments") if one["metadata"]["name"].startswith("iamrbac-"))
    store.put({**role, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]})
    value = stage.sync()
    assert [one["drift"] for one in value["clusters"]] == [0, 1, 0]
    assert stage.access() == before


def test_history_says_that_sync_did_it(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["history", "-C", str(stage.repo.folder), "-o", "json", "-q", "--cluster", "staging"]) == 0
    one = json.loads(capsys.readouterr().out)["runs"][0]
    assert (one["doing"], one["commit"]) == ("sync", stage.repo.git("rev-parse", "HEAD"))


@pytest.mark.parametrize("fault", ["repository", "branch"])
def test_git_is_gone(stage: Stage, fault: str) -> None:
    before = stage.access()
    stage.sandbox.remove_from_group("carol", "payments-oncall")
    if fault == "repository":
        stage.repo.folder.rename(stage.repo.folder.with_name("gone"))
    else:
        stage.repo.git("branch", "--move", "main", "trunk")
    url = stage.fetched[1]
    stage.fetched[1] = url
    value = stage.sync()
    assert stage.code == 1
    assert [one["id"] for one in value["troubles"]] == ["ERR240"]
    assert stage.access() == before


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDenied"])
def test_iam_says_nothing(stage: Stage, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stage.access()
    with monkeypatch.context() as patch:
        refusing(patch, "iam", code)
        assert set(stage.results().values()) == {"failed"}
    assert stage.code == 1
    assert stage.access() == before


def test_nobody_knows_who_we_are(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stage.access()
    with monkeypatch.context() as patch:
        refusing(patch, "sts", "ExpiredToken")
        value = stage.sync()
    assert (stage.code, [one["id"] for one in value["troubles"]]) == (1, ["ERR201"])
    assert [one["result"] for one in value["clusters"]] == ["failed"] * 3
    assert stage.access() == before


@pytest.mark.parametrize("fault", ["down", "hangs", "forbidden"])
def test_one_cluster_holds_up_no_other(stage: Stage, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stage.access("staging")
    stage.sandbox.add_to_group("dave", "payments-oncall")
    stage.sandbox.remove_from_group("carol", "payments-oncall")
    over, state = threading.Event(), KubeApi.state

    def _state(self: Any) -> Any:
        if self._cluster != "staging":
            return state(self)
        if fault == "hangs":
            over.wait(120)
        raise ForbiddenError("cannot list roles: forbidden (403)", where="staging")

    with monkeypatch.context() as patch:
        if fault == "down":
            stage.sandbox.cluster("staging").stop()
        else:
            patch.setattr(KubeApi, "state", _state)
        value = stage.sync("--cluster-timeout", "15s" if fault == "hangs" else "5m")
        over.set()
    assert stage.code == 1
    assert [one["result"] for one in value["clusters"]] == ["done", "failed", "done"]
    code = "ERR241" if fault == "hangs" else "ERR202"
    assert [one["id"] for one in value["clusters"][1]["troubles"]] == [code]
    if fault != "down":
        assert stage.access("staging") == before
        assert stage.results() == {"development": "unchanged", "staging": "done", "production": "unchanged"}


def test_a_guard_pauses_its_cluster_and_is_told_there(stage: Stage) -> None:
    config = (stage.repo.folder / "iamrbac.yaml").read_text()
    config = config.replace("maxRemovals: {count: 5, fraction: 0.25}", "maxRemovals: {count: 99, fraction: 1}")
    arn = stage.sandbox.arn("dave")
    config = config.replace("protectedPrincipals: [", f"protectedPrincipals: [{arn}, ")
    stage.repo.commit({"iamrbac.yaml": config})
    assert stage.results() == dict.fromkeys(CLUSTERS, "unchanged")
    before = stage.access("production")
    stage.policy(lambda text: text.replace(*ALL_SEARCH), "search")
    value = stage.sync()
    assert stage.code == 3
    assert [one["result"] for one in value["clusters"]][2] == "paused"
    assert [one["id"] for one in value["clusters"][2]["troubles"]] == ["GRD003"]
    assert "--allow-lockout-of" in value["clusters"][2]["troubles"][0]["hint"]
    assert stage.access("production") == before
    told = [one for one in events(stage, "production") if one["reason"] == "SyncPaused"]
    assert [(one["type"], one["involvedObject"]["name"]) for one in told] == [("Warning", "iamrbac-acme")]
    assert "[GRD003]" in told[0]["message"]
    # The same again is no second event.
    stage.sync()
    assert len([one for one in events(stage, "production") if one["reason"] == "SyncPaused"]) == 1


def test_too_many_losses_pause_everything(stage: Stage) -> None:
    config = (stage.repo.folder / "iamrbac.yaml").read_text()
    stage.repo.commit({"iamrbac.yaml": config.replace("maxRemovals: {count: 5,", "maxRemovals: {count: 1,")})
    before = stage.access()
    stage.policy(lambda text: text.replace(*ALL_SEARCH), "search")
    assert set(stage.results().values()) == {"paused"}
    assert stage.code == 3
    assert stage.access() == before


@pytest.mark.parametrize("text", ["kind: [", "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\n"])
def test_documents_that_mean_nothing_pause_everything(stage: Stage, text: str) -> None:
    before = stage.access()
    stage.repo.commit({"policies/broken.yaml": text})
    value = stage.sync()
    assert (stage.code, {one["result"] for one in value["clusters"]}) == (3, {"paused"})
    assert value["troubles"][0]["message"].startswith("policies/broken.yaml:")
    assert stage.access() == before


def test_what_was_pushed_by_force_pauses_everything(stage: Stage) -> None:
    first = stage.repo.git("rev-parse", "HEAD")
    stage.policy(lambda text: text.replace("role: viewer", "role: developer"))
    assert "done" in stage.results().values()
    before = stage.access()
    stage.repo.git("reset", "--quiet", "--hard", first)
    value = stage.sync()
    assert (stage.code, [one["id"] for one in value["troubles"]]) == (3, ["SYN002"])
    assert stage.access() == before


def test_an_unsigned_commit_pauses_everything(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    keys = Keys(tmp_path / "keys")
    keys.sign(stage.repo, "dana", "1")
    stage.signers = ["--allowed-signers", str(keys.signers)]
    assert stage.sync()["signer"] == "dana@example.com"
    before = stage.access()
    stage.policy(lambda text: text.replace("role: viewer", "role: developer"))
    value = stage.sync()
    assert (stage.code, [one["id"] for one in value["troubles"]], value["signer"]) == (3, ["SYN001"], None)
    assert stage.access() == before
    keys.sign(stage.repo, "dana", "2")
    assert "done" in stage.results().values()


def test_people_of_an_old_file_pause_everything(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    assert run(["identities", "export", "--out", str(file), "-q", "-C", str(stage.repo.folder)]) == 0
    before = stage.access()
    assert stage.results("--identities", str(file)) == dict.fromkeys(CLUSTERS, "unchanged")
    stage.sandbox.add_to_group("dave", "payments-oncall")
    value = json.loads(file.read_text())
    at = datetime.now(UTC) - timedelta(minutes=90)
    file.write_text(json.dumps({**value, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}))
    refused = stage.sync("--identities", str(file))
    assert (stage.code, [one["id"] for one in refused["troubles"]]) == (3, ["SYN003"])
    assert stage.access() == before
    assert stage.results("--identities", str(file), "--stale-after", "2h") == dict.fromkeys(CLUSTERS, "unchanged")


def test_a_grant_that_ended_is_taken_away_whatever_the_guards_count(stage: Stage) -> None:
    before = stage.access()
    now = datetime.now(UTC)
    stage.grant("inc-1", later(3600, now))
    stage.sync()
    assert stage.access() != before
    stage.grant("inc-1", later(-1, now))
    assert set(stage.results().values()) == {"done"}
    assert stage.access() == before


def test_somebody_else_applies_to_one_cluster(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stage.sandbox.cluster("staging").store
    (lease,) = store.list("Lease", "iamrbac-system")
    at = "2026-11-24T12:00:05.000000Z"
    spec = {"holderIdentity": "erin@runner/2", "leaseDurationSeconds": 86_400, "acquireTime": at, "renewTime": at}
    store.put({**lease, "spec": spec})

    def _judge(seen: Seen, *rest: float) -> Verdict:
        # Nobody waits for a minute here.
        return Verdict.GIVE_UP if seen.lease.holder == "erin@runner/2" else judge(seen, *rest)

    monkeypatch.setattr(lock, "judge", _judge)
    before = stage.access("staging")
    stage.sandbox.add_to_group("dave", "payments-oncall")
    value = stage.sync()
    assert [one["result"] for one in value["clusters"]] == ["done", "failed", "done"]
    assert [one["id"] for one in value["clusters"][1]["troubles"]] == ["ERR213"]
    assert stage.access("staging") == before


def test_roles_that_groups_assume_come_with_their_clusters(stage: Stage) -> None:
    stage.policy(lambda text: text.replace(*VIA_ROLE))
    value = stage.sync()
    assert stage.code == 0, value
    assert value["iam"]["changes"]["create"] == 2
    assert {one["result"] for one in value["clusters"]} == {"done"}
    assert stage.sync()["iam"] is None


def test_a_cluster_that_is_paused_keeps_no_role_from_the_others_and_loses_none(stage: Stage) -> None:
    """IAM's part binds all clusters: with one paused, what the others need comes, and nothing goes."""
    config = (stage.repo.folder / "iamrbac.yaml").read_text()
    config = config.replace("protectedPrincipals: [", f"protectedPrincipals: [{stage.sandbox.arn('dave')}, ")
    config = config.replace("maxRemovals: {count: 5, fraction: 0.25}", "maxRemovals: {count: 99, fraction: 1}")
    stage.repo.commit({"iamrbac.yaml": config})
    stage.policy(lambda text: text.replace(*ALL_SEARCH), "search")
    stage.policy(lambda text: text.replace(*VIA_ROLE))
    before = stage.access("production")
    value = stage.sync()
    assert [one["result"] for one in value["clusters"]] == ["done", "done", "paused"]
    assert value["iam"]["changes"]["create"] == 2
    assert stage.access("production") == before

    stage.policy(lambda text: text.replace(VIA_ROLE[1], VIA_ROLE[0]))
    value = stage.sync()
    assert [one["result"] for one in value["clusters"]] == ["done", "done", "paused"]
    names = [one["RoleName"] for one in stage.sandbox.client("iam").list_roles()["Roles"]]
    assert "acme.payments.oncall" in names


def test_told_to_end_it_writes_no_more_and_the_next_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.grant("inc-1", later(3600, datetime.now(UTC)))
    wrote = Service._wrote
    done: list[object] = []

    def _wrote(self: Service, event: Event | Delivered) -> None:
        done.extend([event] if event.outcome is Outcome.DONE else [])
        self.stop()
        wrote(self, event)

    with monkeypatch.context() as patch:
        patch.setattr(Service, "_wrote", _wrote)
        value = stage.sync()
    assert stage.code == 130
    assert {one["result"] for one in value["clusters"]} == {"ended"}
    assert sum(sum(one["changes"].values()) for one in value["clusters"]) == len(done)
    assert sum(one["undone"] for one in value["clusters"]) > 0
    found = stage.results()
    assert stage.code == 0
    assert "done" in found.values()
    assert stage.results() == dict.fromkeys(CLUSTERS, "unchanged")


def test_the_text_for_people(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    config = (stage.repo.folder / "iamrbac.yaml").read_text()
    protected = config.replace("protectedPrincipals: [", f"protectedPrincipals: [{stage.sandbox.arn('dave')}, ")
    stage.repo.commit({"iamrbac.yaml": protected})
    commit = stage.policy(lambda text: text.replace(*ALL_SEARCH), "search")
    capsys.readouterr()
    assert run(["sync", "--once", "-q", *stage.fetched]) == 3
    shown = (
        "development  unchanged\n"
        "staging      done       4 added, 1 changed\n"
        "production   paused\n"
        "  ! [GRD003] arn:aws:iam::111122223333:user/dave would lose access on production: guards.protectedPrincipals "
        "names it. Next: keep its access in the policy; if it is meant: --allow-lockout-of "
        "arn:aws:iam::111122223333:user/dave\n"
    )
    assert capsys.readouterr().out == f"{shown}Synced at {commit[:12]}: 1 unchanged, 1 done, 1 paused.\n"
    assert shown in (ROOT / "docs" / "sync.md").read_text()


@pytest.mark.parametrize(
    "options",
    [
        ["--branch", "main"],
        ["--repository", "https://git.example.com/a.git"],
        ["--repository", "https://git.example.com/a.git", "--branch", "main", "-C", "."],
        ["--leader-election"],
        ["--interval", "soon"],
        ["--cluster-timeout", "0s"],
    ],
)
def test_options_that_do_not_go_together(options: list[str], admin_environment: dict[str, str]) -> None:
    assert run(["sync", *options]) == 64
    assert run(["sync", "--once", *options]) == 64


def test_outside_of_a_pod_there_is_no_cluster_of_our_own(
    admin_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert run(["sync", "--once", "--in-cluster", "staging"]) == 1
    assert "[ERR243] --in-cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set" in (
        capsys.readouterr().err
    )
