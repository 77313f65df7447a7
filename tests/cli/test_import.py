"""`iamrbac import` on three clusters of different habits: by hand, eksctl, Terraform with access policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT
from tests.golden import compare
from tests.importing.existing import ACCOUNT, ALICE, CONFIG, PAT, manifests, terraform

GOLDEN = Path(__file__).parent / "golden" / "import"


@pytest.fixture
def repository(fresh_sandbox: Sandbox, admin_environment: dict[str, str], tmp_path: Path) -> Path:
    """Three clusters that iamrbac has never seen, and a repository that says where they are."""
    for cluster, manifest in manifests():
        fresh_sandbox.cluster(cluster).store.put(manifest)
    terraform(fresh_sandbox.client("eks"))
    folder = tmp_path / "access"
    folder.mkdir()
    (folder / "iamrbac.yaml").write_text(CONFIG)
    return folder


def imported(folder: Path, *more: str) -> int:
    return run(["import", "-q", "-C", str(folder), "--no-color", *more])


@pytest.mark.parametrize("cluster", ["production", "staging", "development"])
def test_each_habit_is_told_whole(cluster: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    code = imported(repository, "--cluster", cluster, "--out", str(repository / "new"))
    out, err = capsys.readouterr()
    assert err == ""
    compare(out.replace(str(repository), "."), GOLDEN / f"{cluster}.txt")
    assert code == {"development": 0}.get(cluster, 3)
    assert run(["validate", "-C", str(repository / "new")]) == 0
    files = sorted(one for one in (repository / "new").rglob("*") if one.is_file())
    text = "".join(f"--- {one.relative_to(repository / 'new')}\n{one.read_text()}" for one in files)
    compare(text, GOLDEN / f"{cluster}.files.txt")


def test_all_at_once_are_one_repository(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert imported(repository, "--out", str(repository / "new")) == 3
    compare(capsys.readouterr().out.replace(str(repository), "."), GOLDEN / "all.txt")
    assert run(["validate", "-C", str(repository / "new")]) == 0
    assert run(["compile", "-C", str(repository / "new"), "--out", str(repository / "objects")]) == 0


def test_docs_show_what_is_printed() -> None:
    shown = (GOLDEN / "production.txt").read_text().replace("./new", "imported")
    assert shown in (ROOT / "docs" / "import.md").read_text()


def test_json_has_its_published_shape(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert imported(repository, "-o", "json") == 3
    document = json.loads(capsys.readouterr().out)
    check("import", document)
    assert document["written"] == []
    assert {one["cluster"]: one["equal"] for one in document["clusters"]} == {
        "development": True,
        "staging": False,
        "production": False,
    }


def test_what_is_written_can_be_applied_and_gives_what_was_promised(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Written into the repository itself, adopted and applied on all three, the same people may do the same."""
    capsys.readouterr()
    assert imported(repository, "--out", str(repository), "-o", "json") == 3
    proofs = json.loads(capsys.readouterr().out)["clusters"]
    adopt = [word for proof in proofs for key in proof["adopt"] for word in ("--adopt", key)]
    questions = [
        ("development", "alice", "get", "pods", "payments"),
        ("development", "alice", "patch", "deployments.apps", "payments"),
        ("development", "bob", "delete", "pods", "payments"),
        ("development", "carol", "delete", "pods", "payments-batch"),
        ("development", "carol", "list", "secrets", "search"),
        ("staging", "dave", "delete", "pods", "search"),
        ("staging", "dave", "delete", "pods", "payments"),
        ("production", "pat", "delete", "nodes", ""),
        ("production", "bob", "delete", "pods", "payments"),
        ("production", "carol", "get", "pods", "payments"),
        ("production", f"arn:aws:iam::{ACCOUNT}:role/ci/payments-deployer", "patch", "deployments.apps", "payments"),
    ]

    def answers() -> list[int]:
        here = ["--live", "-C", str(repository)]
        return [
            run(["can", who, verb, what, *(["-n", place] if place else []), "--cluster", cluster, *here])
            for cluster, who, verb, what, place in questions
        ]

    before = answers()
    more = ["--allow-lockout-of", PAT, "--allow-removals", "9"]
    assert run(["apply", "-C", str(repository), "--yes", "-q", *adopt, *more]) == 0
    assert answers() == before
    assert len(set(before)) == 2
    capsys.readouterr()
    assert imported(repository, "-o", "json") == 3
    again = json.loads(capsys.readouterr().out)
    assert again["policies"] == []


