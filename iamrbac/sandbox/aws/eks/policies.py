"""The access policies that AWS manages, as ListAccessPolicies names them (eks-facts §1.4)."""

from __future__ import annotations

# What they allow is documented for the first six only; see access/eks_policies.py.
NAMES = (
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSBlockStorageClusterPolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSLoadBalancingClusterPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSNetworkingClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSComputeClusterPolicy",
    "AmazonEKSHybridPolicy",
    "AmazonEKSClusterInsightsPolicy",
    "AmazonEKSEventPolicy",
    "AmazonEMRJobPolicy",
    "AmazonARCRegionSwitchScalingPolicy",
    "AmazonAIOpsAssistantPolicy",
    "AIDevOpsAgentAccessPolicy",
)
AUTO_NODE = "AmazonEKSAutoNodePolicy"
CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy"


def policy_arn(partition: str, name: str) -> str:
    """Return an access policy's ARN."""
    return f"arn:{partition}:eks::aws:cluster-access-policy/{name}"


def policy_name(arn: str, partition: str) -> str | None:
    """Return the name of an access policy that there is in this partition, else None."""
    prefix = policy_arn(partition, "")
    name = arn.removeprefix(prefix)
    return name if arn.startswith(prefix) and name in NAMES else None
