"""Sets with `via: role`: roles, entries and group policies together, in order, also where writes fail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from iamrbac.findings.finding import Level
from iamrbac.identity.assumable import AssumableRole, GroupPolicy, group_policy, role_arn, trust_policy
from iamrbac.identity.assume import IamUserRights, members_who_may
from iamrbac.identity.snapshot import Unreadable
from iamrbac.model.errors import AwsError, IamrbacError, StalePlanError
from iamrbac.plan.change import Plan
from iamrbac.plan.document import fingerprint, plan_json
from iamrbac.plan.observed import Meta, Observed
from iamrbac.render.apply import event_json
from iamrbac.render.plan import plan_text
from iamrbac.usecases.outcome import Outcome
from iamrbac.usecases.plan import PlanRequest
from iamrbac.usecases.saved import saved_json, verify
from tests.cli.shapes import check
from tests.golden import compare
from tests.usecases.fakes import ACCOUNT, PAT, Killed
from tests.usecases.world import AT, CAROL, CONFIG, POLICY, Company, company, dying_at

VIA = POLICY.replace("{iamGroup: payments-oncall}", "{iamGroup: payments-oncall, via: role}")
ARN = role_arn("aws", ACCOUNT, "acme.payments.oncall")
NONE = VIA.replace("[{iamGroup: payments-oncall, via: role}]", "[{iamUser: x/dora}]")
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def made(tmp_path: Path) -> Company:
    found = company(tmp_path / "repo")
    found.policy(VIA)
    found.iam.users = (IamUserRights(PAT, {"AdministratorAccess": _all()}), IamUserRights(CAROL, {}))
    return found


@pytest.fixture
def applied(made: Company) -> Company:
    assert {event.outcome for event in made.apply()} == {Outcome.DONE}
    made.faults.log.clear()
    return made


def _all() -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def shown(plan: Plan) -> str:
    return plan_text(plan, lambda origin: origin.file, lambda text, _style: text)


def log(found: Company, *words: str) -> list[str]:
    return [line for line in found.faults.log if any(word in line for word in words)]


def roles(found: Company) -> dict[str, AssumableRole]:
    return {one.spec.arn: one.spec for one in found.iam.there.values() if isinstance(one.spec, AssumableRole)}


def may(found: Company) -> frozenset[str]:
    policies = [one.spec for one in found.iam.there.values() if isinstance(one.spec, GroupPolicy)]
    members = {group: users for group, users in found.people.groups.items() if isinstance(users, tuple)}
    return frozenset().union(*(members_who_may(role, policies, members) for role in roles(found).values()))


def test_the_plan_whole(made: Company) -> None:
    plan = made.plan()
    compare(shown(plan), GOLDEN / "via-role.txt")
    document = plan_json(plan, lambda origin: origin.file)
    check("plan", document)
    assert [(one["account"], one["cluster"], one["kind"]) for one in document["changes"] if "account" in one] == [
        (ACCOUNT, None, "IamGroupPolicy"),
        (ACCOUNT, None, "IamRole"),
    ]


def test_role_then_entry_then_policy_and_nothing_to_do_afterwards(made: Company) -> None:
    made.apply()
    order = log(made, "Iam", ARN)
    assert order[0] == "create IamRole acme.payments.oncall"
    assert order[-1] == "create IamGroupPolicy payments-oncall/iamrbac.acme.payments.oncall"
    assert f"create AccessEntry {ARN}" in order[1:-1]
    aws_auth = made.kubes["production"].map
    assert aws_auth is not None
    assert f"arn:aws:iam::{ACCOUNT}:role/acme.payments.oncall\n" in aws_auth.data["mapRoles"]
    assert may(made) == {CAROL}
    assert not made.plan().changes


def test_the_events_of_an_apply_have_the_published_shape(made: Company) -> None:
    events = [event_json(event) for event in made.apply()]
    for event in events:
        check("apply-event", event)
    assert {(one["kind"], one["account"]) for one in events if one["cluster"] is None} == {
        ("IamRole", ACCOUNT),
        ("IamGroupPolicy", ACCOUNT),
    }


def test_joining_and_leaving_needs_no_run(applied: Company) -> None:
    dave = f"arn:aws:iam::{ACCOUNT}:user/dave"
    applied.people.groups["payments-oncall"] = (dave,)
    assert not applied.plan().changes
    assert may(applied) == {dave}


def test_back_in_reverse(applied: Company) -> None:
    applied.policy(NONE)
    plan = applied.plan()
    compare(shown(plan), GOLDEN / "via-role-back.txt")
    applied.apply(plan)
    order = log(applied, "Iam", ARN)
    assert order[0] == "delete IamGroupPolicy payments-oncall/iamrbac.acme.payments.oncall"
    assert order[-1] == "delete IamRole acme.payments.oncall"
    assert f"delete AccessEntry {ARN}" in order[1:-1]
    assert not applied.iam.there
    assert not applied.plan().changes


def fail(found: Company, pattern: str) -> None:
    def failing(_number: int, what: str) -> IamrbacError | None:
        return AwsError("no", where="IAM") if re.search(pattern, what) else None

    found.faults.fail = failing


def outcomes(found: Company) -> dict[str, Outcome]:
    return {f"{event.change.key.kind} {event.change.key.name}": event.outcome for event in found.apply()}


POLICY_KEY = "IamGroupPolicy payments-oncall/iamrbac.acme.payments.oncall"


def test_a_role_that_fails_stops_its_entries_and_its_policy_and_nothing_else(made: Company) -> None:
    fail(made, "create IamRole")
    became = outcomes(made)
    assert became["IamRole acme.payments.oncall"] is Outcome.FAILED
    assert became[f"AccessEntry {ARN}"] is Outcome.SKIPPED
    assert became[f"AwsAuthRow arn:aws:iam::{ACCOUNT}:role/acme.payments.oncall"] is Outcome.SKIPPED
    assert became[POLICY_KEY] is Outcome.SKIPPED
    assert became[f"AccessEntry arn:aws:iam::{ACCOUNT}:user/alice"] is Outcome.DONE
    made.faults.fail = lambda _number, _what: None
    made.apply()
    assert not made.plan().changes
    assert may(made) == {CAROL}


def test_a_policy_that_stays_keeps_the_role_and_lets_nobody_get_more(applied: Company) -> None:
    applied.policy(
        VIA.replace("payments-oncall", "payments-developers").replace("clusterRole: edit", "clusterRole: admin")
    )
    fail(applied, "delete IamGroupPolicy payments-oncall")
    became = outcomes(applied)
    assert became[POLICY_KEY] is Outcome.FAILED
    grants = {key: outcome for key, outcome in became.items() if key.startswith("RoleBinding")}
    assert Outcome.SKIPPED in grants.values()
    assert became["IamGroupPolicy payments-developers/iamrbac.acme.payments.oncall"] is Outcome.SKIPPED


def test_a_role_is_kept_while_its_entry_is(applied: Company) -> None:
    applied.policy(NONE)
    fail(applied, f"delete AccessEntry {ARN}")
    became = outcomes(applied)
    assert became["IamRole acme.payments.oncall"] is Outcome.SKIPPED
    assert became[POLICY_KEY] is Outcome.DONE
    assert ARN in roles(applied)


def test_nobody_gets_in_whose_group_goes_while_a_binding_shrinks_and_fails(applied: Company) -> None:
    two = VIA.replace("via: role}", "via: role}, {iamGroup: payments-developers, via: role}")
    applied.policy(two.replace("role: {clusterRole: edit}", "role: {clusterRole: view}"))
    fail(applied, "delete RoleBinding")
    assert outcomes(applied)["IamGroupPolicy payments-developers/iamrbac.acme.payments.oncall"] is Outcome.SKIPPED
    assert may(applied) == {CAROL}


def test_a_suspended_member_is_kept_out_before_anything_else(applied: Company) -> None:
    applied.config(CONFIG + f"suspended: [{CAROL}]\n")
    plan = applied.plan()
    assert [(change.key.kind, change.action.value) for change in plan.changes] == [("IamRole", "update")]
    assert {(one.principal, one.change, one.via) for one in plan.planned[0].access} == {
        (CAROL, "lose", f"arn:aws:iam::{ACCOUNT}:role/acme.payments.oncall")
    }
    assert not [finding for finding in plan.all_findings if finding.level is Level.ERROR]
    applied.apply(plan)
    assert may(applied) == frozenset()
    assert roles(applied)[ARN].trust == trust_policy("aws", ACCOUNT, ["carol"])
    applied.config(CONFIG)
    applied.apply()
    assert may(applied) == {CAROL}


def test_losing_the_role_counts_its_users(applied: Company) -> None:
    users = tuple(f"arn:aws:iam::{ACCOUNT}:user/u{number}" for number in range(6))
    applied.people.groups["payments-oncall"] = users
    applied.config(CONFIG.replace("{count: 100, fraction: 1.0}", "{count: 5, fraction: 1.0}"))
    applied.policy(NONE)
    refused = [finding for finding in applied.plan().findings if finding.id == "GRD001"]
    assert "12 principals × clusters" in refused[0].message


def test_a_role_that_goes_counts_though_its_set_has_another_group(applied: Company) -> None:
    applied.config(CONFIG.replace("{count: 100, fraction: 1.0}", "{count: 1, fraction: 1.0}"))
    applied.policy(VIA.replace("{iamGroup: payments-oncall, via: role}", "{iamGroup: payments-developers}"))
    refused = [finding for finding in applied.plan().findings if finding.id == "GRD001"]
    assert "2 principals × clusters" in refused[0].message


def test_a_temporary_grant_that_is_over_takes_its_role_along(made: Company) -> None:
    made.policy(POLICY)
    grant = (
        "apiVersion: iamrbac.dev/v1alpha1\nkind: TemporaryGrant\nmetadata: {name: inc-1}\nspec:\n  team: payments\n"
        "  members: [{iamGroup: payments-oncall, via: role}]\n"
        "  access: [{clusters: [staging], namespaces: [search], role: viewer}]\n"
        '  notAfter: "2026-11-25T00:00:00Z"\n  reason: test\n'
    )
    (made.root / "policies" / "inc-1.yaml").write_text(grant)
    made.apply()
    assert list(roles(made)) == [role_arn("aws", ACCOUNT, "acme.payments.temporary.inc-1")]
    made.config(CONFIG.replace("{count: 100, fraction: 1.0}", "{count: 0, fraction: 0.0}"))
    made.request = PlanRequest(AT + timedelta(days=2))
    plan = made.plan()
    assert not [finding for finding in plan.all_findings if finding.level is Level.ERROR]
    made.apply(plan)
    assert not made.iam.there


def test_a_group_taken_out_counts_though_no_cluster_changes(applied: Company) -> None:
    two = VIA.replace("via: role}", "via: role}, {iamGroup: payments-developers, via: role}")
    applied.policy(two)
    applied.apply()
    applied.policy(VIA)
    applied.people.groups["payments-developers"] = (CAROL, f"arn:aws:iam::{ACCOUNT}:user/erin")
    plan = applied.plan()
    assert [change.key.kind for change in plan.changes if change.key.account] == ["IamGroupPolicy"]
    losers = {one.principal for cluster in plan.planned for one in cluster.access if one.via}
    assert losers == {f"arn:aws:iam::{ACCOUNT}:user/erin"}


def test_a_protected_person_is_not_locked_out_of_a_role(applied: Company) -> None:
    applied.config(CONFIG.replace("guards: {", f"guards: {{protectedPrincipals: [{CAROL}], "))
    applied.policy(NONE)
    assert {finding.object for finding in applied.plan().all_findings if finding.id == "GRD003"} == {CAROL}


def test_an_account_that_cannot_be_read_stops_the_clusters_that_need_it(made: Company) -> None:
    made.iam.unreadable = AwsError("iam:ListRoles failed with AccessDenied: no", where="IAM", hint="ask for it")
    plan = made.plan()
    assert [one.account for one in plan.failed_accounts] == [ACCOUNT]
    assert [one.name for one in plan.failed] == ["staging", "production"]
    assert "account 111122223333 could not be planned" in shown(plan)
    check("plan", plan_json(plan, lambda origin: origin.file))
    assert not made.apply(plan)


def test_without_roles_a_denied_look_for_what_is_left_is_only_said(made: Company) -> None:
    made.policy(POLICY)
    made.iam.unreadable = AwsError("iam:ListRoles failed with AccessDenied: no", where="IAM", hint="ask for it")
    plan = made.plan()
    assert [finding.id for finding in plan.findings] == ["ROL005"]
    assert not plan.failed
    assert {event.outcome for event in made.apply(plan)} == {Outcome.DONE}


def test_nothing_is_removed_by_a_run_that_does_not_look_everywhere(applied: Company) -> None:
    applied.policy(NONE)
    applied.request = PlanRequest(AT, ("staging",))
    plan = applied.plan()
    assert not any(change.key.account for change in plan.changes)
    assert "ROL004" in {finding.id for finding in plan.all_findings}
    applied.apply(plan)
    applied.request = PlanRequest(AT)
    applied.apply()
    assert not applied.iam.there


def test_others_roles_and_policies_are_refused_until_adopted(made: Company) -> None:
    keys = {change.key: change for change in made.plan().changes if change.key.account}
    for key, change in keys.items():
        assert change.after is not None
        spec = change.after.spec
        if isinstance(spec, GroupPolicy):
            spec = GroupPolicy(spec.group, spec.name, group_policy("*"))
        made.iam.there[key] = Observed(key, spec, Meta(labels={"iamrbac.dev/instance": "other"}))
    plan = made.plan()
    assert [finding.id for finding in plan.all_findings if finding.level is Level.ERROR] == ["OWN002", "OWN001"]
    for key, one in made.iam.there.items():
        made.iam.there[key] = Observed(key, one.spec, Meta())
    refusals = [finding for finding in made.plan().all_findings if finding.level is Level.ERROR]
    made.request = PlanRequest(AT, adopt=frozenset(str(finding.object) for finding in refusals))
    plan = made.plan()
    assert [change.action.value for change in plan.changes if change.key.account] == ["adopt", "adopt"]
    made.apply(plan)
    made.request = PlanRequest(AT)
    assert not made.plan().changes


def test_a_role_of_that_name_elsewhere_is_refused(made: Company) -> None:
    (key,) = [change.key for change in made.plan().changes if change.key.kind == "IamRole"]
    elsewhere = AssumableRole(f"arn:aws:iam::{ACCOUNT}:role/x/acme.payments.oncall", "{}")
    made.iam.there[key] = Observed(key, elsewhere, Meta())
    assert "ROL001" in {finding.id for finding in made.plan().all_findings}


def test_what_somebody_changed_by_hand_is_brought_back(applied: Company) -> None:
    (key,) = [key for key in applied.iam.there if key.kind == "IamRole"]
    seen = applied.iam.there[key]
    applied.iam.there[key] = Observed(key, AssumableRole(ARN, trust_policy("aws", "999999999999")), seen.meta)
    plan = applied.plan()
    assert "trust: not as it was written" in shown(plan)
    applied.apply(plan)
    assert applied.iam.there[key] == seen


def test_who_else_is_unknown_is_said(made: Company) -> None:
    made.iam.users = Unreadable("iam:GetAccountAuthorizationDetails failed with AccessDenied")
    assert "ROL003" in {finding.id for finding in made.plan().all_findings}


def test_the_fingerprint_knows_the_documents(made: Company) -> None:
    before = fingerprint(made.plan())
    assert before == fingerprint(made.plan())
    (key,) = [change.key for change in made.plan().changes if change.key.kind == "IamRole"]
    made.iam.there[key] = Observed(key, AssumableRole(ARN, trust_policy("aws", ACCOUNT)), Meta(labels={}))
    made.request = PlanRequest(AT, adopt=frozenset({f"IamRole/{ACCOUNT}/{key.name}"}))
    assert fingerprint(made.plan()) != before


def test_a_saved_plan_is_stale_when_iam_has_changed(made: Company) -> None:
    plan = made.plan()
    saved = json.loads(json.dumps(saved_json(plan, made.request, plan_json(plan, lambda origin: origin.file))))
    verify(saved, made.plan(), "plan.json")
    for change in plan.changes:
        if change.key.kind == "IamRole" and change.after is not None:
            made.iam.create(change.after)
    with pytest.raises(StalePlanError) as error:
        verify(saved, made.plan(), "plan.json")
    assert any(f"account {ACCOUNT}: IamRole/acme.payments.oncall was to be" in line for line in error.value.details)


def points() -> Iterator[tuple[str, int]]:
    for way in ("there", "back"):
        for number in range(1, 19):
            yield way, number


@pytest.mark.parametrize(("way", "number"), [*points()])
def test_a_kill_at_any_write_leaves_no_excess_and_the_same_command_converges(
    made: Company, way: str, number: int
) -> None:
    allowed = frozenset({CAROL})
    if way == "back":
        made.apply()
        made.policy(NONE)
    made.faults.writes = 0
    made.faults.fail = dying_at(number)
    with pytest.raises(Killed):
        made.apply()
        raise Killed
    assert may(made) <= allowed
    made.faults.fail = lambda _number, _what: None
    made.apply()
    assert not made.plan().changes
    assert may(made) == (allowed if way == "there" else frozenset())
