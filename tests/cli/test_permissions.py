"""`iamrbac permissions` against real runs: what it names is used, and whoever has it and no more can run the command.

The sandbox enforces RBAC, so too little fails by itself; too much is found by counting. It does not enforce IAM, so
there both are found by counting.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from iamrbac.cli.main import run
from iamrbac.permissions.command import Command
from iamrbac.sandbox.runner import Sandbox
from tests.audit.build import event, lines
from tests.cli.test_calls import POLICY, right, spoil
from tests.conftest import ROOT
from tests.recorded import recorded

CLUSTERS = ["--cluster", "development", "--cluster", "production"]
ERIN = "arn:aws:iam::111122223333:user/erin"
HEAD = POLICY.split("    - {to: [dev")[0] + POLICY.splitlines(True)[-1]
"""Nobody but the applier."""
RBAC = "rbac.authorization.k8s.io"
UNUSED = {("bind", "roles"), ("bind", "clusterroles"), ("escalate", "roles"), ("escalate", "clusterroles")}
"""What is judged beside the request itself."""
FIRST = {("create", "leases")}
"""What the first run of all does, which was pat's."""
BESIDE = {Command.SYNC: {"eks:TagResource"}}
"""What AWS judges beside a call of another name: an entry is created with its tags."""
Scene = Callable[[Sandbox, Path], None]


def call(command: str, repository: Path, *more: str, code: int = 0) -> None:
    assert run([command, "-C", str(repository), "-q", *more]) == code


def policy(repository: Path, text: str) -> None:
    (repository / "policies" / "search.yaml").write_text(text)


@pytest.fixture
def repository(fresh_sandbox: Sandbox, admin_environment: dict[str, str], tmp_path: Path) -> Path:
    """Carol is mapped by what pat applied, and nothing is granted to her."""
    folder = tmp_path / "repo"
    (folder / "policies").mkdir(parents=True)
    config = (ROOT / "iamrbac.yaml").read_text()
    config = config.replace("name: development", "name: development\n    manageNamespaces: true")
    (folder / "iamrbac.yaml").write_text(config + "\nbackups: {keep: 1}\n")
    policy(folder, HEAD)
    call("apply", folder, "--yes", *CLUSTERS)
    return folder


def become_carol(
    sandbox: Sandbox, repository: Path, command: Command, patch: pytest.MonkeyPatch, out: pytest.CaptureFixture[str]
) -> None:
    """Bind what `permissions` prints to carol, and act as her."""
    out.readouterr()
    call("permissions", repository, command.value, "--form", "rbac", *CLUSTERS)
    manifests = [one for one in yaml.safe_load_all(out.readouterr().out) if one]
    for name in ("development", "production"):
        store = sandbox.cluster(name).store
        for manifest in manifests:
            kind, metadata = manifest["kind"], manifest["metadata"]
            if kind == "Namespace" and any(one["metadata"]["name"] == metadata["name"] for one in store.list(kind)):
                continue
            store.put(manifest)
            if kind in {"Role", "ClusterRole"}:
                store.put(
                    {
                        "apiVersion": f"{RBAC}/v1",
                        "kind": f"{kind}Binding",
                        "metadata": metadata,
                        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": metadata["name"]},
                        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": sandbox.arn("carol")}],
                    }
                )
    for name, value in sandbox.environment("carol").items():
        patch.setenv(name, value)


def allowed_actions(repository: Path, command: Command, out: pytest.CaptureFixture[str]) -> set[str]:
    out.readouterr()
    call("permissions", repository, command.value, "--form", "iam", *CLUSTERS)
    document = json.loads(out.readouterr().out)
    return {action for statement in document.get("Statement", ()) for action in statement["Action"]}


def allowed_rights(repository: Path, command: Command, out: pytest.CaptureFixture[str]) -> set[tuple[str, str]]:
    out.readouterr()
    call("permissions", repository, command.value, "--form", "rbac", *CLUSTERS)
    rules = [rule for one in yaml.safe_load_all(out.readouterr().out) if one for rule in one.get("rules", ())]
    return {(verb, resource) for rule in rules for verb in rule["verbs"] for resource in rule["resources"]}


def planned(_: Sandbox, repository: Path) -> None:
    policy(repository, POLICY)
    call("plan", repository, *CLUSTERS)


def applied(sandbox: Sandbox, repository: Path) -> None:
    """Create, adopt, update, and delete what there is of every kind."""
    sandbox.client("eks").create_access_entry(clusterName="development", principalArn=ERIN)
    policy(repository, POLICY)
    call("apply", repository, "--yes", *CLUSTERS, "--adopt", f"AccessEntry/{ERIN}")
    spoil(sandbox)
    call("apply", repository, "--yes", *CLUSTERS)
    without = "".join(line for line in POLICY.splitlines(True) if "eksAccessPolicy" not in line)
    policy(repository, without)
    call("apply", repository, "--yes", *CLUSTERS, "--allow-removals", "99")
    policy(repository, HEAD)
    call("apply", repository, "--yes", *CLUSTERS, "--allow-removals", "99")


