"""Least privilege from a cluster's audit log: the policies say what is given, the log what is used."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias

from iamrbac.access.judge import Judge
from iamrbac.audit.age import Place, Written, with_ages
from iamrbac.audit.grants import grants_of
from iamrbac.audit.report import LeastPrivilege, report
from iamrbac.audit.shapes import Broken, Other, events_in, is_event
from iamrbac.audit.tally import CAP, Tally
from iamrbac.model.errors import IamrbacError, UsageError
from iamrbac.usecases.ground import Ground
from iamrbac.usecases.ports import Progress, Repository

EVERY: Final = 1_000_000
"""Lines between two words of progress."""
Entries: TypeAlias = Callable[[io.BufferedReader], Iterator[tuple[int, object]]]
"""Reads a stream: line numbers with JSON values, or with what stands for what cannot be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file or object."""

    name: str
    entries: Iterator[tuple[int, object]]


class AuditLog(Protocol):
    """A place of logs."""

    def sources(self) -> Iterator[Source]:
        """Yield its files. Raises IamrbacError, also while one is read."""
        ...


@dataclass(frozen=True, slots=True)
class Bad:
    """What in a log cannot be read."""

    times: int
    where: str
    """FILE:LINE of the first."""
    why: str


@dataclass(slots=True)
class LogRead:
    """What was read."""

    sources: int = 0
    other: int = 0
    """Lines and messages that are no audit events."""
    broken: int = 0
    first: Bad | None = None
    lost: bool = False
    """The rest of some file could not be read."""
    failures: list[IamrbacError] = field(default_factory=list)
    """Files that could not be read, or not to their end."""

    @property
    def whole(self) -> bool:
        """Whether every file was read to its end; single lines may be broken."""
        return not self.lost and not self.failures

    @property
    def bad(self) -> Bad | None:
        """What cannot be read, with the first place; None without any."""
        return Bad(self.broken, self.first.where, self.first.why) if self.first is not None else None


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """The whole answer."""

    cluster: str
    read: LogRead
    counts: Counter[str]
    found: LeastPrivilege
    note: str = ""
    """Why nobody knows how old the grants are; "" where it is known, or nothing hangs on it."""


class Lines(Protocol):
    """The history of the access repository's lines."""

    def written(self, places: Collection[Place]) -> Written:
        """Return when each line got in. Never raises: what is not known is not in it, or it says why nothing is."""
        ...


def one_judge(ground: Ground) -> tuple[str, Judge]:
    """Return the cluster that a log is of. Raises UsageError where there are several."""
    if len(ground.judges) != 1:
        names = ", ".join(ground.judges)
        raise UsageError(
            f"a log is of one cluster, and here are {len(ground.judges)}: {names}", hint="add --cluster NAME"
        )
    return next(iter(ground.judges.items()))


def audit(
    ground: Ground, logs: Iterable[AuditLog], days: int | None, progress: Progress, cap: int = CAP
) -> AuditAnswer:
    """Read every log once. A file that cannot be read is a failure, and the others are read. Raises UsageError."""
    cluster, judge = one_judge(ground)
    tally, read = Tally(grants_of(judge), ground.instance, cap), LogRead()
    for log in logs:
        try:
            for source in log.sources():
                read.sources += 1
                _count(source, tally, read, progress)
        except IamrbacError as error:
            read.failures.append(error)
    return AuditAnswer(cluster, read, tally.counts, report(tally, judge, days, whole=read.whole))


def aged(answer: AuditAnswer, repository: Repository, lines: Lines) -> AuditAnswer:
    """Return the same without calling a grant unused that is younger than the days that were asked about."""
    unused = [one for one in answer.found.grants if one.state == "unused"]
    origins = sorted({origin for one in unused for origin in one.grant.origins}, key=lambda origin: origin.file)
    places = {
        origin: (origin.file, at[0]) for origin in origins if (at := repository.position(origin.file, origin.path))
    }
    if not places:
        return answer
    written = lines.written(frozenset(places.values()))
    return replace(answer, found=with_ages(answer.found, places.get, written), note=written.unknown)


def _count(source: Source, tally: Tally, read: LogRead, progress: Progress) -> None:
    progress.step(f"Reading {source.name}")
    done = 0
    try:
        for number, value in source.entries:
            for event in (value,) if is_event(value) else events_in(value):
                _add(event, tally, read, source.name, number)
            done += 1
            if done % EVERY == 0:
                progress.step(f"{tally.counts['events']:,} events")
    except IamrbacError as error:
        read.failures.append(error)


def _add(event: object, tally: Tally, read: LogRead, name: str, number: int) -> None:
    if isinstance(event, Other):
        read.other += 1
        return
    try:
        if isinstance(event, dict):
            tally.add(event)
            return
        why = event.reason if isinstance(event, Broken) else "it is no event"
    except ValueError as error:
        why = str(error)
    read.broken += 1
    read.lost = read.lost or (isinstance(event, Broken) and event.lost)
    if read.first is None:
        read.first = Bad(1, f"{name}:{number}", why)
