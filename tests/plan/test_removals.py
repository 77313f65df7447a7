"""Too many losses on one cluster or of one team, beside the total: with numbers, names, and one way to mean it."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile import names
from iamrbac.compile.desired import Principals
from iamrbac.findings.finding import Finding
from iamrbac.model.documents import MaxRemovals, RemovalLimit
from iamrbac.plan.guards import Allowances, Leavers, Stakes
from iamrbac.plan.planner import plan_cluster
from iamrbac.plan.removals import removals
from iamrbac.rbac.objects import Binding, Role, RoleRef, Subject
from tests.plan import builders as b

ARNS = [f"arn:aws:iam::111122223333:user/person{number:02}" for number in range(20)]
LOOSE = MaxRemovals(count=1000, fraction=1)
CLUSTER = LOOSE.model_copy(update={"per_cluster": RemovalLimit(count=3, fraction=1)})
TEAM = LOOSE.model_copy(update={"per_team": RemovalLimit(count=3, fraction=1)})
Sets = Mapping[str, tuple[str, ...]]
"""A principal → the teams that it is in, by one set each."""


def team_rbac(team: str, verbs: tuple[str, ...] = ("get", "list")) -> tuple[b.Item, b.Item]:
    # By effect nobody loses a role that another team gives them too.
    marks = b.labels(role=f"{team}-developer") | {names.POLICY_LABEL: team}
    name = f"iamrbac-{team}-developers-developer-0a1b2c3d"
    rules = (b.READ_PODS,) if verbs == ("get", "list") else (type(b.READ_PODS)(verbs, ("",), ("pods",)),)
    group = Subject("Group", names.group_name(b.INSTANCE, team, "developers"))
    role = Role("Role", "payments", name, rules, (), marks)
    return (role, marks), (Binding("RoleBinding", "payments", name, RoleRef("Role", name), (group,), marks), marks)


def stake(cluster: str, had: Sets, has: Sets, verbs: tuple[str, ...] = ("get", "list")) -> Stakes:
    """Plan a cluster whose people were in some teams, and are to be in others."""
    teams = sorted({team for teams in (*had.values(), *has.values()) for team in teams})

    def items(people: Sets, held: tuple[str, ...]) -> list[b.Item]:
        entries = [
            b.entry(arn, *(names.group_name(b.INSTANCE, team, "developers") for team in of))
            for arn, of in people.items()
        ]
        return [*(item for team in teams for item in team_rbac(team, held)), *entries]

    state = b.state(*(b.observed(item, cluster=cluster) for item in items(had, ("get", "list"))))
    state = type(state)(b.target(cluster), state.namespaces, state.objects, None)
    wanted = b.desired(*items(has, verbs), cluster=cluster)
    groups = tuple(Principals(names.group_name(b.INSTANCE, team, "developers"), ()) for team in teams)
    made = plan_cluster(type(wanted)(cluster, wanted.objects, groups, {}), state, "access-entries", b.INSTANCE)
    return Stakes(made)


def check(stakes: list[Stakes], limit: MaxRemovals, allowed: int = 0, leavers: Leavers | None = None) -> list[Finding]:
    managed = {one.plan.name: len(one.before.entries) for one in stakes}
    return list(removals(stakes, limit, leavers or Leavers(), Allowances(removals=allowed), managed))


def people(number: int, *teams: str, start: int = 0) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(ARNS[start : start + number], teams)


def test_neither_is_in_force_unless_the_config_has_it() -> None:
    assert MaxRemovals().per_cluster is None
    assert MaxRemovals().per_team is None
    assert check([stake("staging", people(9, "payments"), {})], LOOSE) == []


def test_one_cluster_may_lose_as_many_as_it_says_and_not_more() -> None:
    three = stake("staging", people(5, "payments"), people(2, "payments"))
    four = stake("production", people(5, "payments"), people(1, "payments"))
    assert check([three], CLUSTER) == []
    (finding,) = check([three, four], CLUSTER)
    assert (finding.id, finding.cluster) == ("GRD006", "production")
    assert finding.message == (
        "4 principals would lose access on production, more than guards.maxRemovals.perCluster allows (3): "
        f"{', '.join(ARNS[1:5])}"
    )
    assert finding.hint == "look at who loses what; if it is meant: --allow-removals 7"


def test_what_was_allowed_is_the_total_and_lets_its_parts_pass() -> None:
    stakes = [stake(name, people(5, "payments"), {}) for name in ("staging", "production")]
    assert [finding.id for finding in check(stakes, CLUSTER, 9)] == ["GRD006", "GRD006"]
    assert check(stakes, CLUSTER, 10) == []
    assert check(stakes, TEAM, 10) == []


def test_a_team_s_losses_are_those_on_all_clusters() -> None:
    stakes = [stake(name, people(2, "payments"), {}) for name in ("staging", "production")]
    (finding,) = check(stakes, TEAM)
    assert (finding.id, finding.cluster, finding.object) == ("GRD007", None, "team payments")
    assert "4 principals × clusters of team payments would lose access" in finding.message
    assert finding.message.endswith(
        f"(3): {ARNS[0]} (production), {ARNS[0]} (staging), {ARNS[1]} (production), {ARNS[1]} (staging)"
    )


def test_another_team_of_the_same_person_loses_nothing_by_it() -> None:
    one = stake("staging", people(4, "payments", "search"), people(4, "search"))
    assert [finding.object for finding in check([one], TEAM)] == ["team payments"]


def test_a_role_that_gives_less_is_its_team_s_loss() -> None:
    one = stake("staging", people(4, "payments"), people(4, "payments"), verbs=("get",))
    assert [finding.object for finding in check([one], TEAM)] == ["team payments"]
    wider = stake("staging", people(4, "payments"), people(4, "payments"), verbs=("get", "list", "watch"))
    assert check([wider], TEAM) == []


def test_a_fraction_is_of_the_cluster_s_or_the_team_s_own_people_from_ten_on() -> None:
    share = LOOSE.model_copy(update={"per_team": RemovalLimit(count=100, fraction=0.25)})
    small = stake("staging", people(9, "payments"), people(5, "payments"))
    assert check([small], share) == []
    large = stake("staging", people(12, "payments"), people(8, "payments"))
    assert "allows (25% of 12)" in check([large], share)[0].message
    with_another = stake(
        "staging",
        people(12, "payments") | people(8, "search", start=12),
        people(8, "payments") | people(8, "search", start=12),
    )
    assert [finding.object for finding in check([with_another], share)] == ["team payments"]
    of_cluster = LOOSE.model_copy(update={"per_cluster": RemovalLimit(count=100, fraction=0.25)})
    assert [finding.id for finding in check([large], of_cluster)] == ["GRD006"]
    assert check([with_another], of_cluster) == []


def test_an_unchanged_cluster_counts_for_the_team_s_whole() -> None:
    share = LOOSE.model_copy(update={"per_team": RemovalLimit(count=100, fraction=0.25)})
    large = stake("staging", people(12, "payments"), people(8, "payments"))
    same = stake("production", people(12, "payments"), people(12, "payments"))
    assert check([large, same], share) == []


def test_who_left_one_team_s_iam_group_counts_for_the_other_team_alone() -> None:
    one = stake("staging", people(4, "payments", "search"), people(4))
    left = Leavers(from_iam=frozenset({names.group_name(b.INSTANCE, "payments", "developers")}))
    assert [finding.object for finding in check([one], TEAM, leavers=left)] == ["team search"]


def test_an_access_policy_that_goes_is_a_loss_of_every_team_of_its_principal() -> None:
    group = names.group_name(b.INSTANCE, "payments", "developers")
    entries = [b.entry(arn, group) for arn in ARNS[:4]]
    associations = [b.association(arn) for arn in ARNS[:4]]
    state = b.state(*(b.observed(item) for item in (*entries, *associations)))
    one = Stakes(plan_cluster(b.desired(*entries), state, "access-entries", b.INSTANCE))
    assert [finding.object for finding in check([one], TEAM)] == ["team payments"]


TEAMS = st.lists(st.sampled_from(["payments", "search", "web"]), unique=True, max_size=3).map(tuple)
PEOPLE = st.dictionaries(st.sampled_from(ARNS[:8]), TEAMS, max_size=8)


@given(PEOPLE, PEOPLE)
def test_every_counted_loss_is_one_of_a_team_that_the_loser_was_in(had: Sets, has: Sets) -> None:
    one = stake("staging", had, has)
    every = LOOSE.model_copy(update={"per_team": RemovalLimit(count=0, fraction=1)})
    said = {str(finding.object).removeprefix("team ") for finding in check([one], every)}
    assert said == {team for arn, teams in had.items() for team in teams if team not in has.get(arn, ())}
