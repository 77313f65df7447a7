"""Show plans, applies, findings and invalid documents: on a terminal, as JSON, and as CI systems read them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iamrbac.cli.options import Format, Output
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import OutputError

if TYPE_CHECKING:
    from iamrbac.backup.backup import Run
    from iamrbac.findings.finding import Finding
    from iamrbac.model.origin import Origin
    from iamrbac.plan.change import FailedCluster, Plan
    from iamrbac.render.report import Report
    from iamrbac.usecases.apply import Applying
    from iamrbac.usecases.keep import BackedUp, Keeping
    from iamrbac.usecases.outcome import Event
    from iamrbac.usecases.ports import Edges, Repository


def line_of(repository: Repository) -> Callable[[Origin], str]:
    """Return a function that turns an origin into FILE:LINE."""

    def line(origin: Origin) -> str:
        position = repository.position(origin.file, origin.path)
        return f"{origin.file}:{position[0]}" if position else origin.file

    return line


def lines_of(repository: Repository, origins: Iterable[Origin]) -> Callable[[Origin], str]:
    """Return the same for some origins, all of which are looked up at once: each file is looked at once."""
    line = line_of(repository)
    return {origin: line(origin) for origin in sorted(set(origins), key=lambda origin: origin.file)}.__getitem__


def invalid(
    terminal: Terminal, output: Output, findings: Sequence[Finding], text: Callable[[Sequence[Finding]], str]
) -> None:
    """Show why the documents mean nothing."""
    if output is Output.JSON:
        terminal.json(invalid_json(findings))
    else:
        terminal.answer(text(findings))


def invalid_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the same as JSON."""
    return {"formatVersion": 1, "valid": False, "findings": [finding.to_json() for finding in findings]}


def findings(
    terminal: Terminal,
    output: Format,
    report: Report,
    root: Path | None,
    *,
    text: Callable[[], str],
    json: Callable[[], Any],
) -> None:
    """Show what a check found in a format; its own `text` and `json` are made only where they are asked for."""
    if output is Format.TEXT:
        terminal.answer(text())
    elif output is Format.JSON:
        terminal.json(json())
    else:
        for_machines(terminal, output, report, root)


def for_machines(terminal: Terminal, output: Format, report: Report, root: Path | None) -> None:
    """Show what a check found as a CI system reads it; with github also in the job's summary. Raises OutputError.

    Such systems see files from the top of the checkout that `root` lies in; None is the working directory.
    """
    report = report.below(_below_checkout(root or Path.cwd()))
    match output:
        case Format.SARIF:
            from iamrbac.render.sarif import sarif

            terminal.json(sarif(report))
        case Format.JUNIT:
            from iamrbac.render.junit import junit

            terminal.answer(junit(report))
        case Format.GITLAB:
            from iamrbac.render.gitlab import gitlab

            terminal.json(gitlab(report))
        case Format.GITHUB:
            from iamrbac.render.github import job_summary, workflow_commands

            terminal.answer(workflow_commands(report))
            _summarize(job_summary(report))


def _below_checkout(folder: Path) -> str:
    """Return where a folder is in its Git checkout: "" at the top, and outside of any."""
    whole = Path(os.path.realpath(folder))
    top = next((one for one in (whole, *whole.parents) if (one / ".git").exists()), whole)
    return whole.relative_to(top).as_posix()


def _summarize(text: str) -> None:
    """Append to the summary of a GitHub job, where there is one. Raises OutputError."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(text)
    except OSError as error:
        reason = f"the job's summary cannot be written: {error.strerror}"
        raise OutputError(reason, where=file, hint="unset GITHUB_STEP_SUMMARY, or name a file in it") from error


def document(plan: Plan, repository: Repository) -> dict[str, Any]:
    """Return a plan's JSON, whose fingerprint looks at every object: not made where nobody asks for it."""
    from iamrbac.plan.document import plan_json

    return plan_json(plan, line_of(repository))


def plan(
    terminal: Terminal, output: Output, plan: Plan, repository: Repository, source: str = "the policies say"
) -> None:
    """Show a plan; `source` is what the clusters are to be like."""
    from iamrbac.render.plan import plan_text

    if output is Output.JSON:
        terminal.json(document(plan, repository))
    else:
        terminal.answer(plan_text(plan, line_of(repository), terminal.paint, source))


def refused(terminal: Terminal, findings: Sequence[Finding], failed: Iterable[FailedCluster]) -> int:
    """Write the lines of `apply -o json` that say why nothing was changed, and return the exit code."""
    from iamrbac.render.apply import summary_json

    terminal.line({"type": "refused", "findings": [finding.to_json() for finding in findings]})
    terminal.line(summary_json((), failed, 3))
    return 3


def keeping(terminal: Terminal, output: Output, edges: Edges, plan: Plan, run: Run) -> Keeping:
    """Return how a run keeps backups, which says where they are before the first write."""
    from iamrbac import wiring
    from iamrbac.render.apply import backup_json, backup_text

    def told(backup: BackedUp) -> None:
        if output is Output.JSON:
            terminal.line(backup_json(backup))
        terminal.step(backup_text(backup))

    lines = lines_of(edges.repository, (origin for change in plan.changes for origin in change.because))
    return wiring.keeping(run, terminal, terminal.warn, lines, told)


def apply(
    terminal: Terminal,
    output: Output,
    edges: Edges,
    plan: Plan,
    how: Applying,
    *,
    again: str = "iamrbac apply",
    still: bool = False,
) -> int:
    """Apply a plan, show each write as it happens, and return the exit code.

    `again` is the command that goes on where this one stopped. `still`: not all was in our hands, whatever is done.
    """
    from iamrbac.render.apply import event_json, event_text, summary_json, summary_text
    from iamrbac.usecases.apply import apply_plan
    from iamrbac.usecases.outcome import Delivered, Event, Outcome

    events: list[Event | Delivered] = []
    why: set[str] = set()
    """Why commits failed; said once, not for each object that was in them."""
    failed = [cluster.name for cluster in plan.failed] + [f"account {one.account}" for one in plan.failed_accounts]
    try:
        # Closing it stops the writers and waits for what they have begun, however this ends.
        with closing(apply_plan(edges, plan, how)) as written:
            for event in written:
                events.append(event)
                why |= {event.reason} if isinstance(event, Delivered) and event.reason else set()
                if output is Output.JSON:
                    terminal.line(event_json(event))
                elif isinstance(event, Event) and (
                    event.outcome is Outcome.WAITING or event.commit or _told(event, why)
                ):
                    continue
                elif isinstance(event, Event) and event.outcome is Outcome.DONE:
                    terminal.step(event_text(event, terminal.paint))
                else:
                    terminal.answer(event_text(event, terminal.paint))
    except KeyboardInterrupt:
        if output is Output.JSON:
            terminal.line(summary_json(events, plan.failed, 130, how.allowed))
        terminal.error(
            f"interrupted after at least {len(events)} of {len(plan.changes)} changes; `{again}` goes on from here"
        )
        return 130
    undone = any(event.outcome not in (Outcome.DONE, Outcome.PROPOSED) for event in events)
    code = 6 if undone or still else 1 if failed else 0
    if output is Output.JSON:
        terminal.line(summary_json(events, plan.failed, code, how.allowed))
    elif events:
        terminal.answer(summary_text(events, failed, again))
    return code


def _told(event: Event, why: Collection[str]) -> bool:
    return bool(event.reason) and event.reason in why
