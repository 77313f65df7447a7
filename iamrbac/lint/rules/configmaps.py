"""ConfigMaps: those that the cluster trusts, and all others."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.powers import Held, Power
from iamrbac.lint.matter import KUBE_SYSTEM, Ground, Hit, Scope, Where
from iamrbac.lint.references import EKS_GUIDE, kubescape, trivy
from iamrbac.lint.rule import ERROR, INFO, WARNING, Levels, LintRule, RightsCheck, in_namespace

_WRITE = Power(("create", "update", "patch", "delete"), "configmaps")
_AWS_AUTH = "aws-auth"
_TRUSTED = frozenset(
    {"extension-apiserver-authentication", "kube-root-ca.crt", "coredns", "kube-proxy", "kube-proxy-config"}
)


def _aws_auth(held: Held, where: Where, _: Ground) -> Iterator[Hit]:
    reach = held.reach(_WRITE)
    there = where.scope is Scope.CLUSTER or where.namespace == KUBE_SYSTEM
    if reach is not None and there and reach.means(_AWS_AUTH):
        yield Hit("may map itself to system:masters in kube-system/aws-auth", reach.rules)


def _trusted(held: Held, where: Where, _: Ground) -> Iterator[Hit]:
    reach = held.reach(_WRITE)
    there = where.scope is Scope.CLUSTER or where.namespace == KUBE_SYSTEM
    names = sorted(reach.names & _TRUSTED) if reach is not None and there and not reach.unlimited else ()
    if reach is not None and names:
        yield Hit(f"may write what the cluster trusts: {', '.join(names)}", reach.rules)


def _others(held: Held, where: Where, _: Ground) -> Iterator[Hit]:
    reach = held.reach(_WRITE)
    if reach is not None and reach.unlimited and where.namespace != KUBE_SYSTEM:
        yield Hit("may change what workloads are configured by (configmaps)", reach.rules)


RULES = (
    LintRule(
        id="IAM027",
        title="writes aws-auth",
        why="Where a cluster reads aws-auth, a row in it maps any IAM principal to any user and groups, "
        "system:masters too. Who may write the ConfigMap is cluster-admin, and who may delete it locks people out.",
        fix="Name other ConfigMaps in resourceNames, or none of kube-system; let iamrbac alone write aws-auth.",
        levels=Levels(ERROR, ERROR, ERROR),
        references=(EKS_GUIDE, trivy("KSV-0115")),
        check=RightsCheck(_aws_auth),
        good=in_namespace(
            '- {apiGroups: [""], resources: [configmaps], verbs: [get], resourceNames: [aws-auth]}', "kube-system"
        ),
        bad=in_namespace(
            '- {apiGroups: [""], resources: [configmaps], verbs: [get, patch], resourceNames: [aws-auth]}',
            "kube-system",
        ),
        unless=("IAM001", "IAM002", "IAM003"),
    ),
    LintRule(
        id="IAM028",
        title="writes a ConfigMap that the cluster trusts",
        why="extension-apiserver-authentication says whom aggregated APIs believe, coredns who answers for which "
        "name, kube-proxy how traffic goes, kube-root-ca.crt which API server pods trust.",
        fix="Leave these to the platform.",
        levels=Levels(ERROR, ERROR, ERROR),
        references=(kubescape("C-0037"),),
        check=RightsCheck(_trusted),
        good=in_namespace(
            '- {apiGroups: [""], resources: [configmaps], verbs: [get], resourceNames: [coredns]}', "kube-system"
        ),
        bad=in_namespace(
            '- {apiGroups: [""], resources: [configmaps], verbs: [get, update], resourceNames: [coredns]}',
            "kube-system",
        ),
    ),
    LintRule(
        id="IAM068",
        title="writes ConfigMaps",
        why="Workloads do what their ConfigMaps say; some read commands, templates or addresses from them.",
        fix="Nothing, for whoever deploys the workloads. For others, leave it out.",
        levels=Levels(None, INFO, WARNING),
        references=(trivy("KSV-0049"),),
        check=RightsCheck(_others),
        good=in_namespace('- {apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [configmaps], verbs: [get, patch]}'),
    ),
)
