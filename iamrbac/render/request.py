"""A request for access: what it would give, where it went, and how to go on; for people, as JSON, and as a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from iamrbac.access.refused import some_of
from iamrbac.model.origin import Origin
from iamrbac.model.span import span_text
from iamrbac.render.changes import Diff, danger_texts, stories, time_text
from iamrbac.render.diff_json import diff_json
from iamrbac.render.findings import finding_line
from iamrbac.render.markdown import code, sentence
from iamrbac.render.plain import printable
from iamrbac.usecases.deliveries import Message
from iamrbac.usecases.request import Base, Request, Sent
from iamrbac.usecases.review import Compared, Sides

Paint: TypeAlias = Callable[[str, str], str]
_SHORT: Final = 12
_RULES: Final = 4
_SUBJECT: Final = 120
"""Characters of a commit's first line."""


def as_diff(request: Request, line: Callable[[Origin], str]) -> Diff:
    """Return the request as the change that its branch would be."""
    sides = Sides(request.before, request.after, request.before)
    return Diff(request.review, Compared(sides, "", "", "", request.branch, ""), line, line)


def wished(request: Request) -> str:
    """Return what is asked for in one line: `operator in payments on production for dana`."""
    access = request.draft.access
    clusters, role = access["clusters"], access["role"]
    named = [f"{key}={value}" for key, value in clusters.items()] if isinstance(clusters, dict) else clusters
    what = role if isinstance(role, str) else " ".join(*role.items())
    return f"{what} in {', '.join(access['namespaces'])} on {', '.join(named)} for {', '.join(members(request))}"


def members(request: Request) -> tuple[str, ...]:
    """Return who gets it, as a policy calls them; a user by name alone."""
    found = (" ".join(next(iter(one.member.items()))) for one in request.draft.members)
    return tuple(one.removeprefix("iamUser ") for one in found)


def message(request: Request, line: Callable[[Origin], str]) -> Message:
    """Return the commit's message and the pull request's text."""
    until = time_text(request.draft.not_after)
    title = printable(f"Request: {wished(request)}, until {until}")
    subject = title if len(title) <= _SUBJECT else f"{title[: _SUBJECT - 1]}…"
    asker = request.draft.asker
    trailers = [*([f"Requested-By: {asker}"] if asker else []), f"Iamrbac-Request: {request.name}"]
    body = f"{printable(request.draft.reason)}\n\n" + "\n".join(trailers)
    return Message(subject, body, subject, "\n".join(_markdown(request, as_diff(request, line))))


def request_text(
    request: Request, base: Base | None, sent: Sent | None, line: Callable[[Origin], str], paint: Paint
) -> str:
    """Return what was asked for, what it gives, and where it is; without `sent` nothing was made."""
    return "\n".join(_lines(request, base, sent, line, paint))


def request_json(
    request: Request, base: Base | None, sent: Sent | None, line: Callable[[Origin], str]
) -> dict[str, Any]:
    """Return the same as `-o json` writes it (render/schemas/request.json)."""
    whole = diff_json(as_diff(request, line))
    opened = sent.opened if sent is not None else None
    return {
        "formatVersion": 1,
        "valid": True,
        "name": request.name,
        "team": request.draft.team,
        "notAfter": time_text(request.draft.not_after),
        "file": request.file,
        "document": request.text,
        "base": None if base is None else {"branch": base.branch, "commit": base.commit},
        "branch": request.branch,
        "commit": sent.commit if sent is not None else None,
        "pushed": opened is not None,
        "pullRequest": {
            "url": opened.url or None if opened is not None else None,
            "opened": opened is not None and opened.opened,
            "error": opened.why or None if opened is not None else None,
        },
        "next": list(onward(sent)) if sent is not None else [],
        "access": whole["access"],
        "dangers": whole["dangers"],
        "findings": [one.to_json() for one in request.findings],
        "notes": list(notes(request)),
    }


def onward(sent: Sent) -> tuple[str, ...]:
    """Return the commands or the page that go on from here; () where the pull request is open."""
    if sent.opened is None:
        return ("git remote add origin URL", f"git push origin {sent.request.branch}")
    if sent.opened.opened:
        return ()
    return (sent.opened.url or f"open a pull request of the branch {sent.request.branch}",)


def notes(request: Request) -> Iterator[str]:
    """Yield what to know: who comes in beside the one who asks, what the diff notes."""
    for one in request.draft.members:
        if one.several:
            yield f"this is for {one.several}; for one person alone: --member iamUser:NAME"
    yield from request.review.notes


def _lines(
    request: Request, base: Base | None, sent: Sent | None, line: Callable[[Origin], str], paint: Paint
) -> Iterator[str]:
    draft = request.draft
    yield paint(printable(wished(request)), "bold")
    yield f"  until {time_text(draft.not_after)} ({span_text(draft.length)} from now), in the name of {draft.team}"
    yield from (f"note: {printable(one)}" for one in notes(request))
    yield from (finding_line(one, paint) for one in request.findings)
    yield ""
    yield from _gains(as_diff(request, line), paint)
    yield ""
    yield from _where(request, base, sent)


def _gains(diff: Diff, paint: Paint) -> Iterator[str]:
    """Yield what the branch gives; that of other things there cannot be any."""
    for found in stories(diff).values():
        for story in found:
            sign = "+" if story.change == "gain" else "-"
            style = "good" if story.change == "gain" else "error"
            yield f"{paint(sign, style)} {printable(f'{some_of(story.principals)} {story.said}')}"
            yield from (f"    {paint(printable(one), 'dim')}" for one in _few(story.rules))
    yield from (f"{paint('!', 'warning')} {printable(one)}" for one in danger_texts(diff))


def _where(request: Request, base: Base | None, sent: Sent | None) -> Iterator[str]:
    if base is None:
        return
    top = f"on top of {base.branch} ({base.commit[:_SHORT]})"
    if sent is None:
        yield f"Nothing was made. It would be {request.file} on the branch {request.branch}, {top}."
        return
    if sent.opened is None:
        yield f"The branch {request.branch} is made here, {top}; there is no remote to push it to. To go on:"
        yield from (f"  {one}" for one in onward(sent))
        return
    yield f"The branch {request.branch} is pushed, {top}."
    if sent.opened.opened:
        yield f"Pull request: {sent.opened.url}"
    elif sent.opened.url:
        yield f"Open the pull request: {sent.opened.url}"
    else:
        yield f"Open a pull request of it at your forge, to {base.branch}."
    yield "Nobody has the access before it is merged and applied."


def _markdown(request: Request, diff: Diff) -> Iterator[str]:
    draft = request.draft
    yield f"**Why:** {sentence(draft.reason)}"
    yield ""
    yield f"- for {', '.join(map(code, members(request)))}, in the name of {code(draft.team)}"
    yield f"- until {code(time_text(draft.not_after))}"
    if draft.asker:
        yield f"- asked for by {code(draft.asker)}"
    yield from (f"- {sentence(one)}" for one in notes(request))
    yield ""
    yield "### Access"
    yield ""
    for found in stories(diff).values():
        yield from (f"- {sentence(f'{some_of(story.principals)} {story.said}')}" for story in found)
    yield from (f"- ⚠️ {sentence(one)}" for one in danger_texts(diff))


def _few(rules: Sequence[str]) -> Sequence[str]:
    return rules if len(rules) <= _RULES + 1 else [*rules[:_RULES], f"and {len(rules) - _RULES} more rules"]
