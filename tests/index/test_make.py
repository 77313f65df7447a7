"""The index of compiled documents: who is in it is who is mapped, and what they have is what is bound."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterFacts, Compiled
from iamrbac.compile.documents import Documents
from iamrbac.identity.snapshot import IamName, Identities
from iamrbac.index.codec import decode, encode
from iamrbac.index.index import AccessIndex, IndexCluster, IndexGrant
from iamrbac.index.make import Made, form_on, make
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.documents import Config
from iamrbac.plan.observed import AuthenticationMode, Target
from tests.compile.builders import NOW, PEOPLE, RULES, cluster, config, documents, grant, line, policy, role, user
from tests.index.builders import pem

IDENTITIES = Identities(
    {
        IamName(PEOPLE, "dev"): (user("bob"), user("staff/alice")),
        IamName(PEOPLE, "oncall"): (user("carol"),),
    },
    {
        IamName("111122223333", "role/deployer"): role("ci/deployer"),
        IamName(PEOPLE, "user/dana"): user("dana"),
    },
)


def target(name: str, mode: AuthenticationMode = "API_AND_CONFIG_MAP") -> Target:
    arn = f"arn:aws:eks:eu-west-1:111122223333:cluster/{name}"
    return Target(name, name, arn, "eu-west-1", "https://127.0.0.1:6443", pem(), mode)


def compiled(docs: Documents, modes: dict[str, AuthenticationMode]) -> tuple[AccessIndex, Compiled]:
    known: Config = docs.config.document
    targets = {one.name: target(one.name, modes.get(one.name, "API_AND_CONFIG_MAP")) for one in known.clusters}
    facts = {
        one.name: ClusterFacts(form_on(one, targets[one.name]), frozenset({"payments", "shop", "search"}))
        for one in known.clusters
    }
    found = compile_documents(docs, IDENTITIES, facts, NOW, lambda _: RULES)
    assert set(found.clusters) == set(targets), found.findings
    made = make(docs, found, targets, Made(NOW, "a" * 40), lambda origin: f"{origin.file}:{origin.path[-1]}")
    assert decode(encode(made), "it") == made
    return made, found


def index(docs: Documents, **modes: AuthenticationMode) -> AccessIndex:
    return compiled(docs, modes)[0]


def on(made: AccessIndex, name: str) -> IndexCluster:
    found = made.cluster(name)
    assert found is not None
    return found


MEMBERS: dict[str, Any] = {
    "dev": [{"iamGroup": "dev"}, {"iamRole": "deployer"}],
    "oncall": [{"iamGroup": "oncall", "via": "role"}, {"iamUser": "dana"}],
}
ACCESS = [
    line(["staging"], ["payments", "shop"], "developer", to=["dev"]),
    line(["staging"], ["payments"], "developer", to=["dev"]),
    line(["staging"], None, {"clusterRole": "view"}, to=["oncall"], scope="cluster"),
    line(["staging"], ["shop"], {"eksAccessPolicy": "AmazonEKSViewPolicy"}, to=["oncall"]),
]


def test_people_roles_and_grants() -> None:
    ends = "2026-06-01T18:00:00Z"
    docs = documents(
        [policy("payments", MEMBERS, ACCESS)], [grant("inc-1", [{"iamUser": "dana"}], [line(["production"])], ends)]
    )
    made = index(docs)
    assert (made.instance, made.written, made.commit) == ("acme", NOW, "a" * 40)
    dev, oncall = on(made, "staging").sets
    assert dev.principals == (role("ci/deployer"), user("bob"), user("staff/alice"))
    assert dev.roles == ()
    assert dev.grants == (
        IndexGrant("payments", "developer", ("policies/payments.yaml:0", "policies/payments.yaml:1")),
        IndexGrant("shop", "developer", ("policies/payments.yaml:0",)),
    )
    assert (oncall.principals, oncall.roles) == (
        (user("dana"),),
        (f"arn:aws:iam::{PEOPLE}:role/iamrbac/acme.payments.oncall",),
    )
    assert [(one.namespace, one.role) for one in oncall.grants] == [
        ("", "clusterRole view"),
        ("shop", "eksAccessPolicy AmazonEKSViewPolicy"),
    ]
    (temporary,) = on(made, "production").sets
    assert (temporary.name, temporary.principals) == ("temporary.inc-1", (user("dana"),))
    assert temporary.not_after is not None
    assert temporary.not_after.isoformat() == "2026-06-01T18:00:00+00:00"


def test_where_rows_map_a_role_has_no_path_and_its_own_role_is_still_its_own() -> None:
    docs = documents([policy("payments", MEMBERS, ACCESS[:3])])
    dev, oncall = on(index(docs, staging="CONFIG_MAP"), "staging").sets
    assert dev.principals == (role("deployer"), user("bob"), user("staff/alice"))
    assert (oncall.principals, len(oncall.roles)) == ((user("dana"),), 1)


def test_where_somebody_else_maps_only_the_cluster_knows() -> None:
    known = config(clusters=[cluster("staging", mapping="external"), cluster("production")])
    docs = documents([policy("payments", MEMBERS, ACCESS[:3])], config_=known)
    staging = on(index(docs), "staging")
    assert staging.external
    assert [(one.name, one.principals, one.roles, len(one.grants)) for one in staging.sets] == [
        ("dev", (), (), 2),
        ("oncall", (), (), 1),
    ]


def test_suspended_people_are_not_in_it() -> None:
    docs = documents([policy("payments", MEMBERS, ACCESS)], config_=config(suspended=[user("bob")]))
    assert on(index(docs), "staging").sets[0].principals == (role("ci/deployer"), user("staff/alice"))


members = st.lists(
    st.sampled_from(
        [{"iamGroup": "dev"}, {"iamUser": "dana"}, {"iamRole": "deployer"}, {"iamGroup": "oncall", "via": "role"}]
    ),
    min_size=1,
    max_size=3,
    unique_by=str,
)
lines = st.lists(
    st.builds(
        line,
        st.sampled_from([["staging"], ["production"], ["*"]]),
        st.lists(st.sampled_from(["payments", "shop", "search"]), min_size=1, max_size=2, unique=True),
        st.sampled_from(["developer", "viewer"]),
    ),
    min_size=1,
    max_size=3,
)


@given(st.dictionaries(st.sampled_from(["payments", "search"]), st.tuples(members, members, lines), min_size=1))
def test_who_is_in_a_set_is_who_is_mapped_to_its_group(teams: dict[str, Any]) -> None:
    docs = documents([policy(team, {"a": one, "b": two}, access) for team, (one, two, access) in teams.items()])
    made, found = compiled(docs, {})
    for name, desired in found.clusters.items():
        mapped = {
            (item.spec.principal, group)
            for item in desired.objects
            if isinstance(item.spec, AccessEntry)
            for group in item.spec.groups
        }
        said = {(arn, one.group) for one in on(made, name).sets for arn in (*one.principals, *one.roles)}
        assert said == mapped
        assert {one.group for one in on(made, name).sets} == {one.group for one in desired.principals}
