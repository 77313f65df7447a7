"""The text that a template rendered to → rules, as Kubernetes would take them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from iamrbac.rbac.objects import Rule
from iamrbac.rbac.validate import rule_problems
from iamrbac.rbac.wire import rule_from_json
from iamrbac.roles import faults
from iamrbac.roles.faults import TemplateError
from iamrbac.roles.grammar import guess

FIELDS = ("apiGroups", "resources", "resourceNames", "nonResourceURLs", "verbs")
_SHAPE = "a role template renders to `rules:` with a list, and to nothing else: kind, names and labels are ours"


def parse(text: str) -> tuple[Rule, ...]:
    """Return the rules. Raises TemplateError; all invalid rules at once."""
    value = _load(text)
    if not isinstance(value, dict) or list(value) != ["rules"]:
        raise TemplateError(faults.NOT_RULES, f"it renders to {_described(value)}", _SHAPE)
    rules = value["rules"]
    if not isinstance(rules, list):
        raise TemplateError(faults.NOT_RULES, "`rules:` is not a list", "write `rules: []` when there are none")
    problems: list[str] = []
    parsed = [_rule(rule, f"rules[{index}]", problems) for index, rule in enumerate(rules)]
    if problems:
        raise TemplateError(
            faults.INVALID_RULE, "; ".join(problems), "correct these rules: Kubernetes would refuse the role"
        )
    return tuple(rule for rule in parsed if rule is not None)


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: the first would vanish without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping. Raises ConstructorError."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _load(text: str) -> Any:
    try:
        return _Loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f" in line {mark.line + 1} of its output, {_excerpt(text, mark.line)}" if mark is not None else ""
        why = ", ".join(part for part in (error.context, error.problem) if part)
        raise TemplateError(faults.NOT_YAML, f"it does not render to YAML: {why}{at}", _SHAPE) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TemplateError(faults.NOT_YAML, "it does not render to YAML", _SHAPE) from error


def _rule(value: Any, where: str, problems: list[str]) -> Rule | None:
    if not isinstance(value, dict):
        problems.append(f"{where}: expected a mapping with {', '.join(FIELDS)}")
        return None
    for key in value:
        if key not in FIELDS:
            near = guess(str(key), FIELDS)
            problems.append(f"{where}: there is no field {key!r}" + (f" ({near})" if near else ""))
    try:
        rule = rule_from_json(value, where)
    except ValueError as error:
        problems.append(str(error))
        return None
    # Whether a rule may stand in a namespace is judged by the compiler: the same template serves both scopes.
    problems += rule_problems(rule, where, namespaced=False)
    return rule


def _described(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return f"a mapping with {', '.join(map(str, value)) or 'nothing in it'}"
    return f"a {type(value).__name__}"


def _excerpt(text: str, line: int) -> str:
    lines = text.splitlines()
    return repr(lines[line].strip()[:60]) if line < len(lines) else "at its end"
