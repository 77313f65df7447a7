"""`rollback ID` on fakes: a run undone wherever it was killed, through the guards; what is told, and what refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iamrbac.backup.backup import Result
from iamrbac.backup.codec import encode_backup, encode_results
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.errors import ForbiddenError, UsageError
from iamrbac.plan.change import Plan
from iamrbac.plan.drift import FieldManager
from iamrbac.plan.guards import Allowances
from iamrbac.plan.observed import Observed
from iamrbac.rbac.objects import Role
from iamrbac.state.local import LocalStore
from iamrbac.usecases.apply import Applying, apply_plan, refused
from iamrbac.usecases.backups import BackupStore, Part, Places
from iamrbac.usecases.home_backups import HomeStore
from iamrbac.usecases.outcome import Event, Outcome
from iamrbac.usecases.plan import PlanRequest
from iamrbac.usecases.restore import Restored, make_restore
from tests.backup.world import record
from tests.usecases.fakes import ACCOUNT, Killed, Silent
from tests.usecases.test_delivery import BY_GIT
from tests.usecases.test_plan_apply import everything
from tests.usecases.world import ALICE, AT, BOB, CONFIG, POLICY, Company, company, dying_at

IDS = [f"20261126-12{minute:02}00-aaaaaa" for minute in range(60)]
CHANGED = POLICY.replace("{to: [oncall], clusters: [production]", "{to: [developers], clusters: [production]").replace(
    "role: viewer", "role: developer"
)


def store(made: Company, cluster: str) -> HomeStore:
    return HomeStore(made.kubes[cluster], cluster, "acme", "iamrbac-system")


def run(made: Company, id_: str, plan: Plan | None = None) -> None:
    """Apply, and keep what it changes."""
    plan = plan or made.plan()
    kept = {one.name: record(one, id_).backup for one in plan.planned if one.changes}
    for name, backup in kept.items():
        store(made, name).save(id_, Part.BACKUP, encode_backup(backup))
    events = [one for one in apply_plan(made.edges, plan, Applying(Silent(), made.pause)) if isinstance(one, Event)]
    assert {one.outcome for one in events} <= {Outcome.DONE}
    for name, backup in kept.items():
        results = [Result(one.change.key, one.outcome.value) for one in events if one.change.key.cluster == name]
        store(made, name).save(id_, Part.RESULTS, encode_results(backup, results))


def back(made: Company, id_: str | None = None, *clusters: str, removals: int = 100) -> Restored:
    request = PlanRequest(AT, clusters, frozenset(), Allowances(removals))

    def local(instance: str, cluster: str) -> BackupStore:
        return LocalStore(made.root.parent / "state", instance, cluster)

    def bucket(place: str, owner: str, instance: str, cluster: str) -> BackupStore:
        raise AssertionError(place)

    return make_restore(made.edges, request, id_, Places(local, bucket), Silent())


def plan_of(restored: Restored) -> Plan:
    assert restored.plan is not None, restored.findings
    return restored.plan


def ids(restored: Restored) -> set[str]:
    return {finding.id for finding in plan_of(restored).all_findings}


@pytest.fixture
def made(tmp_path: Path) -> Company:
    """Applied once, then the policy changed; the second is still to come."""
    made = company(tmp_path / "repo")
    for kube in made.kubes.values():
        kube.namespaces |= {"iamrbac-system"}
    run(made, IDS[0])
    made.policy(CHANGED)
    return made


def test_the_last_run_is_undone_and_a_rollback_too(made: Company) -> None:
    before = everything(made)
    run(made, IDS[1])
    after = everything(made)
    assert after != before
    restored = back(made)
    assert (restored.run, [one.id for one in restored.runs]) == (IDS[1], [IDS[1]])
    assert not refused(plan_of(restored))
    run(made, IDS[2], plan_of(restored))
    assert everything(made) == before
    run(made, IDS[3], plan_of(back(made)))
    assert everything(made) == after


def test_all_runs_since_one_are_undone(made: Company) -> None:
    run(made, IDS[1])
    restored = back(made, IDS[0][:14])
    assert restored.run == IDS[0]
    assert [one.id for one in restored.runs] == [IDS[1], IDS[0]]
    run(made, IDS[2], plan_of(restored))
    assert all(not kube.objects for kube in made.kubes.values())
    assert all(not entries for entries in made.aws.entries.values())


def test_a_run_that_was_killed_at_any_write_is_undone(tmp_path: Path) -> None:
    number = 0
    while True:
        made = company(tmp_path / str(number))
        for kube in made.kubes.values():
            kube.namespaces |= {"iamrbac-system"}
        run(made, IDS[0])
        before = everything(made)
        made.policy(CHANGED)
        made.faults.writes = 0
        made.faults.fail = dying_at(number + 1)
        try:
            run(made, IDS[1])
        except Killed:
            killed = True
        else:
            killed = False
        made.faults.fail = lambda _count, _what: None
        restored = back(made)
        assert restored.run == IDS[1]
        run(made, IDS[2], plan_of(restored))
        assert everything(made) == before
        if not killed:
            break
        number += 3
    assert number > 10


def test_one_cluster_alone(made: Company) -> None:
    run(made, IDS[1])
    assert {change.key.cluster for change in plan_of(back(made, None, "staging")).changes} == {"staging"}


def test_nobody_knows_the_run(made: Company) -> None:
    run(made, IDS[1])
    for asked in ("2025", "2026", ""):
        with pytest.raises(UsageError, match="iamrbac history"):
            back(made, asked)


def test_nothing_was_ever_changed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run that changed something is kept"):
        back(company(tmp_path / "repo"))


def test_backups_that_cannot_be_read_are_no_absence(made: Company) -> None:
    made.kubes["staging"].map_fault = lambda _doing: ForbiddenError("may not list configmaps")
    restored = back(made)
    assert [one.name for one in plan_of(restored).failed] == ["staging"]
    assert {change.key.cluster for change in plan_of(restored).changes} == {"production"}


def test_a_copy_elsewhere_counts_where_the_cluster_has_none(made: Company) -> None:
    run(made, IDS[1])
    kept = store(made, "staging").read([IDS[1]])[IDS[1]]
    local = LocalStore(made.root.parent / "state", "acme", "staging")
    local.save(IDS[1], Part.BACKUP, kept)
    store(made, "staging").delete(IDS[1])
    assert {change.key.cluster for change in plan_of(back(made)).changes} == {"staging", "production"}


def test_the_guards_judge_it_like_an_apply(made: Company) -> None:
    assert refused(plan_of(back(made, removals=0)))
    assert ids(back(made, removals=0)) >= {"GRD002"}
    assert not refused(plan_of(back(made)))


def test_who_is_suspended_today_does_not_come_back_and_who_does_is_named(made: Company) -> None:
    made.policy(POLICY.replace("developers: [{iamGroup: payments-developers}]", "developers: [{iamUser: bob}]"))
    run(made, IDS[1])
    made.config(f"{CONFIG}suspended: ['{ALICE}']\n")
    restored = back(made)
    assert ids(restored) >= {"BCK003"}
    gains = {one.principal for cluster in plan_of(restored).planned for one in cluster.access if one.change == "gain"}
    assert ALICE not in gains
    made.config(CONFIG)
    (message, *_) = [one.message for one in plan_of(back(made)).all_findings if one.id == "BCK006"]
    assert "alice" in message
    assert "whether they are still in their IAM groups or not" in message


def test_an_invalid_policy_stops_nothing_and_an_invalid_config_does(made: Company) -> None:
    run(made, IDS[1])
    made.policy("kind: [")
    assert plan_of(back(made)).changed
    made.config("kind: [")
    assert back(made).plan is None


def test_who_changed_something_by_hand_is_told(made: Company) -> None:
    kube = made.kubes["staging"]
    key = next(key for key in kube.objects if key.kind == "Role")
    was = kube.objects[key]
    assert isinstance(was.spec, Role)
    kube.objects[key] = replace(was, spec=replace(was.spec, rules=()))
    kube.written_by[key] = (FieldManager("kubectl-edit", "2026-11-26T12:30:00Z", frozenset({"rules"})),)
    (finding,) = [one for one in plan_of(back(made)).all_findings if one.id == "BCK001"]
    assert "somebody changed it since (kubectl-edit, 2026-11-26T12:30:00Z)" in finding.message


def test_clusters_that_are_delivered_by_git_are_named_and_not_concerned(made: Company) -> None:
    run(made, IDS[1])
    made.config(BY_GIT.replace("delivery: gitops", "delivery: direct", 1))
    restored = back(made)
    assert (restored.by_git, [one.name for one in plan_of(restored).clusters]) == (("production",), ["staging"])
    with pytest.raises(UsageError, match=r"rollback --to REV"):
        back(made, None, "production")


def test_a_bystander_stays(made: Company) -> None:
    run(made, IDS[1])
    stranger = f"arn:aws:iam::{ACCOUNT}:user/stranger"
    bob = next(one for one in made.aws.entries["staging"].values() if one.key.name == BOB)
    key = replace(bob.key, name=stranger)
    made.aws.entries["staging"][key] = Observed(key, AccessEntry(stranger, stranger))
    run(made, IDS[2], plan_of(back(made)))
    assert key in made.aws.entries["staging"]
