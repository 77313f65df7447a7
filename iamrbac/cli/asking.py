"""What `can`, `who-can` and `access` share on the command line: of what they are asked, and what about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from iamrbac.cli import completing, show
from iamrbac.cli.options import Output
from iamrbac.cli.people import people_of
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError
from iamrbac.model.origin import Origin

if TYPE_CHECKING:
    from iamrbac.rbac.objects import Request
    from iamrbac.usecases.ground import Ground

LiveOption: TypeAlias = Annotated[
    bool, typer.Option("--live", help="Ask the clusters as they are now, with what is not ours, not the policies.")
]
FilesOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--filename", "-f", metavar="PATH", help="Ask a file or folder of manifests, not the policies."),
]
NamespaceOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--namespace", "-n", help="Where; without it, in the whole cluster.", autocompletion=completing.namespaces
    ),
]
SubresourceOption: TypeAlias = Annotated[str, typer.Option("--subresource", help="log, exec, scale, …")]


def ground_of(
    terminal: Terminal,
    repo: Path | None,
    clusters: list[str] | None,
    live: bool,
    files: Path | None,
    people: Path | None,
) -> tuple[Ground, Callable[[Origin], str]]:
    """Return what is asked, and a function that turns an origin into FILE:LINE. Raises UsageError."""
    from iamrbac import wiring
    from iamrbac.usecases.ground import file_ground, live_ground, policy_ground

    if sum((live, files is not None, people is not None)) > 1:
        raise UsageError("--live, --filename and --identities exclude each other", hint="choose one")
    builtin = wiring.builtin().rbac
    if files is not None:
        if clusters or repo is not None:
            raise UsageError(
                "--filename asks manifests, which are of no cluster", hint="leave --cluster and --repo out"
            )
        return file_ground(*wiring.manifests(files), builtin), lambda origin: origin.file
    names = tuple(clusters or ())
    if live:
        edges = wiring.edges(repo)
        return live_ground(edges, builtin, at_now(), names), show.line_of(edges.repository)
    repository = wiring.repository(repo)
    roles = wiring.roles(Path(repository.root))
    saved = people_of(terminal, people)
    known = saved.known if saved is not None else None
    return policy_ground(repository, roles, builtin, at_now(), names, known), show.line_of(repository)


def refused(terminal: Terminal, output: Output, ground: Ground) -> bool:
    """Say why there is nothing to ask, if there is nothing."""
    from iamrbac.render.findings import findings_text

    if ground.failed:
        show.invalid(terminal, output, ground.findings, findings_text)
    return ground.failed


def say(terminal: Terminal, ground: Ground, namespace: str, note: str = "") -> None:
    """Say what to know beside the answers: notes, a namespace that is not there, clusters that could not be read."""
    for one in (*ground.notes, *([note] if note else [])):
        terminal.step(f"note: {one}")
    lacking = ground.lacking(namespace)
    if lacking:
        terminal.step(f"note: there is no namespace {namespace} on {', '.join(lacking)}, as far as is known")
    for failure in ground.failures:
        hint = f". Next: {failure.hint}" if failure.hint else ""
        terminal.error(f"[{failure.code}] {failure.name}: {failure.message}{hint}")


def question(verb: str, resource: str, namespace: str, everywhere: bool, subresource: str) -> tuple[Request, str, bool]:
    """Return what is asked, a note, and whether `everywhere` means anything of it. Raises UsageError."""
    from iamrbac import wiring
    from iamrbac.access.naming import in_namespaces, request_of

    if everywhere and namespace:
        raise UsageError("--namespace and --all-namespaces exclude each other", hint="choose one")
    catalogue = wiring.builtin().catalogue
    request, note = request_of(verb, resource, catalogue, namespace, subresource)
    anywhere = everywhere and in_namespaces(request, catalogue)
    if everywhere and not anywhere:
        note = "; ".join(filter(None, (note, f"{resource} is in no namespace, so -A does not count")))
    return request, note, anywhere
