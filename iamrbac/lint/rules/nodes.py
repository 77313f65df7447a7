"""Nodes, storage and namespaces: what lies under all workloads."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.abilities import NAMESPACES, NODES, NODES_PROXY, VOLUMES
from iamrbac.access.powers import WRITE, Held, Power
from iamrbac.lint.matter import Ground, Hit, Where
from iamrbac.lint.references import GOOD_PRACTICES, POD_SECURITY, cis, issue, kubescape, trivy
from iamrbac.lint.rule import (
    ERROR,
    INFO,
    WARNING,
    Levels,
    LintRule,
    RightsCheck,
    always,
    hold,
    in_cluster,
    in_namespace,
    may,
)

_STORAGE = "storage.k8s.io"
_WRITES = (*WRITE, "delete")
_VALUABLE = (
    *(Power(("deletecollection",), name) for name in ("secrets", "configmaps", "persistentvolumeclaims", "pods")),
    *(Power(("deletecollection",), name, "apps") for name in ("deployments", "statefulsets", "daemonsets")),
    Power(("deletecollection",), "namespaces", namespaced=False),
)


def _labels(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    yield from hold(held, "may change the labels of namespaces, and with them pod security", (NAMESPACES,))


RULES = (
    LintRule(
        id="IAM044",
        title="talks to kubelets",
        why="nodes/proxy is the kubelet's own API. It runs commands in every pod of a node, with no check by "
        "admission and no entry in the audit log; over WebSockets the verb get is enough.",
        fix="Name what is needed: nodes/metrics, nodes/stats, nodes/log.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES, cis("4.1.10"), trivy("KSV-0047"), issue("kubernetes/kubernetes", "136550")),
        check=may("may run commands in every pod, through the kubelet (nodes/proxy)", NODES_PROXY),
        good=in_cluster('- {apiGroups: [""], resources: [nodes/metrics, nodes/stats], verbs: [get]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [nodes/proxy], verbs: [get]}'),
        unless=("IAM043",),
    ),
    LintRule(
        id="IAM045",
        title="reads the logs of nodes",
        why="A node's log files hold what its components and every pod on it write, of all namespaces; with log "
        "queries enabled the kubelet reads system services' logs too.",
        fix="Leave nodes/log to whoever runs the nodes.",
        levels=Levels(WARNING),
        references=(
            "Kubernetes, Kubelet authentication and authorization: "
            "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/",
        ),
        check=may("may read the logs of every node", Power(("get", "create"), "nodes/log", namespaced=False)),
        good=in_cluster('- {apiGroups: [""], resources: [nodes/stats], verbs: [get]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [nodes/log], verbs: [get]}'),
    ),
    LintRule(
        id="IAM046",
        title="changes nodes",
        why="Labels, taints and status of nodes decide where pods run: a node that only payments may use is one label "
        "away from everybody else, and deleting nodes moves everything.",
        fix="Leave nodes to the platform and its autoscaler.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES,),
        check=may("may change where pods run ({what})", *NODES),
        good=in_cluster('- {apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [nodes], verbs: [get, patch]}'),
    ),
    LintRule(
        id="IAM047",
        title="creates persistent volumes",
        why="A persistent volume may be a folder of a node (hostPath), whatever pod security says of pods: with a "
        "claim and a pod, its files are anybody's.",
        fix="Give persistentvolumeclaims; a storage class makes the volumes.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES, cis("4.1.9"), kubescape("C-0278")),
        check=may("may make volumes of a node's own files", VOLUMES),
        good=in_cluster('- {apiGroups: [""], resources: [persistentvolumes], verbs: [get, list, watch]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [persistentvolumes], verbs: [create]}'),
    ),
    LintRule(
        id="IAM048",
        title="writes how storage is made",
        why="Storage classes and CSI drivers say which program makes volumes and with which parameters and secrets; "
        "an attachment puts a volume on a node past its claim.",
        fix="Leave storage.k8s.io to the platform.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES,),
        check=may(
            "may change how volumes are made and attached ({what})",
            *(Power(_WRITES, name, _STORAGE, namespaced=False) for name in ("storageclasses", "csidrivers")),
            Power(_WRITES, "volumeattachments", _STORAGE, namespaced=False),
        ),
        good=in_cluster("- {apiGroups: [storage.k8s.io], resources: [storageclasses], verbs: [get, list, watch]}"),
        bad=in_cluster("- {apiGroups: [storage.k8s.io], resources: [storageclasses], verbs: [create, delete]}"),
    ),
    LintRule(
        id="IAM049",
        title="changes labels of namespaces",
        why="Labels of a namespace say which pod security holds in it, which network policies and webhooks mean it. "
        "For its own namespace a binding there is enough.",
        fix="Let the platform label namespaces.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, POD_SECURITY),
        check=RightsCheck(_labels),
        good=in_namespace('- {apiGroups: [""], resources: [namespaces], verbs: [get]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [namespaces], verbs: [get, patch]}'),
    ),
    LintRule(
        id="IAM050",
        title="creates or deletes namespaces",
        why="Deleting a namespace deletes everything in it. A new one has no quota, no network policy and no pod "
        "security unless something gives it these, and its name may be one that others trust.",
        fix="Let the platform make namespaces, or name in resourceNames those that may be deleted.",
        levels=Levels(WARNING, WARNING, ERROR),
        references=(GOOD_PRACTICES,),
        check=may(
            "may create or delete namespaces",
            Power(("create", "deletecollection"), "namespaces", namespaced=False),
            Power(("delete",), "namespaces"),
        ),
        good=in_cluster('- {apiGroups: [""], resources: [namespaces], verbs: [get, list, watch]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [namespaces], verbs: [create, delete]}'),
    ),
    LintRule(
        id="IAM051",
        title="changes its own limits",
        why="Quotas and limit ranges keep one team from taking the cluster's memory, load balancers and GPUs. Whoever "
        "may change them has none.",
        fix="Let the platform set resourcequotas and limitranges; teams read them.",
        levels=Levels(WARNING, WARNING, WARNING),
        references=(GOOD_PRACTICES,),
        check=may(
            "may change its own limits ({what})", Power(_WRITES, "resourcequotas"), Power(_WRITES, "limitranges")
        ),
        good=in_namespace('- {apiGroups: [""], resources: [resourcequotas], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [resourcequotas], verbs: [get, patch]}'),
    ),
    LintRule(
        id="IAM052",
        title="writes priority classes",
        why="Pods of a higher priority throw others off their nodes.",
        fix="Leave priorityclasses to the platform.",
        levels=Levels(WARNING),
        references=(
            "Kubernetes, Pod priority and preemption: "
            "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/",
        ),
        check=may(
            "may decide whose pods give way", Power(_WRITES, "priorityclasses", "scheduling.k8s.io", namespaced=False)
        ),
        good=in_cluster("- {apiGroups: [scheduling.k8s.io], resources: [priorityclasses], verbs: [get, list]}"),
        bad=in_cluster("- {apiGroups: [scheduling.k8s.io], resources: [priorityclasses], verbs: [create]}"),
    ),
    LintRule(
        id="IAM053",
        title="empties a namespace in one request",
        why="deletecollection deletes all objects of a kind at once, and cannot be limited to names.",
        fix="Give delete; whoever prunes knows names.",
        levels=Levels(ERROR, INFO, ERROR),
        references=(kubescape("C-0007"),),
        check=may("may delete everything of a kind at once ({what})", *_VALUABLE),
        good=in_cluster('- {apiGroups: [""], resources: [configmaps], verbs: [get, delete]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [configmaps], verbs: [get, deletecollection]}'),
    ),
)
