"""What a cluster's bindings and access policies give, as lines of access, by whom they name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from iamrbac.access.eks_policies import matches_star
from iamrbac.access.held import subject_text
from iamrbac.access.world import World, is_default, policy_name
from iamrbac.compile import names
from iamrbac.importing.book import TemplateBook
from iamrbac.importing.proposal import Line, Person, RoleSaid, Source, Unsaid
from iamrbac.importing.sessions import by_session
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.mapping.resolve import Mapped, mapped
from iamrbac.model.arn import Arn, default_username
from iamrbac.model.selection import is_pattern, reserved
from iamrbac.model.values import CLUSTER_ROLE, EKS_POLICY, NAMESPACE
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.covers import missing
from iamrbac.rbac.escalation import EVERYTHING
from iamrbac.rbac.objects import Binding, Role, Rule, User
from iamrbac.rbac.subjects import AUTHENTICATED, MASTERS, SubjectKey, keys_of, subject_key
from iamrbac.rbac.validate import rule_problems

ADMIN = RoleSaid("clusterRole", "cluster-admin")
LOGIN = RoleSaid("clusterRole", "system:basic-user")
"""What everybody has who logs in: a line of it maps somebody to whom nothing else is given."""
_SYSTEM = "system:"


@dataclass(slots=True)
class Grants:
    """One cluster's bindings as lines."""

    source: Source
    world: World
    """The cluster today, as `who` has judged it."""
    instance: str
    home: str
    book: TemplateBook
    unsaid: list[Unsaid] = field(default_factory=list)
    _lines: dict[SubjectKey, set[Line]] = field(default_factory=lambda: defaultdict(set))

    def read(self, people: Collection[Person]) -> Mapping[SubjectKey, frozenset[Line]]:
        """Return the lines that bindings give these people's users and groups."""
        keys = {key for person in people for key in person.keys}
        mapped_too = {key for one in mapped(self.world.entries, self.world.reading) for key in keys_of(_user(one))}
        authorizer = Authorizer(self.world.rbac)
        service_accounts = 0
        left: dict[str, dict[str, None]] = defaultdict(dict)
        for binding in sorted(self.world.rbac.bindings, key=lambda one: (one.namespace or "", one.name)):
            if binding.labels.get(names.INSTANCE_LABEL) == self.instance:
                continue
            here = {key for one in binding.subjects if (key := subject_key(one, binding.namespace)) in keys and key}
            if here:
                self._bound(binding, authorizer.role_of(binding), here)
            if is_default(binding):
                continue
            for subject in binding.subjects:
                key = subject_key(subject, binding.namespace)
                if subject.kind == "ServiceAccount":
                    service_accounts += 1
                elif key is not None and key not in mapped_too and key.name != AUTHENTICATED:
                    left[subject_text(subject, binding.namespace)][_shown(binding)] = None
        if MASTERS in {key.name for key in keys if key.kind == "Group"}:
            self._masters()
        if service_accounts:
            text = f"{service_accounts} subject{'s' if service_accounts > 1 else ''} of bindings"
            self._say(text, "service accounts are workloads', and no policy is about them: they stay", access=False)
        named = [name.removeprefix("User ") for name in left if name.startswith("User ")]
        sessions = by_session([person.username for person in people], named)
        defaults = [default_username(person.arn) for person in people]
        ours = {*defaults, *by_session(defaults, named)}
        for name, bindings in sorted(left.items()):
            if name.removeprefix("User ") in sessions:
                self._say(name, f"{_some(bindings)} names one session of a role, and no policy does")
            elif name.removeprefix("User ") in ours:
                why = f"nobody is called so today, and somebody will be by iamrbac: look at {_some(bindings)} first"
                self._say(name, why)
            elif self._by_account(name.removeprefix("User ")):
                self._say(name, f"mapAccounts lets it in, and {_some(bindings)} names it: name it in a policy by hand")
            else:
                self._say(name, f"nobody is mapped to it: {_some(bindings)} stays as it is", access=False)
        return {key: frozenset(lines) for key, lines in self._lines.items()}

    def by_policies(self, person: Person) -> Iterator[Line]:
        """Yield the lines of somebody's EKS access policies."""
        for one in person.associations:
            name = policy_name(one.policy)
            if self.source.form != "access-entries":
                why = f"people are mapped by {self.source.form} here, which has no access policies"
                self._say(f"{name} of {person.arn}", why)
            elif re.fullmatch(EKS_POLICY.pattern, name) is None:
                self._say(f"{name} of {person.arn}", "no policy can name this access policy")
            else:
                for place in self._places(one, person):
                    yield Line(self.source.cluster.name, RoleSaid("eksAccessPolicy", name), place)

    def login(self) -> Line | None:
        """Return the line for somebody who may log in and no more; None where the cluster has no such role."""
        bound = any(
            one.kind == "ClusterRoleBinding"
            and (one.role_ref.kind, one.role_ref.name) == ("ClusterRole", LOGIN.name)
            and any(subject_key(subject, None) == SubjectKey("Group", AUTHENTICATED) for subject in one.subjects)
            for one in self.world.rbac.bindings
        )
        there = any(one.kind == "ClusterRole" and one.name == LOGIN.name for one in self.world.rbac.roles)
        return Line(self.source.cluster.name, LOGIN, "") if bound and there else None

    def _bound(self, binding: Binding, role: Role | None, keys: Collection[SubjectKey]) -> None:
        place = binding.namespace or ""
        if role is None:
            self._say(
                _shown(binding),
                f"it gives nothing: there is no {binding.role_ref.kind} {binding.role_ref.name}",
                access=False,
            )
            return
        if place and place == self.home:
            self._say(_shown(binding), f"{place} is where iamrbac keeps its own objects: no policy grants there")
            return
        said = self._role(binding, role)
        if said is not None:
            for key in keys:
                self._lines[key].add(Line(self.source.cluster.name, said, place))

    def _role(self, binding: Binding, role: Role) -> RoleSaid | None:
        if role.kind == "ClusterRole" and re.fullmatch(CLUSTER_ROLE.pattern, role.name) and len(role.name) <= 253:
            return RoleSaid("clusterRole", role.name)
        rules = role.rules if binding.namespace is None else _in_a_namespace(role.rules)
        problem = next(
            (one for at, rule in enumerate(rules) for one in rule_problems(rule, f"rules[{at}]", namespaced=False)), ""
        )
        if problem:
            self._say(_shown(binding), f"{role.kind} {role.name} has a rule that Kubernetes refuses: {problem}")
            return None
        return RoleSaid("template", self.book.name(role.name, rules))

    def _by_account(self, name: str) -> bool:
        """Say whether a user is one whom mapAccounts lets in."""
        try:
            account = Arn.parse(name).account
        except ValueError:
            return False
        reading = self.world.reading
        return reading is not None and account in reading.accounts

    def _masters(self) -> None:
        """system:masters asks nobody; what it amounts to is cluster-admin, while that is what it should be."""
        role = next((one for one in self.world.rbac.roles if (one.kind, one.name) == ("ClusterRole", ADMIN.name)), None)
        if role is None or missing(role.rules, EVERYTHING):
            self._say(MASTERS, "it may do everything, and this cluster's ClusterRole cluster-admin may not")
            return
        self._lines[SubjectKey("Group", MASTERS)].add(Line(self.source.cluster.name, ADMIN, ""))

    def _places(self, one: PolicyAssociation, person: Person) -> Iterator[str]:
        if one.scope == "cluster":
            yield ""
            return
        for wanted in one.namespaces:
            if wanted == self.home:
                self._say(
                    f"{policy_name(one.policy)} of {person.arn}", f"{wanted} is where iamrbac keeps its own objects"
                )
            elif not is_pattern(wanted):
                if wanted in self.source.state.namespaces:
                    yield wanted
                else:
                    self._say(f"{policy_name(one.policy)} of {person.arn}", f"there is no namespace {wanted}")
            else:
                yield from self._meant(wanted, policy_name(one.policy), person)

    def _meant(self, pattern: str, policy: str, person: Person) -> Iterator[str]:
        """Yield what stands for a pattern of EKS's: itself, and by name what our patterns never match."""
        self._say(
            f"{policy} of {person.arn}",
            f"EKS gives it in every namespace {pattern} as soon as it is made, and iamrbac with the next run",
        )
        matching = [name for name in sorted(self.source.state.namespaces) if matches_star(pattern, name)]
        sayable = re.fullmatch(NAMESPACE.pattern, pattern) is not None and len(pattern) <= 63
        if sayable:
            yield pattern
        yield from (name for name in matching if name != self.home and (not sayable or reserved(name, self.home)))

    def _say(self, what: str, why: str, *, access: bool = True) -> None:
        self.unsaid.append(Unsaid(self.source.cluster.name, what, why, access))


def _user(one: Mapped) -> User:
    return User(one.username, one.groups)


def _in_a_namespace(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """No URL is in a namespace, so that a binding there gives nothing of these."""
    return tuple(replace(rule, non_resource_urls=()) for rule in rules if not rule.non_resource_urls)


def _shown(binding: Binding) -> str:
    return (
        f"{binding.kind} {binding.namespace}/{binding.name}" if binding.namespace else f"{binding.kind} {binding.name}"
    )


def _some(texts: Iterable[str]) -> str:
    texts = list(texts)
    return ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