def synced(sandbox: Sandbox, repository: Path) -> None:
    """What apply does, but for adopting; nothing can be allowed here, so that the config allows what is taken away."""
    config = (repository / "iamrbac.yaml").read_text()
    wide = "maxRemovals: {count: 99, fraction: 1}"
    (repository / "iamrbac.yaml").write_text(config.replace("maxRemovals: {count: 5, fraction: 0.25}", wide))
    without = "".join(line for line in POLICY.splitlines(True) if "eksAccessPolicy" not in line)
    for text in (POLICY, POLICY, without, HEAD):
        policy(repository, text)
        call("sync", repository, "--once", *CLUSTERS)
        if text == POLICY:
            spoil(sandbox)
            dave = sandbox.arn("dave")
            sandbox.client("eks").update_access_entry(clusterName="development", principalArn=dave, kubernetesGroups=[])


def fleet(sandbox: Sandbox, repository: Path) -> None:
    """The same, each by `fleet apply`."""

    def apply(*more: str) -> None:
        assert run(["fleet", "apply", "-C", str(repository), "-q", "--yes", *CLUSTERS, *more]) == 0

    sandbox.client("eks").create_access_entry(clusterName="development", principalArn=ERIN)
    policy(repository, POLICY)
    apply("--adopt", f"AccessEntry/{ERIN}")
    spoil(sandbox)
    apply()
    policy(repository, "".join(line for line in POLICY.splitlines(True) if "eksAccessPolicy" not in line))
    apply("--allow-removals", "99")
    policy(repository, HEAD)
    apply("--allow-removals", "99")


def rolled_back(_: Sandbox, repository: Path) -> None:
    """Undo what pat did, and undo that."""
    call("rollback", repository, "--yes", *CLUSTERS, "--allow-removals", "99")
    call("rollback", repository, "--yes", *CLUSTERS, "--allow-removals", "99")


def revoked(_: Sandbox, repository: Path) -> None:
    call("revoke", repository, ERIN, "--yes", *CLUSTERS)


def drifted(sandbox: Sandbox, repository: Path) -> None:
    spoil(sandbox)
    call("drift", repository, *CLUSTERS, code=2)


def history(_: Sandbox, repository: Path) -> None:
    call("history", repository, *CLUSTERS)


def asked(_: Sandbox, repository: Path) -> None:
    assert run(["who-can", "get", "pods", "-n", "search", "--live", "-C", str(repository), *CLUSTERS]) == 0


def reported(_: Sandbox, repository: Path) -> None:
    call("report", repository, "--live", *CLUSTERS)


def snapshot(_: Sandbox, repository: Path) -> None:
    call("snapshot", repository)


def kubeconfig(_: Sandbox, repository: Path) -> None:
    call("kubeconfig", repository, "--kubeconfig", str(repository / "kubeconfig"), *CLUSTERS)


def whoami(_: Sandbox, repository: Path) -> None:
    assert run(["whoami", "-C", str(repository), *CLUSTERS]) == 0


def requested(_: Sandbox, repository: Path) -> None:
    wish = ["-n", "search", "--cluster", "production", "--role", "operator", "--for", "4h", "--reason", "INC-1"]
    call("request", repository, *wish, "--print")


def doctor(_: Sandbox, repository: Path) -> None:
    """Questions about oneself need no right."""
    for cluster in ("development", "production"):
        call("doctor", repository, "--cluster", cluster, "list", "pods", "-n", "search")


def audited(_: Sandbox, repository: Path) -> None:
    """A log in a file: only one in S3 needs a right, and of which bucket the repository does not say."""
    (repository / "audit.log").write_bytes(lines([event("get", "pods", "search")]))
    assert run(["audit-log", str(repository / "audit.log"), "-C", str(repository), "--cluster", "production"]) == 0


EXACT: dict[Command, Scene] = {
    Command.PLAN: planned,
    Command.APPLY: applied,
    Command.SYNC: synced,
    Command.FLEET: fleet,
    Command.CAN: asked,
    Command.REPORT: reported,
    Command.SNAPSHOT: snapshot,
    Command.HISTORY: history,
    Command.KUBECONFIG: kubeconfig,
    Command.WHOAMI: whoami,
    Command.REQUEST: requested,
    Command.DOCTOR: doctor,
    Command.AUDIT_LOG: audited,
    Command.DRIFT: drifted,
}
"""What these may do they do."""
ENOUGH: dict[Command, Scene] = {Command.ROLLBACK: rolled_back, Command.REVOKE: revoked}
"""What these do depends on what there is to undo: not each of them uses each right."""


