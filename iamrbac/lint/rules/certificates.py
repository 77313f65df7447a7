"""Certificates: to sign somebody's name for oneself."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.abilities import (
    ANY_SIGNER,
    APPROVE,
    APPROVE_SIGNER,
    CLIENT_SIGNER,
    KUBELET_SIGNER,
    REQUEST_CERTIFICATE,
)
from iamrbac.access.powers import Held, Power
from iamrbac.lint.matter import Ground, Hit, Where
from iamrbac.lint.references import CERTIFICATES, GOOD_PRACTICES, cis_kubernetes, kubescape
from iamrbac.lint.rule import ERROR, Levels, LintRule, RightsCheck, in_cluster

_GROUP = "certificates.k8s.io"
_STATUS = Power(("update", "patch"), "certificatesigningrequests/status", _GROUP, namespaced=False)
_SIGN = Power(("sign",), "signers", _GROUP, namespaced=False)
_SIGNER = Power(("approve", "sign"), "signers", _GROUP, namespaced=False)
_LEGACY = "kubernetes.io/legacy-unknown"


def _approve(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    asks, approves, signer = held.reach(REQUEST_CERTIFICATE), held.reach(APPROVE), held.reach(APPROVE_SIGNER)
    # Without the verb approve on the signer the API server refuses the approval.
    if approves is None or signer is None:
        return
    if signer.means(CLIENT_SIGNER, KUBELET_SIGNER, ANY_SIGNER):
        given = (*(asks.rules if asks is not None else ()), *approves.rules, *signer.rules)
        says = "may approve a certificate of any user or node" + (", its own too" if asks is not None else "")
        yield Hit(says, tuple(dict.fromkeys(given)))


def _sign(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    signs, status = held.reach(_SIGN), held.reach(_STATUS)
    if signs is not None and status is not None and signs.means(CLIENT_SIGNER, ANY_SIGNER):
        says = "may issue certificates that the API server's clients use"
        yield Hit(says, tuple(dict.fromkeys((*signs.rules, *status.rules))))


def _legacy(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    reach = held.reach(_SIGNER)
    names = sorted(reach.names & {_LEGACY, ANY_SIGNER}) if reach is not None else ()
    if reach is not None and names:
        given = tuple(rule for rule in reach.rules if not {*names}.isdisjoint(rule.resource_names))
        yield Hit(f"may approve or sign for {' and '.join(names)}", given)


def _rules(*texts: str) -> str:
    return "\n".join(texts)


_ASKS = "- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests], verbs: [create]}"
_APPROVES = "- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], verbs: [update]}"
_ISSUES = "- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/status], verbs: [update]}"


def _signer(verb: str, name: str) -> str:
    return f"- {{apiGroups: [certificates.k8s.io], resources: [signers], verbs: [{verb}], resourceNames: [{name}]}}"


RULES = (
    LintRule(
        id="IAM024",
        title="approves certificates",
        why="Who may update the approval of certificate requests, with the verb approve on a signer that the API "
        "server trusts, makes a client certificate of any user or node; who may create requests, for itself. It is "
        "valid until it ends: nothing revokes it.",
        fix="Leave approval to the controllers of the cluster, or name a signer of your own.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES, CERTIFICATES, cis_kubernetes("5.1.11"), kubescape("C-0280")),
        check=RightsCheck(_approve, together=True),
        good=in_cluster(_rules(_ASKS, _APPROVES, _signer("approve", "example.com/service"))),
        bad=in_cluster(_rules(_ASKS, _APPROVES, _signer("approve", "kubernetes.io/kube-apiserver-client"))),
        also=("IAM130",),
    ),
    LintRule(
        id="IAM025",
        title="signs client certificates",
        why="The verb sign on kubernetes.io/kube-apiserver-client, with the status of certificate requests, is the "
        "place of the signer of all clients of the API server.",
        fix="Leave it to the cluster's own signer.",
        levels=Levels(ERROR),
        references=(CERTIFICATES,),
        check=RightsCheck(_sign, together=True),
        good=in_cluster(_rules(_ISSUES, _signer("sign", "example.com/service"))),
        bad=in_cluster(_rules(_ISSUES, _signer("sign", "kubernetes.io/kube-apiserver-client"))),
    ),
    LintRule(
        id="IAM026",
        title="stands for all signers of Kubernetes",
        why="kubernetes.io/* is every signer of Kubernetes, those for clients and kubelets too; what "
        "kubernetes.io/legacy-unknown signs is trusted by whoever still trusts the cluster's authority.",
        fix="Name the one signer that is meant.",
        levels=Levels(ERROR),
        references=(CERTIFICATES,),
        check=RightsCheck(_legacy),
        good=in_cluster(_signer("approve", "example.com/service")),
        bad=in_cluster(_signer("approve", "kubernetes.io/legacy-unknown")),
    ),
)
