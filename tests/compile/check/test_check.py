"""What documents say together: each mistake is found, at its place, with the next step; golden files hold the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.compile.check import check
from iamrbac.compile.check.said import MAX_GUESSES
from iamrbac.compile.documents import Documents, Sourced
from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.order import in_order
from iamrbac.model.documents import AccessPolicy
from tests.compile.builders import cluster, config, documents, grant, line, policy
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden"
TEMPLATES = ("viewer", "developer", "operator")
DEV = {"dev": [{"iamGroup": "dev"}]}
END = "2026-12-24T18:00:00Z"
ARN = "arn:aws:iam::222233334444:"
PEOPLE = (
    {"iamGroup": "a"},
    {"iamGroup": "a", "via": "users", "account": "222233334444"},
    {"iamGroup": ARN + "group/a", "via": "users"},
    {"iamUser": "a"},
    {"iamUser": "a", "account": "222233334444"},
    {"iamUser": ARN + "user/a"},
    {"iamRole": "a"},
)
Member = Mapping[str, Any]


def told(docs: Documents, *, complete: bool = True) -> str:
    """Return all findings, one a line, with paths in place of positions."""
    return "".join(f"{_line(one)}\n" for one in in_order(check(docs, TEMPLATES, complete=complete)))


def _line(one: Finding) -> str:
    where = ".".join(map(str, one.path))
    return f"{one.file} {where}: {one.level} {one.id} [{one.cluster or ''}] {one.message} > {one.hint}"


def members(*listed: Member, clusters: Sequence[str] = ("staging",), **changes: Any) -> Documents:
    return documents([policy("payments", {"dev": listed}, [line(clusters)])], config_=config(**changes))


def named(file: str, team: str) -> Sourced[AccessPolicy]:
    return Sourced(file, policy(team, DEV, [line()]).document)


def rules(*listed: Mapping[str, Any]) -> dict[str, Any]:
    return {"namespaces": list(listed)}


def catalogued(names: Sequence[str], **more: Any) -> list[dict[str, Any]]:
    return [cluster("staging", namespaces=list(names), **more), cluster("production", namespaces=["payments"])]


def lines(*listed: Mapping[str, Any], **changes: Any) -> Documents:
    return documents([policy("payments", DEV, list(listed))], config_=config(**changes))


CASES: dict[str, Callable[[], Documents]] = {
    "team-twice": lambda: documents(
        [named("policies/b.yaml", "payments"), named("policies/a.yaml", "payments"), named("policies/c.yaml", "search")]
    ),
    "grant-twice-and-unknown-team": lambda: documents(
        [policy("payment", DEV, [line()])],
        [
            grant("one", [{"iamUser": "a"}], [line()], END),
            Sourced("policies/temporary/again.yaml", grant("one", [{"iamUser": "a"}], [line()], END).document),
        ],
    ),
    "sets": lambda: documents(
        [
            policy(
                "payments",
                {"developers": [{"iamGroup": "a"}], "oncall": [{"iamGroup": "b"}], "nobody": []},
                [line(to=["developrs", "developers"]), line(to=["nobody"])],
            ),
            policy("search", {"a": [{"iamGroup": "b"}], "b": []}, [line()]),
        ]
    ),
    "clusters": lambda: documents(
        [
            policy(
                "payments",
                DEV,
                [line(["stagin", "prod*", "x*", "zzz"]), line({"env": "prod"}), line({"env": "staging"})],
            )
        ]
    ),
    "labels": lambda: lines(
        line({"evn": "staging"}),
        line({"env": "stagin"}),
        line({"env": "x"}),
        line({"env": "staging", "tier": "1"}),
        clusters=[
            cluster("a", labels={"env": "staging", "tier": "2"}),
            cluster("b", labels={"env": "dev", "tier": "1"}),
        ],
    ),
    "whole-cluster-of-others": lambda: lines(
        line(["staging"], namespaces=None),
        **rules({"name": "search*", "owner": "search"}, {"name": "b", "owner": "batch", "accepts": ["payments"]}),
    ),
    "config-clusters": lambda: documents(
        [],
        config_=config(
            clusters=[
                cluster("a"),
                cluster("a"),
                cluster("b", eksName="a"),
                cluster("c", eksName="a", region="eu-west-2"),
            ]
        ),
    ),
    "roles": lambda: documents(
        [
            policy(
                "payments",
                DEV,
                [
                    line(role="developr"),
                    line(role={"template": "xxxxxxxx"}),
                    line(role={"clusterRole": "anything"}),
                    line(role={"eksAccessPolicy": "AmazonEKSViewPolicy"}),
                    line(namespaces=None),
                    line(["staging"], namespaces=None),
                ],
            )
        ],
        config_=config(
            clusters=[cluster("staging", mapping="aws-auth"), cluster("production", mapping="external"), cluster("dev")]
        ),
    ),
    "members": lambda: members(
        {"permissionSet": "Developer"},
        {"iamGroup": "a", "via": "role"},
        {"iamGroup": ARN + "user/a"},
        {"iamGroup": ARN + "group/a"},
        {"iamUser": ARN + "group/a"},
        {"iamUser": "arn:aws:sts::222233334444:assumed-role/a/b"},
        {"iamUser": ARN + "root"},
        {"iamUser": ARN + "user/a", "account": "444455556666"},
        {"iamUser": ARN + "user/a", "account": "222233334444"},
        {"iamRole": ARN + "policy/a"},
        {"iamRole": ARN + "role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"},
        {"iamRole": ARN + "role/ci/deployer"},
    ),
    "reserved-roles": lambda: members(
        {"iamRole": "AWSServiceRoleForAmazonEKS"},
        {"iamRole": "aws-service-role/eks.amazonaws.com/anything"},
        {"iamRole": "AWSReservedSSO_Developer_0123456789abcdef"},
        {"iamRole": "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Developer_0123456789abcdef"},
        {"iamRole": ARN + "role/AWSReservedSSO_Developer_0123456789abcdef"},
        {"iamRole": ARN + "role/ci/AWSReservedSSO_Developer_0123456789abcdef"},
        {"iamRole": "arn:aws:sts::222233334444:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/pat@example.com"},
        {"iamRole": "AWSReservedSSO_Developer"},
        {"iamUser": "AWSServiceRoleForAmazonEKS"},
    ),
    "names-too-long": lambda: members(
        {"iamUser": "u" * 65},
        {"iamUser": ARN + "user/" + "p" * 511 + "/u"},
        {"iamRole": "r" * 64},
        {"iamRole": "ci/" + "r" * 65},
        {"iamGroup": "g" * 128},
        {"iamGroup": ARN + "group/" + "g" * 129},
        {"permissionSet": "p" * 32},
    ),
    "too-many": lambda: documents(
        [
            policy(
                "payments",
                {"dev": [{"iamUser": f"u{number}"} for number in range(3001)], "few": [{"iamUser": "a"}]},
                [
                    line(to=["dev"]),
                    *(line(["staging"], role={"eksAccessPolicy": f"P{number}"}, to=["few"]) for number in range(21)),
                ],
            )
        ],
        config_=config(clusters=[cluster("staging", mapping="access-entries"), cluster("production")]),
    ),
    "no-identity": lambda: members(*PEOPLE, identity={"account": "222233334444"}),
    "no-people": lambda: documents(
        [policy("payments", {"dev": PEOPLE}, [line()])],
        config_=config().model_copy(update={"identity": None}),
    ),
    "group-role-by-default": lambda: members(
        {"iamGroup": "a"}, {"iamGroup": "b", "via": "users"}, identity={"account": "222233334444", "groups": "role"}
    ),
    "role-names": lambda: documents(
        [
            policy(
                team,
                {"a": [{"iamUser": "x/bob"}, {"iamGroup": "g", "via": "role"}], "b": [{"iamGroup": "g"}]},
                [line()],
            )
            for team in ("payments", "search")
        ],
        config_=config(identity={"account": "222233334444", "groups": "users", "roleName": "eks.{set}"}),
    ),
    "partitions": lambda: documents(
        [
            policy(
                "payments",
                {
                    "dev": [{"iamUser": ARN + "user/a"}, {"iamRole": "arn:aws-cn:iam::222233334444:role/a"}],
                    "ops": [{"iamUser": ARN + "user/a"}],
                },
                [line(to=["dev"]), line(["west"], to=["ops"])],
            )
        ],
        config_=config(
            clusters=[
                cluster("west"),
                cluster("beijing", region="cn-north-1"),
                cluster("ningxia", region="cn-northwest-1"),
            ]
        ),
    ),
    "assumed-roles": lambda: documents(
        [],
        config_=config(
            identity={"account": "222233334444", "assumeRole": "arn:aws:iam::111122223333:role/a"},
            clusters=[
                cluster("a", assumeRole={"roleArn": ARN + "role/iamrbac"}),
                cluster("b", assumeRole="arn:aws:iam::111122223333:role/iamrbac"),
                cluster("c", eksName="d", region="cn-north-1", assumeRole="arn:aws:iam::111122223333:role/iamrbac"),
            ],
        ),
    ),
    "index-place": lambda: documents(
        [], config_=config(index="arn:aws:ssm:cn-north-1:111122223333:parameter/iamrbac/access-index")
    ),
    "listed-principals": lambda: documents(
        [],
        config_=config(
            suspended=["alice", ARN + "user/a", "arn:aws:sts::222233334444:assumed-role/a/b", ARN + "group/a"],
            guards={"protectedPrincipals": [ARN + "role/a", ARN + "root"]},
        ),
    ),
    "consent-by-name": lambda: documents(
        [
            policy("payments", DEV, [line(namespaces=["search", "payments", "free"])]),
            policy("search", DEV, [line(namespaces=["search"])]),
        ],
        [grant("one", [{"iamUser": "a"}], [line(namespaces=["search-a"])], END)],
        config(**rules({"name": "search*", "owner": "search"}, {"name": "payments", "owner": "payments"})),
    ),
    "consent-by-pattern": lambda: lines(
        line(namespaces=["se*", "payments-*", "*-search", "other-*"]),
        clusters=catalogued(["search-index", "payments"]),
        **rules({"name": "search*", "owner": "search"}, {"name": "payments*", "owner": "payments"}),
    ),
    "consent-accepted": lambda: lines(
        line(namespaces=["search", "sear*"]),
        **rules({"name": "search*", "owner": "search", "accepts": ["payments"]}, {"name": "sea*", "owner": "payments"}),
    ),
    "consent-first-rule-decides": lambda: lines(
        line(namespaces=["payments-batch", "payments-*"]),
        **rules(
            {"name": "payments-batch", "owner": "batch"},
            {"name": "payments*", "owner": "payments"},
            {"name": "payments-x", "owner": "search"},
        ),
    ),
    "rules": lambda: documents(
        [policy("search", DEV, [line()])],
        config_=config(
            **rules(
                {"name": "se*", "owner": "serch", "accepts": ["search", "nobody"]},
                {"name": "search", "owner": "search"},
            )
        ),
    ),
    "guarded-namespaces": lambda: lines(line(namespaces=["kube-system", "iamrbac-system", "kube*", "*-system"])),
    "guarded-namespaces-with-a-rule": lambda: lines(
        line(namespaces=["kube-system", "iamrbac-system"]), **rules({"name": "*", "owner": "platform"})
    ),
    "catalogue": lambda: lines(
        line(namespaces=["payments", "serch", "a-*", "payments*"]),
        line(["production"], namespaces=["search"]),
        clusters=catalogued(["payments", "search"]),
    ),
    "catalogue-managed": lambda: lines(
        line(["staging"], namespaces=["new"]), clusters=catalogued([], manageNamespaces=True)
    ),
    "fine": lambda: documents(
        [
            policy(
                "payments",
                DEV,
                [
                    line(),
                    line(role={"clusterRole": "view"}),
                    line(role={"template": "operator", "parameters": {"a": 1}}),
                ],
            )
        ],
        [grant("one", [{"iamUser": "a"}, {"iamRole": "a/b"}], [line()], END)],
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_what_is_found(name: str) -> None:
    compare(told(CASES[name]()), GOLDEN / f"{name}.txt")


def test_what_seems_missing_may_be_in_a_broken_file() -> None:
    docs = CASES["grant-twice-and-unknown-team"]()
    assert "POL003" in told(docs)
    assert "POL003" not in told(docs, complete=False)
    assert "POL025" not in told(CASES["rules"](), complete=False)


def test_every_finding_has_a_place_and_a_next_step() -> None:
    for make in CASES.values():
        for one in check(make(), TEMPLATES):
            assert one.file
            assert one.path
            assert one.hint
            assert not one.message.endswith(".")


def test_every_id_is_found_in_some_case() -> None:
    found = {one.id for make in CASES.values() for one in check(make(), TEMPLATES)}
    assert found == {f"POL{number:03}" for number in range(1, 32) if number not in (13, 23)}


def test_a_fine_repository_says_nothing() -> None:
    assert check(CASES["fine"](), TEMPLATES) == ()


def test_so_many_unknown_words_are_no_typos() -> None:
    docs = documents([policy("payments", DEV, [line([f"stagin{n}" for n in range(MAX_GUESSES + 50)])])])
    hints = [one.hint for one in check(docs, TEMPLATES)]
    assert hints.count("did you mean staging?") == MAX_GUESSES
    assert hints.count("clusters of iamrbac.yaml: staging, production") == 50


names = st.sampled_from(["payments", "pay*", "search", "*-x", "kube-system", "iamrbac-system"])
teams = st.sampled_from(["payments", "search", "batch"])
some_lines = st.lists(
    st.builds(
        line,
        st.sampled_from([["staging"], ["*"], ["x"], {"env": "staging"}]),
        st.lists(names, min_size=1, max_size=3) | st.none(),
        st.sampled_from(["viewer", "x", {"clusterRole": "view"}, {"eksAccessPolicy": "X"}]),
    ),
    max_size=3,
)
some_members = st.dictionaries(
    st.sampled_from(["dev", "ops"]),
    st.lists(st.sampled_from([{"iamGroup": "a"}, {"iamUser": ARN + "user/a"}, {"permissionSet": "x"}]), max_size=2),
    min_size=1,
)


@given(st.lists(st.tuples(teams, some_members, some_lines), max_size=4), st.randoms())
@settings(max_examples=60)
def test_the_order_of_documents_means_nothing(parts: list[tuple[str, Any, Any]], random: Any) -> None:
    owned = config(**rules({"name": "pay*", "owner": "payments"}, {"name": "search", "owner": "search"}))
    policies = [Sourced(f"policies/{n}.yaml", policy(*part).document) for n, part in enumerate(parts)]
    one = check(documents(policies, config_=owned), TEMPLATES)
    random.shuffle(policies)
    assert in_order(check(documents(policies, config_=owned), TEMPLATES)) == in_order(one)
    assert all(finding.level in Level for finding in one)
