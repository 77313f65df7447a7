"""Who may do what on one cluster, and by which chain: mapping, group, binding, role, rule, or an EKS access policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from iamrbac.access.eks_policies import reaches, rules
from iamrbac.access.world import World, policy_name
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.mapping.resolve import Mapped, mapped, resolve
from iamrbac.model.origin import Origin
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.escalation import EVERYTHING
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Binding, Request, Role, Rule, Subject, User
from iamrbac.rbac.subjects import MASTERS, SubjectKey, keys_of, subject_key, with_authenticated

Source: TypeAlias = Literal["entry", "row", "account", "subject", "set"]
SYSTEM = "system:"
"""Kubernetes' own users and groups begin so."""
_MASTERS = SubjectKey("Group", MASTERS)


@dataclass(frozen=True, slots=True)
class Somebody:
    """A principal, and the Kubernetes user that the cluster takes it for."""

    principal: str
    """As the entry or row has it; "" for a set, a Kubernetes user or a group that was asked for by its own name."""
    user: User
    source: Source = "subject"


@dataclass(frozen=True, slots=True)
class Chain:
    """One way in which somebody may do something."""

    somebody: Somebody
    binding: Binding | None = None
    """None for a member of system:masters and for an access policy."""
    role: Role | None = None
    rule: Rule | None = None
    subject: Subject | None = None
    """Whom the binding names: a group of somebody's, or the user."""
    policy: str = ""
    """The EKS access policy's name."""
    origins: tuple[Origin, ...] = ()
    """The policy lines that the binding or the access policy comes from."""


@dataclass(frozen=True, slots=True)
class Given:
    """Rules that somebody holds somewhere, and what gives them."""

    namespace: str
    """"" is the whole cluster; a pattern where an access policy has one."""
    rules: tuple[Rule, ...] | None
    """None is "unknown", not "nothing": AWS does not document what the access policy gives."""
    binding: Binding | None = None
    """None for a member of system:masters and for an access policy."""
    policy: str = ""
    """The EKS access policy's name."""


