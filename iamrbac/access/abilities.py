"""The rights that lead to more rights, by name. Sources as in `steps`."""

from __future__ import annotations

from iamrbac.access.rights import RBAC, WRITE, Right

POD_MAKERS = (
    Right(("create",), "pods"),
    Right(WRITE, "deployments", "apps"),
    Right(WRITE, "statefulsets", "apps"),
    Right(WRITE, "daemonsets", "apps"),
    Right(WRITE, "replicasets", "apps"),
    Right(WRITE, "replicationcontrollers"),
    Right(("create",), "jobs", "batch"),
    Right(WRITE, "cronjobs", "batch"),
    Right(WRITE, "rollouts", "argoproj.io"),
    Right(WRITE, "workflows", "argoproj.io"),
    Right(WRITE, "cronworkflows", "argoproj.io"),
    Right(WRITE, "services", "serving.knative.dev"),
    Right(("create",), "pipelineruns", "tekton.dev"),
    Right(("create",), "taskruns", "tekton.dev"),
)
"""What runs pods that the writer describes, with a service account that the writer chooses."""
INTO_PODS = (
    Right(("create", "get"), "pods/exec"),
    Right(("create", "get"), "pods/attach"),
    Right(("update", "patch"), "pods/ephemeralcontainers"),
    Right(("update", "patch"), "pods"),
)
READ_SECRETS = Right(("get", "list", "watch"), "secrets")
CREATE_SECRETS = Right(("create",), "secrets")
TOKENS = Right(("create",), "serviceaccounts/token")
ACT_AS_ACCOUNTS = Right(("impersonate",), "serviceaccounts")
ACT_AS_USERS = Right(("impersonate",), "users", namespaced=False)
ACT_AS_GROUPS = Right(("impersonate",), "groups", namespaced=False)
BIND = Right(("bind",), "clusterroles", RBAC)
BIND_ROLES = Right(("bind",), "roles", RBAC)
ESCALATE = Right(("escalate",), "clusterroles", RBAC, namespaced=False)
ESCALATE_ROLES = Right(("escalate",), "roles", RBAC)
WRITE_CLUSTER_BINDINGS = Right(WRITE, "clusterrolebindings", RBAC, namespaced=False)
WRITE_BINDINGS = Right(WRITE, "rolebindings", RBAC)
WRITE_CLUSTER_ROLES = Right(("update", "patch"), "clusterroles", RBAC, namespaced=False)
WRITE_ROLES = Right(("update", "patch"), "roles", RBAC)
CONFIGMAPS = Right(WRITE, "configmaps")
NODES_PROXY = Right(("get", "create", "update", "patch", "delete"), "nodes/proxy", namespaced=False)
NODES = (
    Right(("update", "patch", "delete"), "nodes", namespaced=False),
    Right(("update", "patch"), "nodes/status", namespaced=False),
)
VOLUMES = Right(("create",), "persistentvolumes", namespaced=False)
NAMESPACES = Right(("update", "patch"), "namespaces")
REQUEST_CERTIFICATE = Right(("create",), "certificatesigningrequests", "certificates.k8s.io", namespaced=False)
APPROVE = Right(("update", "patch"), "certificatesigningrequests/approval", "certificates.k8s.io", namespaced=False)
APPROVE_SIGNER = Right(("approve",), "signers", "certificates.k8s.io", namespaced=False)
_ADMISSION = "admissionregistration.k8s.io"
MUTATING_WEBHOOKS = Right(WRITE, "mutatingwebhookconfigurations", _ADMISSION, namespaced=False)
VALIDATING_WEBHOOKS = Right(WRITE, "validatingwebhookconfigurations", _ADMISSION, namespaced=False)
MUTATING_POLICIES = Right(WRITE, "mutatingadmissionpolicies", _ADMISSION, namespaced=False)
MUTATING_POLICY_BINDINGS = Right(WRITE, "mutatingadmissionpolicybindings", _ADMISSION, namespaced=False)
RESOURCE_DEFINITIONS = Right(WRITE, "customresourcedefinitions", "apiextensions.k8s.io", namespaced=False)
API_SERVICES = Right(WRITE, "apiservices", "apiregistration.k8s.io", namespaced=False)
DEPUTIES = (
    ("Flux", Right(WRITE, "kustomizations", "kustomize.toolkit.fluxcd.io")),
    ("Flux", Right(WRITE, "helmreleases", "helm.toolkit.fluxcd.io")),
    ("Flux", Right(WRITE, "gitrepositories", "source.toolkit.fluxcd.io")),
    ("Flux", Right(WRITE, "ocirepositories", "source.toolkit.fluxcd.io")),
    ("Flux", Right(WRITE, "buckets", "source.toolkit.fluxcd.io")),
    ("Flux", Right(WRITE, "helmrepositories", "source.toolkit.fluxcd.io")),
    ("Argo CD", Right(WRITE, "applications", "argoproj.io")),
    ("Argo CD", Right(WRITE, "applicationsets", "argoproj.io")),
    ("Argo CD", Right(WRITE, "appprojects", "argoproj.io")),
    ("Velero", Right(("create",), "restores", "velero.io")),
    ("the Operator Lifecycle Manager", Right(WRITE, "subscriptions", "operators.coreos.com")),
    ("Crossplane", Right(WRITE, "compositions", "apiextensions.crossplane.io", namespaced=False)),
)
"""Controllers that do with their own rights what a custom resource asks for."""
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
KUBELET_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
ANY_SIGNER = "kubernetes.io/*"
