"""What the forms share: names, access scopes, tags, and what they refuse."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.forms.form import Mapped
from iamrbac.gitops.forms.found import Found
from iamrbac.gitops.yaml_text import Json
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.model.origin import Origin

STANDARD: Final = "STANDARD"
_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG: Final = 63
_LAYOUT_ANNOTATIONS: Final = ("argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/")


def checked(mapped: Sequence[Mapped]) -> Sequence[Mapped]:
    """Return the entries. Raises ValueError where one is not for people, or stands twice."""
    seen: set[str] = set()
    for one in mapped:
        if one.entry.type != STANDARD:
            raise ValueError(f"{one.principal}: its type is {one.entry.type}; only {STANDARD} entries are kept in Git")
        if one.principal in seen:
            raise ValueError(f"{one.principal}: stands twice")
        seen.add(one.principal)
    return mapped


def name_of(delivery: Delivery, principal: str) -> str:
    """Return iamrbac-CLUSTER-KIND-NAME-HASH, in letters, digits and hyphens: what stands for a principal is called so.

    The cluster is in it, since one folder, or one cluster that runs ACK or Crossplane, may serve several clusters. It
    depends on nothing else, so that no other principal that comes or goes gives it another name.
    """
    kind, _, path = principal.split(":")[-1].partition("/")
    slug = f"{kind}-{path.rsplit('/', 1)[-1]}"
    return f"iamrbac-{name_part(delivery.cluster)}-{name_part(slug)}-{digest(delivery.arn, principal)}"


def name_part(text: str) -> str:
    """Return what a name can have of a text, for people to read."""
    return _NOT_IN_A_SLUG.sub("-", text.lower()).strip("-")[:_LONGEST_SLUG].strip("-") or "x"


def digest(*parts: str) -> str:
    """Return ten hexadecimal digits: with the readable part beside it, one in a million clusters has two alike."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def policy_name(policy: PolicyAssociation) -> str:
    """Return what an association is called beside its entry's name: amazoneksviewpolicy-HASH."""
    return f"{name_part(policy.policy.rsplit('/', 1)[-1])}-{digest(policy.policy)[:6]}"


def origins_of(mapped: Iterable[Mapped]) -> Iterable[Origin]:
    """Return the policy lines that a file with several entries comes from, each once, sorted."""
    return sorted(
        {origin for one in mapped for origin in one.origins}, key=lambda origin: (origin.file, *map(str, origin.path))
    )


def scope_json(policy: PolicyAssociation) -> Mapping[str, Json]:
    """Return the access scope as EKS's API and most forms have it."""
    if policy.scope == "cluster":
        return {"type": "cluster"}
    return {"type": "namespace", "namespaces": list(policy.namespaces)}


def association_of(
    principal: str, policy: str, scope: Found, keys: tuple[str, str] = ("type", "namespaces")
) -> PolicyAssociation:
    """Return the association that an access scope says. Raises ValueError where it is none."""
    kind = scope.key(keys[0])
    if kind.text() == "cluster":
        return PolicyAssociation(principal, policy, "cluster")
    if kind.text() != "namespace":
        raise kind.wrong(f"is {kind.text()!r}: neither cluster nor namespace")
    return PolicyAssociation(principal, policy, "namespace", once_each(scope.key(keys[1]).texts()))


def once_each(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts as a value of ours has them: sorted, without duplicates."""
    return tuple(sorted(set(texts)))


def by_policy(policies: Iterable[PolicyAssociation]) -> tuple[PolicyAssociation, ...]:
    """Return associations as a value of ours has them."""
    return tuple(sorted(policies, key=lambda policy: policy.policy))


def tags_of(found: Found) -> tuple[tuple[str, str], ...]:
    """Return tags, sorted. Raises ValueError where it is no mapping of texts."""
    return tuple(sorted((name, value.text()) for name, value in found.items()))


def without_layout(found: Found) -> Found:
    """Return a Kubernetes object without the annotations that a layout adds for Argo CD and Flux."""
    metadata = found.get("metadata")
    annotations = metadata.get("annotations") if metadata else None
    if metadata is None or annotations is None:
        return found
    own = {name: item.value for name, item in annotations.items() if not name.startswith(_LAYOUT_ANNOTATIONS)}
    plain = {**_dict(metadata), "annotations": own}
    return replace(found, value={**_dict(found), "metadata": plain})


def once(mapped: Iterable[tuple[Found, Mapped]]) -> list[Mapped]:
    """Return the entries, sorted by principal. Raises ValueError where a principal stands twice."""
    places: dict[str, Found] = {}
    result: list[Mapped] = []
    for found, one in mapped:
        if one.principal in places:
            raise found.wrong(f"{one.principal} stands in {places[one.principal].file} too")
        places[one.principal] = found
        result.append(one)
    return sorted(result, key=lambda one: one.principal)


def _dict(found: Found) -> dict[str, object]:
    return {name: item.value for name, item in found.items()}
