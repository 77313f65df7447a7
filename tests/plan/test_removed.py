"""Too many objects of one kind that go: what counts, what takes a place, and what is nobody's mistake."""

from __future__ import annotations

from iamrbac.compile import names
from iamrbac.compile.desired import Principals
from iamrbac.findings.finding import Finding
from iamrbac.identity.suspended import Suspended
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AwsAuthRow
from iamrbac.model.documents import Guards, MaxRemovals, RemovalLimit
from iamrbac.plan import guards
from iamrbac.plan.guards import Allowances, Leavers, Stakes
from iamrbac.plan.observed import AwsAuth
from iamrbac.plan.planner import owned_objects, plan_cluster
from iamrbac.rbac.objects import RoleRef
from tests.plan import builders as b

ARNS = [f"arn:aws:iam::111122223333:user/person{number:02}" for number in range(20)]
SETS = [f"set{number:02}" for number in range(20)]


def limit(count: int, fraction: float = 1) -> Guards:
    kind = RemovalLimit(count=count, fraction=fraction)
    return Guards(max_removals=MaxRemovals(count=1000, fraction=1).model_copy(update={"per_kind": kind}))


def rbac(number: int, *, role: str = "developer", ref: RoleRef | None = None) -> list[b.Item]:
    """A role and a binding for each of some sets."""
    found: list[b.Item] = []
    for name in SETS[:number]:
        found += [b.role(set_name=name, role=role)] if ref is None else []
        found.append(b.binding(set_name=name, role=role, ref=ref))
    return found


def check(
    had: list[b.Item],
    has: list[b.Item],
    limits: Guards,
    *,
    leavers: Leavers | None = None,
    allowed: int = 0,
    rows: tuple[str, ...] = (),
) -> list[Finding]:
    """Guard a plan from some objects, and some rows for developers, to others."""
    data = edit({}, [AwsAuthRow("mapUsers", arn, arn, (b.DEVELOPERS,)) for arn in rows], ())
    aws_auth = AwsAuth(data, b.config_map(owned=rows).annotations, "11") if rows else None
    state = b.state(*map(b.observed, had), aws_auth=aws_auth)
    desired = b.desired(*has)
    groups = tuple(Principals(names.group_name(b.INSTANCE, "payments", name), ()) for name in (*SETS, "developers"))
    wanted = type(desired)(desired.cluster, desired.objects, groups, {})
    plan = plan_cluster(wanted, state, "access-entries", b.INSTANCE)
    found = guards.check(
        [Stakes(plan)],
        limits,
        None,
        leavers or Leavers(),
        Allowances(removals=allowed),
        {},
        owned_objects(state, b.INSTANCE),
    )
    return [finding for finding in found if finding.id == "GRD009"]


def kinds(findings: list[Finding]) -> list[str | None]:
    return [finding.object for finding in findings]


def test_it_is_in_force_only_where_the_config_has_it() -> None:
    assert MaxRemovals().per_kind is None
    assert check(rbac(9), [], Guards()) == []


def test_bindings_that_go_count_though_nobody_is_seen_to_lose() -> None:
    assert check(rbac(5), rbac(2), limit(3)) == []
    roles, bindings = check(rbac(5), rbac(1), limit(3))
    assert (roles.object, bindings.object) == ("Role", "RoleBinding")
    first = f"payments/{b.object_name('set01')} (staging)"
    assert bindings.message.startswith(
        "4 objects of kind RoleBinding would go with nothing in their place, more than guards.maxRemovals.perKind "
        f"allows (3): {first}, "
    )
    assert bindings.hint == "look at what goes; if it is meant: --allow-removals 4"


def test_the_override_is_a_number_that_each_kind_must_fit_in() -> None:
    assert kinds(check(rbac(5), [], limit(3), allowed=4)) == ["Role", "RoleBinding"]
    assert check(rbac(5), [], limit(3), allowed=5) == []


def test_a_role_that_another_takes_the_place_of_does_not_count() -> None:
    assert check(rbac(9), rbac(9, role="viewer"), limit(3)) == []
    assert kinds(check(rbac(9), rbac(9, role="edit", ref=RoleRef("ClusterRole", "edit")), limit(3))) == ["Role"]


def test_a_fraction_is_of_all_of_that_kind_from_ten_on() -> None:
    assert check(rbac(9), rbac(5), limit(100, 0.25)) == []
    assert "allows (25% of 12)" in check(rbac(12), rbac(8), limit(100, 0.25))[0].message


def test_entries_count_and_who_moves_from_a_row_to_one_does_not() -> None:
    entries = [b.entry(arn, b.DEVELOPERS) for arn in ARNS[:5]]
    assert kinds(check([*entries], [], limit(3))) == ["AccessEntry"]
    assert kinds(check([], [], limit(3), rows=tuple(ARNS[:5]))) == ["AwsAuthRow"]
    assert check([], entries, limit(3), rows=tuple(ARNS[:5])) == []


def test_offboarding_does_not_count() -> None:
    entries = [b.entry(arn, b.DEVELOPERS) for arn in ARNS[:5]]
    assert check(entries, [], limit(3), leavers=Leavers(from_iam=frozenset({b.DEVELOPERS}))) == []
    assert check(entries, [], limit(3), leavers=Leavers(suspended=Suspended(tuple(ARNS[:2])))) == []
    over = Leavers(over=frozenset(names.group_name(b.INSTANCE, "payments", name) for name in SETS))
    assert check(rbac(9), [], limit(3), leavers=over) == []
