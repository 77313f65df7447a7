"""What `compile` answers: manifests as one stream or as files, access entries as JSON, aws-auth rows as YAML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

from iamrbac.compile.desired import ClusterDesired, Compiled, Desired
from iamrbac.compile.manifest import manifest_json
from iamrbac.gitops.manifests import KUBERNETES, Manifests, principals_json
from iamrbac.gitops.yaml_text import yaml_text
from iamrbac.identity.assumable import PATH, AssumableRole, GroupPolicy
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation

CompileForm: TypeAlias = Literal["manifests", "access-entries", "aws-auth", "iam"]
_ROW_ARN = {"mapRoles": "rolearn", "mapUsers": "userarn"}


def compiled_text(compiled: Compiled, form: CompileForm) -> Iterator[str]:
    """Yield the answer in parts: YAML documents behind a comment that names the cluster.

    Access entries have no YAML of their own; they are JSON, see `compiled_json`.
    """
    manifests = Manifests()
    for desired in compiled.clusters.values():
        if form == "aws-auth":
            yield f"---\n# cluster {desired.cluster}: rows for kube-system/aws-auth\n{yaml_text(_rows(desired))}"
            continue
        yield f"---\n# cluster {desired.cluster}: who carries which group\n{yaml_text(principals_json(desired))}"
        for item in desired.objects:
            if item.key.kind in KUBERNETES:
                yield f"---\n# cluster {desired.cluster}\n{manifests.text(item)}"


def compiled_files(compiled: Compiled) -> Iterator[tuple[str, str]]:
    """Yield every file's path and text: CLUSTER/NAMESPACE/KIND-NAME.yaml, and CLUSTER/principals.yaml.

    `_cluster` stands for objects without a namespace: no namespace can have an underscore in its name.
    """
    manifests = Manifests()
    for desired in compiled.clusters.values():
        yield f"{desired.cluster}/principals.yaml", yaml_text(principals_json(desired))
        for item in desired.objects:
            if item.key.kind in KUBERNETES:
                yield _path(item), manifests.text(item)


def compiled_json(compiled: Compiled, form: CompileForm) -> dict[str, Any]:
    """Return the answer of `-o json`; access entries in the words of the EKS API."""
    if form == "iam":
        # Of no cluster: IAM is the same for all of them.
        answer: dict[str, Any] = {"clusters": [], "accounts": _accounts(compiled.iam)}
    else:
        answer = {"clusters": [_cluster_json(desired, form) for desired in compiled.clusters.values()]}
    return {
        "formatVersion": 1,
        "form": form,
        **answer,
        "findings": [finding.to_json() for finding in compiled.findings],
    }


def _accounts(iam: Iterable[Desired]) -> list[dict[str, Any]]:
    """Return roles and group policies in the words of the IAM API."""
    accounts: dict[str, dict[str, Any]] = {}
    for item in iam:
        account = accounts.setdefault(item.key.account, {"account": item.key.account, "roles": [], "groupPolicies": []})
        if isinstance(item.spec, AssumableRole):
            account["roles"].append(
                {
                    "roleName": item.key.name,
                    "path": PATH,
                    "arn": item.spec.arn,
                    "assumeRolePolicyDocument": json.loads(item.spec.trust),
                    "tags": dict(item.labels),
                }
            )
        elif isinstance(item.spec, GroupPolicy):
            account["groupPolicies"].append(
                {
                    "groupName": item.spec.group,
                    "policyName": item.spec.name,
                    "policyDocument": json.loads(item.spec.document),
                }
            )
    return list(accounts.values())


def _cluster_json(desired: ClusterDesired, form: CompileForm) -> dict[str, Any]:
    if form == "access-entries":
        return {"name": desired.cluster, "accessEntries": _entries(desired)}
    if form == "aws-auth":
        return {"name": desired.cluster, **_rows(desired)}
    objects = [manifest_json(item) for item in desired.objects if item.key.kind in KUBERNETES]
    return {"name": desired.cluster, "groups": principals_json(desired)["groups"], "objects": objects}


def _entries(desired: ClusterDesired) -> list[dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for item in desired.objects:
        if isinstance(item.spec, AccessEntry):
            entries[item.spec.principal] = {
                "principalArn": item.spec.principal,
                "kubernetesGroups": list(item.spec.groups),
                "username": item.spec.username,
                "type": item.spec.type,
                "tags": dict(item.labels),
                "accessPolicies": [],
            }
    for item in desired.objects:
        if isinstance(item.spec, PolicyAssociation):
            scope: dict[str, Any] = {"type": item.spec.scope}
            if item.spec.scope == "namespace":
                scope["namespaces"] = list(item.spec.namespaces)
            policy = {"policyArn": item.spec.policy, "accessScope": scope}
            entries[item.spec.principal]["accessPolicies"].append(policy)
    return list(entries.values())


def _rows(desired: ClusterDesired) -> dict[str, Any]:
    rows: dict[str, list[dict[str, Any]]] = {section: [] for section in _ROW_ARN}
    for item in desired.objects:
        if isinstance(item.spec, AwsAuthRow):
            row = item.spec
            shown = {_ROW_ARN[row.section]: row.arn, "username": row.username, "groups": list(row.groups)}
            rows[row.section].append(shown)
    return rows


def _path(item: Desired) -> str:
    return f"{item.key.cluster}/{item.key.namespace or '_cluster'}/{item.key.kind}-{item.key.name}.yaml"
