"""What must hold for every repository: order means nothing, nobody comes from nowhere, and nobody suspended gets in."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.compile.desired import ClusterFacts, Compiled
from iamrbac.compile.documents import Documents, Sourced
from iamrbac.identity.snapshot import IamName, Identities, Missing
from iamrbac.identity.wanted import wanted
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.arn import without_path
from iamrbac.model.documents import AccessPolicy
from iamrbac.rbac.objects import Binding
from iamrbac.render.compiled import compiled_files
from tests.compile.builders import NOW, PEOPLE, cluster, compiled, config, documents, grant, line, policy, role, user

USERS = ("alice", "bob", "carol", "dave")
GROUPS = ("devs", "oncall")
NAMESPACES = ("payments", "payments-batch", "search")
CONFIG = config(
    clusters=[
        cluster("development", labels={"env": "dev"}, manageNamespaces=True),
        cluster("staging", labels={"env": "staging"}),
        cluster("production", labels={"env": "production"}, mapping="external"),
    ],
    suspended=[user("dave"), role("shared/ops")],
)
FACTS = {
    "development": ClusterFacts("access-entries", frozenset(NAMESPACES)),
    "staging": ClusterFacts("aws-auth", frozenset(NAMESPACES[:2])),
    "production": ClusterFacts("external", frozenset(NAMESPACES)),
}
ANSWERS: dict[IamName, str | Missing] = {IamName(PEOPLE, f"user/{name}"): user(f"staff/{name}") for name in USERS}

members = st.one_of(
    st.sampled_from(USERS).map(lambda name: {"iamUser": name}),
    st.sampled_from(GROUPS).map(lambda name: {"iamGroup": name}),
    st.sampled_from(["ci/deployer", "shared/ops"]).map(lambda name: {"iamRole": name}),
)
roles: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["viewer", "developer"]),
    st.builds(lambda value: {"template": "operator", "parameters": {"exec": value}}, st.booleans()),
    st.just({"clusterRole": "view"}),
)
clusters = st.one_of(
    st.lists(
        st.sampled_from(["development", "staging", "production", "*", "st*"]), min_size=1, max_size=2, unique=True
    ),
    st.sampled_from([{"env": "dev"}, {"env": "staging"}]),
)
lines = st.builds(
    line,
    clusters,
    st.one_of(
        st.none(),
        st.lists(st.sampled_from([*NAMESPACES, "pay*", "later"]), min_size=1, max_size=3, unique=True),
    ),
    roles,
)


@st.composite
def repositories(draw: st.DrawFn) -> Documents:
    policies = []
    for team in draw(st.lists(st.sampled_from(["payments", "search", "web"]), min_size=1, unique=True)):
        sets = draw(
            st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(members, max_size=3), min_size=1, max_size=3)
        )
        access = [
            one
            | (
                {"to": draw(st.lists(st.sampled_from(sorted(sets)), min_size=1, unique=True))}
                if draw(st.booleans())
                else {}
            )
            for one in draw(st.lists(lines, max_size=4))
        ]
        policies.append(policy(team, sets, access))
    grants = []
    for name in draw(st.lists(st.sampled_from(["inc-1", "inc-2"]), unique=True)):
        end = NOW + timedelta(minutes=draw(st.integers(-2, 2)))
        held = draw(st.lists(members, min_size=1, max_size=2))
        grants.append(grant(name, held, draw(st.lists(lines, min_size=1, max_size=2)), end.isoformat()))
    return documents(policies, grants, CONFIG)


@st.composite
def iam(draw: st.DrawFn) -> Identities:
    groups = {
        IamName(PEOPLE, name): tuple(sorted(user(f"staff/{one}") for one in draw(st.sets(st.sampled_from(USERS)))))
        for name in GROUPS
    }
    return Identities(groups, ANSWERS)


def shuffled(docs: Documents, seed: int) -> Documents:
    """The same repository with policies, grants, sets, members and lines in another order."""
    order = random.Random(seed)

    def mixed(items: Any) -> list[Any]:
        found = list(items)
        order.shuffle(found)
        return found

    def policy_mixed(sourced: Sourced[AccessPolicy]) -> Sourced[AccessPolicy]:
        value = sourced.document.model_dump(by_alias=True, exclude_none=True)
        spec = value["spec"]
        spec["members"] = {name: mixed(spec["members"][name]) for name in mixed(spec["members"])}
        spec["access"] = mixed(spec["access"])
        for one in spec["access"]:
            for key in ("to", "namespaces"):
                if key in one:
                    one[key] = mixed(one[key])
        return Sourced(sourced.file, AccessPolicy.model_validate(value))

    return Documents(docs.config, tuple(mixed(map(policy_mixed, docs.policies))), tuple(mixed(docs.grants)))


def without_origins(result: Compiled) -> dict[str, Any]:
    """What a cluster would get; which line of a file it comes from changes with the order of lines."""
    return {
        name: (tuple(replace(item, origins=()) for item in desired.objects), desired.principals, desired.roles)
        for name, desired in result.clusters.items()
    }


@settings(max_examples=60, deadline=None)
@given(repositories(), iam(), st.integers())
def test_order_means_nothing(docs: Documents, people: Identities, seed: int) -> None:
    one, other = compiled(docs, people, FACTS), compiled(shuffled(docs, seed), people, FACTS)
    assert without_origins(one) == without_origins(other)
    assert sorted(finding.message for finding in one.findings) == sorted(finding.message for finding in other.findings)


@settings(max_examples=60, deadline=None)
@given(repositories(), iam(), st.integers())
def test_the_order_of_files_means_nothing_at_all(docs: Documents, people: Identities, seed: int) -> None:
    order = random.Random(seed)
    policies, grants = list(docs.policies), list(docs.grants)
    order.shuffle(policies)
    order.shuffle(grants)
    facts = dict(sorted(FACTS.items(), key=lambda item: order.random()))
    one = compiled(docs, people, FACTS)
    other = compiled(Documents(docs.config, tuple(policies), tuple(grants)), people, facts)
    assert one == other
    assert list(compiled_files(one)) == list(compiled_files(other))


@settings(max_examples=60, deadline=None)
@given(repositories(), iam())
def test_nobody_comes_from_nowhere_and_nobody_suspended_gets_in(docs: Documents, people: Identities) -> None:
    result = compiled(docs, people, FACTS)
    asked = wanted(
        CONFIG, [one.document for one in docs.policies], [one.document for one in docs.grants], NOW, FACTS.keys()
    )
    known: set[str] = set()
    for name in asked.groups:
        answer = people.groups[name]
        known |= set(answer) if isinstance(answer, tuple) else set()
    known |= {str(people.principals[name]) for name in asked.principals}
    known |= {role("ci/deployer")}
    allowed = {without_path(arn) for arn in known} | known
    for desired in result.clusters.values():
        for item in desired.objects:
            if isinstance(item.spec, AccessEntry | PolicyAssociation):
                assert item.spec.principal in allowed
                assert not item.spec.principal.endswith(("/dave", "/ops"))
            elif isinstance(item.spec, AwsAuthRow):
                assert item.spec.arn in allowed
                assert not item.spec.arn.endswith(("/dave", "/ops"))
    assert not any(finding.id == "MAP102" for finding in result.findings), "something needed was not asked for"


@settings(max_examples=60, deadline=None)
@given(repositories(), iam())
def test_the_result_is_whole_and_sorted(docs: Documents, people: Identities) -> None:
    result = compiled(docs, people, FACTS)
    for name, desired in result.clusters.items():
        keys = [item.key for item in desired.objects]
        assert keys == sorted(set(keys))
        assert {key.cluster for key in keys} <= {name}
        assert all(item.origins == tuple(sorted(set(item.origins))) and item.origins for item in desired.objects)
        carried = {group.group for group in desired.principals}
        present = {(key.kind, key.namespace, key.name) for key in keys}
        for item in desired.objects:
            if isinstance(item.spec, Binding):
                assert {subject.name for subject in item.spec.subjects} <= carried
                ref = item.spec.role_ref
                place = item.key.namespace if ref.kind == "Role" else ""
                assert ref.name == "view" or (ref.kind, place, ref.name) in present
                assert item.key.name in desired.roles
            elif isinstance(item.spec, AccessEntry | AwsAuthRow):
                assert item.spec.groups
                assert set(item.spec.groups) <= carried


@settings(max_examples=40, deadline=None)
@given(repositories(), iam(), st.integers(-3, 3))
def test_a_grant_ends_exactly_at_its_time(docs: Documents, people: Identities, minutes: int) -> None:
    at = NOW + timedelta(minutes=minutes)
    result = compiled(docs, people, FACTS, at)
    live = {
        f"iamrbac:acme:payments:temporary.{one.document.metadata.name}"
        for one in docs.grants
        if at.isoformat() < one.document.spec.not_after
    }
    for desired in result.clusters.values():
        carried = {group.group for group in desired.principals if ":temporary." in group.group}
        assert carried <= live
    again = Documents(docs.config, docs.policies, tuple(one for one in docs.grants if _group(one) in live))
    assert without_origins(compiled(again, people, FACTS, at)) == without_origins(result)


def _group(one: Any) -> str:
    return f"iamrbac:acme:payments:temporary.{one.document.metadata.name}"
