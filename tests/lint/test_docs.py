"""docs/rules.md is what the rules say of themselves; `UPDATE_GOLDEN=1` writes it."""

from __future__ import annotations

import re

from iamrbac.lint.rule import Example, LintRule
from iamrbac.lint.rules import RULES
from iamrbac.render.lint import example_place, example_text, levels_text
from tests.conftest import ROOT
from tests.golden import compare

_HEAD = """\
# The rules of `iamrbac lint`

Written from the rules themselves, whose examples are their tests. Rights are judged as the API server would judge them,
whatever a role is called; one finding stands at each policy line (or manifest) that gives them. `iamrbac lint --explain
RULE` shows the same on a terminal.

- **error**: it reaches further than its line seems to: the whole cluster, other people's namespaces, credentials; or it
  does nothing, and whoever wrote it believes otherwise.
- **warning**: it takes over what is in the namespace, or a guard of it.
- **info**: worth knowing, and what an ordinary role needs.

What holds for some names only (`resourceNames`) weighs one level less, and so does a role in manifests that nothing
there binds. Privileged namespaces are those of `lint.privilegedNamespaces` in iamrbac.yaml. A finding is accepted for a
while in waivers.yaml, by rule, team, role, clusters and namespaces, with a reason and an end.

| rule | what somebody may do, or what is wrong | level |
|---|---|---|
"""


def _example(word: str, example: Example) -> str:
    return f"{word}, {example_place(example)}:\n\n```yaml\n{example_text(example)}\n```\n"


def _linked(reference: str) -> str:
    return re.sub(r"(https://\S+)", r"<\1>", reference)


def _section(rule: LintRule) -> str:
    references = "\n".join(f"- {_linked(one)}" for one in rule.references)
    return (
        f"\n## {rule.id} {rule.title}\n\n{levels_text(rule.levels).capitalize()}.\n\n{rule.why}\n\n"
        f"**What to do.** {rule.fix}\n\n{_example('Bad', rule.bad)}\n{_example('Good', rule.good)}\n{references}\n"
    )


def test_the_page_of_rules_is_current() -> None:
    table = "".join(f"| [{one.id}](#{_anchor(one)}) | {one.title} | {levels_text(one.levels)} |\n" for one in RULES)
    compare(_HEAD + table + "".join(map(_section, RULES)), ROOT / "docs" / "rules.md")


def test_readme_counts_the_rules() -> None:
    assert f"[{len(RULES)} rules](docs/rules.md)" in (ROOT / "README.md").read_text()


def _anchor(rule: LintRule) -> str:
    """GitHub's anchor of a heading."""
    return re.sub(r"[^a-z0-9 -]", "", f"{rule.id} {rule.title}".lower()).replace(" ", "-")
