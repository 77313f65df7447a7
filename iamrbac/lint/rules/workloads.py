"""Workloads: to run pods, and to get into those that run."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.abilities import CHANGE_PODS, DEBUG, NODES, POD_MAKERS, SHELLS
from iamrbac.access.powers import Held, Power
from iamrbac.lint.matter import Ground, Hit, Where
from iamrbac.lint.references import GOOD_PRACTICES, POD_SECURITY, cis, issue, kubescape, trivy
from iamrbac.lint.rule import ERROR, INFO, WARNING, Levels, LintRule, RightsCheck, in_cluster, in_namespace, may

_PROXY = (
    Power(("get", "create", "update", "patch", "delete"), "pods/proxy"),
    Power(("get", "create", "update", "patch", "delete"), "services/proxy"),
)
_REMOVE_PODS = (Power(("delete", "deletecollection"), "pods"), Power(("create",), "pods/eviction"))


def _steal(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    removes, nodes = held.any_of(*_REMOVE_PODS), held.any_of(*NODES)
    if removes is not None and nodes is not None:
        says = "may change nodes and remove pods, and so have other people's pods on the node it chooses"
        yield Hit(says, tuple(dict.fromkeys((*removes.rules, *nodes.rules))))


RULES = (
    LintRule(
        id="IAM031",
        title="runs pods of its own making",
        why="A pod runs as any service account of its namespace, and mounts any secret, ConfigMap and volume there: "
        "whoever creates one, or the workload that makes it, has all of them. Where pod security permits it, a pod "
        "takes the node as well.",
        fix="Give a namespace to one team, with service accounts that hold no more than the team; in a shared or "
        "privileged namespace let a pipeline create workloads.",
        levels=Levels(ERROR, INFO, ERROR),
        references=(GOOD_PRACTICES, POD_SECURITY, cis("4.1.4"), trivy("KSV-0048")),
        check=may("may run pods of its own making, as any service account there ({what})", *POD_MAKERS),
        good=in_cluster("- {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch]}"),
        bad=in_cluster("- {apiGroups: [apps], resources: [deployments], verbs: [get, patch]}"),
        also=("IAM130",),
    ),
    LintRule(
        id="IAM034",
        title="opens shells in pods",
        why="A shell in a running pod has its memory, its mounted secrets, its service account's token and its IAM "
        "role. The API server asks for create, and up to Kubernetes 1.34 get is enough over WebSockets.",
        fix="Leave pods/exec and pods/attach to a temporary grant, or to clusters that hold no real data.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(
            GOOD_PRACTICES,
            trivy("KSV-0053", "KSV-0054"),
            kubescape("C-0002"),
            issue("kubernetes/kubernetes", "133515"),
        ),
        check=may("may run commands in running pods ({what})", *SHELLS),
        good=in_namespace('- {apiGroups: [""], resources: [pods, pods/log], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods/exec], verbs: [get, create]}'),
        unless=("IAM043",),
    ),
    LintRule(
        id="IAM036",
        title="adds debug containers to pods",
        why="An ephemeral container of any image runs beside the others, as the pod's service account, and may share "
        "their processes.",
        fix="Leave pods/ephemeralcontainers to a temporary grant.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(GOOD_PRACTICES,),
        check=may("may add debug containers to running pods", DEBUG),
        good=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods/ephemeralcontainers], verbs: [patch]}'),
    ),
    LintRule(
        id="IAM037",
        title="changes running pods",
        why="An update of a pod may change its image: other code runs with the pod's service account and secrets. "
        "Labels decide which services and network policies mean it.",
        fix="Let workloads be changed where they are described, and pods only be read or deleted.",
        levels=Levels(ERROR, INFO, ERROR),
        references=(GOOD_PRACTICES,),
        check=may("may change what running pods run (image, labels)", CHANGE_PODS),
        good=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch, delete]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, patch]}'),
        unless=("IAM031",),
    ),
    LintRule(
        id="IAM038",
        title="forwards ports of pods",
        why="A forwarded port reaches what listens on a pod's loopback or behind network policies: debug endpoints, "
        "databases without a password.",
        fix="Leave pods/portforward out where network policies are meant to hold.",
        levels=Levels(WARNING, INFO, WARNING),
        references=(kubescape("C-0063"),),
        check=may("may reach every port of running pods", Power(("get", "create"), "pods/portforward")),
        good=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods/portforward], verbs: [get, create]}'),
        unless=("IAM034", "IAM043"),
    ),
    LintRule(
        id="IAM039",
        title="talks to pods and services through the API server",
        why="The API server's proxy reaches pods and services past network policies, and what they answer may depend "
        "on the request coming from inside.",
        fix="Leave pods/proxy and services/proxy out; use pods/portforward where a person has to look.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(kubescape("C-0279"),),
        check=may("may send requests to everything that listens, by way of the API server ({what})", *_PROXY),
        good=in_namespace('- {apiGroups: [""], resources: [services], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [services/proxy], verbs: [get, create]}'),
        unless=("IAM043",),
    ),
    LintRule(
        id="IAM040",
        title="decides which node a pod runs on",
        why="A binding puts a pod on a node past the scheduler: past taints, quotas of GPUs, and the parts of a "
        "cluster that are kept apart.",
        fix="Leave pods/binding and bindings to the scheduler.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(GOOD_PRACTICES,),
        check=may(
            "may place pods on any node ({what})", Power(("create",), "pods/binding"), Power(("create",), "bindings")
        ),
        good=in_namespace('- {apiGroups: [""], resources: [pods/eviction], verbs: [create]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods/binding], verbs: [create]}'),
    ),
    LintRule(
        id="IAM041",
        title="draws pods to a node",
        why="Who may change nodes makes all of them but one unfit; who may remove pods as well has them start again "
        "on that one, with their secrets. A node that somebody took collects the cluster's credentials so.",
        fix="Give nodes and the removal of pods to different hands.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES,),
        check=RightsCheck(_steal, together=True),
        good=in_cluster('- {apiGroups: [""], resources: [pods/eviction], verbs: [create]}'),
        bad=in_cluster(
            '- {apiGroups: [""], resources: [nodes], verbs: [get, patch]}\n'
            '- {apiGroups: [""], resources: [pods/eviction], verbs: [create]}'
        ),
        also=("IAM046",),
    ),
)
