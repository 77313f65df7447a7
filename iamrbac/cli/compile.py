"""`iamrbac compile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from iamrbac.cli import show
from iamrbac.cli.options import (
    ClusterOption,
    NoColorOption,
    Output,
    OutputOption,
    QuietOption,
    RepoOption,
    VerboseOption,
)
from iamrbac.cli.people import IdentitiesOption, people_of
from iamrbac.cli.planning import at_of
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError
from iamrbac.render.compiled import CompileForm

if TYPE_CHECKING:
    from iamrbac.compile.desired import Compiled
    from iamrbac.usecases.ports import People


FormOption: TypeAlias = Annotated[
    CompileForm, typer.Option("--form", help="manifests and iam need no AWS; the others ask IAM who is who.")
]


def command(
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    form: FormOption = "manifests",
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Compile for this time (RFC 3339 with offset), not now.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write one file for each object into this folder.")
    ] = None,
    identities: IdentitiesOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Write the objects that the policies mean: the same documents always give the same bytes.

    Namespaces come from each cluster's catalogue in iamrbac.yaml. With --out, files of an earlier run that are not
    wanted any more are removed; files of others stay. CLUSTER/principals.yaml says who carries which group; it is
    for people and tools, and no Kubernetes object. The form iam shows the roles and group policies that sets with
    `via: role` need in IAM, of all clusters, whichever are named.

    Exit codes: 0 compiled; 1 IAM or the folder could not be read or written; 3 the documents are invalid, and nothing
    was written.

    Examples:
      iamrbac compile --cluster staging
      iamrbac compile --out build/
      iamrbac compile --form access-entries --cluster staging
      iamrbac compile --form aws-auth --identities people.json
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.compile import CompileRequest, compile_repository

    if out is not None and (form != "manifests" or output is not Output.TEXT):
        raise UsageError("--out writes manifests only", hint="send the answer of this form to a file: > FILE")
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    repository = wiring.repository(repo)
    saved = people_of(terminal, identities)
    request = CompileRequest(
        at=at_of(at),
        form=form if form == "access-entries" or form == "aws-auth" else "neutral",
        clusters=tuple(cluster or ()),
    )

    def people() -> People:
        return saved if saved is not None else wiring.people()

    result = compile_repository(repository, wiring.roles(Path(repository.root)), people, request)
    if result.compiled is None:
        show.invalid(terminal, output, result.findings, findings_text)
        return 1 if result.unread else 3
    if result.findings and output is Output.TEXT:
        terminal.step(findings_text(result.findings))
    if out is not None:
        _write(terminal, result.compiled, out, request.clusters)
    else:
        _answer(terminal, result.compiled, form, output)
    return 0


def _write(terminal: Terminal, compiled: Compiled, out: Path, clusters: tuple[str, ...]) -> None:
    from iamrbac import wiring
    from iamrbac.render.compiled import compiled_files

    written = wiring.output_folder(out).write(compiled_files(compiled), clusters or None)
    terminal.answer(
        f"{out}: {written.written} files written, {written.unchanged} unchanged, {written.removed} removed."
    )


def _answer(terminal: Terminal, compiled: Compiled, form: CompileForm, output: Output) -> None:
    from iamrbac.render.compiled import compiled_json, compiled_text

    if output is Output.JSON or form in ("access-entries", "iam"):
        terminal.json(compiled_json(compiled, form))
    else:
        terminal.answer("".join(compiled_text(compiled, form)))
