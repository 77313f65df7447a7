"""The plan as data: the JSON of `plan -o json` and `plan --out`, and the fingerprint that makes it stale or not.

It holds no secret by construction: no credential, token or certificate is in any of the types that it is made of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from iamrbac.access.delta import AccessChange
from iamrbac.compile.desired import Spec
from iamrbac.gitops.standing import FileChange
from iamrbac.identity.assumable import AssumableRole, GroupPolicy
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.plan.change import AccountPlan, Action, Change, ClusterPlan, FailedAccount, FailedCluster, GitHalf, Plan
from iamrbac.rbac.objects import Binding, Role
from iamrbac.rbac.wire import binding_to_json, role_to_json, rule_to_json

FORMAT_VERSION: Final = 1
Json = dict[str, Any]


def plan_json(plan: Plan, line: Callable[[Origin], str]) -> Json:
    """Return the plan as design §7 shapes it; `line` turns an origin into FILE:LINE."""
    return {
        "formatVersion": FORMAT_VERSION,
        "instance": plan.instance,
        "clusters": [_cluster_json(cluster) for cluster in plan.clusters],
        **({"accounts": [_account_json(one) for one in plan.accounts]} if plan.accounts else {}),
        "changes": [change_json(change, line) for change in plan.changes],
        "access": [access_json(change) for cluster in plan.planned for change in cluster.access],
        "findings": [finding.to_json() for finding in plan.all_findings],
        "summary": summary(plan),
        "policyDigest": plan.policy_digest,
        "fingerprint": fingerprint(plan),
    }


def summary(plan: Plan) -> dict[str, int]:
    """Count the changes by action; all five are always there."""
    return {action.value: sum(change.action is action for change in plan.changes) for action in Action}


def change_json(change: Change, line: Callable[[Origin], str]) -> Json:
    """Return one change as `-o json` writes it."""
    return {
        "cluster": change.key.cluster or None,
        **({"account": change.key.account} if change.key.account else {}),
        "kind": change.key.kind,
        "namespace": change.key.namespace or None,
        "name": change.key.name,
        "action": change.action.value,
        "before": spec_json(change.before.spec) if change.before is not None else None,
        "after": spec_json(change.after.spec) if change.after is not None else None,
        "because": [line(origin) for origin in change.because],
        "version": change.before.meta.version if change.before is not None else None,
    }


def access_json(change: AccessChange) -> Json:
    """Return one line of the access delta; `rules` is there when only some rules of the role come or go."""
    value: Json = {
        "principal": change.principal,
        "cluster": change.cluster,
        "namespace": change.namespace or None,
        "role": change.role,
        "change": change.change,
    }
    if change.via:
        value["via"] = change.via
    if change.rules:
        value["rules"] = [rule_to_json(rule) for rule in change.rules]
    return value


def spec_json(spec: Spec) -> Json:
    """Return what an object says, without the metadata that the API server keeps."""
    if isinstance(spec, Role):
        manifest = role_to_json(spec)
        return {key: manifest[key] for key in ("rules", "aggregationRule") if key in manifest}
    if isinstance(spec, Binding):
        manifest = binding_to_json(spec)
        return {key: manifest[key] for key in ("roleRef", "subjects") if key in manifest}
    if isinstance(spec, AccessEntry):
        return {"username": spec.username, "groups": list(spec.groups), "type": spec.type}
    if isinstance(spec, PolicyAssociation):
        return {"scope": spec.scope, "namespaces": list(spec.namespaces)}
    if isinstance(spec, AwsAuthRow):
        return {"section": spec.section, "username": spec.username, "groups": list(spec.groups)}
    if isinstance(spec, AssumableRole):
        return {"arn": spec.arn, "trust": _parsed(spec.trust)}
    if isinstance(spec, GroupPolicy):
        return {"group": spec.group, "policy": spec.name, "document": _parsed(spec.document)}
    return {}


def _parsed(document: str) -> object:
    """Return a policy document as data; one that is no JSON as its text."""
    try:
        return json.loads(document)
    except (ValueError, RecursionError):
        return document


def fingerprint(plan: Plan) -> str:
    """SHA-256 over the policy, every cluster's identity and every change; a plan without changes has one too."""
    content = {
        "instance": plan.instance,
        "policy": plan.policy_digest,
        "clusters": [_identity(cluster) for cluster in plan.clusters],
        **({"accounts": [_account_identity(one) for one in plan.accounts]} if plan.accounts else {}),
        "changes": [_digestible(change) for change in plan.changes],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def target_identity(plan: Plan) -> Mapping[str, str]:
    """Return each cluster's ARN by name; a saved plan for other ARNs is for another target."""
    return {cluster.name: cluster.state.target.arn for cluster in plan.planned}


def _digestible(change: Change) -> Json:
    value = change_json(change, lambda origin: origin.file)
    del value["because"]
    return value | {
        "labels": dict(change.after.labels) if change.after is not None else None,
    }


def _identity(cluster: ClusterPlan | FailedCluster) -> Json:
    if isinstance(cluster, FailedCluster):
        return {"name": cluster.name, "failed": cluster.code}
    target = cluster.state.target
    identity = {"name": target.name, "arn": target.arn, "endpoint": target.endpoint, "form": cluster.form}
    return identity if cluster.git is None else {**identity, "git": _git_identity(cluster.git)}


def _git_identity(git: GitHalf) -> Json:
    """The place and every file, but not the commit: what others commit beside our files makes no plan stale."""
    one = git.delivery
    place = [one.repository, one.branch, one.path, one.layout, one.publish, one.entries, one.entries_path]
    return {"place": place, "files": [[change.path, change.before, change.after] for change in git.files]}


def _account_identity(account: AccountPlan | FailedAccount) -> Json:
    return {"account": account.account, "failed": account.code if isinstance(account, FailedAccount) else None}


def _account_json(account: AccountPlan | FailedAccount) -> Json:
    if isinstance(account, AccountPlan):
        return {"account": account.account, "status": "planned", "error": None}
    error = {"code": account.code, "message": account.message, "hint": account.hint}
    return {"account": account.account, "status": "failed", "error": error}


def _cluster_json(cluster: ClusterPlan | FailedCluster) -> Json:
    if isinstance(cluster, FailedCluster):
        error = {"code": cluster.code, "message": cluster.message, "hint": cluster.hint}
        return {"name": cluster.name, "status": "failed", "error": error}
    return {
        "name": cluster.name,
        "status": "planned",
        "error": None,
        "mapping": cluster.form,
        "arn": cluster.state.target.arn,
        "endpoint": cluster.state.target.endpoint,
        **({} if cluster.git is None else {"delivery": _delivery_json(cluster.git)}),
    }


def _delivery_json(git: GitHalf) -> Json:
    one = git.delivery
    return {
        "repository": one.repository,
        "branch": one.branch,
        "commit": git.tip,
        "path": one.path,
        "layout": one.layout,
        "publish": one.publish,
        "accessEntries": one.entries,
        "files": [{"path": change.path, "action": _file_action(change)} for change in git.files],
    }


def _file_action(change: FileChange) -> str:
    if change.before is None:
        return "create"
    return "delete" if change.after is None else "update"
