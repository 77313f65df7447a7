"""Which EKS operation a request asks for (the REST-JSON paths of botocore's service model)."""

from __future__ import annotations

from iamrbac.sandbox.aws.http import AwsRequest

_ENTRY = "clusters/*/access-entries/*"
_ROUTES = {
    ("GET", "clusters"): "ListClusters",
    ("POST", "clusters"): "CreateCluster",
    ("GET", "clusters/*"): "DescribeCluster",
    ("DELETE", "clusters/*"): "DeleteCluster",
    ("POST", "clusters/*/update-config"): "UpdateClusterConfig",
    ("GET", "clusters/*/updates"): "ListUpdates",
    ("GET", "clusters/*/updates/*"): "DescribeUpdate",
    ("GET", "clusters/*/access-entries"): "ListAccessEntries",
    ("POST", "clusters/*/access-entries"): "CreateAccessEntry",
    ("GET", _ENTRY): "DescribeAccessEntry",
    ("POST", _ENTRY): "UpdateAccessEntry",
    ("DELETE", _ENTRY): "DeleteAccessEntry",
    ("GET", f"{_ENTRY}/access-policies"): "ListAssociatedAccessPolicies",
    ("POST", f"{_ENTRY}/access-policies"): "AssociateAccessPolicy",
    ("DELETE", f"{_ENTRY}/access-policies/*"): "DisassociateAccessPolicy",
    ("GET", "access-policies"): "ListAccessPolicies",
    ("GET", "tags/*"): "ListTagsForResource",
    ("POST", "tags/*"): "TagResource",
    ("DELETE", "tags/*"): "UntagResource",
}
OPERATIONS = frozenset(_ROUTES.values())
_BY_SHAPE = {(method, tuple(path.split("/"))): name for (method, path), name in _ROUTES.items()}


def operation(request: AwsRequest) -> tuple[str, tuple[str, ...]]:
    """Return the operation's name and its path arguments, decoded; "" for one that only moto may know."""
    segments = request.segments
    for (method, shape), name in _BY_SHAPE.items():
        if method == request.method and len(shape) == len(segments):
            pairs = tuple(zip(shape, segments, strict=True))
            if all(part in ("*", segment) for part, segment in pairs):
                return name, tuple(segment for part, segment in pairs if part == "*")
    return "", ()
