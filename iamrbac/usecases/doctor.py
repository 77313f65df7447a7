"""Why kubectl says Unauthorized or Forbidden: the checks in order, up to the first that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from iamrbac.diagnosis import clock, cluster, credentials, endpoint, mapping, rbac
from iamrbac.diagnosis.facts import Described, Entry, Identity, Maps, May, Place, Probe, Says, Taken, Token
from iamrbac.diagnosis.verdict import CHECKS, Check, Status, Verdict, not_reached, unknown
from iamrbac.mapping.resolve import identity as same_principal
from iamrbac.model.arn import Arn, canonical, comparable, partition_of
from iamrbac.model.errors import IamrbacError, NotMappedError
from iamrbac.plan.observed import AuthenticationMode, Target
from iamrbac.rbac.objects import Request, User
from iamrbac.usecases.doctor_edges import DoctorEdges, Own
from iamrbac.usecases.doctor_place import Patient, patient
from iamrbac.usecases.own_rights import may_something
from iamrbac.usecases.ports import OwnAccess, Progress

DEFAULT = "default"
"""The namespace that kubectl takes where nothing names one."""


@dataclass(frozen=True, slots=True)
class DoctorRequest:
    """What the person asks."""

    at: datetime
    cluster: str | None = None
    context: str | None = None
    namespace: str = ""
    asked: Request | None = None
    """What is to be allowed; None: anything at all."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found."""

    cluster: str
    region: str
    entry: Entry | None
    """The kubeconfig's context that was looked at; None where there is none of the cluster."""
    caller: str
    """ARN, or "" where AWS did not say."""
    verdicts: tuple[Verdict, ...]
    """All six, in order."""
    about: str = ""
    """The ARN of somebody else who was asked about."""

    @property
    def failed(self) -> Verdict | None:
        """The check that failed: there is one at most, since the later ones are not made."""
        return next((one for one in self.verdicts if one.status is Status.FAILED), None)

    @property
    def code(self) -> int:
        """The exit code: 0 all held, 3 one failed, 1 one could not be made."""
        if self.failed is not None:
            return 3
        return 1 if any(one.status is not Status.OK for one in self.verdicts) else 0


def diagnose(edges: DoctorEdges, request: DoctorRequest, progress: Progress) -> Diagnosis:
    """Check one cluster as the caller's own kubectl comes to it.

    The cluster is the config's or the index's of that name, or a context of the kubeconfig, by default its current one;
    credentials are those that the context's plug-in would sign with. Raises UsageError where no cluster is meant,
    KubeconfigError where the kubeconfig cannot be read.
    """
    sick = patient(edges, request.cluster, request.context, request.at)
    progress.step(f"Looking at {sick.place.named.name}")
    for note in sick.notes:
        progress.step(f"note: {note}")
    exam = Exam(edges, sick, request)
    verdicts = tuple(whole(exam.checks()))
    entry = sick.place.entry
    return Diagnosis(sick.place.named.name, sick.place.named.region, entry, exam.identity.arn, verdicts)


def whole(checks: Iterator[Verdict]) -> Iterator[Verdict]:
    """Yield the verdicts of all checks: those that were made, and that the others were not reached."""
    made: set[Check] = set()
    for verdict in checks:
        made.add(verdict.check)
        yield verdict
    for check in CHECKS:
        if check not in made:
            yield not_reached(check)


