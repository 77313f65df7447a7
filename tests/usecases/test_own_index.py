"""Contexts from the access index: names, roles that are tried, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from iamrbac.index.codec import encode
from iamrbac.index.index import AccessIndex, IndexGrant, IndexSet
from iamrbac.model.documents import Config
from iamrbac.model.errors import AccessIndexError, AwsError, IamrbacError, KubeError, NotMappedError, UsageError
from iamrbac.plan.observed import Target
from iamrbac.rbac.objects import Request, Rule, User
from iamrbac.usecases.context_names import Names
from iamrbac.usecases.index_places import Signed
from iamrbac.usecases.kubeconfig import Found, KubeconfigRequest, wanted_contexts
from iamrbac.usecases.own_index import IndexEdges, index_contexts
from iamrbac.usecases.ports import Caller
from tests.compile.builders import cluster as config_cluster
from tests.compile.builders import config
from tests.index.builders import ALICE, BOB, NOW, cluster, index, set_

ROLES = "arn:aws:iam::222233334444:role/iamrbac/acme."


@dataclass
class Store:
    content: bytes | None
    where: str = "access-index.json"

    def read(self) -> bytes | None:
        return self.content

    def seal(self, content: bytes) -> Signed:
        return Signed(content)

    def write(self, signed: Signed) -> None:
        self.content = signed.content


@dataclass
class Access:
    groups: tuple[str, ...] | IamrbacError

    def whoami(self) -> User:
        if isinstance(self.groups, IamrbacError):
            raise self.groups
        return User("alice", self.groups)

    def rules(self, namespace: str) -> tuple[tuple[Rule, ...], bool]:
        raise AssertionError("nobody asks")

    def can(self, request: Request) -> bool:
        raise AssertionError("nobody asks")

    def ruling(self, request: Request) -> tuple[bool, str]:
        raise AssertionError("nobody asks")


@dataclass
class World:
    index: AccessIndex
    caller: str = ALICE
    config: Config | None = None
    roles: Mapping[str, bool | IamrbacError] = field(default_factory=dict)
    groups: tuple[str, ...] | IamrbacError | None = None
    tried: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def step(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.said.append(text)

    def may(self, role: str, region: str) -> bool:
        assert region == "eu-west-1"
        self.tried.append(role.removeprefix(ROLES))
        answer = self.roles.get(role.removeprefix(ROLES), False)
        if isinstance(answer, IamrbacError):
            raise answer
        return answer

    def access(self, target: Target) -> Access:
        assert self.groups is not None, "no cluster is asked"
        return Access(self.groups)

    def find(self, **request: Any) -> Found:
        edges = IndexEdges(
            Store(encode(self.index)),
            self.config,
            lambda: Caller("222233334444", self.caller, "AIDA"),
            self.may,
            self.access,
        )
        return index_contexts(edges, KubeconfigRequest(NOW, **request), self)

    def names(self, **request: Any) -> list[str]:
        found = self.find(**request)
        return [context.name for one in found.clusters for context in one.contexts]


def role(team: str, name: str, *namespaces: str) -> IndexSet:
    grants = tuple(IndexGrant(namespace, "developer") for namespace in namespaces or ("shop",))
    return set_(name, team, principals=(), roles=(f"{ROLES}{team}.{name}",), grants=grants)


def everything(*names: str) -> dict[str, bool]:
    return dict.fromkeys(names, True)


def test_one_way_in_is_the_cluster_s() -> None:
    world = World(index(cluster("a", role("payments", "oncall"))), roles=everything("payments.oncall"))
    context = world.find().clusters[0].contexts[0]
    assert (context.name, context.user, context.namespace) == ("a", "payments.oncall@a", "shop")
    assert (context.role_arn, context.instance) == (f"{ROLES}payments.oncall", "acme")


def test_several_ways_are_told_apart_by_team_and_then_by_set() -> None:
    sets = (set_(), role("payments", "oncall"), role("search", "oncall"), role("search", "leads"), role("shop", "dev"))
    world = World(
        index(cluster("a", *sets)),
        roles=everything("payments.oncall", "search.oncall", "search.leads", "shop.dev"),
    )
    expected = ["a", "payments.oncall@a", "search.leads@a", "search.oncall@a", "shop.dev@a"]
    assert world.names() == expected
    assert [one for one in world.names(namespace_contexts=True) if one not in expected] == ["payments@a", "shop@a"]
    assert World(index(cluster("a", set_(), role("search", "dev"))), roles=everything("search.dev")).names() == [
        "a",
        "search@a",
    ]


def test_a_namespace_s_context_goes_by_the_first_way_to_it() -> None:
    world = World(index(cluster("a", set_(), role("x", "oncall", "payments", "shop"))), roles=everything("x.oncall"))
    found = world.find(namespace_contexts=True).clusters[0]
    assert [(one.name, one.user, one.namespace, one.pinned) for one in found.contexts] == [
        ("a", None, "payments", False),
        ("x@a", "x.oncall@a", None, False),
        ("payments@a", None, "payments", True),
        ("shop@a", "x.oncall@a", "shop", True),
    ]
    assert found.reach == {"a": ("payments",), "x@a": ("payments", "shop")}


def test_a_role_is_tried_once_and_a_denied_one_is_not_mine() -> None:
    clusters = [cluster(name, role("payments", "oncall"), role("x", "dev")) for name in ("a", "b", "c")]
    world = World(index(*clusters), roles=everything("x.dev"))
    assert world.names() == ["a", "b", "c"]
    assert sorted(world.tried) == ["payments.oncall", "x.dev"]
    assert World(index(*clusters)).names() == []


def test_a_role_of_which_it_is_not_known_is_an_error_of_its_clusters_only() -> None:
    error = AwsError("no answer")
    world = World(
        index(cluster("a", set_(), role("payments", "oncall")), cluster("b", set_())),
        roles={"payments.oncall": error},
    )
    first, second = world.find().clusters
    assert (first.error, first.judged, [one.name for one in first.contexts]) == (error, False, ["a"])
    assert (second.error, second.judged) == (None, True)


def test_one_set_by_roles_of_two_accounts_is_one_way() -> None:
    twice = replace(role("x", "dev"), roles=(f"{ROLES}x.dev", f"{ROLES.replace('2222', '9999')}x.dev"))
    world = World(index(cluster("a", twice)), roles=everything("x.dev"))
    world.roles = {**world.roles, twice.roles[1]: True}
    assert world.names() == ["a"]


def test_a_set_that_ended_is_not_mine() -> None:
    ended = set_("temporary.a", not_after=NOW - timedelta(seconds=1))
    assert World(index(cluster("a", ended))).names() == []
    assert World(index(cluster("a", replace(ended, not_after=NOW + timedelta(hours=1))))).names() == ["a"]


def test_a_cluster_that_somebody_else_maps_says_itself_who_i_am() -> None:
    one = index(cluster("a", set_(principals=()), set_("leads", principals=()), external=True))
    found = World(one, groups=("iamrbac:acme:payments:developers", "x")).find().clusters[0]
    assert ([each.name for each in found.contexts], found.namespaces) == (["a"], ("payments",))
    nobody = World(one, groups=NotMappedError("nobody")).find().clusters[0]
    assert (nobody.contexts, nobody.error, nobody.judged) == ((), None, True)
    down = World(one, groups=KubeError("down")).find().clusters[0]
    assert (down.contexts, str(down.error), down.judged) == ((), "down", False)


def test_a_role_that_is_named_stands_for_the_caller() -> None:
    named = f"{ROLES}payments.oncall"
    world = World(index(cluster("a", set_(), role("payments", "oncall"))))
    found = world.find(role_arn=named).clusters[0]
    assert [(one.name, one.role_arn, one.user) for one in found.contexts] == [("a", named, None)]
    assert world.tried == []
    assert World(index(cluster("a", set_()))).names(role_arn=named) == []


def test_all_asks_nobody() -> None:
    world = World(index(cluster("a"), cluster("b")), caller="")
    found = world.find(everything=True)
    assert [(one.cluster, one.judged) for one in found.clusters] == [("a", False), ("b", False)]


def test_a_template_decides_alone() -> None:
    world = World(index(cluster("a", set_(), role("x", "dev"))), roles=everything("x.dev"))
    assert world.names(names=Names(cluster="{cluster}-{team}")) == ["a-payments", "a-x"]
    with pytest.raises(UsageError, match="several contexts would be called eu-west-1"):
        wanted_contexts(world.find(names=Names(cluster="{region}")), KubeconfigRequest(NOW))


def test_the_config_beside_it_decides_which_clusters_there_are() -> None:
    one = index(cluster("gone", set_()), cluster("staging", set_()))
    known = config(
        clusters=[config_cluster("staging", labels={"env": "x"}), config_cluster("new", labels={"env": "y"})]
    )
    world = World(one, config=known)
    assert world.names() == ["staging"]
    assert world.said == ["new is not in the access index yet: whoever applies makes it anew with `iamrbac index`"]
    assert world.names(clusters=("env=x",)) == ["staging"]
    with pytest.raises(UsageError, match="not in the access index: new"):
        world.names(clusters=("new",))
    with pytest.raises(UsageError, match=r"no such cluster in iamrbac\.yaml: gone"):
        world.names(clusters=("gone",))
    with pytest.raises(UsageError, match="no such cluster in the access index: x"):
        World(one).names(clusters=("x",))
    with pytest.raises(AccessIndexError, match="it has none of the clusters of"):
        World(index(cluster("gone", set_())), config=known).names()


def test_an_old_index_says_so() -> None:
    world = World(replace(index(cluster("a", set_(principals=(BOB,)))), written=NOW - timedelta(hours=49)))
    assert world.names() == []
    assert world.said == [
        "The access index is of 2026-05-30T11:00:00Z (2 days ago): what was granted since is not in it"
    ]
