"""Ways that lead through somebody else."""

from __future__ import annotations

from iamrbac.access.escalation import PATH
from iamrbac.lint.references import GOOD_PRACTICES
from iamrbac.lint.rule import ERROR, LintRule, PathCheck, always, manifests

_HEAD = "apiVersion: rbac.authorization.k8s.io/v1\nkind: "


def _account(namespace: str) -> str:
    """Pods in payments for deployers; a service account, here or elsewhere, that may do everything."""
    ref = "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME}\n"
    return (
        f"{_HEAD}ClusterRole\nmetadata: {{name: deployer}}\n"
        "rules:\n  - {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch, create, patch]}\n---\n"
        f"{_HEAD}RoleBinding\nmetadata: {{name: deployer, namespace: payments}}\n{ref.replace('NAME', 'deployer')}"
        "subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: payments-deployers}]\n---\n"
        f"{_HEAD}ClusterRoleBinding\nmetadata: {{name: operator}}\n{ref.replace('NAME', 'cluster-admin')}"
        f"subjects: [{{kind: ServiceAccount, name: operator, namespace: {namespace}}}]\n"
    )


RULES = (
    LintRule(
        id=PATH,
        title="becomes somebody with more",
        why="Rights add up along a way: who may run pods has the service accounts of the namespace, and what these "
        "may do; who may impersonate or make tokens likewise; who may bind has the role. The way is searched on "
        "effective rights, with Kubernetes' own controllers in kube-system, and told step by step.",
        fix="Take away one step: the ability at the line, or the rights of whom it leads to.",
        levels=always(ERROR),
        references=(
            GOOD_PRACTICES,
            "Datadog, KubeHound: https://kubehound.io/reference/attacks/",
        ),
        check=PathCheck(),
        good=manifests(_account("operators")),
        bad=manifests(_account("payments")),
        also=("IAM001", "IAM031"),
    ),
)
