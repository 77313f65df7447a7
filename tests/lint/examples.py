"""Runs an example of a rule as its user would: in a repository of one policy and one template, or as manifests."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path

from iamrbac import wiring
from iamrbac.findings.finding import Finding
from iamrbac.lint.rule import Example
from iamrbac.usecases.lint import lint_manifests, lint_policies

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONFIG = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {name: acme}
identity: {account: "111122223333", groups: users}
clusters:
  - {name: production, account: "111122223333", region: eu-west-1, mapping: access-entries}
"""
POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    developers: [{iamGroup: payments-developers}]
  access:
    - {clusters: [production], PLACE, reason: to try it, role: ROLE}
"""


def write(root: Path, example: Example) -> None:
    """Write an example's repository, or its manifests."""
    if example.kind == "manifests":
        (root / "manifests.yaml").write_text(example.text)
        return
    (root / "iamrbac.yaml").write_text(CONFIG)
    (root / "policies").mkdir()
    if example.kind == "documents":
        for number, text in enumerate(example.text.split("---\n")):
            (root / "policies" / f"{number}.yaml").write_text(text)
        return
    place = "scope: cluster" if example.kind == "cluster" else f"namespaces: [{example.namespace}]"
    policy = POLICY.replace("PLACE", place).replace("ROLE", example.role)
    (root / "policies" / "payments.yaml").write_text(policy)
    templates = root / "templates" / "roles"
    templates.mkdir(parents=True)
    (templates / f"{example.role}.yaml.j2").write_text(f"rules:\n{textwrap.indent(example.text, '  ')}\n")


def lint(root: Path, example: Example) -> tuple[Finding, ...]:
    """Return what lint says of an example."""
    write(root, example)
    builtin = wiring.builtin()
    if example.kind == "manifests":
        placed, broken = wiring.placed_manifests(root / "manifests.yaml")
        linted = lint_manifests(placed, broken, builtin.rbac, builtin.catalogue)
    else:
        linted = lint_policies(wiring.repository(root), wiring.roles(root), builtin.rbac, builtin.catalogue, AT)
    assert linted.valid, linted.findings
    return linted.findings
