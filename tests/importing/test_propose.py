"""What becomes what, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from iamrbac.identity.snapshot import IamName
from iamrbac.importing.names import free, label, policy_label
from iamrbac.importing.proposal import Taken
from iamrbac.importing.sessions import by_session, named_sessions
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.documents import IamGroup, IamUser
from iamrbac.rbac.objects import Binding, RbacState, Role, RoleRef, Rule, Subject, User
from tests.access.worlds import ACCOUNT, policy_arn
from tests.importing.clusters import CONFIG, OWNED, Outcome, errors, known, outcome, state_of

ANN, BOB, CAROL = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("ann", "staff/bob", "carol"))
RULES = (Rule(("get", "list"), ("",), ("pods",)),)


def group(name: str, *, namespace: str = "blue", role: str = "developer") -> RbacState:
    """A Role, bound to a group."""
    binding = Binding("RoleBinding", namespace, "b", RoleRef("Role", role), (Subject("Group", name),))
    return RbacState((Role("Role", namespace, role, RULES),), (binding,))


def entries(*arns: str, groups: tuple[str, ...] = ("Ops Team",)) -> tuple[AccessEntry, ...]:
    return tuple(AccessEntry(arn, arn, groups) for arn in arns)


def ready(found: Outcome) -> Outcome:
    assert errors(found.findings) == []
    assert found.proof is not None and found.proof.equal, found.proof
    return found


def test_names_stay_where_the_language_takes_them_and_hide_nothing() -> None:
    state = state_of("API", entries(ANN, CAROL), state=group("Ops Team"))
    found = ready(outcome(state, CONFIG, known(state)))
    (policy,) = found.proposal.policies
    assert policy.metadata.name == "ops-team"
    assert policy.spec.access[0].role == "developer-2"
    assert dict(found.proposal.templates) == {"developer-2": RULES}
    taken = Taken(frozenset({"ops-team"}), frozenset({"developer", "developer-2"}))
    (policy,) = outcome(state, CONFIG, known(state), taken).proposal.policies
    assert (policy.metadata.name, policy.spec.access[0].role) == ("ops-team-2", "developer-3")


def test_exactly_an_iam_group_is_the_group_and_nearly_one_is_a_note() -> None:
    state = state_of("API", entries(ANN, BOB, CAROL, groups=("dev",)), state=group("dev"))
    for users, expected, notes in (
        ((ANN, BOB, CAROL), (IamGroup(iam_group="dev-people"),), 0),
        ((ANN, BOB), (IamUser(iam_user="ann"), IamUser(iam_user="carol"), IamUser(iam_user="staff/bob")), 1),
        ((ANN,), (IamUser(iam_user="ann"), IamUser(iam_user="carol"), IamUser(iam_user="staff/bob")), 0),
    ):
        identities = replace(known(state), groups={IamName(ACCOUNT, "dev-people"): tuple(sorted(users))})
        found = ready(outcome(state, CONFIG, identities))
        assert found.proposal.policies[0].spec.members["members"] == expected
        assert len(found.proposal.notes) == notes
    assert "carol" not in str(found.proposal.notes)


def test_one_person_is_a_group_by_its_name_only() -> None:
    state = state_of("API", entries(ANN, groups=("dev",)), state=group("dev"))
    for name, kind in (("dev", IamGroup), ("others", IamUser)):
        identities = replace(known(state), groups={IamName(ACCOUNT, name): (ANN,)})
        found = ready(outcome(state, CONFIG, identities))
        assert isinstance(found.proposal.policies[0].spec.members["members"][0], kind)


def test_where_a_namespace_has_an_owner_lines_are_the_owners() -> None:
    state = state_of("API", entries(ANN), state=group("Ops Team"))
    found = ready(outcome(state, OWNED, known(state)))
    assert [one.metadata.name for one in found.proposal.policies] == ["dev"]
    taken = Taken(frozenset({"dev"}), frozenset({"developer"}))
    refused = outcome(state, OWNED, known(state), taken)
    assert errors(refused.findings) == []
    assert refused.proof is not None and not refused.proof.equal
    assert any("dev owns the namespace" in one.why for one in refused.proposal.unsaid)


def test_whom_eks_does_not_know_any_more_loses_nothing() -> None:
    state = state_of("API", entries(ANN, BOB), state=group("Ops Team"))
    identities = replace(known(state, missing=frozenset({"user/ann"})), created={BOB: datetime(2026, 2, 1, tzinfo=UTC)})
    found = ready(outcome(state, CONFIG, identities))
    assert found.proposal.policies == ()
    whys = sorted(one.why.split(" ")[0:3] for one in found.proposal.unsaid if "entry" in one.what)
    assert whys == [["IAM", "has", "no"], ["it", "was", "deleted"]]


def test_patterns_of_access_policies_are_told_with_what_differs() -> None:
    association = PolicyAssociation(ANN, policy_arn("AmazonEKSViewPolicy"), "namespace", ("bl*", "gone"))
    state = state_of("API", entries(ANN, groups=()), (association,))
    found = outcome(state, CONFIG, known(state))
    assert errors(found.findings) == []
    assert found.proposal.policies[0].spec.access[0].namespaces == ("bl*",)
    assert found.proof is not None
    (delta,) = found.proof.deltas
    assert [(one.change, one.namespaces) for one in delta.effects] == [("lose", ("bl*", "gone"))]


def test_equal_rules_are_one_template_whatever_their_order() -> None:
    more = (Rule(("list",), ("",), ("pods",)), Rule(("get",), ("",), ("pods",)))
    one, other = group("Ops Team"), group("Ops Team", namespace="green", role="other")
    roles = (*one.roles, replace(other.roles[0], rules=more))
    state = state_of("API", entries(ANN), state=RbacState(roles, (*one.bindings, *other.bindings)))
    found = ready(outcome(state, CONFIG, known(state)))
    assert list(found.proposal.templates) == ["developer-2"]
    assert found.proposal.policies[0].spec.access[0].namespaces == ("blue", "green")


@pytest.mark.parametrize(
    ("given", "expected"),
    [("payments", "payments"), ("Ops Team", "ops-team"), ("system:masters", "system-masters"), ("!!", "imported")],
)
def test_labels(given: str, expected: str) -> None:
    assert label(given, 40) == expected


def test_other_names() -> None:
    assert free("a", {"a", "a-2"}, 40) == "a-3"
    assert free("x" * 40, {"x" * 40}, 40) == "x" * 38 + "-2"
    assert policy_label("AmazonEKSClusterAdminPolicy") == "cluster-admin"


def test_sessions_that_bindings_name() -> None:
    user = User("dev:{{SessionName}}", ("team-{{SessionNameRaw}}", "all"))
    assert named_sessions(user, ("dev:ann", "ops:bob"), ("all", "team-carol")) == {"ann", "carol"}
    assert by_session(["dev:{{SessionName}}", "ann"], ["dev:ann", "ann", "dev"]) == {"dev:ann"}
