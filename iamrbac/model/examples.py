"""An example for every key of every document, for editors: what the JSON Schema shows beside the description."""

from __future__ import annotations

from typing import Any, Final

_ACCOUNT: Final = "111122223333"
_PEOPLE: Final = "222233334444"
_ROLE: Final = f"arn:aws:iam::{_ACCOUNT}:role/iamrbac"
_CLUSTERS: Final[list[Any]] = [["production", "prod-*"], {"env": "production"}]
_LINE: Final = {"to": ["developers"], "clusters": ["staging"], "namespaces": ["payments"], "role": "developer"}
_MAY: Final = {"clusters": ["production"], "namespaces": ["payments"], "role": "viewer"}
_SETS: Final = {"developers": [{"iamGroup": "payments-developers"}], "oncall": [{"iamGroup": "payments-oncall"}]}
_ACTIONS: Final[list[Any]] = [["get,list pods,pods/log", {"verbs": ["delete"], "resources": ["deployments.apps"]}]]
_WAIVER: Final = {
    "rule": "IAM042",
    "scope": {"team": "payments", "clusters": ["staging"]},
    "reason": "PAY-1207 until the old deployer is gone",
    "notAfter": "2027-01-31T18:00:00Z",
}
_AUTHOR: Final = {"name": "iamrbac", "email": "platform@example.com"}
_CASE: Final = {"team": "payments/oncall", "namespaces": ["payments"], "cannot": ["get secrets"]}
_ROW: Final = {"team": "payments/oncall", "allowed": [True, False]}

