"""Questions put to policies, living clusters and manifests: what is asked, what is known of it, what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iamrbac.access.naming import Asked
from iamrbac.compile.desired import Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import IamName, Identities, Unreadable
from iamrbac.model.errors import AwsError, KubeError, UsageError
from iamrbac.plan.observed import Meta, Observed
from iamrbac.rbac.objects import Binding, Request, Role, RoleRef, Rule, Subject
from iamrbac.roles.builtin import builtin
from iamrbac.usecases.ask import Answer, ask, holdings, who_can
from iamrbac.usecases.ground import FILES, Ground, file_ground, live_ground, policy_ground
from iamrbac.usecases.snapshot import take_snapshot
from iamrbac.wiring import repository, roles
from tests.usecases.fakes import ACCOUNT
from tests.usecases.world import ALICE, AT, BOB, CAROL, CONFIG, POLICY, Company, company

BUILTIN = builtin().rbac
PODS = Request("get", "pods", namespace="payments")
DELETE = Request("delete", "pods", namespace="payments")
SET = "iamrbac:acme:payments:developers"
CATALOGUE = CONFIG.replace("labels:", "namespaces: [payments, search], labels:")


@pytest.fixture
def acme(tmp_path: Path) -> Company:
    made = company(tmp_path / "acme")
    made.config(CATALOGUE)
    return made


@pytest.fixture
def applied(acme: Company) -> Company:
    acme.apply()
    return acme


def declared(acme: Company, *clusters: str, identities: Identities | None = None) -> Ground:
    return policy_ground(repository(acme.root), roles(acme.root), BUILTIN, AT, clusters, identities)


def live(acme: Company, *clusters: str) -> Ground:
    return live_ground(acme.edges, BUILTIN, AT, clusters)


def known(acme: Company) -> Identities:
    taken, findings = take_snapshot(repository(acme.root), roles(acme.root).names(), lambda: acme.people, AT)
    assert taken is not None, findings
    return taken


def said(answers: tuple[Answer, ...]) -> dict[str, bool | None]:
    return {one.cluster: one.allowed for one in answers}


def put(acme: Company, cluster: str, *specs: Role | Binding) -> None:
    """Write objects by somebody else's hand."""
    for spec in specs:
        key = Key(cluster, spec.kind, spec.namespace or "", spec.name)
        acme.kubes[cluster].objects[key] = Observed(key, spec, Meta(version="1"))


def test_policies_are_asked_about_members_as_they_declare_them(acme: Company) -> None:
    ground = declared(acme)
    assert said(ask(ground, Asked("payments-developers"), PODS)) == {"staging": True, "production": True}
    assert said(ask(ground, Asked("payments-developers"), DELETE)) == {"staging": False, "production": False}
    assert said(ask(ground, Asked("iamGroup:payments-oncall"), DELETE)) == {"staging": True, "production": True}
    with pytest.raises(UsageError, match=r"nobody is called alice here.*--identities FILE knows people"):
        ask(ground, Asked("alice"), PODS)
    assert said(ask(declared(acme, "production"), Asked("team:payments/oncall"), DELETE)) == {"production": True}


def test_with_a_snapshot_policies_are_asked_about_people(acme: Company) -> None:
    ground = declared(acme, identities=known(acme))
    (answer, _) = ask(ground, Asked("alice"), PODS)
    assert answer.somebody is not None
    assert (answer.somebody.principal, answer.somebody.user.groups) == (ALICE, (SET,))
    with pytest.raises(UsageError, match="nobody is called payments-developers here"):
        ask(ground, Asked("payments-developers"), PODS)


def test_a_name_of_the_policies_that_has_nothing_on_a_cluster_is_a_no(acme: Company) -> None:
    acme.policy(POLICY.replace('clusters: ["*"]', "clusters: [production]"))
    (answer,) = ask(declared(acme, "staging"), Asked("payments-developers"), PODS)
    assert (answer.allowed, answer.somebody) == (False, None)
    (answer,) = ask(declared(acme, "staging", identities=known(acme)), Asked("alice"), PODS)
    assert (answer.allowed, answer.somebody) == (False, None)
    (answer,) = ask(declared(acme, "staging"), Asked("team:payments/developers"), PODS)
    assert (answer.allowed, answer.somebody) == (False, None)
    assert holdings(declared(acme, "staging"), "payments-developers") == {"staging": ()}


