"""`status` on fakes: what the branch says, what the clusters have, and what is not known."""

from __future__ import annotations

import json
from importlib.resources import files as package_files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from iamrbac.compile import names
from iamrbac.compile.desired import Key
from iamrbac.model.errors import DeliveryError, KubeError
from iamrbac.plan.drift import FieldManager
from iamrbac.plan.observed import Meta, Observed
from iamrbac.rbac.objects import Binding
from iamrbac.render.status import status_json, status_text
from iamrbac.usecases.deliveries import PolicyRevision, Tip
from iamrbac.usecases.status import ClusterStatus, Status, Sync, Watching, look
from tests.golden import compare
from tests.usecases.fakes import Silent
from tests.usecases.test_delivery import ACK, BY_GIT, EXTERNAL, FEWER, PLACE, repository, sync
from tests.usecases.world import POLICY, Company, company

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Draft202012Validator(json.loads(package_files("iamrbac.render").joinpath("schemas/status.json").read_text()))


@pytest.fixture
def made(tmp_path: Path) -> Company:
    """Delivered, and synced."""
    made = company(tmp_path / "repo")
    made.config(EXTERNAL)
    made.apply()
    sync(made)
    return made


def status(made: Company, *clusters: str, wait: float = 0) -> Status:
    found, findings = look(made.edges, clusters, Watching(Silent(), made.pause, wait))
    assert found is not None, findings
    assert list(SCHEMA.iter_errors(status_json(found))) == []
    return found


def one(made: Company, name: str = "staging") -> ClusterStatus:
    return next(cluster for cluster in status(made).clusters if cluster.name == name)


def shown(made: Company) -> str:
    return status_text(status(made), lambda text, _style: text)


def binding(made: Company, cluster: str = "staging") -> Key:
    return next(
        key for key in sorted(made.kubes[cluster].objects) if key.kind == "RoleBinding" and "viewer" in key.name
    )


def edit(made: Company, key: Key) -> None:
    """Take everybody out of a binding, by hand."""
    item = made.kubes[key.cluster].objects[key]
    assert isinstance(item.spec, Binding)
    spec = Binding(item.spec.kind, item.spec.namespace, item.spec.name, item.spec.role_ref, ())
    made.kubes[key.cluster].objects[key] = Observed(key, spec, item.meta)


def test_in_sync(made: Company) -> None:
    found = status(made)
    assert [cluster.sync for cluster in found.clusters] == [Sync.IN_SYNC, Sync.IN_SYNC]
    assert found.exit_code() == 0
    compare(shown(made), GOLDEN / "status-in-sync.txt")


def test_what_is_late_drifted_and_unknown_whole(made: Company) -> None:
    key = binding(made)
    edit(made, key)
    by_hand = FieldManager("kubectl-edit", "2026-11-26T10:00:00Z", frozenset({"subjects"}))
    argo = FieldManager("argocd-controller", "2026-11-26T09:00:00Z", frozenset({"subjects", "roleRef"}))
    made.kubes["staging"].written_by[key] = (argo, by_hand)
    gone = next(key for key in sorted(made.kubes["staging"].objects) if key.kind == "Role")
    del made.kubes["staging"].objects[gone]
    more = Key("staging", "RoleBinding", "payments", "iamrbac-extra")
    item = made.kubes["staging"].objects[key]
    made.kubes["staging"].objects[more] = Observed(more, item.spec, item.meta)
    made.kubes["production"].unreadable = KubeError("cannot list roles: no answer in time", hint="check the network")
    made.git.newer = {"f00dcafe": 2}
    made.git.policy = PolicyRevision("beefbeefbeefbeef", changed=True)
    found = status(made)
    assert [cluster.sync for cluster in found.clusters] == [Sync.OUT_OF_SYNC, Sync.UNKNOWN]
    assert found.exit_code() == 1
    assert status(made, "staging").exit_code() == 3
    compare(shown(made), GOLDEN / "status-drift.txt")


def test_a_change_by_the_deliverer_itself_is_not_by_hand(made: Company) -> None:
    key = binding(made)
    edit(made, key)
    made.kubes["staging"].written_by[key] = (FieldManager("argocd-controller", "2", frozenset({"subjects"})),)
    (item,) = one(made).otherwise
    assert (item.parts, item.by) == (("subjects",), None)