# Model → key → examples. What can only be one of a few values needs none: the values are the examples.
EXAMPLES: Final[dict[str, dict[str, list[Any]]]] = {
    "AccessPolicy": {"metadata": [{"name": "payments"}], "spec": [{"members": _SETS, "access": [_LINE]}]},
    "PolicySpec": {"owners": [["payments-leads@example.com"]], "members": [_SETS], "access": [[_LINE]]},
    "Access": {
        "to": [["developers", "oncall"]],
        "clusters": _CLUSTERS,
        "namespaces": [["payments", "payments-*"]],
        "role": ["developer", {"template": "operator", "parameters": {"exec": True}}, {"clusterRole": "view"}],
        "reason": ["PAY-1207 they must see how their services are doing"],
    },
    "IamGroup": {"iamGroup": ["payments-developers"], "account": [_PEOPLE]},
    "IamUser": {"iamUser": ["staff/dana", f"arn:aws:iam::{_PEOPLE}:user/staff/dana"], "account": [_PEOPLE]},
    "IamRole": {
        "iamRole": ["ci/payments-deployer", f"arn:aws:iam::{_ACCOUNT}:role/ci/payments-deployer"],
        "account": [_ACCOUNT],
    },
    "PermissionSet": {"permissionSet": ["PaymentsDeveloper"], "account": [_ACCOUNT]},
    "TemplateRole": {"template": ["operator"], "parameters": [{"exec": True}]},
    "ClusterRoleRef": {"clusterRole": ["view", "edit"]},
    "EksAccessPolicy": {"eksAccessPolicy": ["AmazonEKSViewPolicy"]},
    "Metadata": {"name": ["payments"]},
    "TemporaryGrant": {
        "metadata": [{"name": "inc-4211"}],
        "spec": [
            {
                "team": "payments",
                "members": [{"iamUser": "dana"}],
                "access": [_MAY],
                "notAfter": "2026-12-24T18:00:00Z",
                "reason": "INC-4211 peak season on-call",
            }
        ],
    },
    "TemporarySpec": {
        "team": ["payments"],
        "members": [[{"iamUser": "dana"}]],
        "access": [[_MAY]],
        "notAfter": ["2026-12-24T18:00:00Z"],
        "reason": ["INC-4211 peak season on-call"],
    },
    "Config": {
        "metadata": [{"name": "acme"}],
        "identity": [{"account": _PEOPLE, "groups": "users"}],
        "home": [{"namespace": "iamrbac-system"}],
        "gitops": [{"repository": "git@git.example.com:platform/clusters.git", "layout": "argocd"}],
        "clusters": [[{"name": "production", "account": _ACCOUNT, "region": "eu-west-1", "namespaces": ["payments"]}]],
        "namespaces": [[{"name": "search*", "owner": "search", "accepts": ["payments"]}]],
        "suspended": [[f"arn:aws:iam::{_PEOPLE}:user/mallory"]],
        "guards": [{"minAdmins": 2, "protectedPrincipals": [f"arn:aws:iam::{_ACCOUNT}:role/break-glass"]}],
        "backups": ["s3://acme-iamrbac/backups", {"s3": "s3://acme-iamrbac/backups", "keep": 50}],
        "index": [
            "access-index.json",
            f"s3://acme-iamrbac/access-index.json#{_ACCOUNT}",
            f"arn:aws:ssm:eu-west-1:{_ACCOUNT}:parameter/iamrbac/access-index",
            f"https://example.com/access-index.json#arn:aws:kms:eu-west-1:{_ACCOUNT}:key/0a1b2c3d",
        ],
        "gates": [[{"name": "say-why", "clusters": ["production"], "refuse": "gain", "unless": ["reason"]}]],
        "lint": [{"failOn": "warning"}],
        "fleet": [{"order": [{"env": "development"}, {"env": "staging"}, {"env": "production"}], "stopAfter": 2}],
    },
    "IdentityConfig": {
        "account": [_PEOPLE],
        "assumeRole": [f"arn:aws:iam::{_PEOPLE}:role/iamrbac-people"],
        "roleName": ["{instance}.{team}.{set}"],
    },
    "AssumeRole": {"roleArn": [_ROLE], "externalId": ["iamrbac-acme"], "sessionName": ["iamrbac-ci"]},
    "Home": {"namespace": ["iamrbac-system"]},
    "Cluster": {
        "name": ["production"],
        "eksName": ["acme-production-1"],
        "account": [_ACCOUNT],
        "region": ["eu-west-1"],
        "assumeRole": [_ROLE, {"roleArn": _ROLE, "externalId": "iamrbac-acme"}],
        "labels": [{"env": "production"}],
        "namespaces": [["payments", "search"]],
        "gitops": [{"branch": "production", "commit": "pull-request"}],
        "proxyUrl": ["https://proxy.acme.example:3128"],
        "tlsServerName": ["0123456789abcdef.gr7.eu-west-1.eks.amazonaws.com"],
    },
    "GitOps": {
        "repository": ["git@git.example.com:platform/clusters.git", "."],
        "branch": ["main"],
        "path": ["clusters/{cluster}"],
        "entriesPath": ["iam/{cluster}"],
        "entriesNamespace": ["ack-system"],
        "author": [_AUTHOR],
        "forge": [{"kind": "gitlab", "api": "https://git.example.com/api/v4"}],
        "argocd": [{"path": "argocd", "applicationSet": True}],
        "flux": [{"path": "flux/{cluster}", "interval": "5m"}],
    },
    "Author": {key: [value] for key, value in _AUTHOR.items()},
    "Forge": {"api": ["https://git.example.com/api/v3"]},
    "ArgoCd": {
        "namespace": ["argocd"],
        "cluster": ["tools"],
        "path": ["argocd"],
        "repoURL": ["https://git.example.com/platform/clusters.git"],
        "destination": ["prod-1", "https://prod.example.com"],
    },
    "Flux": {
        "namespace": ["flux-system"],
        "path": ["flux/{cluster}"],
        "source": ["flux-system"],
        "interval": ["10m"],
    },
    "NamespaceRule": {"name": ["search*"], "owner": ["search"], "accepts": [["payments"]]},
    "Guards": {
        "maxRemovals": [{"count": 5, "fraction": 0.25, "perTeam": {"count": 3}}],
        "minAdmins": [2],
        "protectedPrincipals": [[f"arn:aws:iam::{_ACCOUNT}:role/break-glass"]],
        "adminTemplates": [["break-glass"]],
    },
    "Backups": {"s3": ["s3://acme-iamrbac/backups"], "account": [_ACCOUNT], "keep": [20]},
    "RemovalLimit": {"count": [5], "fraction": [0.25]},
    "MaxRemovals": {
        "count": [5],
        "fraction": [0.25],
        "perCluster": [{"count": 3, "fraction": 0.1}],
        "perTeam": [{"count": 3}],
        "perKind": [{"count": 10, "fraction": 0.2}],
    },
    "Gate": {
        "name": ["reason-in-production"],
        "clusters": _CLUSTERS,
        "namespaces": [["payments*"]],
        "unless": [["reason", "temporary"]],
        "maxDays": [30],
    },
    "Fleet": {
        "order": [[{"env": "development"}, {"env": "staging"}, ["prod-*"]]],
        "canary": [1],
        "stopAfter": [2],
        "concurrency": [16],
        "timeout": ["5m"],
        "pause": ["10m"],
    },
    "Lint": {"privilegedNamespaces": [["kube-*", "argocd"]]},
    "Waivers": {"waivers": [[_WAIVER]]},
    "Waiver": {
        "rule": ["IAM042", "gate/reason-in-production"],
        "scope": [{"team": "payments", "clusters": ["staging"]}],
        "reason": ["PAY-1207 until the old deployer is gone"],
        "notAfter": ["2027-01-31T18:00:00Z"],
    },
    "WaiverScope": {
        "team": ["payments"],
        "role": ["operator", "clusterRole edit"],
        "clusters": _CLUSTERS,
        "namespaces": [["payments*"]],
    },
    "AccessTest": {"tests": [[_CASE]]},
    "Case": {
        "name": ["nobody on call reads secrets"],
        "principal": ["alice", "iamRole:ci/payments-deployer", "*"],
        "group": ["payments-developers"],
        "team": ["payments/oncall", "payments"],
        "but": [["iamUser pat"]],
        "clusters": _CLUSTERS,
        "namespaces": [["payments*"]],
        "can": _ACTIONS,
        "cannot": _ACTIONS,
    },
    "Action": {
        "verbs": [["get", "list"]],
        "resources": [["pods", "pods/log", "deployments.apps"]],
        "names": [["checkout-config"]],
        "paths": [["/healthz"]],
    },
    "TableCase": {
        "name": ["production, who does what"],
        "clusters": _CLUSTERS,
        "namespaces": [["payments"]],
        "table": [{"columns": ["get pods", "get secrets"], "rows": [_ROW]}],
    },
    "Table": {"columns": [["get,list pods", "get secrets"]], "rows": [[_ROW]]},
    "Row": {
        "principal": ["alice"],
        "group": ["payments-developers"],
        "team": ["payments/oncall"],
        "allowed": [[True, False]],
    },
}


def examples(model: str, key: str, schema: dict[str, Any]) -> list[Any]:
    """Return the examples of a model's key, whose JSON Schema is given; none for a key that is not known here."""
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    if schema.get("type") == "boolean":
        return [True, False]
    return EXAMPLES.get(model, {}).get(key, [])