def test_the_suspended_may_nothing(acme: Company) -> None:
    acme.config(CATALOGUE + f"suspended: [{ALICE}]\n")
    answers = ask(declared(acme, identities=known(acme)), Asked("alice"), PODS)
    assert [(one.allowed, one.suspended) for one in answers] == [(False, True), (False, True)]


def test_invalid_policies_are_no_ground(acme: Company) -> None:
    acme.policy(POLICY.replace("role: viewer", "role: viewr"))
    ground = declared(acme)
    assert ground.failed
    assert not ground.judges
    assert [(one.file, one.line) for one in ground.findings if one.level is Level.ERROR] == [
        ("policies/payments.yaml", 9)
    ]


def test_no_such_cluster_and_no_such_team(acme: Company) -> None:
    with pytest.raises(UsageError, match=r"no such cluster in iamrbac\.yaml: x"):
        declared(acme, "x")
    with pytest.raises(UsageError, match=r"no policy is of a team x\. Next: use one of payments"):
        holdings(declared(acme), team="x")


def test_living_clusters_say_what_is_there_with_the_lines_of_what_is_ours(applied: Company) -> None:
    ground = live(applied)
    assert ground.notes == ()
    answers = ask(ground, Asked("alice"), PODS)
    assert said(answers) == {"staging": True, "production": True}
    assert [origin.file for answer in answers for origin in answer.chains[0].origins] == ["policies/payments.yaml"] * 2
    assert {one.somebody.source for one in answers if one.somebody is not None} == {"entry", "row"}
    with pytest.raises(UsageError, match="a cluster knows no IAM group"):
        ask(ground, Asked("payments-developers"), PODS)


def test_what_is_not_ours_counts_on_living_clusters(applied: Company) -> None:
    ref = RoleRef("ClusterRole", "root")
    put(
        applied,
        "staging",
        Role("ClusterRole", None, "root", (Rule(("*",), ("*",), ("*",)),)),
        Binding("ClusterRoleBinding", None, "everybody", ref, (Subject("Group", "system:authenticated"),)),
    )
    assert said(ask(live(applied), Asked("alice"), DELETE)) == {"staging": True, "production": False}
    assert said(ask(declared(applied), Asked("payments-developers"), DELETE))["staging"] is False
    able = who_can(live(applied, "staging"), DELETE)["staging"]
    assert {ALICE, BOB, CAROL} <= {chain.somebody.principal for chain in able.chains}
    assert all(not chain.origins for chain in able.chains if chain.somebody.principal == ALICE)


def test_a_binding_that_somebody_changed_has_no_policy_line_any_more(applied: Company) -> None:
    kube = applied.kubes["staging"]
    (key,) = (key for key in kube.objects if key.kind == "RoleBinding" and "viewer" in key.name)
    there = kube.objects[key]
    assert isinstance(there.spec, Binding)
    more = replace(there.spec, subjects=(*there.spec.subjects, Subject("User", "eve")))
    kube.objects[key] = replace(there, spec=more)
    (answer,) = ask(live(applied, "staging"), Asked("alice"), PODS)
    assert answer.allowed
    assert answer.chains[0].origins == ()


def test_a_role_that_somebody_changed_is_not_what_its_line_says(applied: Company) -> None:
    kube = applied.kubes["staging"]
    (key,) = (key for key in kube.objects if key.kind == "Role" and "viewer" in key.name)
    there = kube.objects[key]
    assert isinstance(there.spec, Role)
    kube.objects[key] = replace(there, spec=replace(there.spec, rules=(Rule(("*",), ("*",), ("*",)),)))
    (answer,) = ask(live(applied, "staging"), Asked("alice"), DELETE)
    assert answer.allowed
    assert answer.chains[0].origins == ()


