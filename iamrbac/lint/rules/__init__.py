"""All rules of lint, one file for each subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iamrbac.lint.rule import LintRule
from iamrbac.lint.rules import (
    aggregation,
    bindings,
    certificates,
    configmaps,
    credentials,
    extensions,
    impersonation,
    inert,
    lines,
    network,
    nodes,
    paths,
    readers,
    roles_and_bindings,
    subjects,
    wildcards,
    words,
    workloads,
)

_FILES: Final = (
    aggregation,
    bindings,
    certificates,
    configmaps,
    credentials,
    extensions,
    impersonation,
    inert,
    lines,
    network,
    nodes,
    paths,
    readers,
    roles_and_bindings,
    subjects,
    wildcards,
    words,
    workloads,
)
RULES: Final[tuple[LintRule, ...]] = tuple(
    sorted((rule for file in _FILES for rule in file.RULES), key=lambda rule: rule.id)
)
"""Sorted by id."""
BY_ID: Final[Mapping[str, LintRule]] = {rule.id: rule for rule in RULES}
