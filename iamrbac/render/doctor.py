"""What the doctor found, for people and as JSON (render/schemas/doctor.json)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from iamrbac.diagnosis.verdict import NEAREST, Cause, Fixer, Status, Verdict
from iamrbac.model.origin import Origin
from iamrbac.render.plain import printable
from iamrbac.usecases.doctor import Diagnosis

Line = Callable[[Origin], str]
"""Origin → FILE:LINE."""
Paint = Callable[[str, str], str]
_STATUS: Final[Mapping[Status, tuple[str, str]]] = {
    Status.OK: ("ok", "good"),
    Status.FAILED: ("FAILED", "error"),
    Status.UNKNOWN: ("unknown", "warning"),
    Status.NOT_REACHED: ("not reached", "dim"),
}
_WHO: Final[Mapping[Fixer, str]] = {
    Fixer.YOU: "you",
    Fixer.PLATFORM: "the platform team",
    Fixer.OWNERS: "the team's owners",
}


def doctor_text(found: Diagnosis, line: Line, paint: Paint) -> str:
    """Return a line for each check; below one that failed what may be wrong, who can fix it, and what to run."""
    context = f", context {printable(found.entry.context)} of {found.entry.file}" if found.entry is not None else ""
    about = f", about {printable(found.about)}" if found.about else ""
    lines = [f"{printable(found.cluster)} in {found.region}{context}{about}"]
    for verdict in found.verdicts:
        word, style = _STATUS[verdict.status]
        saw = f"  {printable(verdict.saw)}" if verdict.saw else ""
        lines.append(f"  {verdict.check:<11}  {paint(f'{word:<11}', style)}{saw}".rstrip())
        lines += _causes(verdict, line)
    return "\n".join([*lines, "", summary(found)]) + "\n"


def summary(found: Diagnosis) -> str:
    """Return the last line: what failed first, and who can fix it."""
    if found.failed is None:
        unknown = [one.check for one in found.verdicts if one.status is Status.UNKNOWN]
        if unknown:
            return f"Nothing that was checked failed; not known: {', '.join(unknown)}."
        return "All checks held."
    who = list(dict.fromkeys(_who(cause) for cause in found.failed.causes))
    fixers = f" Who can fix it: {' or '.join(who)}." if who else ""
    return f"The first check that fails: {found.failed.check}.{fixers}"


def doctor_json(found: Diagnosis, line: Line) -> dict[str, Any]:
    """Return the same as `-o json` writes it."""
    entry = found.entry
    return {
        "formatVersion": 1,
        "cluster": found.cluster,
        "region": found.region,
        "context": None if entry is None else {"name": entry.context, "file": entry.file, "server": entry.server},
        "caller": found.caller or None,
        "principal": found.about or None,
        "failed": found.failed.check if found.failed is not None else None,
        "checks": [
            {
                "id": verdict.check,
                "status": verdict.status.value,
                "saw": verdict.saw or None,
                "causes": [cause_json(cause, line) for cause in verdict.causes],
            }
            for verdict in found.verdicts
        ],
    }


def cause_json(cause: Cause, line: Line) -> dict[str, Any]:
    """Return one cause as JSON."""
    return {
        "id": cause.id,
        "certain": cause.sure,
        "message": cause.text,
        "fixer": cause.fixer.value,
        "people": list(cause.people),
        "run": cause.run or None,
        "because": places(cause, line),
    }


def cause_lines(cause: Cause, line: Line) -> Iterator[str]:
    """Yield a cause as a line of its own, and one for who can fix it and how."""
    because = f" ({', '.join(found)})" if (found := places(cause, line)) else ""
    word = "near" if cause.id == NEAREST else "cause" if cause.sure else "maybe"
    yield f"{word:>5}: {printable(cause.text)} [{cause.id}]{because}"
    yield f"       {_who(cause)}: {printable(cause.run)}" if cause.run else f"       {_who(cause)}"


def places(cause: Cause, line: Line) -> list[str]:
    """Return the policy lines of a cause as FILE:LINE."""
    return list(dict.fromkeys(line(one) if isinstance(one, Origin) else one for one in cause.origins))


def _causes(verdict: Verdict, line: Line) -> Iterator[str]:
    fixed = ""
    for cause in verdict.causes:
        what, who = cause_lines(cause, line)
        yield f"    {what}"
        # What is said once need not be said again below the next cause.
        if who != fixed:
            yield f"    {who}"
        fixed = who


def _who(cause: Cause) -> str:
    people = f" ({', '.join(map(printable, cause.people))})" if cause.people else ""
    return _WHO[cause.fixer] + people