def test_a_cluster_that_cannot_be_read_is_a_failure_and_the_others_answer(applied: Company) -> None:
    applied.kubes["production"].unreadable = KubeError("does not answer", where="production", hint="look at the VPN")
    ground = live(applied)
    assert [(one.name, one.code) for one in ground.failures] == [("production", KubeError.code)]
    assert said(ask(ground, Asked("alice"), PODS)) == {"staging": True}
    assert ask(ground, Asked("whoever"), PODS)[0].somebody is None, "who is mapped there is not known"
    assert holdings(ground, "whoever") == {"staging": ()}


def test_invalid_policies_do_not_keep_living_clusters_from_answering(applied: Company) -> None:
    applied.policy(POLICY.replace("role: viewer", "role: viewr"))
    ground = live(applied, "staging")
    assert not ground.failed
    assert ground.notes == ("the policies are not valid, so no policy line is known: iamrbac validate says why",)
    (answer,) = ask(ground, Asked("alice"), PODS)
    assert (answer.allowed, answer.chains[0].origins) == (True, ())
    applied.config("kind: Config\n")
    assert live(applied).failed


def test_a_namespace_that_is_not_there(applied: Company) -> None:
    assert declared(applied).lacking("paymnts") == ("staging", "production")
    assert declared(applied).lacking("kube-system") == ()
    assert live(applied).lacking("payments-batch") == ()
    assert live(applied).lacking("") == ()


def test_manifests_stand_beside_kubernetes_own_roles_and_may_replace_them() -> None:
    subject = (Subject("User", "ann"),)
    binding = Binding("ClusterRoleBinding", None, "b", RoleRef("ClusterRole", "view"), subject)
    labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    widgets = Role("ClusterRole", None, "w", (Rule(("get",), ("example.com",), ("widgets",)),), (), labels)
    ground = file_ground((binding, widgets), (), BUILTIN)
    assert said(ask(ground, Asked("user:ann"), PODS)) == {FILES: True}
    assert said(ask(ground, Asked("user:ann"), Request("get", "widgets", "example.com"))) == {FILES: True}
    ground = file_ground((binding, Role("ClusterRole", None, "view", ())), (), BUILTIN)
    assert said(ask(ground, Asked("user:ann"), PODS)) == {FILES: False}
    with pytest.raises(UsageError, match="manifests map nobody"):
        ask(ground, Asked("ann"), PODS)
    wrong = Finding("MAN001", Level.ERROR, "it is wrong", "correct it")
    assert file_ground((binding,), (wrong,), BUILTIN).failed


def test_the_chains_of_an_answer_have_ours_first(applied: Company) -> None:
    theirs = Role("ClusterRole", None, "theirs", (Rule(("get",), ("",), ("pods",)),))
    binding = Binding("RoleBinding", "payments", "a", RoleRef("ClusterRole", "theirs"), (Subject("User", ALICE),))
    put(applied, "staging", theirs, binding)
    (answer,) = ask(live(applied, "staging"), Asked("alice"), PODS)
    assert [bool(chain.origins) for chain in answer.chains] == [True, False]


def test_holdings_of_a_namespace_are_also_those_of_the_whole_cluster(applied: Company) -> None:
    ref = RoleRef("ClusterRole", "view")
    put(applied, "staging", Binding("ClusterRoleBinding", None, "all", ref, (Subject("User", "eve"),)))
    found = holdings(live(applied, "staging"), namespace="search")["staging"]
    assert [(one.principal, one.namespace, one.role) for one in found] == [("User eve", "", "clusterRole view")]
    found = holdings(live(applied, "staging"), team="payments")["staging"]
    assert {one.principal for one in found} == {ALICE, BOB, CAROL}


def test_a_snapshot_is_complete_or_not_taken(acme: Company) -> None:
    taken = known(acme)
    assert taken.groups[IamName(ACCOUNT, "payments-oncall")] == (CAROL,)
    acme.people.groups["payments-oncall"] = Unreadable("AccessDenied for GetGroup")
    with pytest.raises(
        AwsError, match=r"AccessDenied for GetGroup\. Next: mend that, and run again; nothing was written"
    ):
        known(acme)
    acme.policy("kind: AccessPolicy\n")
    asked = acme.people.asked
    taken_, findings = take_snapshot(repository(acme.root), roles(acme.root).names(), lambda: acme.people, AT)
    assert (taken_, acme.people.asked) == (None, asked)
    assert any(one.level is Level.ERROR for one in findings)
