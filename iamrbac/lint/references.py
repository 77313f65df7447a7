"""The public documents that rules refer to."""

from __future__ import annotations

GOOD_PRACTICES = "Kubernetes, RBAC good practices: https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
RBAC = "Kubernetes, Using RBAC authorization: https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
IMPERSONATION = (
    "Kubernetes, User impersonation: "
    "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation"
)
CERTIFICATES = (
    "Kubernetes, Certificates and certificate signing requests: "
    "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/"
)
POD_SECURITY = (
    "Kubernetes, Pod security standards: https://kubernetes.io/docs/concepts/security/pod-security-standards/"
)
EKS_GUIDE = (
    "EKS best practices, Identity and access management: "
    "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html"
)
ACCESS_POLICIES = (
    "EKS user guide, Review access policy permissions: "
    "https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html"
)
IRSA = (
    "EKS user guide, IAM roles for service accounts: "
    "https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html"
)


def cis(item: str) -> str:
    """An item of the CIS benchmark for EKS."""
    return f"CIS Amazon EKS Benchmark 1.8.0, {item}"


def cis_kubernetes(item: str) -> str:
    """An item of the CIS benchmark for Kubernetes."""
    return f"CIS Kubernetes Benchmark 1.12, {item}"


def trivy(*checks: str) -> str:
    """Checks of Trivy."""
    return f"Trivy {', '.join(checks)}"


def kubescape(*controls: str) -> str:
    """Controls of Kubescape."""
    return f"Kubescape {', '.join(controls)}"


def issue(repository: str, number: str) -> str:
    """An issue or pull request on GitHub."""
    return f"https://github.com/{repository}/issues/{number}"
