"""What the API server and controllers let themselves be told: webhooks, policies, custom resources, GitOps."""

from __future__ import annotations

from iamrbac.access.abilities import (
    API_SERVICES,
    DEPUTIES,
    MUTATING_POLICIES,
    MUTATING_POLICY_BINDINGS,
    MUTATING_WEBHOOKS,
    RESOURCE_DEFINITIONS,
    VALIDATING_WEBHOOKS,
)
from iamrbac.access.powers import WRITE, Power
from iamrbac.lint.references import GOOD_PRACTICES, cis, kubescape, trivy
from iamrbac.lint.rule import ERROR, WARNING, Levels, LintRule, in_cluster, in_namespace, may

_ADMISSION = "admissionregistration.k8s.io"
_WRITES = (*WRITE, "delete")
_ENGINES = (
    *(Power(_WRITES, name, "kyverno.io", namespaced=False) for name in ("clusterpolicies",)),
    *(Power(_WRITES, name, "kyverno.io") for name in ("policies", "policyexceptions")),
    Power(_WRITES, "constrainttemplates", "templates.gatekeeper.sh", namespaced=False),
)


def _webhooks(verbs: str) -> str:
    return f"- {{apiGroups: [{_ADMISSION}], resources: [mutatingwebhookconfigurations], verbs: {verbs}}}"


RULES = (
    LintRule(
        id="IAM055",
        title="writes admission webhooks",
        why="A webhook sees every object on its way into the cluster, secrets too, and a mutating one changes it: a "
        "pod of kube-system gets another container. Deleting one switches off the checks that others rely on.",
        fix="Leave webhook configurations to the platform's pipeline.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES, cis("4.1.11"), trivy("KSV-0114"), kubescape("C-0281")),
        check=may(
            "may see and change every object on its way into the cluster ({what})",
            *(one._replace(verbs=_WRITES) for one in (MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS)),
        ),
        good=in_cluster(_webhooks("[get, list]")),
        bad=in_cluster(_webhooks("[get, patch]")),
    ),
    LintRule(
        id="IAM056",
        title="writes admission policies",
        why="Admission policies refuse and, the mutating ones, change objects inside the API server. Whoever writes "
        "them or their bindings changes everybody's workloads, or lifts what keeps them safe.",
        fix="Leave admission policies and their bindings to the platform's pipeline.",
        levels=Levels(ERROR),
        references=(
            "Kubernetes, Validating admission policy: "
            "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
        ),
        check=may(
            "may change what the API server admits ({what})",
            *(one._replace(verbs=_WRITES) for one in (MUTATING_POLICIES, MUTATING_POLICY_BINDINGS)),
            Power(_WRITES, "validatingadmissionpolicies", _ADMISSION, namespaced=False),
            Power(_WRITES, "validatingadmissionpolicybindings", _ADMISSION, namespaced=False),
        ),
        good=in_cluster(
            "- {apiGroups: [admissionregistration.k8s.io], resources: [validatingadmissionpolicies], verbs: [get]}"
        ),
        bad=in_cluster(
            "- {apiGroups: [admissionregistration.k8s.io], resources: [validatingadmissionpolicybindings], "
            "verbs: [delete]}"
        ),
    ),
    LintRule(
        id="IAM057",
        title="writes custom resource definitions",
        why="A definition may send every object of its kind through a conversion webhook. Changing one changes what "
        "its controller is told; deleting one deletes all of its objects.",
        fix="Leave definitions to whoever installs the controllers.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES,),
        check=may("may rewrite or delete every custom resource", RESOURCE_DEFINITIONS._replace(verbs=_WRITES)),
        good=in_cluster(
            "- {apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [get, list]}"
        ),
        bad=in_cluster(
            "- {apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [get, update]}"
        ),
    ),
    LintRule(
        id="IAM058",
        title="answers for APIs",
        why="An APIService sends a whole API group to a server of the writer's choice, with the caller's name on it: "
        "what is asked of it is seen, and what it answers is believed.",
        fix="Leave apiservices to whoever installs aggregated APIs.",
        levels=Levels(ERROR),
        references=(
            "Kubernetes, API aggregation layer: "
            "https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/",
        ),
        check=may("may answer for an API that others trust", API_SERVICES._replace(verbs=_WRITES)),
        good=in_cluster("- {apiGroups: [apiregistration.k8s.io], resources: [apiservices], verbs: [get, list, watch]}"),
        bad=in_cluster("- {apiGroups: [apiregistration.k8s.io], resources: [apiservices], verbs: [create]}"),
    ),
    LintRule(
        id="IAM059",
        title="writes the rules of a policy engine",
        why="Kyverno's and Gatekeeper's rules keep workloads safe and may change them. Whoever writes them, or "
        "exceptions, is not bound by them.",
        fix="Let rules and exceptions be reviewed where they are kept.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=("Kyverno, Policy exceptions: https://kyverno.io/docs/exceptions/",),
        check=may("may change what a policy engine refuses ({what})", *_ENGINES),
        good=in_namespace("- {apiGroups: [kyverno.io], resources: [policies], verbs: [get, list, watch]}"),
        bad=in_namespace("- {apiGroups: [kyverno.io], resources: [policyexceptions], verbs: [create]}"),
    ),
    LintRule(
        id="IAM060",
        title="lets a powerful controller act for it",
        why="Argo CD, Flux, Velero and their like do with their own rights what a custom resource asks for, often "
        "cluster-admin's. Whoever writes the resource borrows these, past every other check.",
        fix="Let a controller impersonate a service account of the team (Flux: serviceAccountName; Argo CD: "
        "projects), and keep its resources to Git.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(
            "Flux, Multi-tenancy lockdown: https://fluxcd.io/flux/installation/configuration/multitenancy/",
            "Argo CD, Projects: https://argo-cd.readthedocs.io/en/stable/user-guide/projects/",
        ),
        check=may("may have a controller act with its own rights ({what})", *(power for _, power in DEPUTIES)),
        good=in_namespace("- {apiGroups: [argoproj.io], resources: [applications], verbs: [get, list, watch]}"),
        bad=in_namespace("- {apiGroups: [argoproj.io], resources: [applications], verbs: [create]}"),
    ),
)