def test_who_changed_another_part_is_not_blamed(made: Company) -> None:
    key = binding(made)
    edit(made, key)
    made.kubes["staging"].written_by[key] = (FieldManager("kubectl-label", "9", frozenset({"labels.x"})),)
    assert one(made).otherwise[0].by is None


def test_a_field_manager_that_cannot_be_read_is_not_nobody(made: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_key: Key) -> tuple[FieldManager, ...]:
        raise KubeError("cannot get rolebinding: forbidden (403)")

    edit(made, binding(made))
    monkeypatch.setattr(made.kubes["staging"], "managers", refused)
    assert "who changed it is not known (cannot get rolebinding: forbidden (403))" in shown(made)


def test_at_most_twenty_objects_are_asked_for(made: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from iamrbac.plan.synced import Gap
    from iamrbac.usecases import status as module

    key = binding(made)
    item = made.kubes["staging"].objects[key]
    other = Observed(key, item.spec, Meta())
    monkeypatch.setattr(module, "gap", lambda _branch, _live: Gap(changed=((item, other),) * 30))
    asked: list[Key] = []

    def managers(key: Key) -> tuple[FieldManager, ...]:
        asked.append(key)
        return ()

    monkeypatch.setattr(made.kubes["staging"], "managers", managers)
    assert len(one(made).otherwise) == 30
    assert len(asked) == 20


def test_an_object_that_lost_our_label_is_otherwise_and_not_missing(made: Company) -> None:
    key = binding(made)
    item = made.kubes["staging"].objects[key]
    made.kubes["staging"].objects[key] = Observed(key, item.spec, Meta(version="1"))
    found = one(made)
    assert (found.gap.missing, found.gap.left) == ((), ())
    assert f"labels.{names.INSTANCE_LABEL}" in found.otherwise[0].parts


def test_what_was_pushed_is_late_until_it_is_synced(made: Company) -> None:
    made.policy(FEWER)
    made.apply()
    assert len(one(made).gap.left) == 1
    assert one(made, "production").sync is Sync.IN_SYNC
    sync(made)
    assert one(made).sync is Sync.IN_SYNC


def test_a_namespace_that_is_not_there_is_missing(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(EXTERNAL.replace("mapping: external", "manageNamespaces: true, mapping: external"))
    made.policy(POLICY.replace("namespaces: [payments]", "namespaces: [payments, fresh]", 1))
    made.apply()
    sync(made)
    assert [item.key.name for item in one(made).gap.missing] == ["fresh"]
    made.kubes["staging"].namespaces |= {"fresh"}
    assert one(made).sync is Sync.IN_SYNC


def test_an_unreachable_repository_is_unknown(made: Company) -> None:
    repository(made).unreachable = DeliveryError("no route to host", where=PLACE)
    found = status(made)
    assert {cluster.sync for cluster in found.clusters} == {Sync.UNKNOWN}
    assert {cluster.code for cluster in found.clusters} == {"ERR211"}
    assert found.exit_code() == 1


def test_a_broken_file_on_the_branch_is_unknown(made: Company) -> None:
    path = next(path for path in repository(made).files() if "staging" in path and "RoleBinding" in path)
    repository(made).write({path: "\t: ["})
    assert one(made).sync is Sync.UNKNOWN
    assert path in one(made).reason


def test_a_symlink_where_a_file_of_ours_was_is_unknown(made: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    path = next(path for path in repository(made).files() if "staging" in path and "RoleBinding" in path)
    tip = repository(made).tip("main", ["clusters/staging"])
    odd = Tip("main", tip.commit, {name: id_ for name, id_ in tip.files.items() if name != path}, {path: "symlink"})
    monkeypatch.setattr(repository(made), "tip", lambda _branch, _folders: odd)
    assert one(made).reason == f"main: {path} is a symlink by now, and what it stands for is not known"


def test_nothing_delivered_is_not_in_sync(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(EXTERNAL)
    found = status(made)
    assert {cluster.sync for cluster in found.clusters} == {Sync.NOT_DELIVERED}
    assert found.exit_code() == 3


def test_a_cluster_that_is_written_directly_has_its_line(made: Company) -> None:
    made.config(EXTERNAL.replace("delivery: gitops, ", "", 1))
    lines = shown(made).splitlines()
    assert "staging     direct         written directly, not by Git: `iamrbac plan` compares it" in lines
    assert status(made).exit_code() == 0


def test_a_commit_by_hand_says_of_no_policy(made: Company) -> None:
    path = next(path for path in repository(made).files() if "staging" in path and "RoleBinding" in path)
    text = repository(made).files()[path]
    repository(made).write({path: text + "# by hand\n"})
    assert "somebody made it by hand" in shown(made)
    assert one(made).sync is Sync.IN_SYNC


def test_access_entries_in_git_are_compared_with_eks(tmp_path: Path) -> None:
    made = company(tmp_path / "repo", {"staging": "API", "production": "API"})
    made.apply()
    made.config(ACK)
    made.apply()
    sync(made)
    assert status(made).exit_code() == 0
    key = next(iter(made.aws.entries["staging"]))
    item = made.aws.entries["staging"].pop(key)
    assert [missing.key for missing in one(made).gap.missing] == [key]
    made.aws.entries["staging"][key] = Observed(key, item.spec)
    assert one(made).otherwise[0].parts == (f"labels.{names.INSTANCE_LABEL}",)


def test_access_entries_that_are_written_directly_play_no_part(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(BY_GIT)
    made.meanwhile = lambda: sync(made)
    made.told(wait=60)
    made.aws.entries["staging"].clear()
    assert status(made).exit_code() == 0


def test_wait_until_synced(made: Company) -> None:
    made.policy(FEWER)
    made.apply()
    made.meanwhile = lambda: sync(made)
    assert status(made, wait=60).exit_code() == 0


def test_wait_is_over(made: Company) -> None:
    made.policy(FEWER)
    made.apply()
    waited: list[float] = []
    made.meanwhile = lambda: waited.append(1)
    assert status(made, wait=12).exit_code() == 3
    assert len(waited) == 3


def argocd(made: Company, where: str = "") -> None:
    made.config(EXTERNAL.replace("repository:", f"layout: argocd, {where}repository:"))
    made.apply()
    for name, kube in made.kubes.items():
        application = {
            "status": {
                "sync": {"status": "OutOfSync", "revision": "abcdef0123456789"},
                "health": {"status": "Healthy"},
                "operationState": {"phase": "Failed", "message": "one or more objects failed to apply"},
                "conditions": [{"type": "SyncError", "message": "it is\x1b[31m red"}],
            }
        }
        kube.custom_objects[f"iamrbac-acme-{name}"] = application


def test_what_argo_cd_says_stands_beside(made: Company) -> None:
    argocd(made)
    (said,) = one(made).deliverer
    assert (said.state, said.revision, said.health) == ("OutOfSync", "abcdef0123456789", "Healthy")
    assert "one or more objects failed to apply; SyncError" in shown(made)
    assert "\x1b" not in shown(made)


def test_an_application_that_cannot_be_read_is_not_absent(made: Company) -> None:
    argocd(made)
    made.kubes["staging"].custom_objects.clear()
    found = one(made)
    assert found.deliverer[0].unread
    assert "Application argocd/iamrbac-acme-staging: not readable here (" in shown(made)
    assert found.sync is Sync.IN_SYNC


def test_argo_cd_may_run_in_another_cluster(made: Company) -> None:
    argocd(made, "argocd: {cluster: production}, ")
    made.kubes["production"].custom_objects.update(made.kubes["staging"].custom_objects)
    made.kubes["staging"].custom_objects.clear()
    assert one(made).deliverer[0].state == "OutOfSync"


def test_what_flux_says_stands_beside(made: Company) -> None:
    made.config(EXTERNAL.replace("repository:", "layout: flux, repository:"))
    made.apply()
    ready = {"type": "Ready", "status": "False", "message": "apply failed"}
    value = {
        "status": {
            "conditions": [ready],
            "lastAppliedRevision": "main@sha1:aaaa",
            "lastAttemptedRevision": "main@sha1:bbbb",
        }
    }
    made.kubes["staging"].custom_objects["iamrbac-acme-staging-roles"] = value
    bindings, roles = one(made).deliverer
    assert bindings.unread
    assert (roles.state, roles.revision, roles.attempted, roles.message) == ("NotReady", "aaaa", "bbbb", "apply failed")
