"""`rollback` on fakes: our files as they were, who gains and loses by it, and what refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.access.delta import AccessChange
from iamrbac.model.errors import DeliveryError, UsageError
from iamrbac.plan.change import Plan
from iamrbac.plan.guards import Allowances
from iamrbac.render.plan import summary_line
from iamrbac.usecases.apply import Applying, apply_plan, refused
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from iamrbac.usecases.plan import PlanRequest
from iamrbac.usecases.rollback import TurnedBack, make_rollback
from tests.usecases.fakes import Silent
from tests.usecases.test_delivery import ACK, BY_GIT, EXTERNAL, FEWER, repository, sync
from tests.usecases.world import ALICE, AT, CONFIG, POLICY, Company, company

STAGING = "clusters/staging/"


def back(made: Company, revision: str, *clusters: str, allowed: Allowances | None = None) -> TurnedBack:
    request = PlanRequest(AT, clusters, frozenset(), allowed or Allowances())
    return make_rollback(made.edges, request, revision, Silent())


def plan_of(turned: TurnedBack) -> Plan:
    assert turned.plan is not None, turned.findings
    return turned.plan


def commit(made: Company, turned: TurnedBack) -> list[Event | Delivered]:
    how = Applying(Silent(), made.pause, 0, turned.recorded)
    return list(apply_plan(made.edges, plan_of(turned), how))


def access(turned: TurnedBack) -> list[AccessChange]:
    return [change for cluster in plan_of(turned).planned for change in cluster.access]


@pytest.fixture
def made(tmp_path: Path) -> Company:
    """Delivered twice: main-1 with oncall's edit on staging, main-2 without."""
    made = company(tmp_path / "repo")
    made.config(EXTERNAL)
    made.apply()
    made.policy(FEWER)
    made.git.policy = made.git.policy.__class__("cafebabe", changed=False)
    made.apply()
    return made


def test_the_files_are_as_they_were_and_the_commit_says_so(made: Company) -> None:
    before = repository(made).branches["main"][0]
    turned = back(made, "main-1")
    said = {(change.principal, change.change, change.role) for change in access(turned)}
    assert said == {("members of iamrbac:acme:payments:oncall", "gain", "clusterRole edit")}
    assert turned.policies == ("f00dcafe",)
    events = commit(made, turned)
    assert {event.outcome for event in events} == {Outcome.DONE}
    assert repository(made).files() == before
    message = repository(made).messages[-1]
    assert message.subject == "Roll back to main-1: 1 gains (staging)"
    assert "Rolled-Back-To: main-1" in message.body
    assert "Policy-Commit: f00dcafe" in message.body
    again = plan_of(back(made, "main-1"))
    assert not again.changed
    assert summary_line(again, "main-1 says") == "No changes: staging, production are as main-1 says."


def test_who_loses_is_shown_too(made: Company) -> None:
    made.policy(POLICY)
    made.apply()
    turned = back(made, "main-2")
    assert {change.change for change in access(turned)} == {"lose"}


def test_the_next_apply_delivers_the_policies_again(made: Company) -> None:
    commit(made, back(made, "main-1"))
    assert made.plan().changed


def test_only_the_named_cluster_goes_back(made: Company) -> None:
    made.policy(POLICY.replace("role: viewer", "role: developer"))
    made.apply()
    before = repository(made).files()
    commit(made, back(made, "main-1", "staging"))
    after = repository(made).files()
    kept = {path: text for path, text in before.items() if not path.startswith(STAGING)}
    assert {path: text for path, text in after.items() if not path.startswith(STAGING)} == kept
    assert after != before


def test_files_of_others_are_untouched(made: Company) -> None:
    others = {f"{STAGING}monitoring.yaml": "kind: ConfigMap\n", "README.md": "hello\n"}
    repository(made).write(others)
    commit(made, back(made, "main-1"))
    assert others.items() <= repository(made).files().items()


def test_a_file_of_others_where_one_of_ours_was_refuses(made: Company) -> None:
    gone = repository(made).branches["main"][0].keys() - repository(made).files().keys()
    repository(made).write(dict.fromkeys(gone, "kind: ConfigMap\n"))
    plan = plan_of(back(made, "main-1"))
    assert refused(plan)
    assert "GIT001" in {finding.id for finding in plan.all_findings}


