"""A proposal as the files of a repository, written as people write them: a member, a line, a rule each on its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from iamrbac.gitops.yaml_text import Json, scalar, yaml_text
from iamrbac.importing.proposal import Proposal
from iamrbac.model.documents import AccessPolicy
from iamrbac.rbac.objects import Rule

_BRACE = r"\x7B"
"""A brace in a quoted text, which to the template engine is none."""
_WIDTH = 160


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
    spec = value["spec"]
    lines = [
        "# Imported by iamrbac import: it gives what there was. Names of teams and sets are yours to choose.",
        f"apiVersion: {value['apiVersion']}",
        f"kind: {value['kind']}",
        f"metadata: {_flow(value['metadata'])}",
        "spec:",
        "  members:",
    ]
    for name, members in spec["members"].items():
        whole = f"    {scalar(name)}: {_flow(members)}"
        lines += [whole] if len(whole) <= _WIDTH else [f"    {scalar(name)}:", *_items(members, 6)]
    lines += ["  access:", *_items(spec["access"], 4)]
    return "".join(f"{line}\n" for line in lines)


def template_text(name: str, rules: tuple[Rule, ...]) -> str:
    """Return rules as a role template that renders to exactly these."""
    head = ["{#", f"  {name}: imported by iamrbac import.", "#}"]
    if not rules:
        return "".join(f"{line}\n" for line in [*head, "rules: []"])
    body: list[str] = []
    for rule in rules:
        first, *rest = [f"{key}: {_list(values)}" for key, values in _parts(rule).items()]
        body += [f"  - {first}", *(f"    {line}" for line in rest)]
    return "".join(f"{line}\n" for line in [*head, "rules:", *body])


def _items(values: Sequence[Json], indent: int) -> list[str]:
    """Return list items, each on one line where there is room."""
    lines: list[str] = []
    for value in values:
        whole = f"{' ' * indent}- {_flow(value)}"
        lines += [whole] if len(whole) <= _WIDTH else yaml_text([value], indent).splitlines()
    return lines


def _flow(value: Json) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, str):
        # A colon in a flow mapping is read in more than one way.
        text = scalar(value)
        return f'"{text}"' if ":" in text and not text.startswith('"') else text
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value)


def _list(values: tuple[str, ...]) -> str:
    return _flow(values).replace("{", _BRACE)


def _parts(rule: Rule) -> dict[str, tuple[str, ...]]:
    parts = {
        "apiGroups": rule.api_groups,
        "resources": rule.resources,
        "resourceNames": rule.resource_names,
        "nonResourceURLs": rule.non_resource_urls,
        "verbs": rule.verbs,
    }
    return {key: values for key, values in parts.items() if values}
