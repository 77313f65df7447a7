"""`iamrbac can VERB RESOURCE`: about whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from iamrbac.cli import show
from iamrbac.cli.asking import ground_of, question, refused, say
from iamrbac.cli.options import Output
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.rbac.objects import Request


@dataclass(frozen=True, slots=True)
class Me:
    """A question about me, as it was written."""

    terminal: Terminal
    verb: str
    resource: str
    namespace: str
    all_namespaces: bool
    subresource: str
    groups: tuple[str, ...]

    def answer(
        self,
        repo: Path | None,
        clusters: list[str] | None,
        live: bool,
        files: Path | None,
        identities: Path | None,
        output: Output,
    ) -> int:
        """Answer it and return the exit code. Raises UsageError before anybody is asked, and AwsError."""
        from iamrbac.rbac.catalogue import VERBS

        if self.resource in VERBS and self.verb not in VERBS:
            message = f"a question needs VERB and RESOURCE, and {self.verb} {self.resource} has no resource"
            raise UsageError(message, hint=f"iamrbac can {self.verb} {self.resource} RESOURCE")
        if files is not None:
            hint = "name PRINCIPAL: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME"
            raise UsageError("manifests map nobody, so they know nothing of me", hint=hint)
        request, note, _ = question(self.verb, self.resource, self.namespace, self.all_namespaces, self.subresource)
        if live and identities is None:
            return self._live(repo, clusters, request, note, output)
        return self._by_policies(repo, clusters, live, identities, request, note, output)

    def _live(self, repo: Path | None, clusters: list[str] | None, request: Request, note: str, output: Output) -> int:
        from iamrbac import wiring
        from iamrbac.render.can_i import allowed, rulings_json, rulings_text
        from iamrbac.render.findings import findings_text
        from iamrbac.usecases.can_i import can_i

        if self.groups:
            raise UsageError("a cluster answers for the groups that I have", hint="use --as-group without --live")
        found = can_i(wiring.own_edges(repo), request, tuple(clusters or ()))
        if not found.caller:
            show.invalid(self.terminal, output, found.findings, findings_text)
            return 3
        self.terminal.step(f"I am {found.caller}")
        if note:
            self.terminal.step(f"note: {note}")
        for failure in found.failures:
            hint = f". Next: {failure.hint}" if failure.hint else ""
            self.terminal.error(f"[{failure.code}] {failure.name}: {failure.message}{hint}")
        if output is Output.JSON:
            self.terminal.json(rulings_json(found))
        elif found.rulings:
            self.terminal.answer(rulings_text(found, request, self.terminal.paint))
        return _code(allowed(found))

    def _by_policies(
        self,
        repo: Path | None,
        clusters: list[str] | None,
        live: bool,
        identities: Path | None,
        request: Request,
        note: str,
        output: Output,
    ) -> int:
        from iamrbac import wiring
        from iamrbac.render.can import answers_json, answers_text, together
        from iamrbac.usecases.ask import ask_me

        ground, line = ground_of(self.terminal, repo, clusters, live, None, identities)
        if refused(self.terminal, output, ground):
            return 3
        arn = wiring.me()
        self.terminal.step(f"I am {arn}")
        answers = ask_me(ground, arn, request, self.groups)
        worlds = {name: judge.world for name, judge in ground.judges.items()}
        say(self.terminal, ground, request.namespace, note)
        if output is Output.JSON:
            self.terminal.json(answers_json(answers, ground.failures, worlds, line))
        else:
            self.terminal.answer(answers_text(answers, worlds, request, "I", line, self.terminal.paint))
        if any(answer.unknown for answer in answers) and identities is None:
            self.terminal.step("note: --identities FILE knows who is in which group; --live asks the clusters about me")
        return _code(together(answers, ground.failures))


def _code(allowed: bool | None) -> int:
    return 0 if allowed else 1 if allowed is None else 3
