"""Tests of access judged on whole repositories: who is meant, where, and what is tested."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac import wiring
from iamrbac.identity.snapshot import IamName, Identities
from iamrbac.model.errors import UsageError
from iamrbac.usecases.expect import RunRequest, Verdict, run_tests
from tests.usecases import world
from tests.usecases.world import ALICE, AT, BOB, CAROL, CONFIG

ACCOUNT = "111122223333"
POLICY = world.POLICY.replace('"payments*"', "payments")  # the clusters have no catalogue
PEOPLE = Identities(
    {IamName(ACCOUNT, "payments-developers"): (ALICE, BOB), IamName(ACCOUNT, "payments-oncall"): (CAROL,)}
)
HEAD = "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessTest\ntests:\n"


def judge(
    root: Path,
    *cases: str,
    people: Identities | None = None,
    config: str = CONFIG,
    policy: str = POLICY,
    request: RunRequest | None = None,
) -> Verdict:
    """Judge cases, each a YAML flow mapping, in tests/access/a.yaml."""
    (root / "policies").mkdir(parents=True, exist_ok=True)
    (root / "tests" / "access").mkdir(parents=True, exist_ok=True)
    (root / "iamrbac.yaml").write_text(config)
    (root / "policies" / "payments.yaml").write_text(policy)
    if cases:
        (root / "tests" / "access" / "a.yaml").write_text(HEAD + "".join(f"  - {case}\n" for case in cases))
    own = wiring.builtin()
    asked = request or RunRequest(AT, identities=people)
    return run_tests(wiring.repository(root), wiring.roles(root), own.rbac, own.catalogue, asked)


def outcomes(tested: Verdict) -> list[str]:
    return [case.outcome for case in tested.cases]


def told(tested: Verdict) -> list[str]:
    return [finding.message for finding in tested.findings]


def test_members_are_as_declared_or_people(tmp_path: Path) -> None:
    cases = (
        "{principal: payments-developers, clusters: [staging], namespaces: [payments], can: [get pods]}",
        "{group: payments-developers, clusters: [staging], namespaces: [payments], can: [get pods]}",
        '{team: payments/developers, clusters: [staging], namespaces: [payments], cannot: ["* secrets"]}',
    )
    assert outcomes(judge(tmp_path, *cases)) == ["passed"] * 3
    assert outcomes(judge(tmp_path, *cases, people=PEOPLE)) == ["passed"] * 3
    case = "{principal: alice, clusters: [staging], namespaces: [payments], cannot: [delete pods]}"
    assert outcomes(judge(tmp_path, case, people=PEOPLE)) == ["passed"]
    assert told(judge(tmp_path, case)) == ["nobody is called alice here"]


def test_everybody_but_a_group_is_everybody_but_its_people(tmp_path: Path) -> None:
    case = '{{principal: "*", but: [{0}], clusters: [production], namespaces: [payments], cannot: [delete pods]}}'
    assert outcomes(judge(tmp_path, case.format("payments-oncall"), people=PEOPLE)) == ["passed"]
    assert outcomes(judge(tmp_path, case.format("carol"), people=PEOPLE)) == ["passed"]
    tested = judge(tmp_path, case.format("alice"), people=PEOPLE)
    assert [one.breach.person.text for case in tested.cases for one in case.told if one.breach.person] == [CAROL]


def test_a_person_in_two_groups_has_the_rights_of_both(tmp_path: Path) -> None:
    both = Identities({**PEOPLE.groups, IamName(ACCOUNT, "payments-oncall"): (ALICE, CAROL)})
    case = "{principal: alice, clusters: [production], namespaces: [payments], can: [get pods, delete pods]}"
    assert outcomes(judge(tmp_path, case, people=both)) == ["passed"]
    assert outcomes(judge(tmp_path, case, people=PEOPLE)) == ["failed"]


def test_who_left_the_group_fails_a_can_and_keeps_a_cannot(tmp_path: Path) -> None:
    empty = Identities({**PEOPLE.groups, IamName(ACCOUNT, "payments-oncall"): ()})
    case = "{{group: payments-oncall, clusters: [staging], namespaces: [payments], {0}: [get pods]}}"
    assert outcomes(judge(tmp_path, case.format("can"), case.format("cannot"), people=empty)) == ["failed", "passed"]


def test_a_snapshot_that_lacks_a_group_is_no_answer(tmp_path: Path) -> None:
    half = Identities({IamName(ACCOUNT, "payments-developers"): (ALICE,)})
    tested = judge(tmp_path, "{principal: alice, can: [get pods], clusters: [staging]}", people=half)
    assert tested.refused
    assert "payments-oncall" in " ".join(told(tested))


def test_where_somebody_else_maps_people_are_not_known(tmp_path: Path) -> None:
    config = CONFIG.replace("{name: production,", "{name: production, mapping: external,")
    case = "{principal: alice, clusters: [production], namespaces: [payments], cannot: [delete pods]}"
    tested = judge(tmp_path, case, config=config, people=PEOPLE)
    assert outcomes(tested) == ["unknown"]
    assert "somebody else maps principals on production" in told(tested)[0]
    group = "{group: payments-developers, clusters: [production], namespaces: [payments], can: [get pods]}"
    assert outcomes(judge(tmp_path, group, config=config, people=PEOPLE)) == ["passed"]


def test_suspended_people_can_nothing_and_are_known(tmp_path: Path) -> None:
    config = CONFIG + f"suspended: [{BOB}]\n"
    cases = ("{principal: bob, cannot: ['* *']}", "{principal: bob, namespaces: [payments], can: [get pods]}")
    assert outcomes(judge(tmp_path, *cases, config=config, people=PEOPLE)) == ["passed", "failed"]


def test_a_name_that_two_have_is_no_name(tmp_path: Path) -> None:
    policy = POLICY.replace("[{iamGroup: payments-oncall}]", "[{iamGroup: oncall}, {iamUser: oncall}]")
    tested = judge(tmp_path, "{principal: oncall, cannot: [get pods]}", policy=policy)
    assert told(tested) == ["oncall may be iamGroup oncall or iamUser oncall"]
    tested = judge(tmp_path, "{principal: 'iamUser:oncall', cannot: [get nodes]}", policy=policy)
    assert outcomes(tested) == ["passed"]


def test_a_test_about_other_clusters_than_were_asked_is_left_out(tmp_path: Path) -> None:
    cases = (
        "{group: payments-oncall, clusters: [production], namespaces: [payments], can: [delete pods]}",
        "{group: payments-oncall, clusters: [staging], namespaces: [payments], can: [get pods]}",
    )
    tested = judge(tmp_path, *cases, request=RunRequest(AT, ("staging",)))
    assert (outcomes(tested), tested.skipped) == (["passed"], 1)


def test_a_temporary_grant_counts_until_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "policies" / "temporary"
    folder.mkdir(parents=True)
    (folder / "dana.yaml").write_text(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: TemporaryGrant\nmetadata: {name: dana}\nspec:\n"
        "  team: payments\n  members: [{iamUser: dana}]\n  reason: launch\n  notAfter: '2026-11-25T00:00:00Z'\n"
        "  access: [{clusters: [staging], namespaces: [payments], role: viewer}]\n"
    )
    case = "{principal: dana, clusters: [staging], namespaces: [payments], can: [get pods]}"
    assert outcomes(judge(tmp_path, case)) == ["passed"]
    late = RunRequest(AT.replace(year=2027))
    assert outcomes(judge(tmp_path, case, request=late)) == ["failed"]


def test_coverage_counts_lines_for_each_set_and_names_those_left(tmp_path: Path) -> None:
    case = "{team: payments/developers, clusters: [staging], namespaces: [payments], can: [get pods]}"
    tested = judge(tmp_path, case)
    assert tested.coverage is not None
    # One line gives to developers on both clusters: it is tested once it is on one.
    assert (tested.coverage.tested, tested.coverage.total, tested.coverage.percent) == (1, 3, 33)
    left = [(one.set_name, one.role, one.origin.path[-1]) for one in tested.coverage.untested]
    assert left == [("oncall", "operator", 1), ("oncall", "clusterRole edit", 2)]
    assert not tested.refused
    low = judge(tmp_path, case, request=RunRequest(AT, fail_under=34))
    assert low.refused
    assert told(low) == ["1 of 3 grants are tested (33 %), fewer than 34 %"]
    listed = judge(tmp_path, case, request=RunRequest(AT, list_untested=True))
    assert (len(listed.findings), listed.refused) == (2, False)


def test_an_access_policy_is_tested_where_a_can_holds_by_it(tmp_path: Path) -> None:
    config = CONFIG.replace("{name: staging,", "{name: staging, mapping: access-entries,")
    policy = POLICY.replace("role: {clusterRole: edit}", "role: {eksAccessPolicy: AmazonEKSViewPolicy}")
    case = (
        "{group: payments-oncall, clusters: [staging], namespaces: [payments], can: [get pods], cannot: [get secrets]}"
    )
    tested = judge(tmp_path, case, config=config, policy=policy)
    assert outcomes(tested) == ["passed"]
    assert tested.coverage is not None
    assert [one.role for one in tested.coverage.untested] == ["viewer", "operator"]


def test_what_is_wrong_in_the_documents_is_told_instead_of_an_answer(tmp_path: Path) -> None:
    tested = judge(tmp_path, "{group: payments-oncall, can: [get pods]}", policy=POLICY.replace("viewer", "viewr"))
    assert tested.invalid
    assert tested.refused
    assert tested.cases == ()
    tested = judge(tmp_path, "{group: payments-oncall, kan: [get pods]}")
    assert tested.invalid
    assert [finding.file for finding in tested.findings] == ["tests/access/a.yaml"]


def test_no_tests_are_no_failure_and_a_path_to_none_is(tmp_path: Path) -> None:
    tested = judge(tmp_path)
    assert (tested.cases, tested.refused) == ((), False)
    with pytest.raises(UsageError, match="this holds no test of access"):
        judge(tmp_path, request=RunRequest(AT, paths=("policies",)))


def test_a_mistake_has_its_line_and_column(tmp_path: Path) -> None:
    tested = judge(tmp_path, "{group: payments-oncall, can: [get pods, get podz]}")
    assert [(one.id, one.file, one.line, one.column) for one in tested.findings] == [
        ("TST005", "tests/access/a.yaml", 4, 46)
    ]


def test_many_mistakes_take_no_time_to_guess_at(tmp_path: Path) -> None:
    tested = judge(tmp_path, *(f"{{group: payments-onkall-{number}, can: [get pods]}}" for number in range(300)))
    hints = [finding.hint for finding in tested.findings]
    assert hints[0] == "did you mean payments-oncall?"
    assert hints[-1].startswith("groups of the policies: ")


def test_tests_that_ask_too_much_are_refused_instead_of_judged_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iamrbac.usecases.expect.MAX_JUDGEMENTS", 5)
    few = "{team: payments/developers, cannot: [get secrets, list secrets]}"
    tested = judge(tmp_path, few, few, few)
    assert outcomes(tested)[0] == "passed"
    assert outcomes(tested)[-1] == "broken"
    assert tested.refused
    assert {finding.id for finding in tested.findings} == {"TST008"}
    assert told(tested)[-1].startswith("not judged: the tests ask more than 5 things in all")


def test_names_of_objects_are_not_multiplied_for_ever(tmp_path: Path) -> None:
    names = ", ".join(f"n{number}" for number in range(5_000))
    wide = f'{{team: payments/developers, cannot: [{{verbs: ["*"], resources: ["*"], names: [{names}]}}]}}'
    tested = judge(tmp_path, wide)
    assert outcomes(tested) == ["broken"]
    assert "the tests name more than 200,000 objects in all" in told(tested)[0]
