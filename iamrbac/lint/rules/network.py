"""The network, and the evidence: where traffic goes, and what is left of what happened."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.powers import WRITE, Held, Power
from iamrbac.lint.matter import KUBE_SYSTEM, Ground, Hit, Scope, Where
from iamrbac.lint.references import issue, kubescape, trivy
from iamrbac.lint.rule import ERROR, INFO, WARNING, Levels, LintRule, RightsCheck, hold, in_cluster, in_namespace, may

_NETWORK = "networking.k8s.io"
_GATEWAY = "gateway.networking.k8s.io"
_LEASES = Power((*WRITE, "delete"), "leases", "coordination.k8s.io")
_WRITES = (*WRITE, "delete")


def _leases(held: Held, where: Where, _: Ground) -> Iterator[Hit]:
    if where.scope is Scope.CLUSTER or where.namespace == KUBE_SYSTEM:
        yield from hold(held, "may take the place of a controller, or stop it (leases)", (_LEASES,))


RULES = (
    LintRule(
        id="IAM061",
        title="writes endpoints",
        why="Endpoints say where a service's traffic goes. Whoever writes them sends it to itself, or reaches through "
        "a load balancer or ingress what network policies keep from it, in other namespaces too (CVE-2021-25740). The "
        "built-in edit lost these rights in Kubernetes 1.22.",
        fix="Let services select pods by labels; leave endpoints and endpointslices to the controller.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(issue("kubernetes/kubernetes", "103675"), trivy("KSV-0056")),
        check=may(
            "may send a service's traffic where it wants ({what})",
            Power(WRITE, "endpoints"),
            Power(WRITE, "endpointslices", "discovery.k8s.io"),
        ),
        good=in_namespace("- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch]}"),
        bad=in_namespace("- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [create]}"),
    ),
    LintRule(
        id="IAM062",
        title="writes services",
        why="A service's externalIPs take traffic of the whole cluster to that address (CVE-2020-8554), and its type "
        "may open a load balancer to the internet.",
        fix="Ordinary for whoever deploys; have admission refuse externalIPs, and load balancers where nobody expects "
        "one.",
        levels=Levels(WARNING, INFO, WARNING),
        references=(issue("kubernetes/kubernetes", "97076"), trivy("KSV-0056")),
        check=may("may change where names lead and what is open to the internet (services)", Power(WRITE, "services")),
        good=in_namespace('- {apiGroups: [""], resources: [services], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [services], verbs: [create]}'),
    ),
    LintRule(
        id="IAM063",
        title="lifts network policies",
        why="Network policies are the fence around a namespace. Whoever may change or delete them opens it, in both "
        "directions; the built-in edit may.",
        fix="Let the platform write networkpolicies, or review them in Git.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(trivy("KSV-0056"),),
        check=may("may open the network around a namespace", Power(_WRITES, "networkpolicies", _NETWORK)),
        good=in_namespace(
            "- {apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [get, list, watch]}"
        ),
        bad=in_namespace(
            "- {apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [get, patch, delete]}"
        ),
    ),
    LintRule(
        id="IAM064",
        title="writes how traffic enters the cluster",
        why="Ingress classes and gateways say which controller serves which names, with whose certificates.",
        fix="Leave ingressclasses, gatewayclasses and gateways to the platform; teams write ingresses and routes.",
        levels=Levels(WARNING, INFO, WARNING),
        references=("Gateway API, Security model: https://gateway-api.sigs.k8s.io/concepts/security-model/",),
        check=may(
            "may change how traffic enters the cluster ({what})",
            Power(_WRITES, "ingressclasses", _NETWORK, namespaced=False),
            Power(_WRITES, "gatewayclasses", _GATEWAY, namespaced=False),
            Power(_WRITES, "gateways", _GATEWAY),
        ),
        good=in_cluster("- {apiGroups: [networking.k8s.io], resources: [ingressclasses], verbs: [get, list, watch]}"),
        bad=in_cluster("- {apiGroups: [networking.k8s.io], resources: [ingressclasses], verbs: [create]}"),
    ),
    LintRule(
        id="IAM065",
        title="deletes events",
        why="Events are part of what is left of an intrusion; nobody who works with workloads needs to delete them.",
        fix="Leave delete and deletecollection of events out.",
        levels=Levels(WARNING, INFO, WARNING),
        references=(kubescape("C-0031"),),
        check=may(
            "may remove traces (events)",
            Power(("delete", "deletecollection"), "events"),
            Power(("delete", "deletecollection"), "events", "events.k8s.io"),
        ),
        good=in_cluster('- {apiGroups: [""], resources: [events], verbs: [get, list, watch]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [events], verbs: [delete]}'),
    ),
    LintRule(
        id="IAM067",
        title="takes leases of the control plane",
        why="Controllers elect a leader by a lease in kube-system. Whoever takes it stops them, or is believed to be "
        "one.",
        fix="Give leases in the team's own namespaces only.",
        levels=Levels(WARNING, None, WARNING),
        references=("Kubernetes, Leases: https://kubernetes.io/docs/concepts/architecture/leases/",),
        check=RightsCheck(_leases),
        good=in_namespace("- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}"),
        bad=in_namespace(
            "- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}", "kube-system"
        ),
    ),
)
