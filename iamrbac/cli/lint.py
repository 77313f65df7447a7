"""`iamrbac lint`."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.asking import FilesOption
from iamrbac.cli.options import Format, FormatOption, NoColorOption, RepoOption
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError


class FailOn(StrEnum):
    """The lowest level that says no."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


class Shown(StrEnum):
    """The lowest level that is shown."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


def command(
    fail_on: Annotated[
        FailOn | None, typer.Option("--fail-on", help="The lowest level that says no; default: lint.failOn, or error.")
    ] = None,
    level: Annotated[
        Shown, typer.Option("--level", help="The lowest level that the text shows one by one; JSON has them all.")
    ] = Shown.WARNING,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="RULE", help="Explain a rule: why, what to do, examples; `all` lists them."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="REV", help="Take lint's settings and the waivers from this revision."),
    ] = None,
    files: FilesOption = None,
    repo: RepoOption = None,
    output: FormatOption = Format.TEXT,
    no_color: NoColorOption = False,
) -> int:
    """Say what in the policies is dangerous, or silently does nothing: no cluster, no AWS, no credentials.

    Rights are judged as the API server would, never by the names of roles: what every line gives on every cluster, of
    templates, ClusterRoles and EKS access policies, also what several lines give together and where it leads to through
    service accounts. waivers.yaml takes findings away for a while; in a pull request --base takes it from the base,
    since no branch accepts for itself. -f judges a file or folder of manifests instead.

    Exit codes: 0 nothing of the level that fails; 1 the repository or the base cannot be read; 3 there is, or invalid
    documents; 64 no such rule or PATH.

    Examples:
      iamrbac lint
      iamrbac lint --level info
      iamrbac lint --base origin/main
      iamrbac lint --fail-on warning -o json
      iamrbac lint -o sarif > lint.sarif
      iamrbac lint -f manifests/
      iamrbac lint --explain IAM020
    """
    from iamrbac import wiring
    from iamrbac.findings.finding import Level
    from iamrbac.render.findings import findings_text
    from iamrbac.render.lint import lint_json, lint_report, lint_text
    from iamrbac.render.report import Report
    from iamrbac.usecases.base import base_rules
    from iamrbac.usecases.lint import lint_manifests, lint_policies
    from iamrbac.wiring import git

    terminal = Terminal(no_color=no_color)
    if explain is not None:
        return _explain(terminal, explain, output)
    builtin = wiring.builtin()
    root: Path | None = None
    if files is not None:
        if repo is not None or base is not None:
            raise UsageError(
                "--filename judges manifests, which are of no repository", hint="leave --repo and --base out"
            )
        linted = lint_manifests(*wiring.placed_manifests(files), builtin.rbac, builtin.catalogue)
    else:
        repository = wiring.repository(repo)
        root = Path(repository.root)
        with git.base_repository(root, base) if base is not None else nullcontext() as judging:
            rules = base_rules(judging) if judging is not None else None
            if isinstance(rules, tuple):
                terminal.error(f"the rules of {base} are invalid, so nobody knows them. Next: mend them there first")
                show.findings(
                    terminal,
                    output,
                    Report("lint", rules),
                    root,
                    text=lambda: findings_text(rules),
                    json=lambda: show.invalid_json(rules),
                )
                return 1
            linted = lint_policies(
                repository,
                wiring.roles(root),
                builtin.rbac,
                builtin.catalogue,
                at_now(),
                rules,
                reviewed=base is not None,
            )
    for note in linted.notes:
        terminal.step(f"note: {note}")
    least = fail_on.value if fail_on is not None else linted.settings.fail_on
    failing = None if least == FailOn.NEVER else Level(least)
    shown = Level.INFO if failing is Level.INFO else Level(level.value)
    show.findings(
        terminal,
        output,
        lint_report(linted, failing),
        root,
        text=lambda: lint_text(linted, shown, terminal.paint) if linted.valid else findings_text(linted.findings),
        json=lambda: lint_json(linted, failing),
    )
    return 3 if linted.fails(failing) else 0


def _explain(terminal: Terminal, name: str, output: Format) -> int:
    """Explain one rule, or list all. Raises UsageError for one that there is not."""
    from iamrbac.lint.rules import BY_ID, RULES
    from iamrbac.model.suggest import did_you_mean
    from iamrbac.render.lint import rule_json, rule_text, rules_text

    rule = BY_ID.get(name.strip().upper())
    if rule is None and name != "all":
        hint = did_you_mean(name, BY_ID, "iamrbac lint --explain all lists them")
        raise UsageError(f"lint has no rule {name}", hint=hint)
    if output is Format.JSON:
        terminal.json({"formatVersion": 1, "rules": [rule_json(one) for one in ((rule,) if rule else RULES)]})
    else:
        terminal.answer(rules_text(RULES, terminal.paint) if rule is None else rule_text(rule, terminal.paint))
    return 0