class Judge:
    """Answers for one cluster. Building it costs one pass over its objects, a question only what names its user.

    `defaults` are Kubernetes' own ClusterRoles as they come, which the EKS access policies follow; without them, those
    of the world, which somebody may have changed.
    """

    def __init__(self, world: World, defaults: Iterable[Role] | None = None) -> None:
        self.world = world
        self.authorizer = Authorizer(world.rbac)
        given = world.rbac.roles if defaults is None else defaults
        self.defaults = {role.name: role for role in given if role.kind == "ClusterRole"}
        self._policies: dict[str, tuple[Rule, ...] | None] = {}
        self._given: dict[str | None, dict[tuple[Rule, ...], list[tuple[Binding, Role]]]] = {}
        self._associations: dict[str, list[PolicyAssociation]] = defaultdict(list)
        for association in world.associations:
            self._associations[association.principal].append(association)

    def somebody(self, principal: str) -> Somebody | None:
        """Return whom the cluster takes a principal's ARN (or a member as declared) for; None: it is not mapped."""
        found = resolve(principal, self.world.entries, self.world.reading)
        if found is not None:
            return _somebody(found)
        return next((one for one in self.everybody() if one.principal == principal and " " in principal), None)

    def everybody(self) -> tuple[Somebody, ...]:
        """Return every principal that is mapped by name, sorted."""
        return self._everybody

    @cached_property
    def groups(self) -> frozenset[str]:
        """Every Kubernetes group that anybody carries, a binding names, or a policy gives something."""
        carried = {group for one in self.everybody() for group in one.user.groups}
        named = {
            subject.name
            for binding in self.world.rbac.bindings
            for subject in binding.subjects
            if subject.kind == "Group"
        }
        return frozenset(carried | named | self.world.policies.keys())

    def chains(self, somebody: Somebody, request: Request) -> Iterator[Chain]:
        """Yield every way in which somebody may do it: one for each binding and each access policy."""
        user = with_authenticated(somebody.user)
        if MASTERS in user.groups:
            yield _master(somebody)
        names = set(keys_of(user))
        for binding, role in self.authorizer.bindings_of(user, request.namespace):
            rule = first_rule(role.rules, request) if role is not None else None
            if rule is not None:
                subject = next((one for one in binding.subjects if subject_key(one, binding.namespace) in names), None)
                yield Chain(somebody, binding, role, rule, subject, origins=self.origins(binding))
        yield from self._by_policy(somebody, request)

    def given(self, somebody: Somebody, namespace: str | None = None) -> Iterator[Given]:
        """Yield what counts for somebody in a namespace ("" is the cluster scope); None: in all of them."""
        user = with_authenticated(somebody.user)
        if MASTERS in user.groups:
            yield Given("", EVERYTHING)
        for binding, role in self.authorizer.bindings_of(user, namespace):
            if role is not None:
                yield Given(binding.namespace or "", role.rules, binding)
        for association in self.reaching(somebody, namespace):
            name, rules_ = policy_name(association.policy), self.policy_rules(association)
            places = (namespace,) if namespace and association.namespaces else association.namespaces or ("",)
            for place in places:
                yield Given(place, rules_, policy=name)

    def allowing(self, request: Request, *, anywhere: bool = False) -> Iterator[tuple[Binding, Role, Rule]]:
        """Yield each binding that allows a request to whomever it names, with the rule that does.

        With `anywhere` in whichever namespace the binding is, not only in the request's.
        """
        places = self._placed if anywhere else dict.fromkeys((None, request.namespace or None))
        for place in places:
            for given, bound in self._given_in(place).items():
                rule = first_rule(given, request)
                if rule is not None:
                    for binding, role in bound:
                        yield binding, role, rule

    def who_can(self, request: Request, *, anywhere: bool = False) -> Iterator[Chain]:
        """Yield a chain for everybody who may do it: mapped principals, and subjects that others may be as well.

        Those are users and groups that nobody is mapped to, and Kubernetes' own groups, which more carry than are
        mapped: system:authenticated, those of service accounts, and system:masters, even where no binding names it.
        """
        for one, user in self._people:
            if MASTERS in user.groups:
                yield _master(one)
        named = False
        for binding, role, rule in self.allowing(request, anywhere=anywhere):
            origins = self.origins(binding)
            told: set[str] = set()
            for subject in binding.subjects:
                key = subject_key(subject, binding.namespace)
                if key is None:
                    continue
                people = self.holders(key)
                for one in people:
                    if one.principal not in told:
                        told.add(one.principal)
                        yield Chain(one, binding, role, rule, subject, "", origins)
                if not people or (key.kind == "Group" and key.name.startswith(SYSTEM)):
                    yield Chain(_alone(key), binding, role, rule, subject, "", origins)
                named = named or key == _MASTERS
        if not named:
            yield _master(_alone(_MASTERS))
        for one, _ in self._people:
            yield from self._by_policy(one, request, anywhere=anywhere)

    def origins(self, binding: Binding) -> tuple[Origin, ...]:
        """Return the policy lines that a binding comes from; () for somebody else's."""
        return self.world.origins.get((binding.kind, binding.namespace, binding.name), ())

    def associations(self, somebody: Somebody) -> tuple[PolicyAssociation, ...]:
        """Return the EKS access policies that somebody has, those that the policies give a set, in this order."""
        if somebody.source == "entry":
            return tuple(self._associations.get(somebody.principal, ()))
        grants = self.world.policies.get(somebody.user.groups[0], ()) if somebody.source == "set" else ()
        return tuple(
            PolicyAssociation(
                "", one.policy, "cluster" if one.namespaces is None else "namespace", one.namespaces or ()
            )
            for one in grants
        )

    def given_by(self, somebody: Somebody, policy: str, namespace: str | None) -> tuple[tuple[Origin, ...], str]:
        """Return the policy lines that give somebody an access policy in a namespace, and for which group they do.

        "" is the whole cluster, None anywhere. () and "" where no line does.
        """
        for group in somebody.user.groups:
            for grant in self.world.policies.get(group, ()):
                within = grant.namespaces is None or namespace is None or namespace in grant.namespaces
                if grant.policy == policy and within:
                    return grant.origins, group
        return (), ""

    def holders(self, key: SubjectKey) -> tuple[Somebody, ...]:
        """Return whom a subject names: everybody mapped by name, or a user whom mapAccounts lets in as itself."""
        people = self._by_key.get(key, ())
        if people or key.kind != "User" or self.world.reading is None or not self.world.reading.accounts:
            return people
        found = self.somebody(key.name)
        # A session that a role's entry maps is one of many that the role may be.
        return (found,) if found is not None and found.source == "account" and found.user.name == key.name else ()

    def reaching(self, somebody: Somebody, namespace: str | None) -> Iterator[PolicyAssociation]:
        """Yield somebody's access policies that count in a namespace ("" is the cluster scope, None anywhere)."""
        for association in self.associations(somebody):
            if namespace is None or reaches(association, namespace):
                yield association

    def without(self, somebody: Somebody, association: PolicyAssociation, request: Request) -> tuple[str, ...]:
        """Return the members of a set who lack, in this world, an access policy that the policies give the set."""
        if somebody.source != "set":
            return ()
        name, group = policy_name(association.policy), somebody.user.groups[0]
        return tuple(
            one.principal
            for one in self.everybody()
            if group in one.user.groups
            and not any(
                policy_name(has.policy) == name and reaches(has, request.namespace) for has in self.associations(one)
            )
        )

    def policy_rules(self, association: PolicyAssociation) -> tuple[Rule, ...] | None:
        """Return what an access policy gives; None where AWS does not document it."""
        name = policy_name(association.policy)
        if name not in self._policies:
            self._policies[name] = rules(name, self.defaults)
        return self._policies[name]

    @cached_property
    def _everybody(self) -> tuple[Somebody, ...]:
        found = (_somebody(one) for one in mapped(self.world.entries, self.world.reading))
        return tuple(sorted(found, key=lambda one: one.principal))

    @cached_property
    def _people(self) -> tuple[tuple[Somebody, User], ...]:
        """Everybody with the user that the authorizer sees."""
        return tuple((one, with_authenticated(one.user)) for one in self.everybody())

    @cached_property
    def _by_key(self) -> Mapping[SubjectKey, tuple[Somebody, ...]]:
        found: dict[SubjectKey, list[Somebody]] = defaultdict(list)
        for one, user in self._people:
            for key in keys_of(user):
                found[key].append(one)
        return {key: tuple(some) for key, some in found.items()}

    @cached_property
    def _placed(self) -> Mapping[str | None, list[Binding]]:
        found: dict[str | None, list[Binding]] = defaultdict(list)
        for binding in self.world.rbac.bindings:
            found[binding.namespace].append(binding)
        return dict(found)

    def _given_in(self, place: str | None) -> Mapping[tuple[Rule, ...], list[tuple[Binding, Role]]]:
        """Return a namespace's bindings by what they give: many give the same, which is judged once for all."""
        if place not in self._given:
            given = self._given[place] = {}
            for binding in self._placed.get(place, ()):
                role = self.authorizer.role_of(binding)
                if role is not None:
                    given.setdefault(role.rules, []).append((binding, role))
        return self._given[place]

    def _by_policy(self, somebody: Somebody, request: Request, *, anywhere: bool = False) -> Iterator[Chain]:
        place = None if anywhere else request.namespace
        for association in self.reaching(somebody, place):
            rule = first_rule(self.policy_rules(association) or (), request)
            if rule is not None and not self.without(somebody, association, request):
                name = policy_name(association.policy)
                origins, _ = self.given_by(somebody, name, place)
                yield Chain(somebody, rule=rule, policy=name, origins=origins)


def first_rule(given: Iterable[Rule], request: Request) -> Rule | None:
    """Return the first rule that allows a request."""
    return next((rule for rule in given if allows(rule, request)), None)


def _somebody(found: Mapped) -> Somebody:
    return Somebody(found.principal, User(found.username, found.groups), found.source)


def _master(somebody: Somebody) -> Chain:
    return Chain(somebody, subject=Subject("Group", MASTERS))


def _alone(key: SubjectKey) -> Somebody:
    """A subject that no principal is mapped to, by itself."""
    return Somebody("", User("", (key.name,)) if key.kind == "Group" else User(key.name))
