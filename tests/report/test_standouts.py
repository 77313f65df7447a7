"""Who stands out: administrators are exactly those who may do everything; secrets, steps to more, what nobody knows."""

from __future__ import annotations

from hypothesis import given, settings

from iamrbac.access.judge import Judge
from iamrbac.access.world import World, administrators
from iamrbac.findings.finding import Level
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.arn import comparable
from iamrbac.rbac.objects import Binding, BindingKind, RbacState, Role, RoleRef, Rule, Subject
from iamrbac.report.grants import profiles
from iamrbac.report.standouts import Standout, standouts
from tests.access.worlds import BUILTIN, judges

ANN, BOB = "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/bob"

MAPPED = Subject("User", "ann")


def found(judge: Judge) -> tuple[Standout, ...]:
    return standouts("production", judge, profiles(judge))


@settings(max_examples=80)
@given(judges)
def test_administrators_are_those_who_may_do_everything(judge: Judge) -> None:
    told = {
        comparable(principal)
        for one in found(judge)
        if one.kind == "administrator" and "" in one.namespaces
        for principal in one.principals
        if principal.startswith("arn:")
    }
    assert administrators(judge.world) <= told


def _world(*rules: Rule, subject: Subject = MAPPED, namespace: str | None = "payments") -> Judge:
    role = Role("Role" if namespace else "ClusterRole", namespace, "r", rules)
    kind: BindingKind = "RoleBinding" if namespace else "ClusterRoleBinding"
    binding = Binding(kind, namespace, "b", RoleRef(role.kind, "r"), (subject,))
    entries = (AccessEntry(ANN, "ann", ()), AccessEntry(BOB, "bob", ()))
    state = RbacState((role, *BUILTIN.roles), (binding, *BUILTIN.bindings))
    return Judge(World(entries, rbac=state), BUILTIN.roles)


def test_who_reads_secrets_and_how() -> None:
    for rule, says, id_, level in (
        (Rule(("list",), ("",), ("secrets",)), "reads every secret", "IAM020", Level.ERROR),
        (Rule(("get",), ("",), ("secrets",)), "reads secrets", "IAM021", Level.WARNING),
        (Rule(("get",), ("",), ("secrets",), ("db",)), "reads secrets by name", "IAM021", Level.WARNING),
    ):
        (one,) = found(_world(rule))
        assert (one.kind, one.principals, one.namespaces, one.says, one.rule) == (
            "secrets",
            (ANN,),
            ("payments",),
            says,
            id_,
        )
        assert one.level is level


def test_who_can_become_more() -> None:
    rule = Rule(("escalate", "update"), ("rbac.authorization.k8s.io",), ("clusterroles",))
    (one,) = found(_world(rule, namespace=None))
    assert (one.kind, one.principals, one.namespaces) == ("escalation", (ANN,), ("",))
    assert "cluster-admin" in one.says


def test_subjects_that_nobody_is_mapped_to_stand_out_too() -> None:
    everything = Rule(("*",), ("*",), ("*",))
    told = found(_world(everything, subject=Subject("ServiceAccount", "ci", "build"), namespace=None))
    assert [(one.kind, one.principals) for one in told] == [
        ("administrator", ("ServiceAccount build/ci",)),
        ("secrets", ("ServiceAccount build/ci",)),
    ]


def test_what_aws_does_not_document_is_unknown_and_not_nothing() -> None:
    policy = PolicyAssociation(BOB, "arn:aws:eks::aws:cluster-access-policy/AmazonEKSHybridPolicy", "cluster")
    judge = Judge(World((AccessEntry(BOB, "bob", ()),), (policy,), rbac=BUILTIN), BUILTIN.roles)
    (one,) = found(judge)
    assert (one.kind, one.level, one.namespaces) == ("unknown", Level.WARNING, ("",))
    assert "AmazonEKSHybridPolicy" in one.says
