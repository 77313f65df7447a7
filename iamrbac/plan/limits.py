"""What EKS or Kubernetes would refuse for its size, foreign entries and rows counted too: said before the first write.

Entries of a cluster and policies of an entry: eks-facts §1.2 (service quotas, CloudFormation's schema). An object's
annotations: 256 KiB (apimachinery, ValidateAnnotations). The size of aws-auth itself is judged where it is edited.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Final

from iamrbac.compile import names
from iamrbac.compile.principals import MOST_ENTRIES, MOST_POLICIES
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.plan.change import Action, ClusterPlan
from iamrbac.plan.form import owned_rows
from iamrbac.plan.keeps import rows_after
from iamrbac.plan.simulate import owned_after

MOST_ANNOTATIONS: Final = 256 * 1024
"""Bytes of keys and values of an object's annotations."""


def limit_findings(plan: ClusterPlan, instance: str) -> tuple[Finding, ...]:
    """Return an error for each limit that this plan's writes would meet; () where it adds nothing."""
    return (*_entries(plan), *_policies(plan), *_aws_auth(plan, instance))


def _entries(plan: ClusterPlan) -> Iterator[Finding]:
    there = {item.key for item in plan.state.objects if item.key.kind == "AccessEntry"}
    mapping = [change for change in plan.changes if change.key.kind == "AccessEntry"]
    after = (there - {one.key for one in mapping if one.after is None}) | {
        one.key for one in mapping if one.after is not None
    }
    if len(after) > MOST_ENTRIES and len(after) > len(there):
        ours = len([key for key in after if key not in there])
        yield _error(
            plan,
            "MAP106",
            f"{ours} more access entries make {len(after)}, those of others counted, and EKS has room for "
            f"{MOST_ENTRIES} on a cluster",
            "let people assume a role (iamRole, permissionSet) in place of an entry for each, or remove others",
            f"Cluster/{plan.name}",
        )


def _policies(plan: ClusterPlan) -> Iterator[Finding]:
    """Count what an entry has at the most: new policies come before old ones go (plan.order)."""
    going = {change.key for change in plan.changes if change.key.kind == "AccessEntry" and change.after is None}
    remade = {change.key.name for change in plan.changes if change.action is Action.REPLACE}
    there: Counter[str] = Counter()
    for item in plan.state.objects:
        # An entry that is made anew loses what it has first.
        if isinstance(item.spec, PolicyAssociation) and item.spec.principal not in remade:
            there[item.spec.principal] += 1
    new: Counter[str] = Counter()
    for change in plan.changes:
        spec = change.after.spec if change.after is not None else None
        if isinstance(spec, PolicyAssociation) and change.action in (Action.CREATE, Action.REPLACE):
            new[spec.principal] += 1
    gone = {key.name for key in going}
    for principal in sorted(new):
        most = there[principal] + new[principal]
        if most > MOST_POLICIES and principal not in gone:
            yield _error(
                plan,
                "MAP107",
                f"{principal} would have {most} EKS access policies for a moment, new ones before old ones go, and EKS "
                f"has room for {MOST_POLICIES} on an entry",
                "give the new ones in one change and take the old ones away in an earlier one",
                f"AccessEntry/{principal}",
            )


def _aws_auth(plan: ClusterPlan, instance: str) -> Iterator[Finding]:
    if plan.aws_auth is None or plan.state.aws_auth is None:
        return
    was = plan.state.aws_auth
    rows = [change for change in plan.changes if change.key.kind == "AwsAuthRow"]
    owned = owned_after(owned_rows(was, instance) or frozenset(), rows)
    annotations = {**was.annotations, names.rows_annotation(instance): json.dumps(sorted(owned))}
    if (kept := rows_after(was, instance, rows)) is not None:
        annotations[names.keeps_annotation(instance)] = kept
    size = sum(len(key.encode()) + len(text.encode()) for key, text in annotations.items())
    if size > MOST_ANNOTATIONS and len(owned) > len(owned_rows(was, instance) or ()):
        yield _error(
            plan,
            "MAP113",
            f"the annotation that says which {len(owned)} rows of aws-auth are ours would make {size} bytes of "
            f"annotations, and an object has room for {MOST_ANNOTATIONS}",
            "let people assume a role in place of a row for each, or use access entries on this cluster",
            "ConfigMap/kube-system/aws-auth",
        )


def _error(plan: ClusterPlan, id_: str, message: str, hint: str, about: str) -> Finding:
    return Finding(id_, Level.ERROR, message, hint, cluster=plan.name, object=about)
