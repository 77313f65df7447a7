"""Who may do what on one cluster, and by which chain: mapping, group, binding, role, rule, or an EKS access policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from iamrbac.access.eks_policies import reaches, rules
from iamrbac.access.world import World, policy_name
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.mapping.resolve import identity, mapped, resolve
from iamrbac.model.origin import Origin
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Binding, Request, Role, Rule, Subject, User
from iamrbac.rbac.subjects import MASTERS, keys_of, subject_key, with_authenticated

Source: TypeAlias = Literal["entry", "row", "account", "subject"]


@dataclass(frozen=True, slots=True)
class Somebody:
    """A principal, and the Kubernetes user that the cluster takes it for."""

    principal: str
    """As the entry or row has it; "" for a Kubernetes user or group that was asked for by its own name."""
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
    """The policy lines that the binding comes from."""


class Judge:
    """Answers for one cluster; building it costs one pass over its objects, a question what names its user."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.authorizer = Authorizer(world.rbac)
        self._built_in = {role.name: role for role in world.rbac.roles if role.kind == "ClusterRole"}
        self._policies: dict[str, tuple[Rule, ...] | None] = {}
        self._associations: dict[str, list[PolicyAssociation]] = defaultdict(list)
        for association in world.associations:
            self._associations[association.principal].append(association)

    def somebody(self, principal: str) -> Somebody | None:
        """Return whom the cluster takes a principal's ARN (or a member as declared) for; None: it is not mapped."""
        for entry in self.world.entries:
            if identity(entry.principal) == identity(principal):
                return Somebody(entry.principal, User(entry.username, entry.groups), "entry")
        found = resolve(principal, (), self.world.reading)
        return None if found is None else Somebody(found.principal, User(found.username, found.groups), found.source)

    def everybody(self) -> tuple[Somebody, ...]:
        """Return every principal that is mapped by name."""
        return tuple(
            Somebody(one.principal, User(one.username, one.groups), one.source)
            for one in mapped(self.world.entries, self.world.reading)
        )

    def chains(self, somebody: Somebody, request: Request) -> Iterator[Chain]:
        """Yield every way in which somebody may do it: one for each binding and each access policy."""
        user = with_authenticated(somebody.user)
        if MASTERS in user.groups:
            yield Chain(somebody)
        for binding, role in self.authorizer.bindings_of(user, request.namespace):
            rule = self._allowing(role, request)
            if rule is not None:
                yield self._chain(somebody, user, binding, role, rule)
        for association in self._reaching(somebody, request):
            for rule in self._rules(association) or ():
                if allows(rule, request):
                    yield Chain(somebody, rule=rule, policy=policy_name(association.policy))
                    break

    def unknown(self, somebody: Somebody, request: Request) -> tuple[str, ...]:
        """Return the access policies that may allow it, but whose rules AWS does not document."""
        return tuple(
            policy_name(association.policy)
            for association in self._reaching(somebody, request)
            if self._rules(association) is None
        )

    def allowing(self, request: Request) -> Iterator[tuple[Binding, Role, Rule]]:
        """Yield each binding that allows a request to whomever it names, with the rule that does."""
        scopes = {None, request.namespace or None}
        for binding in self.world.rbac.bindings:
            if binding.namespace in scopes:
                role = self.authorizer.role_of(binding)
                rule = self._allowing(role, request)
                if role is not None and rule is not None:
                    yield binding, role, rule

    def who_can(self, request: Request) -> Iterator[Chain]:
        """Yield a chain for everybody who may do it: mapped principals, then subjects that nobody is mapped to.

        Members of system:masters come with it even where no binding names the group.
        """
        people = self.everybody()
        by_key: dict[object, list[tuple[Somebody, User]]] = defaultdict(list)
        for one in people:
            user = with_authenticated(one.user)
            for key in keys_of(user):
                by_key[key].append((one, user))
            if MASTERS in user.groups:
                yield Chain(one)
        for binding, role, rule in self.allowing(request):
            for subject in binding.subjects:
                named = subject_key(subject, binding.namespace)
                held = by_key.get(named, ())
                for one, user in held:
                    yield self._chain(one, user, binding, role, rule)
                if named is not None and not held:
                    yield Chain(_alone(subject, named.name), binding, role, rule, subject, "", self.origins(binding))
        for one in people:
            for association in self._reaching(one, request):
                found = next((rule for rule in self._rules(association) or () if allows(rule, request)), None)
                if found is not None:
                    yield Chain(one, rule=found, policy=policy_name(association.policy))

    def origins(self, binding: Binding) -> tuple[Origin, ...]:
        """Return the policy lines that a binding comes from; () for somebody else's."""
        return self.world.origins.get((binding.kind, binding.namespace, binding.name), ())

    def _chain(self, somebody: Somebody, user: User, binding: Binding, role: Role | None, rule: Rule) -> Chain:
        names = set(keys_of(user))
        subject = next((one for one in binding.subjects if subject_key(one, binding.namespace) in names), None)
        return Chain(somebody, binding, role, rule, subject, origins=self.origins(binding))

    def _allowing(self, role: Role | None, request: Request) -> Rule | None:
        return next((rule for rule in (role.rules if role is not None else ()) if allows(rule, request)), None)

    def _reaching(self, somebody: Somebody, request: Request) -> Iterator[PolicyAssociation]:
        if somebody.source == "entry":
            for association in self._associations.get(somebody.principal, ()):
                if reaches(association, request.namespace):
                    yield association

    def _rules(self, association: PolicyAssociation) -> tuple[Rule, ...] | None:
        name = policy_name(association.policy)
        if name not in self._policies:
            self._policies[name] = rules(name, self._built_in)
        return self._policies[name]


def _alone(subject: Subject, name: str) -> Somebody:
    """A subject that no principal is mapped to, by itself."""
    return Somebody("", User("", (name,)) if subject.kind == "Group" else User(name))
