"""Valid documents that use every part of the language, as plain values."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

_POLICY: dict[str, Any] = {
    "apiVersion": "iamrbac.dev/v1alpha1",
    "kind": "AccessPolicy",
    "metadata": {"name": "payments"},
    "spec": {
        "owners": ["payments-leads@example.com"],
        "members": {
            "developers": [
                {"iamGroup": "payments-developers", "via": "users", "account": "111122223333"},
                {"permissionSet": "PaymentsDeveloper"},
            ],
            "oncall": [{"iamUser": "arn:aws:iam::111122223333:user/staff/carol"}, {"iamUser": "staff/dave"}],
            "deployer": [{"iamRole": "ci/payments-deployer", "account": "444455556666"}],
            "nobody": [],
        },
        "access": [
            {
                "clusters": {"env": "staging", "tier": ""},
                "namespaces": ["payments", "payments-*", "*-x", "a?"],
                "role": "developer",
            },
            {
                "to": ["developers"],
                "clusters": ["production", "prod-*"],
                "scope": "cluster",
                "role": {"clusterRole": "system:x"},
                "reason": "SEC-12",
            },
            {
                "to": ["oncall"],
                "clusters": ["*"],
                "namespaces": ["a"],
                "role": {"template": "op", "parameters": {"exec": True, "n": [1, None]}},
            },
            {"clusters": ["a"], "namespaces": ["a"], "role": {"eksAccessPolicy": "AmazonEKSViewPolicy"}},
        ],
    },
}
_GRANT: dict[str, Any] = {
    "apiVersion": "iamrbac.dev/v1alpha1",
    "kind": "TemporaryGrant",
    "metadata": {"name": "inc-4211"},
    "spec": {
        "team": "payments",
        "members": [{"iamUser": "dana"}],
        "access": [{"clusters": ["production"], "namespaces": ["payments"], "role": "operator"}],
        "notAfter": "2028-02-29T18:00:00.5+01:00",
        "reason": "INC-4211 peak season on-call",
    },
}
_CONFIG: dict[str, Any] = {
    "apiVersion": "iamrbac.dev/v1alpha1",
    "kind": "Config",
    "metadata": {"name": "acme"},
    "identity": {
        "account": "222233334444",
        "groups": "users",
        "assumeRole": {
            "roleArn": "arn:aws:iam::222233334444:role/a/people",
            "externalId": "a:b/c",
            "sessionName": "iamrbac@x",
        },
    },
    "home": {"namespace": "iamrbac-system"},
    "clusters": [
        {
            "name": "staging",
            "eksName": "Staging_1",
            "account": "111122223333",
            "region": "eu-west-1",
            "assumeRole": "arn:aws:iam::111122223333:role/iamrbac",
            "labels": {"env": "staging"},
            "mapping": "auto",
            "delivery": "direct",
            "manageNamespaces": False,
            "namespaces": ["payments", "search"],
            "proxyUrl": "socks5://proxy.acme.example:1080",
            "tlsServerName": "abc.gr7.eu-west-1.eks.amazonaws.com",
        },
        {"name": "production", "account": "111122223333", "region": "us-gov-west-1"},
    ],
    "namespaces": [{"name": "search*", "owner": "search", "accepts": ["payments"]}, {"name": "*", "owner": "platform"}],
    "suspended": ["arn:aws:iam::222233334444:user/mallory"],
    "guards": {
        "maxRemovals": {"count": 5, "fraction": 0.25},
        "minAdmins": 2,
        "protectedPrincipals": ["arn:aws:iam::111122223333:role/break-glass"],
        "adminTemplates": ["break-glass"],
    },
    "gates": [
        {
            "name": "reasons",
            "clusters": {"env": "production"},
            "namespaces": ["a"],
            "refuse": "gain",
            "unless": ["reason", "temporary"],
        },
        {"name": "short", "clusters": ["*"], "maxDays": 30},
        {"name": "dangers", "refuse": "danger"},
    ],
    "backups": {"s3": "s3://acme-iamrbac/a/b", "account": "111122223333", "keep": 5},
    "index": "s3://acme-iamrbac/index.json#111122223333",
    "lint": {"failOn": "warning", "privilegedNamespaces": ["kube-*", "argocd"]},
    "fleet": {
        "order": [{"env": "staging"}, ["production", "prod*"]],
        "canary": 2,
        "stopAfter": 3,
        "concurrency": 16,
        "timeout": "1h30m",
        "pause": "0s",
    },
}
_WAIVERS: dict[str, Any] = {
    "apiVersion": "iamrbac.dev/v1alpha1",
    "kind": "Waivers",
    "waivers": [
        {
            "rule": "IAM034",
            "scope": {"team": "payments", "role": "operator", "clusters": {"env": "staging"}, "namespaces": ["a*"]},
            "reason": "on-call looks into pods",
            "notAfter": "2028-02-29T18:00:00Z",
        },
        {"rule": "gate/reasons", "scope": {"clusters": ["*"]}, "reason": "x", "notAfter": "2028-02-29T18:00:00Z"},
    ],
}
_TEST: dict[str, Any] = {
    "apiVersion": "iamrbac.dev/v1alpha1",
    "kind": "AccessTest",
    "tests": [
        {
            "name": "nobody else",
            "principal": "*",
            "but": ["carol"],
            "clusters": {"env": "production"},
            "namespaces": ["a", "a-*"],
            "can": ["get,list pods", {"verbs": ["get"], "paths": ["/healthz"]}],
            "cannot": [{"verbs": ["*"], "resources": ["secrets"], "names": ["db"]}],
        },
        {"group": "payments-developers", "cannot": ["* *"]},
        {"team": "payments/developers", "clusters": ["a"], "can": ["get pods/log"]},
        {
            "name": "all",
            "clusters": ["*"],
            "namespaces": ["a"],
            "table": {
                "columns": ["get pods", {"verbs": ["get"], "resources": ["x"]}],
                "rows": [{"principal": "alice", "allowed": [True, False]}, {"team": "a", "allowed": [False, False]}],
            },
        },
    ],
}


def policy() -> dict[str, Any]:
    """Return an AccessPolicy of one's own."""
    return deepcopy(_POLICY)


def grant() -> dict[str, Any]:
    """Return a TemporaryGrant of one's own."""
    return deepcopy(_GRANT)


def config() -> dict[str, Any]:
    """Return a Config of one's own."""
    return deepcopy(_CONFIG)


def waivers() -> dict[str, Any]:
    """Return Waivers of one's own."""
    return deepcopy(_WAIVERS)


def access_test() -> dict[str, Any]:
    """Return an AccessTest of one's own."""
    return deepcopy(_TEST)
