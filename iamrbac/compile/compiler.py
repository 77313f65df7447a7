"""compile: documents, identities, what is known of the clusters and a time become desired objects. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from iamrbac.compile import names
from iamrbac.compile.desired import (
    ClusterDesired,
    ClusterFacts,
    Compiled,
    Desired,
    Key,
    Namespace,
    Principals,
    RenderRole,
    RoleFault,
    Spec,
)
from iamrbac.compile.documents import Documents
from iamrbac.compile.match import clusters_of, is_pattern, namespaces_of
from iamrbac.compile.principals import Person, limits, mapping_objects
from iamrbac.compile.roles import BoundRole, RoleBook
from iamrbac.compile.sets import AccessSet, access_sets, expired
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.expand import describe, expand
from iamrbac.identity.snapshot import Identities, Missing, Unreadable
from iamrbac.model.arn import comparable
from iamrbac.model.documents import Access, Cluster, Config, EksAccessPolicy
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import NO_LABELS, Binding, BindingKind, Subject

Lines = Sequence[tuple[Access, Origin]]


def compile_documents(
    documents: Documents,
    identities: Identities,
    clusters: Mapping[str, ClusterFacts],
    at: datetime,
    render: RenderRole,
) -> Compiled:
    """Return what every cluster in `clusters` should have from us at the time `at` (with an offset).

    The order of policies, files and lines means nothing, nor does who calls. A cluster with an error finding of its own
    is left out of the result; its findings say why.
    """
    config = documents.config.document
    book = RoleBook(config.metadata.name, config.home.namespace, render)
    suspended = frozenset(comparable(arn) for arn in config.suspended)
    granted = _by_cluster(access_sets(documents, at), config)
    findings = list(expired(documents, at))
    done: dict[str, ClusterDesired] = {}
    for cluster in config.clusters:
        if cluster.name in clusters:
            work = _Work(cluster, clusters[cluster.name], config, identities, book, suspended)
            result = work.run(granted.get(cluster.name, []))
            own = work.findings
            findings += own
            if not any(finding.level is Level.ERROR for finding in own):
                done[cluster.name] = result
    return Compiled(done, tuple(dict.fromkeys(findings)))


def _by_cluster(sets: Iterable[AccessSet], config: Config) -> dict[str, list[tuple[AccessSet, Lines]]]:
    """Return, for each cluster, the sets that have a line there, with these lines."""
    known: dict[object, tuple[Cluster, ...]] = {}
    granted: dict[str, list[tuple[AccessSet, Lines]]] = defaultdict(list)
    for one in sets:
        here: dict[str, list[tuple[Access, Origin]]] = defaultdict(list)
        for line, origin in one.lines:
            selector = line.clusters
            key = frozenset(selector.items()) if isinstance(selector, Mapping) else selector
            if key not in known:
                known[key] = clusters_of(selector, config.clusters)
            for cluster in known[key]:
                here[cluster.name].append((line, origin))
        for name, lines in here.items():
            granted[name].append((one, lines))
    return granted


@dataclass(slots=True)
class _Object:
    spec: Spec
    labels: Mapping[str, str]
    origins: set[Origin]


class _Work:
    """One cluster, while it is compiled."""

    def __init__(
        self,
        cluster: Cluster,
        facts: ClusterFacts,
        config: Config,
        identities: Identities,
        book: RoleBook,
        suspended: frozenset[str],
    ) -> None:
        self.cluster = cluster
        self.facts = facts
        self.config = config
        self.identities = identities
        self.book = book
        self.suspended = suspended
        self.findings: list[Finding] = []
        self.objects: dict[Key, _Object] = {}
        self.people: dict[str, Person] = {}
        self.shown: dict[str, str] = {}
        self.instance = config.metadata.name

    def run(self, granted: Iterable[tuple[AccessSet, Lines]]) -> ClusterDesired:
        """Compile all sets and return the cluster's objects."""
        principals = []
        for one, lines in granted:
            policies: list[tuple[str, frozenset[str] | None]] = []
            gives = [self._line(one, line, origin, policies) for line, origin in lines]
            if any(gives):
                principals.append(Principals(one.group, tuple(sorted(describe(member) for member, _ in one.members))))
                if self.facts.form in {"access-entries", "aws-auth"}:
                    self._members(one, policies)
        self.findings += limits(self.cluster.name, self.facts.form, self.people)
        made = [Desired(key, item.spec, item.labels, tuple(sorted(item.origins))) for key, item in self.objects.items()]
        made += mapping_objects(self.cluster.name, self.facts.form, self.instance, self.people)
        made.sort(key=lambda item: (item.key.kind, item.key.namespace, item.key.name))
        return ClusterDesired(self.cluster.name, tuple(made), tuple(principals), self.shown)

    def _line(
        self, one: AccessSet, line: Access, origin: Origin, policies: list[tuple[str, frozenset[str] | None]]
    ) -> bool:
        """Compile one line; say whether it gives anything here."""
        places: tuple[str | None, ...] = (None,) if line.scope == "cluster" else tuple(self._namespaces(line, origin))
        if isinstance(line.role, EksAccessPolicy):
            return self._policy(line.role, places, origin, policies)
        role = self.book.bound(line.role, one, self.cluster)
        if isinstance(role, RoleFault):
            self._template_fault(role, origin)
            return False
        for namespace in places:
            self._bind(role, one, namespace, origin)
        return bool(places)

    def _bind(self, role: BoundRole, one: AccessSet, namespace: str | None, origin: Origin) -> None:
        self.shown[role.name] = role.shown
        own = role.role(namespace)
        if own is not None:
            self._put(Key(self.cluster.name, own.kind, namespace or "", own.name), own, role.labels, origin)
        kind: BindingKind = "RoleBinding" if namespace is not None else "ClusterRoleBinding"
        key = Key(self.cluster.name, kind, namespace or "", role.name)
        if key in self.objects:
            self.objects[key].origins.add(origin)
            return
        binding = Binding(kind, namespace, role.name, role.ref(namespace), (Subject("Group", one.group),), role.labels)
        self._put(key, binding, role.labels, origin)

    def _policy(
        self,
        role: EksAccessPolicy,
        places: tuple[str | None, ...],
        origin: Origin,
        policies: list[tuple[str, frozenset[str] | None]],
    ) -> bool:
        if self.facts.form in {"aws-auth", "external"}:
            self._error(
                "CMP003",
                f"eksAccessPolicy {role.eks_access_policy} needs access entries, and this cluster is mapped by "
                f"{self.facts.form}",
                "use a role template or {clusterRole: …} here, or mapping: access-entries",
                origin,
            )
            return False
        arn = names.access_policy_arn(self.facts.partition, role.eks_access_policy)
        if places:
            policies.append((arn, None if places == (None,) else frozenset(place for place in places if place)))
        return bool(places)

    def _namespaces(self, line: Access, origin: Origin) -> Iterator[str]:
        """Return the namespaces of a line; say which are not there, and make the ones that may be made."""
        seen: set[str] = set()
        for wanted in line.namespaces or ():
            for name in self._expand(wanted, origin):
                if name not in seen:
                    seen.add(name)
                    yield name

    def _expand(self, wanted: str, origin: Origin) -> tuple[str, ...]:
        known = self.facts.namespaces
        if is_pattern(wanted):
            if known is None:
                self._error(
                    "CMP004",
                    f"the pattern {wanted} means nothing here: which namespaces the cluster has is not known offline",
                    "add a `namespaces:` catalogue to the cluster in iamrbac.yaml",
                    origin,
                )
                return ()
            return namespaces_of(wanted, known, self.config.home.namespace)
        if known is None or wanted in known:
            return (wanted,)
        if self.cluster.manage_namespaces:
            key = Key(self.cluster.name, "Namespace", "", wanted)
            self._put(key, Namespace(wanted), names.namespace_labels(self.instance), origin)
            return (wanted,)
        self.findings.append(
            Finding(
                id="CMP002",
                level=Level.WARNING,
                message=f"the namespace {wanted} is not there, so nothing is granted in it yet",
                hint="make it (the next run grants), or set manageNamespaces: true for the cluster",
                file=origin.file,
                path=origin.path,
                cluster=self.cluster.name,
                object=f"Namespace/{wanted}",
            )
        )
        return ()

    def _members(self, one: AccessSet, policies: Iterable[tuple[str, frozenset[str] | None]]) -> None:
        """Give everybody in a set its group and its policies."""
        policies = tuple(policies)
        for member, origin in one.members:
            expansion = expand(member, self.cluster, self.config, self.identities)
            if isinstance(expansion, Missing):
                self._error("CMP005", f"{describe(member)} does not exist", "correct the name, or remove it", origin)
            elif isinstance(expansion, Unreadable):
                self._error("CMP006", f"{describe(member)} is not known: {expansion.reason}", "run again", origin)
            else:
                for arn in expansion:
                    if comparable(arn) not in self.suspended:
                        person = self.people.setdefault(arn, Person())
                        person.groups.add(one.group)
                        person.origins.add(origin)
                        for policy, namespaces in policies:
                            person.associate(policy, namespaces)

    def _template_fault(self, fault: RoleFault, origin: Origin) -> None:
        self.findings.append(
            Finding(
                id=fault.id,
                level=Level.ERROR,
                message=fault.message,
                hint=fault.hint,
                file=origin.file,
                path=(*origin.path, "role"),
                cluster=self.cluster.name,
            )
        )

    def _error(self, id_: str, message: str, hint: str, origin: Origin) -> None:
        self.findings.append(
            Finding(
                id=id_,
                level=Level.ERROR,
                message=message,
                hint=hint,
                file=origin.file,
                path=origin.path,
                cluster=self.cluster.name,
            )
        )

    def _put(self, key: Key, spec: Spec, labels: Mapping[str, str], origin: Origin) -> None:
        item = self.objects.get(key)
        if item is None:
            self.objects[key] = _Object(spec, labels or NO_LABELS, {origin})
        else:
            item.origins.add(origin)
