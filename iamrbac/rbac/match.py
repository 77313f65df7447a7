"""Does one rule allow one request? Exactly as the API server's RBAC authorizer judges it.

Source: Kubernetes' pkg/apis/rbac/v1/evaluation_helpers.go."""

from __future__ import annotations

from collections.abc import Iterable

from iamrbac.rbac.objects import Request, Rule

ALL = "*"


def allows(rule: Rule, request: Request) -> bool:
    """Return whether `rule` alone allows `request`.

    A request with a `path` is a non-resource request, any other one is a resource request. A resource rule never
    allows a path, nor the other way round. Everything is compared as written: case, blanks and plurals count.
    """
    if not (ALL in rule.verbs or request.verb in rule.verbs):
        return False
    if request.path:
        return any(url_matches(url, request.path) for url in rule.non_resource_urls)
    return (
        (ALL in rule.api_groups or request.api_group in rule.api_groups)
        and _resource_matches(rule.resources, request.resource, request.subresource)
        and (not rule.resource_names or request.name in rule.resource_names)
    )


def url_matches(url: str, path: str) -> bool:
    """Return whether a nonResourceURLs entry matches a path: equal, or a prefix where the entry ends in stars.

    All stars at the end are dropped before the comparison; a star elsewhere is literal. `/foo/*` does not match `/foo`.
    """
    return url == path or (url.endswith(ALL) and path.startswith(url.rstrip(ALL)))


def _resource_matches(resources: Iterable[str], resource: str, subresource: str) -> bool:
    combined = f"{resource}/{subresource}" if subresource else resource
    any_with_subresource = f"*/{subresource}" if subresource else combined
    return any(entry in (ALL, combined, any_with_subresource) for entry in resources)
