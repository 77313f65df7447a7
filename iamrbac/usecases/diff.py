"""What a change of the policies means: who gains and who loses which access, what is dangerous, what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from iamrbac.access.effective import Delta, Giver, by_identity, deltas
from iamrbac.access.escalation import dangers, foremost
from iamrbac.access.gates import NewDanger
from iamrbac.access.judge import Judge
from iamrbac.access.world import World
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import Identities
from iamrbac.model.access_tests import TESTS_FOLDER, AccessTest
from iamrbac.model.documents import Cluster
from iamrbac.model.waivers import WAIVERS_FILE, Waivers
from iamrbac.rbac.objects import RbacState
from iamrbac.usecases.load import load, load_beside
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import Repository, Roles
from iamrbac.usecases.worlds import policy_worlds

Side: TypeAlias = Literal["base", "head"]


@dataclass(frozen=True, slots=True)
class Tree:
    """The access repository at one revision."""

    repository: Repository
    roles: Roles


@dataclass(frozen=True, slots=True)
class Invalid:
    """Documents that mean nothing, so that nothing can be compared."""

    side: Side
    findings: tuple[Finding, ...]
    """Located; one at least is an error."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the policies of a revision mean."""

    documents: Documents
    worlds: Mapping[str, World]

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """The config's clusters, in its order."""
        return self.documents.config.document.clusters


@dataclass(frozen=True, slots=True)
class Change:
    """What changes between two revisions, whatever anybody thinks of it."""

    clusters: tuple[str, ...] = ()
    """Those that were compared, in the head's order."""
    deltas: tuple[Delta, ...] = ()
    """By cluster and principal; none for whom nothing changes."""
    dangers: tuple[NewDanger, ...] = ()
    notes: tuple[str, ...] = ()
    """What to know beside it."""


def meaning(
    tree: Tree, side: Side, builtin: RbacState, at: datetime, people: Identities | None = None
) -> Meaning | Invalid:
    """Return what a revision means at the time `at`, or why it means nothing. Raises RepositoryError.

    With `people` members are the people that a snapshot knows.
    """
    loaded = load(tree.repository, tree.roles.names())
    _, waivers = load_beside(tree.repository, WAIVERS_FILE, Waivers)
    _, tests = load_beside(tree.repository, TESTS_FOLDER, AccessTest)
    # What is wrong beside the policies does not change what they mean: it is the head's to mend, as `validate` says.
    findings = (*loaded.findings, *waivers, *tests) if side == "head" else loaded.findings
    if loaded.documents is None or any(finding.level is Level.ERROR for finding in findings):
        return Invalid(side, findings)
    clusters = loaded.documents.config.document.clusters
    worlds = policy_worlds(loaded.documents, clusters, builtin, tree.roles.render, at, known=people)
    if worlds.failed:
        return Invalid(side, locate(worlds.findings, tree.repository))
    return Meaning(loaded.documents, worlds.clusters)


def change(
    base: Meaning | None,
    head: Meaning,
    builtin: RbacState,
    at: datetime,
) -> Change:
    """Return what the head changes against the base, which is None where there was none, from the time `at` on.

    A cluster is the same one whatever the config calls it. Of what somebody can become and could not before, those
    ways are told that no other implies.
    """
    before = {eks(one): base.worlds[one.name] for one in base.clusters} if base is not None else {}
    found: list[Delta] = []
    new: list[NewDanger] = []
    for cluster in head.clusters:
        had = Judge(before.get(eks(cluster), World(rbac=builtin)), builtin.roles)
        has = Judge(head.worlds[cluster.name], builtin.roles)
        here = deltas(cluster.name, had, has, at)
        found += here
        if any(_gains(delta) for delta in here):
            new += _dangers(cluster.name, had, has, here)
    return Change(tuple(cluster.name for cluster in head.clusters), tuple(found), tuple(new), tuple(_notes(base, head)))


def eks(cluster: Cluster) -> tuple[str, str, str]:
    """Return what a cluster is, whatever the config calls it."""
    return cluster.account, cluster.region, cluster.eks


def _gains(delta: Delta) -> bool:
    return delta.login == "gain" or any(effect.change == "gain" for effect in delta.effects)


def _dangers(
    cluster: str,
    before: Judge,
    after: Judge,
    found: Sequence[Delta],
) -> Iterator[NewDanger]:
    """Yield what anybody can become now: also whom nothing is given, since another's gain may open the way."""
    had = by_identity(before)
    gained = {delta.principal: delta for delta in found}
    for key, somebody in by_identity(after).items():
        known = frozenset(dangers(before, had[key])) if key in had else frozenset()
        for danger in foremost(one for one in dangers(after, somebody) if one not in known):
            delta = gained.get(somebody.principal)
            givers = _givers(delta, danger.namespace) if delta is not None else ()
            yield NewDanger(cluster, somebody.principal, danger, givers)


def _givers(delta: Delta, namespace: str) -> tuple[Giver, ...]:
    """Return what gives somebody more in a place; where nothing does, what gives more anywhere."""
    gains = [effect for effect in delta.effects if effect.change == "gain"]
    here = [effect for effect in gains if {"", namespace} & {*effect.namespaces}]
    return tuple(dict.fromkeys(giver for effect in here or gains for giver in effect.givers))


def _notes(base: Meaning | None, head: Meaning) -> Iterator[str]:
    if base is not None:
        kept = {eks(cluster) for cluster in head.clusters}
        gone = [cluster.name for cluster in base.clusters if eks(cluster) not in kept]
        if gone:
            yield (
                f"{', '.join(gone)}: no longer in iamrbac.yaml, so nobody changes anything there any more, "
                "and what was given there stays"
            )