class Exam:
    """One examination: facts are gathered when a check wants them, and none after one that failed."""

    def __init__(self, edges: DoctorEdges, sick: Patient, request: DoctorRequest) -> None:
        self._edges = edges
        self._sick = sick
        self._request = request
        plugin = sick.place.entry.plugin if sick.place.entry is not None else None
        self.own: Own = edges.own(
            plugin.profile if plugin is not None else None,
            plugin.role_arn if plugin is not None else None,
            (plugin.region if plugin is not None else "") or sick.place.named.region,
        )
        self.identity: Identity = self.own.identity()
        self.place: Place = sick.place

    def checks(self) -> Iterator[Verdict]:
        """Yield a verdict for each check that is made."""
        yield from self.before_mapping()
        if self.target is not None:
            yield from self._from_mapping(self.target)

    def before_mapping(self) -> Iterator[Verdict]:
        """Yield the first four, up to one that fails; `target` is there where the cluster can be asked then."""
        self.target: Target | None = None
        known = credentials.judge(self.identity)
        yield known
        if known.status is Status.FAILED:
            return
        skewed = clock.breaks_signatures(self.identity.offset)
        probe = None if skewed else self._look()
        time = clock.judge(self.identity.offset, probe.offset if probe is not None else None)
        yield time
        if time.status is Status.FAILED:
            return
        reached = endpoint.judge(self.place, probe)
        yield reached
        if reached.status is not Status.OK:
            return
        meant = cluster.judge(self.place)
        yield meant
        if meant.status is not Status.FAILED:
            self.target = self._target()

    def _look(self) -> Probe | None:
        """Ask EKS (where there is an access index, that) what it has, and the endpoint for a sign of life."""
        named, index = self.place.named, self._sick.indexed
        if index is not None:
            known = Described(index.arn, "", index.endpoint, index.certificate_authority, "", by="the access index")
            self.place = replace(self.place, account=self.identity.account, described=known)
        elif self.identity.refused is None:
            described = self.own.described(named.eks_name, named.region)
            self.place = replace(self.place, account=self.identity.account, described=described)
        entry, found = self.place.entry, self.place.described
        if entry is not None:
            ways = (entry.proxy_url, entry.tls_server_name)
            return self._probed(entry.server, entry.certificate_authority, ways, insecure=entry.insecure)
        if index is not None:
            ways = (index.proxy_url or "", index.tls_server_name or "")
            return self._probed(index.endpoint, index.certificate_authority, ways)
        if isinstance(found, Described) and found.endpoint:
            return self._probed(found.endpoint, found.certificate_authority, ("", ""))
        return None

    def _probed(self, server: str, authority: str, ways: tuple[str, str], *, insecure: bool = False) -> Probe:
        proxy_url, name = ways
        return self._edges.probe(server, authority, proxy_url=proxy_url, tls_server_name=name, insecure=insecure)

    def _target(self) -> Target:
        """Return the cluster as kubectl comes to it: by the kubeconfig's word where it has one."""
        place, entry, found, index = self.place, self.place.entry, self.place.described, self._sick.indexed
        named, described = place.named, found if isinstance(found, Described) else None
        server = entry.server if entry is not None else ""
        authority = entry.certificate_authority if entry is not None else ""
        if described is not None and not server:
            server, authority = described.endpoint, described.certificate_authority
        plugin = entry.plugin if entry is not None else None
        name = plugin.cluster_name if plugin is not None and plugin.cluster_name else named.eks_name
        region = (plugin.region if plugin is not None else "") or named.region
        arn = place.arn or f"arn:{partition_of(region)}:eks:{region}:{named.account}:cluster/{named.eks_name}"
        target = Target(named.name, name, arn, region, server, authority, _mode(described))
        if entry is not None:
            return replace(target, proxy_url=entry.proxy_url or None, tls_server_name=entry.tls_server_name or None)
        return replace(target, proxy_url=index.proxy_url, tls_server_name=index.tls_server_name) if index else target

    def _from_mapping(self, target: Target) -> Iterator[Verdict]:
        access = self.own.access(target)
        try:
            user: User | None = access.whoami()
        except NotMappedError:
            user = None
        except IamrbacError as error:
            yield unknown("mapping", str(error))
            return
        taken = self._taken(target, user)
        yield mapping.judge(taken)
        if user is None:
            return
        try:
            yield rbac.judge(self._may(access, taken, user))
        except IamrbacError as error:
            yield unknown("rbac", str(error))

    def _taken(self, target: Target, user: User | None) -> Taken:
        says, caller = self._says(user), self.identity.arn
        token = Token(self.own.token_length(target) or 0, target.eks_name)
        maps = Maps(mode=self.place.described.mode) if isinstance(self.place.described, Described) else Maps()
        if user is None and caller:
            maps = read_entries(self.own, self.place, caller, maps)
        return Taken(caller, user, self.place, token, maps, says)

    def _says(self, user: User | None) -> Says | None:
        return self._sick.says(self.identity.arn, user, self._request.asked)

    def _may(self, access: OwnAccess, taken: Taken, user: User) -> May:
        asked = self._request.asked
        if asked is not None:
            return May(taken, user, asked, (), access.can(asked))
        named = self._request.namespace or (taken.place.entry.namespace if taken.place.entry is not None else "")
        held = taken.says.held if taken.says is not None else ()
        namespaces = (named,) if named else tuple(dict.fromkeys(one.namespace for one in held if one.namespace))
        guessed = not namespaces
        namespaces = namespaces or (DEFAULT,)
        where = tuple(one for one in namespaces if may_something(access, one))
        return May(taken, user, None, namespaces, bool(where), where, guessed)


def read_entries(own: Own, place: Place, principal: str, maps: Maps) -> Maps:
    """Return the maps with the access entries of a principal and its namesakes, where they may be read."""
    if maps.mode == "CONFIG_MAP":
        return replace(maps, entries=())
    entries = own.entries(place.named.eks_name, place.named.region, _like(principal))
    mine = [seen for seen in entries or () if same_principal(seen.entry.principal) == same_principal(principal)]
    made = own.made(mine[0].entry.principal) if mine else None
    return replace(maps, entries=entries, made=made)


def _like(principal: str) -> Callable[[str], bool]:
    """Return whether an entry's principal may be meant for somebody: the same name, wherever it is."""
    name = _name(principal)

    def like(arn: str) -> bool:
        return comparable(arn) == comparable(principal) or _name(arn) == name

    return like


def _name(arn: str) -> str:
    """Return a principal's name; of a permission set's role without its suffix, which changes."""
    try:
        name = Arn.parse(canonical(arn)).name
    except ValueError:
        return arn
    return name.rpartition("_")[0] if name.startswith("AWSReservedSSO_") else name


def _mode(described: Described | None) -> AuthenticationMode:
    match described.mode if described is not None else "":
        case "CONFIG_MAP":
            return "CONFIG_MAP"
        case "API":
            return "API"
        case _:
            return "API_AND_CONFIG_MAP"
