"""What the keeper says of a promise, held against single questions to the judge, on random states of RBAC."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.access.expected.actions import Actions
from iamrbac.access.expected.keep import Breach, Keeper
from iamrbac.access.expected.promises import Promise, Wish
from iamrbac.access.expected.who import Person
from iamrbac.access.judge import Judge
from iamrbac.access.world import World
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.access_tests import Action
from iamrbac.model.origin import Origin
from iamrbac.rbac.catalogue import VERBS, Catalogue, Resource
from iamrbac.rbac.objects import Binding, BindingKind, RbacState, Request, Role, RoleRef, Rule, Subject
from tests.rbac import strategies

CATALOGUE = Catalogue(
    [
        Resource("", "pods", "Pod", "pod", verbs=("get", "list", "create"), subresources=("log",)),
        Resource("", "secrets", "Secret", "secret", verbs=("get", "list", "create")),
        Resource("", "nodes", "Node", "node", namespaced=False, verbs=("get", "list")),
        Resource("", "namespaces", "Namespace", "namespace", namespaced=False, verbs=("get", "list")),
    ]
)
CLUSTER_SCOPED = {"nodes", "namespaces"}
NAMELESS = {"create", "deletecollection"}
PEOPLE = tuple(f"arn:aws:iam::111122223333:user/{name}" for name in ("ann", "dev", "ops"))
POLICY = "arn:aws:eks::aws:cluster-access-policy/"
NAMESPACES = ("blue", "green")
ACTIONS = Actions(CATALOGUE, dict)

some = strategies.some
verbs = some(("get", "list", "create", "*"))
resources = some(("pods", "pods/log", "secrets", "nodes", "namespaces"))
resource_actions = st.builds(Action, verbs=verbs, resources=resources) | st.builds(
    Action, verbs=verbs, resources=resources, names=some(("a", "blue"))
)
path_actions = st.builds(Action, verbs=some(("get", "put")), paths=some((*strategies.PATHS, "/api*", "/*")))
places = st.none() | some(NAMESPACES)


rules = strategies.url_rules | st.builds(
    Rule,
    verbs=some(("get", "create", "watch", "*")),
    api_groups=some(("", "apps", "*")),
    resources=some(("pods", "pods/log", "*/log", "secrets", "nodes", "namespaces", "*")),
    resource_names=some(("a", "blue"), least=0),
)


@st.composite
def bound(draw: st.DrawFn, number: int) -> tuple[Role, Binding]:
    """Return a role, and a binding that gives it to somebody."""
    role = Role("ClusterRole", None, f"r{number}", tuple(draw(st.lists(rules, min_size=1, max_size=2))))
    space = draw(st.sampled_from((None, *NAMESPACES)))
    kind: BindingKind = "ClusterRoleBinding" if space is None else "RoleBinding"
    subject = Subject("Group", draw(st.sampled_from(("ann", "dev", "ops", "system:authenticated"))))
    return role, Binding(kind, space, f"b{number}", RoleRef("ClusterRole", role.name), (subject,))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """RBAC at random, three people with groups, and access policies of theirs, one of which nobody documents."""
    names = ("AmazonEKSSecretReaderPolicy", "AmazonEKSClusterAdminPolicy", "AmazonEKSHybridPolicy")
    associations = st.builds(
        lambda who, name, namespaces: PolicyAssociation(
            who, POLICY + name, "namespace" if namespaces else "cluster", namespaces
        ),
        st.sampled_from(PEOPLE),
        st.sampled_from(names),
        some((*NAMESPACES, "b*"), least=0),
    )
    entries = tuple(AccessEntry(who, who.rsplit("/", 1)[-1], (who.rsplit("/", 1)[-1],)) for who in PEOPLE)
    given_ = [draw(bound(number)) for number in range(draw(st.integers(0, 3)))]
    rbac = RbacState(tuple(role for role, _ in given_), tuple(binding for _, binding in given_))
    return World(entries, tuple(draw(st.lists(associations, max_size=1))), rbac=rbac)


def judged(world: World, action: Action, allowed: bool, where: tuple[str, ...] | None) -> tuple[Judge, list[Breach]]:
    judge = Judge(world, ())
    people = tuple(Person(who, judge.somebody(who)) for who in PEOPLE)
    wish = Wish(allowed, ACTIONS.read(action, allowed, where is not None), "")
    assert not wish.asked.errors
    promise = Promise("", Origin("", ()), {"c": people}, None if where is None else {"c": where}, (wish,))
    return judge, list(Keeper({"c": judge}).breaches(promise))


def requests(action: Action, allowed: bool, where: tuple[str, ...] | None) -> Iterator[Request]:
    """Yield every single question that an action stands for."""
    own = {one.plural: one.verbs for one in CATALOGUE.resources}
    anywhere = () if allowed else NAMESPACES
    spaces = where if where is not None else ("", *anywhere)
    for path, verb in product(action.paths or (), action.verbs):
        yield Request(verb, path=path)
        if path.endswith("*") and not allowed:
            single = (*strategies.PATHS, *(url.rstrip("*") for url in strategies.URLS))
            yield from (Request(verb, path=one or "/") for one in single if (one or "/").startswith(path[:-1]))
    for text in action.resources or ():
        resource, _, below = text.partition("/")
        every = VERBS - {"*"} if not allowed else own[resource] if not below else own["pods"]
        standard = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
        every = standard if allowed and below else every
        for verb in {one for said in action.verbs for one in (every if said == "*" else (said,))}:
            given_names = action.names or (("",) if allowed else ("", "a", "b", *NAMESPACES))
            names = ("",) if verb in NAMELESS and not below else given_names
            for name in names:
                if resource == "namespaces" and verb not in ("list", "watch", "create", "deletecollection"):
                    if action.names:
                        yield Request(verb, resource, "", below, name, name)
                    else:
                        for space in spaces:
                            for called in (space,) if space else names if not allowed else ("",):
                                yield Request(verb, resource, "", below, called, space)
                elif resource in CLUSTER_SCOPED:
                    yield Request(verb, resource, "", below, name)
                else:
                    for space in spaces:
                        yield Request(verb, resource, "", below, name, space)


@given(worlds(), resource_actions | path_actions, st.booleans(), places)
def test_a_promise_is_kept_where_every_single_question_says_so(
    world: World, action: Action, allowed: bool, where: tuple[str, ...] | None
) -> None:
    judge, breaches = judged(world, action, allowed, where)
    asked = set(requests(action, allowed, where))
    for who in PEOPLE:
        somebody = judge.somebody(who)
        assert somebody is not None
        answers = {request: bool(list(judge.chains(somebody, request))) for request in asked}
        mine = [one for one in breaches if one.person is not None and one.person.text == who]
        sure = [one for one in mine if one.why != "unknown"]
        if allowed:
            assert bool(mine) is not all(answers.values())
        else:
            assert bool(sure) is any(answers.values())


READS = Rule(("get",), ("",), ("namespaces",))
NAMED = Action(verbs=("get",), resources=("namespaces",), names=("blue",))


def test_a_namespace_by_its_name_is_reached_by_what_is_given_in_it() -> None:
    role = Role("ClusterRole", None, "r", (READS,))
    binding = Binding("RoleBinding", "blue", "b", RoleRef("ClusterRole", "r"), (Subject("Group", "ann"),))
    world = World((AccessEntry(PEOPLE[0], "ann", ("ann",)),), rbac=RbacState((role,), (binding,)))
    _, breaches = judged(world, NAMED, False, None)
    assert [one.request for one in breaches] == [Request("get", "namespaces", name="blue", namespace="blue")]


def test_and_by_an_access_policy_in_a_pattern_of_namespaces() -> None:
    policy = PolicyAssociation(PEOPLE[0], POLICY + "AmazonEKSAdminViewPolicy", "namespace", ("bl*",))
    _, breaches = judged(World((AccessEntry(PEOPLE[0], "ann", ()),), (policy,)), NAMED, False, None)
    assert [one.why for one in breaches] == ["allowed"]
    nodes = Action(verbs=("get",), resources=("nodes",))
    anything = PolicyAssociation(PEOPLE[0], POLICY + "AmazonEKSAdminViewPolicy", "namespace", ("*",))
    assert judged(World((AccessEntry(PEOPLE[0], "ann", ()),), (anything,)), nodes, False, None)[1] == []


def test_what_is_given_is_remembered_for_the_coverage_when_some_can_needs_it() -> None:
    role = Role("ClusterRole", None, "r", (READS,))
    bindings = tuple(
        Binding("RoleBinding", place, "b", RoleRef("ClusterRole", "r"), (Subject("Group", "ann"),))
        for place in NAMESPACES
    )
    judge = Judge(World((AccessEntry(PEOPLE[0], "ann", ("ann",)),), rbac=RbacState((role,), bindings)))
    keeper = Keeper({"c": judge})
    person = Person(PEOPLE[0], judge.somebody(PEOPLE[0]))
    for allowed, action in ((True, NAMED), (False, Action(verbs=("get",), resources=("pods",)))):
        wish = Wish(allowed, ACTIONS.read(action, allowed, True), "")
        assert not list(keeper.breaches(Promise("", Origin("", ()), {"c": (person,)}, {"c": ("blue",)}, (wish,))))
    assert keeper.bindings == {("c", ("RoleBinding", "blue", "b"))}


def test_nobody_can_is_a_breach_and_nobody_cannot_is_none() -> None:
    judge = Judge(World())
    for allowed in (True, False):
        wish = Wish(allowed, ACTIONS.read("get pods", allowed, False), "get pods")
        found = list(Keeper({"c": judge}).breaches(Promise("", Origin("", ()), {"c": ()}, None, (wish,))))
        assert [one.why for one in found] == (["nobody"] if allowed else [])


def test_a_pattern_of_paths_is_all_of_them_for_can_and_any_of_them_for_cannot() -> None:
    action = Action(verbs=("get",), paths=("/api*",))
    for url, can, cannot in (("/api/v1", ["denied"], ["allowed"]), ("/a*", [], ["allowed"]), ("/b", ["denied"], [])):
        role = Role("ClusterRole", None, "r", (Rule(("get",), non_resource_urls=(url,)),))
        binding = Binding("ClusterRoleBinding", None, "b", RoleRef("ClusterRole", "r"), (Subject("Group", "ann"),))
        world = World((AccessEntry(PEOPLE[0], "ann", ("ann",)),), rbac=RbacState((role,), (binding,)))
        mine = [[one.why for one in judged(world, action, way, None)[1]][:1] for way in (True, False)]
        # The two others have no entry, and whom nothing maps can nothing.
        assert mine == [can or ["unmapped"], cannot]
