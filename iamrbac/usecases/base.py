"""What judges a change: the config and the waivers of the base, never those of the branch."""

from __future__ import annotations

from dataclasses import dataclass

from iamrbac.compile.documents import Sourced
from iamrbac.findings.finding import Finding
from iamrbac.findings.order import in_order
from iamrbac.model.documents import Config
from iamrbac.model.parse import CONFIG_FILE
from iamrbac.model.waivers import WAIVERS_FILE, Waiver, Waivers
from iamrbac.usecases.load import load, load_beside
from iamrbac.usecases.ports import Repository


@dataclass(frozen=True, slots=True)
class BaseRules:
    """The documents of the base that judge, and where they lie."""

    config: Config
    documents: tuple[Sourced[Waivers], ...]
    repository: Repository

    def waivers(self, rules: str) -> tuple[tuple[str, int, Waiver], ...]:
        """Return the waivers of rules that begin so, each with its file and its place there."""
        return tuple(
            (one.file, index, waiver)
            for one in self.documents
            for index, waiver in enumerate(one.document.waivers)
            if waiver.rule.startswith(rules)
        )


def base_rules(repository: Repository) -> BaseRules | tuple[Finding, ...]:
    """Return what judges in a base, or the findings that say why nobody knows. Raises RepositoryError."""
    loaded = load(repository)
    waivers, broken = load_beside(repository, WAIVERS_FILE, Waivers)
    wrong = tuple(one for one in loaded.findings if one.file == CONFIG_FILE)
    if loaded.readable is None or broken or wrong:
        return in_order((*wrong, *broken))
    return BaseRules(loaded.readable.config.document, waivers, repository)
