"""A proposal as the files of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.gitops.yaml_text import Json, yaml_text
from iamrbac.importing.proposal import Proposal
from iamrbac.model.documents import AccessPolicy
from iamrbac.rbac.objects import Rule

_BRACE = r"\x7B"
"""A brace in a quoted text, which to the template engine is none."""


def files(proposal: Proposal) -> dict[str, str]:
    """Return path → text, by path."""
    found = {policy_file(one): policy_text(one) for one in proposal.policies}
    found |= {template_file(name): template_text(name, rules) for name, rules in proposal.templates.items()}
    return dict(sorted(found.items()))


def policy_file(policy: AccessPolicy) -> str:
    """Return where a policy stands."""
    return f"policies/{policy.metadata.name}.yaml"


def template_file(name: str) -> str:
    """Return where a template stands."""
    return f"templates/roles/{name}.yaml.j2"


def policy_text(policy: AccessPolicy) -> str:
    """Return a policy as YAML, without what is not said."""
    value: dict[str, Any] = policy.model_dump(mode="json", by_alias=True, exclude_unset=True)
    head = (
        "# Imported from a cluster by iamrbac import. What it gives is what there was; names are for you to choose.\n"
    )
    return head + yaml_text(value)


def template_text(name: str, rules: tuple[Rule, ...]) -> str:
    """Return rules as a role template that renders to exactly these."""
    value: Json = {"rules": [_rule(rule) for rule in rules]}
    body = yaml_text(value)
    lines = [line if "{" not in line else _braced(line) for line in body.splitlines()]
    return f"{{#\n  {name}: imported from a cluster by iamrbac import.\n#}}\n" + "".join(f"{line}\n" for line in lines)


def _braced(line: str) -> str:
    """Write the braces of a quoted text as escapes; `{}` and the like do not occur."""
    return line.replace("{", _BRACE)


def _rule(rule: Rule) -> Mapping[str, Json]:
    parts: dict[str, tuple[str, ...]] = {
        "apiGroups": rule.api_groups,
        "resources": rule.resources,
        "resourceNames": rule.resource_names,
        "nonResourceURLs": rule.non_resource_urls,
        "verbs": rule.verbs,
    }
    return {key: list(values) for key, values in parts.items() if values}