def test_a_namespace_that_came_since_stays(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    config = EXTERNAL.replace("mapping: external", "manageNamespaces: true, mapping: external")
    made.config(config.replace("repository:", "layout: kustomize, repository:"))
    made.apply()
    made.policy(POLICY.replace("namespaces: [payments]", "namespaces: [payments, fresh]", 1))
    made.apply()
    path = f"{STAGING}base/_cluster/Namespace-fresh.yaml"
    assert path in repository(made).files()
    commit(made, back(made, "main-1"))
    files = repository(made).files()
    assert path in files
    assert path in files[f"{STAGING}.iamrbac-inventory"]
    assert "_cluster/Namespace-fresh.yaml" in files[f"{STAGING}base/kustomization.yaml"]
    assert not any("/fresh/" in path for path in files)
    made.policy(POLICY)
    assert not made.plan().changed


def test_a_guard_refuses_and_an_allowance_lets_it_pass(tmp_path: Path) -> None:
    made = company(tmp_path / "repo", {"staging": "API", "production": "API"})
    made.policy(POLICY.split("    - {to: [oncall]")[0])
    made.config(ACK)
    made.people.groups["payments-developers"] = (ALICE,)
    made.apply()
    made.policy(POLICY)
    made.people.groups["payments-developers"] = tuple(f"{ALICE}{number}" for number in range(8))
    made.apply()
    made.config(ACK.replace("count: 100, fraction: 1.0", "count: 2, fraction: 1.0"))
    plan = plan_of(back(made, "main-1"))
    assert {"GRD001"} <= {finding.id for finding in plan.all_findings}
    assert refused(plan)
    assert not refused(plan_of(back(made, "main-1", allowed=Allowances(100))))


def test_access_entries_in_git_go_back_with_the_rest(tmp_path: Path) -> None:
    made = company(tmp_path / "repo", {"staging": "API", "production": "API"})
    made.config(ACK)
    made.apply()
    before = repository(made).files()
    made.people.groups["payments-developers"] = (ALICE,)
    made.apply()
    turned = back(made, "main-1")
    assert {change.change for change in access(turned)} == {"gain"}
    commit(made, turned)
    assert repository(made).files() == before


def test_access_entries_that_are_written_directly_stay(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(BY_GIT)
    made.meanwhile = lambda: sync(made)
    made.told(wait=60)
    made.policy(FEWER)
    made.told(wait=60)
    entries, rows = dict(made.aws.entries["staging"]), made.kubes["production"].map
    turned = back(made, "main-1")
    assert turned.direct
    assert {change.key.kind for change in plan_of(turned).changes} == {"RoleBinding"}
    commit(made, turned)
    assert (made.aws.entries["staging"], made.kubes["production"].map) == (entries, rows)


def test_somebody_who_pushes_meanwhile_loses_nothing(made: Company) -> None:
    turned = back(made, "main-1")
    repository(made).meanwhile = lambda: repository(made).write({"other.yaml": "x\n"})
    assert {event.outcome for event in commit(made, turned)} == {Outcome.DONE}
    assert repository(made).files()["other.yaml"] == "x\n"


def test_somebody_who_changes_our_files_meanwhile_stops_it(made: Company) -> None:
    turned = back(made, "main-1")
    path = f"{STAGING}.iamrbac-inventory"
    text = repository(made).files()[path]
    repository(made).meanwhile = lambda: repository(made).write({path: text + "clusters/staging/x/y.yaml\n"})
    assert {event.outcome for event in commit(made, turned)} == {Outcome.FAILED}


def test_a_revision_that_is_not_there_or_not_of_the_branch(made: Company) -> None:
    with pytest.raises(DeliveryError, match="no revision main-9"):
        back(made, "main-9")
    repository(made).branches["other"] = [{}]
    with pytest.raises(DeliveryError, match="other-1 is not in the history of main"):
        back(made, "other-1")


def test_a_revision_before_anything_of_ours(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    made.config(EXTERNAL)
    repository(made).write({"README.md": "hello\n"})
    made.apply()
    plan = plan_of(back(made, "main-1"))
    assert [cluster.code for cluster in plan.failed] == ["ERR211", "ERR211"]
    assert "delivered nothing to clusters/staging at that commit" in plan.failed[0].message


def test_a_file_of_another_instance_is_not_put_back(made: Company) -> None:
    path = next(path for path in repository(made).files() if path.startswith(STAGING) and "RoleBinding" in path)
    text = repository(made).files()[path]
    repository(made).write({path: text.replace("instance acme", "instance other")})
    repository(made).write({path: text})
    plan = plan_of(back(made, "main-3"))
    assert [cluster.name for cluster in plan.failed] == ["staging"]
    assert "does not have our header" in plan.failed[0].message


def test_it_is_proposed_where_deliveries_are_proposed(made: Company) -> None:
    made.config(EXTERNAL.replace("repository:", "commit: pull-request, repository:"))
    before = repository(made).branches["main"][0]
    events = commit(made, back(made, "main-1"))
    assert {event.outcome for event in events} == {Outcome.PROPOSED}
    assert repository(made).proposals == {"iamrbac/acme/staging": before}
    assert len(repository(made).branches["main"]) == 2


@pytest.mark.parametrize("layout", ["plain", "kustomize", "argocd", "flux"])
def test_every_layout_goes_back_to_the_same_bytes(tmp_path: Path, layout: str) -> None:
    made = company(tmp_path / "repo")
    made.config(EXTERNAL.replace("repository:", f"layout: {layout}, repository:"))
    made.apply()
    before = repository(made).files()
    made.policy(POLICY.replace("role: viewer", "role: developer").replace("[payments]", "[payments, search]"))
    made.apply()
    assert repository(made).files() != before
    commit(made, back(made, "main-1"))
    assert repository(made).files() == before


def test_a_broken_file_of_then_refuses(made: Company) -> None:
    path = next(path for path in repository(made).files() if path.startswith(STAGING) and "RoleBinding" in path)
    text = repository(made).files()[path]
    repository(made).write({path: text.partition("apiVersion")[0] + "\t: ["})
    repository(made).write({path: text})
    assert refused(plan_of(back(made, "main-3")))


def test_clusters_that_are_written_directly_have_no_way_back(made: Company) -> None:
    made.config(CONFIG)
    with pytest.raises(UsageError, match="written directly: staging, production; there a run is undone"):
        back(made, "main-1")
    made.config(EXTERNAL.replace("delivery: gitops, ", "", 1))
    with pytest.raises(UsageError, match="written directly: staging"):
        back(made, "main-1", "staging")


def test_clusters_of_several_branches_are_asked_for_by_name(made: Company) -> None:
    made.config(EXTERNAL.replace("delivery: gitops, ", "delivery: gitops, gitops: {branch: other}, ", 1))
    with pytest.raises(UsageError, match="several branches"):
        back(made, "main-1")
