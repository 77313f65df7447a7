"""The rights that lead to more rights, by name. Sources as in `steps`."""

from __future__ import annotations

from iamrbac.access.powers import RBAC, WRITE, Power

POD_MAKERS = (
    Power(("create",), "pods"),
    Power(WRITE, "deployments", "apps"),
    Power(WRITE, "statefulsets", "apps"),
    Power(WRITE, "daemonsets", "apps"),
    Power(WRITE, "replicasets", "apps"),
    Power(WRITE, "replicationcontrollers"),
    Power(("create",), "jobs", "batch"),
    Power(WRITE, "cronjobs", "batch"),
    Power(WRITE, "rollouts", "argoproj.io"),
    Power(WRITE, "workflows", "argoproj.io"),
    Power(WRITE, "cronworkflows", "argoproj.io"),
    Power(WRITE, "services", "serving.knative.dev"),
    Power(("create",), "pipelineruns", "tekton.dev"),
    Power(("create",), "taskruns", "tekton.dev"),
)
"""What runs pods that the writer describes, with a service account that the writer chooses."""
SHELLS = (Power(("create", "get"), "pods/exec"), Power(("create", "get"), "pods/attach"))
DEBUG = Power(("update", "patch"), "pods/ephemeralcontainers")
CHANGE_PODS = Power(("update", "patch"), "pods")
INTO_PODS = (
    *(("IAM034", "run commands in", shell) for shell in SHELLS),
    ("IAM036", "add containers to", DEBUG),
    ("IAM037", "change", CHANGE_PODS),
)
"""Ways into running pods, each with the rule of lint that speaks of it, and what it does to them."""
READ_SECRETS = Power(("get", "list", "watch"), "secrets")
CREATE_SECRETS = Power(("create",), "secrets")
TOKENS = Power(("create",), "serviceaccounts/token")
ACT_AS_ACCOUNTS = Power(("impersonate",), "serviceaccounts")
ACT_AS_USERS = Power(("impersonate",), "users", namespaced=False)
ACT_AS_GROUPS = Power(("impersonate",), "groups", namespaced=False)
BIND = Power(("bind",), "clusterroles", RBAC)
BIND_ROLES = Power(("bind",), "roles", RBAC)
ESCALATE = Power(("escalate",), "clusterroles", RBAC, namespaced=False)
ESCALATE_ROLES = Power(("escalate",), "roles", RBAC)
WRITE_CLUSTER_BINDINGS = Power(WRITE, "clusterrolebindings", RBAC, namespaced=False)
WRITE_BINDINGS = Power(WRITE, "rolebindings", RBAC)
WRITE_CLUSTER_ROLES = Power(("update", "patch"), "clusterroles", RBAC, namespaced=False)
WRITE_ROLES = Power(("update", "patch"), "roles", RBAC)
CONFIGMAPS = Power(WRITE, "configmaps")
NODES_PROXY = Power(("get", "create", "update", "patch", "delete"), "nodes/proxy", namespaced=False)
NODES = (
    Power(("update", "patch", "delete"), "nodes", namespaced=False),
    Power(("update", "patch"), "nodes/status", namespaced=False),
)
VOLUMES = Power(("create",), "persistentvolumes", namespaced=False)
NAMESPACES = Power(("update", "patch"), "namespaces")
REQUEST_CERTIFICATE = Power(("create",), "certificatesigningrequests", "certificates.k8s.io", namespaced=False)
APPROVE = Power(("update", "patch"), "certificatesigningrequests/approval", "certificates.k8s.io", namespaced=False)
APPROVE_SIGNER = Power(("approve",), "signers", "certificates.k8s.io", namespaced=False)
_ADMISSION = "admissionregistration.k8s.io"
MUTATING_WEBHOOKS = Power(WRITE, "mutatingwebhookconfigurations", _ADMISSION, namespaced=False)
VALIDATING_WEBHOOKS = Power(WRITE, "validatingwebhookconfigurations", _ADMISSION, namespaced=False)
MUTATING_POLICIES = Power(WRITE, "mutatingadmissionpolicies", _ADMISSION, namespaced=False)
MUTATING_POLICY_BINDINGS = Power(WRITE, "mutatingadmissionpolicybindings", _ADMISSION, namespaced=False)
RESOURCE_DEFINITIONS = Power(WRITE, "customresourcedefinitions", "apiextensions.k8s.io", namespaced=False)
API_SERVICES = Power(WRITE, "apiservices", "apiregistration.k8s.io", namespaced=False)
DEPUTIES = (
    ("Flux", Power(WRITE, "kustomizations", "kustomize.toolkit.fluxcd.io")),
    ("Flux", Power(WRITE, "helmreleases", "helm.toolkit.fluxcd.io")),
    ("Flux", Power(WRITE, "gitrepositories", "source.toolkit.fluxcd.io")),
    ("Flux", Power(WRITE, "ocirepositories", "source.toolkit.fluxcd.io")),
    ("Flux", Power(WRITE, "buckets", "source.toolkit.fluxcd.io")),
    ("Flux", Power(WRITE, "helmrepositories", "source.toolkit.fluxcd.io")),
    ("Argo CD", Power(WRITE, "applications", "argoproj.io")),
    ("Argo CD", Power(WRITE, "applicationsets", "argoproj.io")),
    ("Argo CD", Power(WRITE, "appprojects", "argoproj.io")),
    ("Velero", Power(("create",), "restores", "velero.io")),
    ("the Operator Lifecycle Manager", Power(WRITE, "subscriptions", "operators.coreos.com")),
    ("Crossplane", Power(WRITE, "compositions", "apiextensions.crossplane.io", namespaced=False)),
)
"""Controllers that do with their own rights what a custom resource asks for."""
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
KUBELET_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
ANY_SIGNER = "kubernetes.io/*"
