"""The same checks about somebody else, by somebody who may read what a developer may not: entries, rows, RBAC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.naming import Asked, find_somebody
from iamrbac.access.world import is_default
from iamrbac.diagnosis import mapping, maps, rbac
from iamrbac.diagnosis.facts import Described, Maps, May, Taken
from iamrbac.diagnosis.verdict import Verdict, unknown
from iamrbac.mapping.resolve import identity
from iamrbac.model.arn import Arn
from iamrbac.model.errors import UsageError
from iamrbac.rbac.objects import User
from iamrbac.usecases.ask import answer
from iamrbac.usecases.doctor import DEFAULT, Diagnosis, DoctorRequest, Exam, read_entries, whole
from iamrbac.usecases.doctor_edges import DoctorEdges
from iamrbac.usecases.doctor_place import Patient, patient
from iamrbac.usecases.ground import Ground, live_ground
from iamrbac.usecases.ports import Progress


def diagnose_of(edges: DoctorEdges, principal: str, request: DoctorRequest, progress: Progress) -> Diagnosis:
    """Check one cluster of the config as a principal would find it; the first four checks are about whoever asks.

    What is exact here is not guessed: the cluster's own entries and rows are read, and the authorizer is ours. Raises
    UsageError for what is no user's or role's ARN, and where no cluster of a config is meant.
    """
    try:
        Arn.parse(principal)
    except ValueError as error:
        raise UsageError(str(error), hint="write the ARN of a user, a role or a session") from error
    sick = patient(edges, request.cluster, request.context, request.at)
    if sick.cluster is None or edges.everything is None:
        raise UsageError(
            "--principal is about a cluster of iamrbac.yaml",
            hint="run it in its repository, with --cluster NAME",
        )
    progress.step(f"Looking at {sick.place.named.name} for {principal}")
    exam = Exam(edges, sick, request)
    verdicts = tuple(whole(_checks(edges, exam, sick, principal, request)))
    named = sick.place.named
    return Diagnosis(named.name, named.region, sick.place.entry, exam.identity.arn, verdicts, principal)


def _checks(edges: DoctorEdges, exam: Exam, sick: Patient, principal: str, request: DoctorRequest) -> Iterator[Verdict]:
    yield from exam.before_mapping()
    if exam.target is None or edges.everything is None:
        return
    ground = live_ground(edges.everything(), edges.builtin(), request.at, (sick.place.named.name,))
    judge = ground.judges.get(sick.place.named.name)
    if judge is None:
        yield unknown("mapping", "; ".join(failure.message for failure in ground.failures) or "it could not be read")
        return
    mode = exam.place.described.mode if isinstance(exam.place.described, Described) else exam.target.authentication_mode
    read = replace(read_entries(exam.own, exam.place, principal, Maps(mode)), rows=judge.world.reading)
    if maps.is_dead(principal, read):
        judge = _without(judge, principal)
    somebody = judge.somebody(principal)
    user = somebody.user if somebody is not None else None
    taken = Taken(principal, user, exam.place, None, read, sick.says(principal, user, request.asked))
    yield mapping.judge(taken)
    if taken.user is not None:
        yield _may(ground, judge, taken, taken.user, request)


def _without(judge: Judge, principal: str) -> Judge:
    """Return a cluster as EKS sees it: an entry of somebody who was deleted names the right ARN, and lets nobody in."""
    world = judge.world
    entries = tuple(one for one in world.entries if identity(one.principal) != identity(principal))
    return Judge(replace(world, entries=entries), judge.defaults.values())


def _may(ground: Ground, judge: Judge, taken: Taken, user: User, request: DoctorRequest) -> Verdict:
    somebody = find_somebody(judge, Asked(taken.caller), ground.instance)
    if request.asked is not None:
        found = answer(taken.place.named.name, judge, somebody, request.asked)
        if found.allowed is None:
            return unknown("rbac", "; ".join(found.unknown))
        return rbac.judge(May(taken, user, request.asked, (), found.allowed))
    held = taken.says.held if taken.says is not None else ()
    named = (request.namespace,) if request.namespace else tuple(dict.fromkeys(one.namespace for one in held))
    namespaces = tuple(one for one in named if one)
    guessed = not namespaces
    namespaces = namespaces or (DEFAULT,)
    where = tuple(one for one in namespaces if somebody is not None and _may_something(judge, somebody, one))
    return rbac.judge(May(taken, user, None, namespaces, bool(where), where, guessed))


def _may_something(judge: Judge, somebody: Somebody, namespace: str) -> bool:
    """What everybody has who logs in is nobody's access."""
    given = judge.given(somebody, namespace)
    return any(one.binding is None or not is_default(one.binding) for one in given if one.rules is None or one.rules)
