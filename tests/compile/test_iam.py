"""What sets with `via: role` need in IAM, and the principals that they become on clusters."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile import names
from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import Compiled
from iamrbac.compile.documents import Documents
from iamrbac.identity.assumable import AssumableRole, GroupPolicy, group_policy, trust_policy
from iamrbac.identity.snapshot import IamName, Identities, Missing
from iamrbac.mapping.objects import AccessEntry
from tests.compile.builders import NOW, PEOPLE, cluster, compiled, config, documents, facts, line, policy

ROLE = {"iamGroup": "oncall", "via": "role"}
ARN = f"arn:aws:iam::{PEOPLE}:role/iamrbac/acme.payments.a"


def one_set(*members: dict[str, str], clusters: tuple[str, ...] = ("staging",), **changes: Any) -> Documents:
    return documents([policy("payments", {"a": list(members)}, [line(list(clusters))])], config_=config(**changes))


def shown(result: Compiled) -> list[str]:
    return [f"{item.key.account} {item.key.kind} {item.key.name}" for item in result.iam]


def test_one_role_for_a_set_and_a_policy_for_each_of_its_groups() -> None:
    other = {"iamGroup": "arn:aws:iam::333344445555:group/x/leads", "via": "role"}
    result = compiled(one_set(ROLE, {"iamGroup": "managers", "via": "role"}, other, {"iamUser": "x/bob"}))
    assert result.findings == ()
    assert shown(result) == [
        "333344445555 IamGroupPolicy leads/iamrbac.acme.payments.a",
        f"{PEOPLE} IamGroupPolicy managers/iamrbac.acme.payments.a",
        f"{PEOPLE} IamGroupPolicy oncall/iamrbac.acme.payments.a",
        f"{PEOPLE} IamRole acme.payments.a",
        "333344445555 IamRole acme.payments.a",
    ]
    roles = [item for item in result.iam if item.key.kind == "IamRole"]
    assert dict(roles[0].labels) == {
        "app.kubernetes.io/managed-by": "iamrbac",
        "iamrbac.dev/instance": "acme",
        "iamrbac.dev/policy": "payments",
        "iamrbac.dev/set": "a",
    }
    policies = [item.spec for item in result.iam if isinstance(item.spec, GroupPolicy)]
    assert {one.document for one in policies if one.group == "oncall"} == {group_policy(ARN)}


def test_the_entry_is_the_roles_whoever_is_in_the_group() -> None:
    key = IamName(PEOPLE, "oncall")
    for people in (Identities(), Identities({key: ()}), Identities({key: (f"arn:aws:iam::{PEOPLE}:user/eve",)})):
        result = compile_documents(one_set(ROLE), people, facts(), NOW, lambda _request: ())
        entries = [item.spec for item in result.clusters["staging"].objects if isinstance(item.spec, AccessEntry)]
        username = f"arn:aws:sts::{PEOPLE}:assumed-role/acme.payments.a/{{{{SessionName}}}}"
        assert entries == [AccessEntry(ARN, username, ("iamrbac:acme:payments:a",))]


def test_a_group_that_is_not_there_is_an_error_and_an_empty_one_is_said() -> None:
    key = IamName(PEOPLE, "oncall")
    missing = compiled(one_set(ROLE), Identities({key: Missing()}))
    assert [finding.id for finding in missing.findings] == ["MAP101"]
    empty = compiled(one_set(ROLE), Identities({key: ()}))
    assert [finding.id for finding in empty.findings] == ["MAP104"]


def test_a_set_without_access_that_we_map_has_no_role() -> None:
    elsewhere = [cluster("staging", mapping="external"), cluster("production")]
    docs = documents([policy("payments", {"a": [ROLE]}, [line(["staging"])])], config_=config(clusters=elsewhere))
    assert not compiled(docs).iam


def test_the_roles_are_the_same_whichever_clusters_are_compiled() -> None:
    docs = one_set(ROLE, clusters=("staging",))
    only = {"production": facts()["production"]}
    assert compiled(docs, facts_=only).iam == compiled(docs).iam != ()


def test_suspended_users_are_kept_out_by_the_trust() -> None:
    suspended = [f"arn:aws:iam::{PEOPLE}:user/x/mallory", "arn:aws:iam::999999999999:user/zoe"]
    result = compiled(one_set(ROLE, suspended=suspended))
    (role,) = [item.spec for item in result.iam if item.key.kind == "IamRole"]
    assert isinstance(role, AssumableRole)
    assert role.trust == trust_policy("aws", PEOPLE, ["mallory"])


def test_two_sets_with_one_role_are_refused() -> None:
    two = {"a": [ROLE], "b": [ROLE]}
    docs = documents(
        [policy("payments", two, [line(["staging"])])],
        config_=config(identity={"account": PEOPLE, "roleName": "eks-{team}"}),
    )
    result = compiled(docs)
    assert [finding.id for finding in result.findings] == ["ROL007"]
    assert "payments/a and payments/b" in result.findings[0].message


def test_a_trust_that_is_too_long_is_refused() -> None:
    suspended = [f"arn:aws:iam::{PEOPLE}:user/somebody-{number}" for number in range(150)]
    result = compiled(one_set(ROLE, suspended=suspended))
    assert [finding.id for finding in result.findings] == ["ROL008"]


def test_a_set_in_two_partitions_is_refused() -> None:
    clusters = [cluster("staging"), cluster("production", region="cn-north-1")]
    docs = documents(
        [policy("payments", {"a": [ROLE]}, [line(["staging", "production"])])], config_=config(clusters=clusters)
    )
    assert "ROL006" in {finding.id for finding in compiled(docs).findings}


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
PARTS = st.tuples(LABELS, LABELS, st.one_of(LABELS, LABELS.map(names.temporary_set)))


@given(PARTS, PARTS)
def test_names_fit_into_iam_and_no_two_sets_share_one(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    made = [
        (names.role_name("{instance}.{team}.{set}", *parts), names.group_policy_name(*parts)) for parts in (one, other)
    ]
    for role, text in made:
        assert len(role) <= names.MOST_ROLE_NAME
        assert len(text) <= names.MOST_POLICY_NAME
    assert text.startswith(names.group_policy_prefix(other[0]))
    assert (made[0][0] == made[1][0]) == (one == other)
    assert (made[0][1] == made[1][1]) == (one == other)
