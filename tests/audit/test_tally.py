"""What is counted, what is not, and that neither caps nor the log's length change what is used."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.access.judge import Judge
from iamrbac.access.world import World
from iamrbac.audit.grants import SetGrant
from iamrbac.audit.report import LeastPrivilege, report
from iamrbac.audit.tally import Tally
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.covers import missing, uncovered
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, RoleRef, Rule, Subject, User
from tests.audit.build import event, group
from tests.rbac.strategies import requests, resource_rules, url_rules

DEV, OPS = group("blue/dev"), group("blue/ops")
READ = Rule(("get", "list"), ("",), ("pods", "pods/log"))
NAMED = Rule(("get",), ("",), ("secrets",), ("db",))


def grant(*rules: Rule, namespace: str = "blue", of: str = DEV, name: str = "b") -> SetGrant:
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return SetGrant(of, namespace, "role", rules, (), (kind, namespace or None, name))


def tallied(grants: list[SetGrant], *events: dict[str, Any], cap: int = 1_000) -> Tally:
    tally = Tally(grants, "acme", cap)
    for one in events:
        tally.add(one)
    return tally


def told(tally: Tally, days: int | None = None, *, whole: bool = True) -> LeastPrivilege:
    return report(tally, Judge(World()), days, whole=whole)


def dev(verb: str = "get", resource: str = "pods", namespace: str = "blue", **more: Any) -> dict[str, Any]:
    return event(verb, resource, namespace, sets=["blue/dev"], **more)


def test_a_request_counts_once_whatever_its_stages() -> None:
    one = grant(READ)
    tally = tallied(
        [one], dev(stage="RequestReceived"), dev(stage="ResponseStarted"), dev(stage="ResponseComplete"), dev()
    )
    assert tally.uses[one].times == 2
    assert tally.counts["events"] == 4


def test_what_has_only_begun_is_used() -> None:
    one = grant(READ)
    (use,) = told(tallied([one], dev(stage="ResponseStarted"))).grants
    assert (use.state, use.times) == ("used", 1)
    (use,) = told(tallied([one], dev(stage="RequestReceived"))).grants
    assert use.state == "unused"
    (use,) = told(tallied([one], dev(stage="Panic"))).grants
    assert use.state == "used"


def test_whoever_acts_as_somebody_uses_the_right_to_and_the_other_the_rest() -> None:
    acting = grant(Rule(("impersonate",), ("",), ("users",), ("ann",)), namespace="", of=OPS)
    reading = grant(READ)
    as_ann = {"impersonatedUser": {"username": "ann", "groups": [DEV, "system:authenticated"]}}
    tally = tallied([acting, reading], event("get", "pods", "blue", sets=["blue/ops"], more=as_ann))
    assert (tally.uses[acting].times, tally.uses[reading].times) == (1, 1)
    assert tally.counts["ours"] == 1


def test_dry_runs_are_uses() -> None:
    one = grant(Rule(("create",), ("",), ("pods",)))
    tally = tallied([one], dev("create", uri="/api/v1/namespaces/blue/pods?dryRun=All"))
    assert (tally.uses[one].times, tally.counts["dryRuns"]) == (1, 1)


def test_an_access_policy_counts_where_its_patterns_reach() -> None:
    one = SetGrant(DEV, "dev-*", "eksAccessPolicy X", (READ,))
    assert one.allows(Request("get", "pods", namespace="dev-a")) == READ
    assert one.allows(Request("get", "pods", namespace="prod")) is None
    assert one.allows(Request("get", "pods")) is None
    assert grant(READ, namespace="dev-*").allows(Request("get", "pods", namespace="dev-a")) is None


def test_what_an_admission_plugin_refused_was_allowed() -> None:
    one = grant(READ)
    tally = tallied([one], dev(code=403, decision="allow"))
    assert (tally.uses[one].times, tally.counts["denied"]) == (1, 0)


def test_what_the_api_server_says_of_a_role_that_is_more_than_known_counts() -> None:
    one = grant(READ)
    reason = {"authorization.k8s.io/reason": 'RBAC: allowed by RoleBinding "b/blue" of ClusterRole "view" to Group "g"'}
    tally = tallied([one], dev("list", "widgets", more={"annotations": reason}))
    found = told(tally)
    assert found.grants[0].state == "used"
    assert found.proposals[0].rules == ()
    assert "more on the cluster" in found.proposals[0].why
    assert tallied([one], dev("list", "widgets")).counts["otherwise"] == 1


def test_other_instances_and_others_are_not_ours() -> None:
    one = grant(READ)
    other = event("get", "pods", "blue", more={"user": {"username": "x", "groups": [group("blue/dev", "other")]}})
    tally = tallied([one], other, event("get", "pods", "blue", user="system:node:a"))
    assert tally.uses[one].times == 0
    assert tally.counts["others"] == 2


def test_denials_that_recur_are_told_the_most_frequent_first() -> None:
    no = [dev("delete", code=403, name=f"web-{number}") for number in range(3)]
    secrets = [dev("list", "secrets", code=403, at=f"2026-11-0{day}T10:00:00") for day in range(2, 7)]
    once = dev("patch", code=403)
    system = event("get", "pods", "blue", code=403, user="system:serviceaccount:a:b")
    tally = tallied([grant(READ)], *no, *secrets, once, system, system)
    found = told(tally)
    assert [(one.times, one.refusal.request.verb) for one in found.denials] == [(5, "list"), (3, "delete")]
    assert found.denials[1].refusal.request.name == ""
    assert found.denials[0].last.isoformat() == "2026-11-06T10:00:00+00:00"
    assert (found.single, tally.counts["deniedSystem"], tally.counts["denied"]) == (1, 2, 11)


def test_what_is_denied_in_the_log_and_given_today_is_told() -> None:
    (one,) = told(tallied([grant(READ)], dev(code=403), dev(code=403))).denials
    assert [granted.role for granted in one.given] == ["role"]


def test_beyond_the_cap_denials_are_counted_together() -> None:
    no = [dev("delete", namespace=f"n{number}", code=403) for number in range(9)]
    tally = tallied([grant(READ)], *no, *no, cap=4)
    assert (len(tally.refusals), tally.counts["deniedOther"], tally.counts["denied"]) == (4, 10, 18)


def test_names_are_kept_where_a_role_has_them_and_nowhere_else() -> None:
    one = grant(READ, NAMED)
    tally = tallied([one], dev(name="web-1"), dev(name="web-2"), dev("get", "secrets", name="db"))
    (found,) = told(tally).proposals
    assert found.rules == (Rule(("get",), ("",), ("pods",)), NAMED)
    assert not told(tallied([grant(NAMED)], dev("get", "secrets", name="other"))).proposals[0].rules


def at(day: int, hour: int = 0) -> dict[str, Any]:
    return event("list", "nodes", at=f"2026-11-{day:02}T{hour:02}:30:00", user="system:node:a")


def test_nothing_is_unused_where_the_log_does_not_cover_the_days() -> None:
    days = [at(day) for day in range(1, 11)]
    assert told(tallied([grant(READ)], *days)).unused
    assert told(tallied([grant(READ)], *days), 9).unused
    (one,) = told(tallied([grant(READ)], *days), 10).grants
    assert (one.state, one.why) == ("unknown", "the log does not cover 10 days")


def test_a_day_without_events_is_not_covered() -> None:
    tally = tallied([grant(READ)], *[at(day) for day in range(1, 11) if day != 4])
    found = told(tally, 8)
    assert found.coverage is not None
    assert [str(day) for day in found.coverage.missing] == ["2026-11-04"]
    assert found.grants[0].state == "unknown"
    assert told(tally, 5).grants[0].state == "unused"


def test_used_before_the_days_is_unused() -> None:
    tally = tallied([grant(READ)], dev(at="2026-11-02T01:00:00"), *[at(day) for day in range(1, 20)])
    (one,) = told(tally, 7).grants
    assert (one.state, one.times) == ("unused", 1)
    assert told(tally, 18).grants[0].state == "used"


def test_nothing_is_unused_where_a_part_of_the_log_is_lost_or_the_rules_are_not_known() -> None:
    tally = tallied([grant(READ)], at(1))
    assert told(tally, whole=False).grants[0].state == "unknown"
    unknown = SetGrant(DEV, "blue", "eksAccessPolicy X", None)
    assert told(tallied([unknown], at(1))).grants[0].why == "what it gives is not known here"
    bind = grant(Rule(("bind",), ("rbac.authorization.k8s.io",), ("clusterroles",)))
    assert told(tallied([bind], at(1))).grants[0].state == "unknown"
    assert told(tallied([grant(READ)])).grants[0].why == "the log has no events"


@pytest.mark.parametrize(
    "more",
    [
        {"requestReceivedTimestamp": "yesterday"},
        {"requestReceivedTimestamp": "2026-02-30T00:00:00Z"},
        {"requestReceivedTimestamp": None},
        {"stage": 3},
        {"user": "alice"},
        {"user": {"groups": "all"}},
        {"impersonatedUser": []},
        {"verb": None},
    ],
)
def test_what_is_not_shaped_as_an_event_counts_nowhere(more: dict[str, Any]) -> None:
    tally = Tally([grant(READ)], "acme")
    with pytest.raises(ValueError, match=r"\w"):
        tally.add(dev(more=more))
    assert not tally.counts
    assert not tally.days
    assert not any(uses.times for uses in tally.uses.values())


role_rules = st.lists(st.one_of(resource_rules, url_rules), min_size=1, max_size=4).map(tuple)
asked = st.lists(requests.filter(lambda one: "*" not in (one.verb, one.resource, one.subresource)), max_size=12)


def as_event(request: Request) -> dict[str, Any]:
    return event(
        request.verb,
        request.resource,
        request.namespace,
        sets=["blue/dev"],
        api_group=request.api_group,
        subresource=request.subresource,
        name=request.name,
        uri=request.path,
    )


@given(rules=role_rules, some=asked)
def test_the_smallest_role_allows_all_that_was_used_and_is_covered_by_the_role(
    rules: tuple[Rule, ...], some: list[Request]
) -> None:
    tally = Tally([grant(*rules, namespace="")], "acme", 1_000)
    for request in some:
        tally.add(as_event(request))
    (found,) = told(tally).proposals
    assert uncovered(rules, found.rules) == ()
    given_ = _authorizer(rules)
    smaller = _authorizer(found.rules)
    user = User("ann", (DEV,))
    for request in some:
        if given_.allowed_by(user, request) and "*" not in request.path:
            assert smaller.allowed_by(user, request)
    assert all("*" not in part for rule in found.rules for part in (*rule.verbs, *rule.api_groups, *rule.resources))
    names = {name for rule in rules for name in rule.resource_names}
    assert {name for rule in found.rules for name in rule.resource_names} <= names
    # And no more than was asked for.
    assert len(missing((), found.rules)) <= len(set(some))


@given(rules=role_rules, some=asked)
def test_a_grant_is_used_as_the_authorizer_says_and_no_cap_changes_it(
    rules: tuple[Rule, ...], some: list[Request]
) -> None:
    inside = grant(*rules)
    large, small = Tally([inside], "acme"), Tally([inside], "acme", 1)
    authorizer = _authorizer(rules, "blue")
    expected = sum(bool(authorizer.allowed_by(User("ann", (DEV,)), request)) for request in some)
    for request in some:
        large.add(as_event(request))
        small.add(as_event(request))
    assert large.uses[inside].times == small.uses[inside].times == expected


def _authorizer(rules: tuple[Rule, ...], namespace: str | None = None) -> Authorizer:
    role = Role("Role" if namespace else "ClusterRole", namespace, "r", rules)
    bound: Literal["RoleBinding", "ClusterRoleBinding"] = "RoleBinding" if namespace else "ClusterRoleBinding"
    binding = Binding(bound, namespace, "b", RoleRef(role.kind, "r"), (Subject("Group", DEV),))
    return Authorizer(RbacState((role,), (binding,)))