@pytest.mark.parametrize("command", [*EXACT, *ENOUGH])
def test_the_rights_are_enough_and_used(
    command: Command,
    fresh_sandbox: Sandbox,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if command not in (Command.APPLY, Command.FLEET, Command.PLAN, Command.SYNC):
        policy(repository, POLICY)
        call("apply", repository, "--yes", *CLUSTERS)
    become_carol(fresh_sandbox, repository, command, monkeypatch, capsys)
    policy(repository, POLICY)
    actions, rights = allowed_actions(repository, command, capsys), allowed_rights(repository, command, capsys)
    with recorded() as (operations, requests):
        (EXACT | ENOUGH)[command](fresh_sandbox, repository)
    # Anybody may ask who they are; the list of all policies is asked for on clusters with many entries only.
    used = set(operations) - {"sts:GetCallerIdentity", "eks:ListAccessPolicies"}
    done = _rights(requests)
    assert used <= actions
    if command in EXACT:
        assert used == actions - {"eks:ListAccessPolicies"} - BESIDE.get(command, set())
        assert done == rights - UNUSED - FIRST


def _rights(requests: Counter[tuple[str, str]]) -> set[tuple[str, str]]:
    """What RBAC was asked, without what everybody may ask of themselves."""
    return {right(*one) for one in requests if "/selfsubject" not in one[1]}


def test_about_somebody_else_the_doctor_needs_what_can_does(
    fresh_sandbox: Sandbox,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And IAM's word for when somebody was made, which only says more where it may be asked."""
    become_carol(fresh_sandbox, repository, Command.CAN, monkeypatch, capsys)
    actions, rights = allowed_actions(repository, Command.CAN, capsys), allowed_rights(repository, Command.CAN, capsys)
    with recorded() as (operations, requests):
        for cluster in ("development", "production"):
            call("doctor", repository, "--cluster", cluster, "--principal", fresh_sandbox.arn("carol"))
    assert set(operations) - {"sts:GetCallerIdentity", "iam:GetUser"} <= actions
    assert _rights(requests) <= rights


def test_import_needs_to_ask_about_whomever_it_finds(
    fresh_sandbox: Sandbox,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who is mapped is known when a cluster has been read: a user, a role, and the role of a permission set."""
    iam, eks = fresh_sandbox.client("iam"), fresh_sandbox.client("eks")
    path = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
    made = iam.create_role(
        RoleName="AWSReservedSSO_Developer_0123456789abcdef", Path=path, AssumeRolePolicyDocument="{}"
    )
    for arn in ("arn:aws:iam::111122223333:role/ci/payments-deployer", made["Role"]["Arn"], ERIN):
        eks.create_access_entry(clusterName="development", principalArn=arn)
    become_carol(fresh_sandbox, repository, Command.IMPORT, monkeypatch, capsys)
    actions = allowed_actions(repository, Command.IMPORT, capsys)
    rights = allowed_rights(repository, Command.IMPORT, capsys)
    with recorded() as (operations, requests):
        assert run(["import", "-q", "-C", str(repository), *CLUSTERS]) in (0, 3)
    assert "permissionSet Developer" in capsys.readouterr().out
    assert set(operations) - {"sts:GetCallerIdentity", "eks:ListAccessPolicies"} == actions - {"eks:ListAccessPolicies"}
    assert _rights(requests) == rights


def test_migrate_needs_to_make_entries_and_a_bridge_and_no_role(
    fresh_sandbox: Sandbox,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """There and back, and there for good; AWS judges tags beside the call that brings them."""
    for name in ("migrate_steps.BRIDGE_SECONDS", "migrate_steps.LOOK_SECONDS"):
        monkeypatch.setattr(f"iamrbac.usecases.{name}", 0)
    policy(repository, POLICY)
    call("apply", repository, "--yes", *CLUSTERS)
    store = fresh_sandbox.cluster("production").store
    there = store.get("ConfigMap", "kube-system", "aws-auth")
    assert there is not None
    gone = "".join(
        f"- {{{kind}arn: 'arn:aws:iam::111122223333:{kind}/gone', username: gone}}\n" for kind in ("role", "user")
    )
    for section, line in zip(("mapRoles", "mapUsers"), gone.splitlines(True), strict=True):
        there["data"][section] += line
    store.put(there)
    become_carol(fresh_sandbox, repository, Command.MIGRATE, monkeypatch, capsys)
    actions = allowed_actions(repository, Command.MIGRATE, capsys)
    rights = allowed_rights(repository, Command.MIGRATE, capsys)
    go = ["--to", "access-entries", "--yes", *CLUSTERS]
    with recorded() as (operations, requests):
        call("migrate", repository, *go, "--settle", "0s", "--keep-rows")
        call("migrate", repository, *go, "--undo")
        call("migrate", repository, *go, "--settle", "0s")
    judged = {"eks:ListAccessPolicies", "eks:TagResource"}
    assert set(operations) - {"sts:GetCallerIdentity", "eks:ListAccessPolicies"} == actions - judged
    assert _rights(requests) == rights - UNUSED - FIRST
