"""A cluster that knows the caller and says no: what of the maps, of the policies, or of the cluster is why."""

from __future__ import annotations

import pytest

from iamrbac.diagnosis import rbac
from iamrbac.diagnosis.facts import Ended, Held, Maps, May, Owner, Says, SeenEntry
from iamrbac.diagnosis.verdict import Fixer, Status, Verdict
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Request, User
from tests.diagnosis.facts import ALICE, CI, CI_ROLE, DEVELOPERS, NO_MAPS, ids, rows, seen, taken

LINE = Origin("policies/payments.yaml", ("spec", "access", 0))
SECRETS = Request("list", "secrets", namespace="payments")
ELSEWHERE = Request("list", "pods", namespace="search")
HELD = Held("developer", "payments", (LINE,))
OWNER = Owner("payments", ("payments-leads@example.com",))
USER = User("alice", (DEVELOPERS, "system:authenticated"))
ROLE = CI_ROLE.replace("/ci/", "/")


def judge(
    says: Says | None = None,
    *,
    user: User = USER,
    asked: Request | None = SECRETS,
    namespaces: tuple[str, ...] = (),
    allowed: bool = False,
    caller: str = ALICE,
    maps: Maps = NO_MAPS,
) -> Verdict:
    where = namespaces if allowed else ()
    return rbac.judge(May(taken(caller, user, says=says, maps=maps), user, asked, namespaces, allowed, where))


def both(*entries: SeenEntry, **sections: str) -> Maps:
    return Maps("API_AND_CONFIG_MAP", entries, rows(**sections))


def row(groups: str) -> str:
    return f"- {{rolearn: '{ROLE}', username: ci, groups: {groups}}}\n"


def test_allowed() -> None:
    verdict = judge(allowed=True)
    assert (verdict.status, verdict.saw) == (Status.OK, "alice may list secrets in payments")
    several = tuple(f"team-{number}" for number in range(7))
    assert judge(asked=None, namespaces=several, allowed=True).saw == (
        "alice has rights in team-0, team-1, team-2, team-3, team-4 and 2 more"
    )


@pytest.mark.parametrize(
    ("maps", "user", "cause"),
    [
        (both(seen(CI_ROLE, "few"), mapRoles=row("[many]")), User("ci", ("few",)), "entry-shadows-row"),
        (both(mapRoles=row("[many]") + row("[few]")), User("ci", ("few",)), "later-row-wins"),
        (both(mapRoles=row("many")), User("ci", ()), "groups-ignored"),
        (Maps(), User("ci", ("system:bootstrappers - system:nodes",)), "groups-in-one"),
        (Maps(), User("ci", ("system:authenticated",)), "no-groups"),
    ],
)
def test_a_mapping_that_gives_less_than_it_seems_to(maps: Maps, user: User, cause: str) -> None:
    verdict = judge(Says(), caller=CI, user=user, maps=maps)
    assert verdict.status is Status.FAILED
    assert f"{cause}!" in ids(verdict)
    assert all(one.fixer is Fixer.PLATFORM and one.run for one in verdict.causes)


def test_two_spellings_of_a_user() -> None:
    users = "".join(f"- {{userarn: '{arn}', username: a, groups: [{arn[-1]}]}}\n" for arn in (ALICE, ALICE[:-1] + "E"))
    assert ids(judge(Says(), user=User("a", ("E",)), maps=both(mapUsers=users))) == ["two-spellings!"]


def test_rows_that_do_not_count_are_no_reason() -> None:
    maps = Maps("API", (seen(CI_ROLE, "few"),), rows(mapRoles=row("[many]")))
    assert ids(judge(Says(), caller=CI, user=User("ci", ("few",)), maps=maps)) == ["namespace-not-granted"]


def test_without_policies() -> None:
    verdict = judge(None)
    assert (ids(verdict), verdict.saw) == (["not-granted"], "alice may not list secrets in payments (403)")


def test_a_role_that_does_not_hold_it() -> None:
    near = (("operator in payments allows it to iamrbac:acme:payments:oncall", (LINE,)), ("another", ()))
    verdict = judge(Says((HELD,), allowed=False, near=near, owner=OWNER))
    assert ids(verdict) == ["role-without-it", "nearest", "nearest"]
    first = verdict.causes[0]
    assert (first.fixer, first.people, first.origins) == (Fixer.OWNERS, OWNER.people, (LINE,))
    assert first.text.endswith("developer; it belongs to payments")
    assert first.run == "iamrbac request --cluster staging --namespace payments --role ROLE --for 4h --reason WHY"


def test_a_namespace_without_a_grant() -> None:
    verdict = judge(Says((HELD,), allowed=False), asked=ELSEWHERE)
    assert ids(verdict) == ["namespace-not-granted"]
    assert verdict.causes[0].text == "the policies give these groups nothing in search; they have payments"
    anything = judge(Says((HELD,)), asked=None, namespaces=("search",))
    assert (ids(anything), anything.saw) == (["namespace-not-granted"], "alice may not do anything in search (403)")


def test_without_a_namespace_no_rights_are_no_answer() -> None:
    """Where nothing names a namespace, whoever has no rights in `default` may have them elsewhere."""
    guessed = May(taken(ALICE, USER), USER, None, ("default",), False, guessed=True)
    verdict = rbac.judge(guessed)
    assert (verdict.status, ids(verdict)) == (Status.UNKNOWN, ["namespace-not-named"])
    nothing = User("ci", ("system:authenticated",))
    assert ids(rbac.judge(May(taken(CI, nothing), nothing, None, ("default",), False, guessed=True))) == ["no-groups!"]


def test_what_the_policies_give_and_the_cluster_does_not() -> None:
    for verdict in (judge(Says((HELD,), allowed=True)), judge(Says((HELD,)), asked=None, namespaces=("payments",))):
        assert (ids(verdict), verdict.causes[0].fixer) == (["not-applied!"], Fixer.PLATFORM)
        assert verdict.causes[0].origins == (LINE,)


@pytest.mark.parametrize("mine", [True, False])
def test_a_temporary_grant_that_is_over(mine: bool) -> None:
    over = Ended("incident", "payments", "2026-11-01T00:00:00Z", ("pay*",), mine, LINE)
    expected = ["grant-expired!"] if mine else ["grant-expired", "namespace-not-granted"]
    assert ids(judge(Says(allowed=False, ended=(over,)))) == expected
    assert ids(judge(Says(ended=(over,)), asked=ELSEWHERE)) == ["namespace-not-granted"]


def test_suspended() -> None:
    assert ids(judge(Says(suspended=True))) == ["suspended!"]


def test_requests_in_words() -> None:
    assert rbac.words(Request("get", "pods", "", "log", "web", "payments")) == "get pods/log web in payments"
    assert rbac.words(Request("list", "deployments", "apps")) == "list deployments.apps in the whole cluster"
    assert rbac.words(Request("get", path="/healthz")) == "get /healthz"