def test_adoption_keeps_names_on_which_bindings_of_others_depend_and_rollback_gives_all_back(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["-C", str(repository), "--cluster", "development"]
    capsys.readouterr()
    assert imported(repository, "--cluster", "development", "--out", str(repository), "-o", "json") == 0
    adopt = [word for key in json.loads(capsys.readouterr().out)["clusters"][0]["adopt"] for word in ("--adopt", key)]

    def entry() -> tuple[list[str], dict[str, str]]:
        eks = fresh_sandbox.client("eks")
        found = eks.describe_access_entry(clusterName="development", principalArn=ALICE)["accessEntry"]
        return sorted(found["kubernetesGroups"]), found["tags"]

    assert run(["apply", *here, "--yes", "-q", *adopt]) == 0
    ours = ["iamrbac:acme:people:view-payments", "iamrbac:acme:restarters:members"]
    tag = {"iamrbac.dev/instance": "acme"}
    assert entry() == ([*ours, "restarters"], {**tag, "iamrbac.dev/keeps.0": "restarters"})
    capsys.readouterr()
    assert run(["plan", *here, "-q", "--no-color", "--detailed-exitcode"]) == 0
    (told,) = (line for line in capsys.readouterr().out.splitlines() if "OWN006" in line)
    assert told in (ROOT / "docs" / "import.md").read_text()

    assert run(["rollback", *here, "--yes", "-q"]) == 0
    assert entry() == (["restarters"], {})
    assert run(["apply", *here, "--yes", "-q", *adopt]) == 0
    assert entry()[0] == [*ours, "restarters"]

    store = fresh_sandbox.cluster("development").store
    binding = store.get("RoleBinding", "payments", "restarters")
    assert binding is not None
    store.put({**binding, "subjects": [{**binding["subjects"][0], "name": "others"}]})
    assert run(["apply", *here, "--yes", "-q"]) == 0
    assert entry() == (ours, tag)


def test_no_file_is_replaced(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = repository / "new"
    assert imported(repository, "--cluster", "development", "--out", str(out)) == 0
    before = {one: one.read_text() for one in out.rglob("*") if one.is_file()}
    capsys.readouterr()
    assert imported(repository, "--cluster", "development", "--out", str(out)) == 3
    assert capsys.readouterr().err.startswith("error: [ERR210]")
    assert {one: one.read_text() for one in out.rglob("*") if one.is_file()} == before


def test_a_cluster_that_cannot_be_read_does_not_stop_the_others(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "iamrbac.yaml").write_text(CONFIG.replace("name: staging", "name: nowhere"))
    capsys.readouterr()
    assert imported(repository, "--cluster", "development", "--cluster", "nowhere") == 1
    out = capsys.readouterr().out
    assert "nowhere: not read: [" in out
    assert "development: equal (" in out


def test_where_somebody_else_maps_is_left_out_and_refused_by_name(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = CONFIG.splitlines(keepends=True)
    lines = [line for line in lines if "name: staging" not in line]
    text = "".join(lines).replace("{name: production, ", "{name: production, mapping: external, ")
    (repository / "iamrbac.yaml").write_text(text)
    capsys.readouterr()
    assert imported(repository) == 0
    note = "note: production is left out: somebody else maps people there (mapping: external)\n"
    assert note in capsys.readouterr().out
    assert imported(repository, "--cluster", "production") == 1
    assert "production: not read: [MAP002] somebody else maps" in capsys.readouterr().out


def test_invalid_documents_end_with_3(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "policies").mkdir()
    (repository / "policies" / "broken.yaml").write_text("kind: [")
    assert imported(repository) == 3


ODD = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: hen, labels: {lays: egg}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {hatches: hen}}]}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: egg, labels: {hatches: hen}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {lays: egg}}]}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: hens, namespace: payments}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: hen}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: restarters}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lords, namespace: search}
rules:
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [bind, escalate, create, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lords, namespace: search, labels: {app.kubernetes.io/managed-by: Helm}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lords}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: restarters}]
"""


def test_roles_in_a_circle_and_roles_that_escalate_are_said_as_they_are(
    repository: Path, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    for manifest in yaml.safe_load_all(ODD):
        fresh_sandbox.cluster("development").store.put(manifest)
    capsys.readouterr()
    here = ["-C", str(repository), "--cluster", "development"]
    assert imported(repository, "--cluster", "development", "--out", str(repository), "-o", "json") == 0
    document = json.loads(capsys.readouterr().out)
    lines = (repository / "policies" / "restarters.yaml").read_text()
    assert "clusterRole: hen" in lines
    assert "lords" in lines
    assert "escalate" in (repository / "templates" / "roles" / "lords.yaml.j2").read_text()
    # Who may escalate may do anything: that is for a person to say, and nothing is applied before.
    adopt = [word for key in document["clusters"][0]["adopt"] for word in ("--adopt", key)]
    assert run(["apply", *here, "--yes", "-q", "--no-color", *adopt]) == 3
    said = capsys.readouterr()
    assert "guards.adminTemplates" in said.out + said.err
