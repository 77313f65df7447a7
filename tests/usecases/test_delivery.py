"""Clusters with delivery: gitops: what plan says of their branch, what apply commits, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.access.delta import AccessChange
from iamrbac.compile import names
from iamrbac.model.errors import DeliveryError
from iamrbac.plan.change import ClusterPlan, Plan
from iamrbac.plan.observed import Meta, Observed
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from tests.usecases.fake_git import FakeRepository
from tests.usecases.world import ALICE, BOB, CONFIG, POLICY, Company, company

PLACE = "git@git.example.com:clusters.git"
GITOPS = f"gitops: {{repository: '{PLACE}'}}\n"
BY_GIT = CONFIG.replace("labels: {env", "delivery: gitops, labels: {env") + GITOPS
KNOWN = "namespaces: [payments, payments-batch], delivery: gitops"
EXTERNAL = BY_GIT.replace("delivery: gitops", f"mapping: external, {KNOWN}")
ACK = BY_GIT.replace("delivery: gitops", KNOWN).replace("repository:", "accessEntries: ack, repository:")
FEWER = POLICY.replace(
    "    - {to: [oncall], clusters: [staging], namespaces: [payments], role: {clusterRole: edit}}\n", ""
)
OWN = names.INSTANCE_LABEL


@pytest.fixture
def mixed(tmp_path: Path) -> Company:
    """RBAC by Git, access entries and rows directly."""
    made = company(tmp_path / "repo")
    made.config(BY_GIT)
    return made


@pytest.fixture
def external(tmp_path: Path) -> Company:
    """RBAC by Git, and nothing else."""
    made = company(tmp_path / "repo")
    made.config(EXTERNAL)
    return made


def repository(made: Company) -> FakeRepository:
    return made.git.open(PLACE)


def one(plan: Plan, name: str) -> ClusterPlan:
    return next(cluster for cluster in plan.planned if cluster.name == name)


def access(plan: Plan) -> list[AccessChange]:
    return [change for cluster in plan.planned for change in cluster.access]


def ids(plan: Plan) -> set[str]:
    return {finding.id for finding in plan.all_findings}


def sync(made: Company) -> None:
    """Do what Argo CD does: what the branch has is on the clusters, and nothing else of ours is."""
    from iamrbac.gitops.reading import object_of

    for name, kube in made.kubes.items():
        wanted = {}
        for path, text in repository(made).files().items():
            if path.startswith(f"clusters/{name}/") and path.endswith(".yaml"):
                item = object_of(name, made.git.parse(path, text.encode()))
                if item is None:
                    continue
                wanted[item.key] = Observed(item.key, item.spec, Meta(labels=item.labels, version="1"))
        others = {key: item for key, item in kube.objects.items() if OWN not in item.meta.labels}
        kube.objects = others | {key: item for key, item in wanted.items() if key.kind != "Namespace"}


def outcomes(events: list[Event | Delivered]) -> dict[str, set[Outcome]]:
    found: dict[str, set[Outcome]] = {}
    for event in events:
        if isinstance(event, Event):
            found.setdefault(event.change.key.kind, set()).add(event.outcome)
    return found


def test_the_objects_are_committed_and_a_second_run_commits_nothing(external: Company) -> None:
    plan = external.plan()
    assert {change.key.kind for change in plan.changes} == {"Role", "RoleBinding"}
    events = external.told(plan)
    assert [event.outcome for event in events if isinstance(event, Delivered)] == [Outcome.DONE]
    assert external.faults.writes == 0
    files = repository(external).files()
    assert "clusters/staging/.iamrbac-inventory" in files
    again = external.plan()
    assert again.changes == ()
    assert not again.changed
    assert external.told(again) == []
    assert len(repository(external).branches["main"]) == 1


def test_nobody_is_known_by_name_where_somebody_else_maps(external: Company) -> None:
    plan = external.plan()
    assert external.people.asked == 1
    said = {(change.principal, change.change) for change in access(plan)}
    assert said == {("iamGroup payments-developers", "gain"), ("iamGroup payments-oncall", "gain")}


def test_a_removed_line_removes_its_files_and_says_who_loses(external: Company) -> None:
    external.apply()
    external.policy(FEWER)
    plan = external.plan()
    # The set has nothing there any more, so that its members are not named.
    said = {(change.principal, change.role) for change in access(plan)}
    assert said == {("members of iamrbac:acme:payments:oncall", "clusterRole edit")}
    before = repository(external).files()
    external.apply(plan)
    after = repository(external).files()
    assert len(before) == len(after) + 1
    assert "loses clusterRole edit" in repository(external).messages[-1].body
    assert "Policy-Commit: f00dcafe" in repository(external).messages[-1].body


def test_only_what_differs_is_read(external: Company) -> None:
    external.apply()
    repository(external).read_blobs = 0
    external.plan()
    assert repository(external).read_blobs == 2
    external.policy(FEWER)
    repository(external).read_blobs = 0
    external.plan()
    assert repository(external).read_blobs == 3


def test_a_policy_that_only_moves_its_lines_needs_no_commit(external: Company) -> None:
    external.apply()
    lines = POLICY.splitlines(keepends=True)
    external.policy("".join([*lines[:-3], *reversed(lines[-3:])]))
    plan = external.plan()
    assert not plan.changed
    external.policy("".join([*lines[:-3], *reversed(lines[-3:-1])]))
    external.apply()
    texts = [text for path, text in repository(external).files().items() if path.endswith(".yaml")]
    assert all("spec.access[2]" not in text for text in texts)


def test_files_of_others_are_left_alone(external: Company) -> None:
    other = {"clusters/staging/monitoring.yaml": "kind: ConfigMap\n", "README.md": "hello\n"}
    repository(external).write(other)
    external.apply()
    external.policy(POLICY.replace("  access:\n", "  access: []\n").split("    - {to:")[0])
    external.apply()
    files = repository(external).files()
    assert other.items() <= files.items()


def test_a_file_of_others_in_the_way_is_named_and_refuses(external: Company) -> None:
    external.apply()
    path = next(path for path in repository(external).files() if "RoleBinding" in path)
    repository(external).branches["main"] = [{path: "kind: ConfigMap\n"}]
    plan = external.plan()
    assert "GIT001" in ids(plan)
    assert any(path in finding.message for finding in plan.all_findings)


def test_a_file_of_another_instance_is_not_ours(external: Company) -> None:
    external.apply()
    files = repository(external).files()
    theirs = {path: text.replace("instance acme", "instance other") for path, text in files.items()}
    theirs = {path: text for path, text in theirs.items() if not path.endswith("inventory")}
    repository(external).branches["main"] = [theirs]
    assert "GIT001" in ids(external.plan())


def test_a_hand_made_change_in_git_is_seen_and_put_back(external: Company) -> None:
    external.apply()
    path = next(path for path in repository(external).files() if "RoleBinding" in path and "viewer" in path)
    text = repository(external).files()[path]
    more = f"{text}- apiGroup: rbac.authorization.k8s.io\n  kind: Group\n  name: iamrbac:acme:payments:oncall\n"
    repository(external).write({path: more})
    plan = external.plan()
    assert ("iamGroup payments-oncall", "lose") in {(one.principal, one.change) for one in access(plan)}
    external.apply(plan)
    assert repository(external).files()[path] == text


def test_a_broken_file_is_not_taken_for_no_access(external: Company) -> None:
    external.apply()
    path = next(path for path in repository(external).files() if "RoleBinding" in path)
    repository(external).write({path: repository(external).files()[path] + "\t: ["})
    assert "GIT003" in ids(external.plan())


def test_an_inventory_that_is_not_ours_stops_the_cluster(external: Company) -> None:
    external.apply()
    repository(external).write({"clusters/staging/.iamrbac-inventory": "../../etc/passwd\n"})
    plan = external.plan()
    assert [cluster.name for cluster in plan.failed] == ["staging"]


def test_a_namespace_stays_when_no_policy_needs_it(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(EXTERNAL.replace("mapping: external", "manageNamespaces: true, mapping: external"))
    made.policy(POLICY.replace("namespaces: [payments]", "namespaces: [payments, fresh]", 1))
    made.apply()
    path = "clusters/staging/_cluster/Namespace-fresh.yaml"
    assert "Prune=false" in repository(made).files()[path]
    made.policy(POLICY)
    made.apply()
    assert path in repository(made).files()
    assert path in repository(made).files()["clusters/staging/.iamrbac-inventory"]
    assert not made.plan().changed


def test_an_unreachable_repository_is_not_an_empty_one(external: Company) -> None:
    repository(external).unreachable = DeliveryError("no route to host", where=PLACE)
    plan = external.plan()
    assert [cluster.code for cluster in plan.failed] == ["ERR211", "ERR211"]


def test_somebody_who_pushes_meanwhile_loses_nothing(external: Company) -> None:
    plan = external.plan()
    repository(external).meanwhile = lambda: repository(external).write({"other.yaml": "x\n"})
    external.apply(plan)
    files = repository(external).files()
    assert files["other.yaml"] == "x\n"
    assert "clusters/staging/.iamrbac-inventory" in files


def test_somebody_who_changes_our_file_meanwhile_makes_the_plan_stale(external: Company) -> None:
    external.apply()
    external.policy(FEWER)
    plan = external.plan()
    path = "clusters/staging/.iamrbac-inventory"
    text = repository(external).files()[path]
    repository(external).meanwhile = lambda: repository(external).write({path: text + "clusters/staging/x/y.yaml\n"})
    events = external.told(plan)
    assert {event.outcome for event in events} == {Outcome.FAILED}
    assert len(repository(external).branches["main"]) == 2


def test_two_runs_of_the_same_policy_at_once_make_one_commit(external: Company) -> None:
    plan = external.plan()

    def twin() -> None:
        external.apply()

    repository(external).meanwhile = twin
    external.apply(plan)
    assert len(repository(external).branches["main"]) == 1


def test_a_branch_that_never_stands_still_is_given_up(external: Company) -> None:
    plan = external.plan()
    repo = repository(external)

    def again() -> None:
        repo.write({"other.yaml": f"{len(repo.branches.get('main', []))}\n"})
        repo.meanwhile = again

    repo.meanwhile = again
    events = external.told(plan)
    assert {event.outcome for event in events} == {Outcome.FAILED}
    assert all("nothing was committed" in event.reason for event in events)


def test_a_pull_request_is_proposed_and_the_branch_stays(external: Company) -> None:
    external.config(EXTERNAL.replace("repository:", "commit: pull-request, repository:"))
    events = external.told()
    (told,) = [event for event in events if isinstance(event, Delivered)]
    assert told.url == "https://forge/iamrbac/acme/production-staging"
    assert told.outcome is Outcome.PROPOSED
    assert "main" not in repository(external).branches
    assert external.plan().changed


def test_grants_wait_until_the_cluster_is_synced(mixed: Company) -> None:
    first = outcomes(mixed.told())
    assert first["RoleBinding"] == {Outcome.DONE}
    assert first["AccessEntry"] == {Outcome.WAITING}
    assert mixed.aws.entries["staging"] == {}
    assert "GIT006" in ids(mixed.plan())
    sync(mixed)
    plan = mixed.plan()
    assert "GIT006" not in ids(plan)
    assert {change.key.kind for change in plan.changes} == {"AccessEntry", "AwsAuthRow"}
    assert outcomes(mixed.told(plan)) == {"AccessEntry": {Outcome.DONE}, "AwsAuthRow": {Outcome.DONE}}
    assert not mixed.plan().changed


def test_with_wait_grants_follow_in_the_same_run(mixed: Company) -> None:
    mixed.meanwhile = lambda: sync(mixed)
    assert outcomes(mixed.told(wait=60))["AccessEntry"] == {Outcome.DONE}
    assert not mixed.plan().changed


def delivered(made: Company) -> None:
    made.meanwhile = lambda: sync(made)
    made.told(wait=60)
    made.meanwhile = lambda: None
    assert not made.plan().changed


def test_who_leaves_goes_before_the_commit(mixed: Company) -> None:
    delivered(mixed)
    mixed.people.groups["payments-developers"] = (ALICE,)
    mixed.policy(FEWER)
    events = mixed.told()
    order = ["commit" if isinstance(event, Delivered) else event.change.key.kind for event in events]
    assert order.index("commit") > max(order.index("AccessEntry"), order.index("AwsAuthRow"))
    assert all(BOB not in str(key) for key in mixed.aws.entries["staging"])


def test_a_removal_that_fails_stops_the_commit_of_its_cluster(mixed: Company) -> None:
    delivered(mixed)
    mixed.people.groups["payments-developers"] = (ALICE,)
    mixed.policy(FEWER)
    mixed.faults.fail = lambda _number, what: DeliveryError("no") if what.startswith("delete AccessEntry") else None
    told = outcomes(mixed.told())
    assert told["AccessEntry"] == {Outcome.FAILED, Outcome.SKIPPED} or told["AccessEntry"] == {Outcome.FAILED}
    assert Outcome.SKIPPED in told["RoleBinding"]


def test_a_commit_that_fails_stops_the_grants(mixed: Company) -> None:
    plan = mixed.plan()
    repository(mixed).unreachable = DeliveryError("no route to host", where=PLACE)
    told = outcomes(mixed.told(plan))
    assert told["RoleBinding"] == {Outcome.FAILED}
    assert told["AccessEntry"] == {Outcome.SKIPPED}
    assert mixed.faults.writes == 0


def test_a_cluster_that_does_not_answer_stops_rows_but_not_entries(mixed: Company) -> None:
    from iamrbac.model.errors import KubeError

    mixed.config(BY_GIT.replace("delivery: gitops", KNOWN))
    mixed.aws.modes["staging"] = "API"
    for kube in mixed.kubes.values():
        kube.unreadable = KubeError("no route to host")
    plan = mixed.plan()
    assert [cluster.name for cluster in plan.failed] == ["production"]
    assert "GIT005" in ids(plan)
    assert outcomes(mixed.told(plan))["AccessEntry"] == {Outcome.WAITING}


def test_drift_by_hand_on_the_cluster_is_told(mixed: Company) -> None:
    delivered(mixed)
    kube = mixed.kubes["staging"]
    key = next(key for key in kube.objects if key.kind == "RoleBinding")
    del kube.objects[key]
    plan = mixed.plan()
    assert not plan.changed
    assert "GIT006" in ids(plan)


def test_rollout_of_access_entries_by_git_asks_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = company(tmp_path / "repo", {"staging": "API", "production": "API"})
    made.config(ACK)

    def unasked() -> None:
        pytest.fail("the cluster was asked")

    for kube in made.kubes.values():
        monkeypatch.setattr(kube, "state", unasked)
    made.apply()
    files = repository(made).files()
    assert sum("/_entries/AccessEntry-" in path for path in files) == 6
    assert not made.plan().changed
    assert made.faults.writes == 0
    made.people.groups["payments-developers"] = (ALICE,)
    plan = made.plan()
    assert {change.change for change in access(plan)} == {"lose"}
    made.apply(plan)
    assert sum("/_entries/AccessEntry-" in path for path in repository(made).files()) == 4


def test_an_entry_that_is_there_already_must_be_adopted(tmp_path: Path) -> None:
    made = company(tmp_path / "repo", {"staging": "API", "production": "API"})
    made.apply()
    made.config(ACK)
    plan = made.plan()
    assert {change.key.kind for change in plan.changes} == {"Role", "RoleBinding"}
    assert all("adopt" in text for path, text in _applied(made).items() if "/AccessEntry-" in path)
    assert not made.plan().changed


def _applied(made: Company) -> dict[str, str]:
    made.apply()
    return repository(made).files()
