"""Crossplane: an AccessEntry and an AccessPolicyAssociation for each policy (eks.aws.upbound.io/v1beta1).

Fields: the CRDs of crossplane-contrib/provider-upjet-aws, the same from v1.11 to v2.6. Its external name of an entry
is made of the cluster and the principal (config/externalname.go), so it finds one that is there already by itself:
there is no word for taking one over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Resource
from iamrbac.gitops.forms.form import Mapped, Written
from iamrbac.gitops.forms.found import Found
from iamrbac.gitops.forms.parts import (
    STANDARD,
    association_of,
    checked,
    name_of,
    once,
    once_each,
    policy_name,
    scope_json,
    tags_of,
    without_layout,
)
from iamrbac.gitops.yaml_text import Json
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation

API_VERSION: Final = "eks.aws.upbound.io/v1beta1"
ENTRY: Final = "AccessEntry"
ASSOCIATION: Final = "AccessPolicyAssociation"


class Crossplane:
    """Cluster-scoped objects, managed with the ProviderConfig `default`."""

    def write(self, delivery: Delivery, mapped: Sequence[Mapped]) -> Written:
        """Return the objects of each entry. Raises ValueError for entries that no file can say."""
        return Written(
            tuple(Resource(item, one.origins) for one in checked(mapped) for item in _objects(delivery, one))
        )

    def read(self, delivery: Delivery, values: Mapping[str, object]) -> Iterable[Mapped]:
        """Return the entries of both kinds of objects, sorted by principal. Raises ValueError (see Form)."""
        found = [without_layout(Found(file, value)) for file, value in sorted(values.items())]
        associations: dict[str, dict[str, tuple[Found, PolicyAssociation]]] = {}
        for item in found:
            if _kind(item) == ASSOCIATION:
                policy = _association(delivery, item)
                own = associations.setdefault(policy.principal, {})
                if policy.policy in own:
                    raise item.wrong(f"{policy.policy} stands in {own[policy.policy][0].file} too")
                own[policy.policy] = item, policy
        entries = once(_entry(delivery, item, associations) for item in found if _kind(item) == ENTRY)
        for without in associations.values():
            for item, policy in without.values():
                raise item.wrong(f"there is no {ENTRY} for {policy.principal}")
        return entries


def _objects(delivery: Delivery, one: Mapped) -> Iterator[Mapping[str, Json]]:
    yield _entry_object(delivery, one)
    for policy in one.policies:
        yield _association_object(delivery, policy)


def _entry_object(delivery: Delivery, one: Mapped) -> Mapping[str, Json]:
    provider: Mapping[str, Json] = {
        "region": delivery.region,
        "clusterName": delivery.eks_name,
        "principalArn": one.principal,
        "type": STANDARD,
        "userName": one.entry.username,
        "kubernetesGroups": list(one.entry.groups),
        "tags": dict(one.tags),
    }
    outside = f"{delivery.eks_name}:{one.principal}"
    return _managed(ENTRY, name_of(delivery, one.principal), outside, provider)


def _association_object(delivery: Delivery, policy: PolicyAssociation) -> Mapping[str, Json]:
    provider: Mapping[str, Json] = {
        "region": delivery.region,
        "clusterName": delivery.eks_name,
        "principalArn": policy.principal,
        "policyArn": policy.policy,
        "accessScope": scope_json(policy),
    }
    named = f"{name_of(delivery, policy.principal)}-{policy_name(policy)}"
    outside = f"{delivery.eks_name}#{policy.principal}#{policy.policy}"
    return _managed(ASSOCIATION, named, outside, provider)


def _managed(kind: str, name: str, outside: str, provider: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a managed resource. Deletion is said: one that leaves its external resource behind revokes nothing."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "annotations": {"crossplane.io/external-name": outside}},
        "spec": {"deletionPolicy": "Delete", "forProvider": provider, "providerConfigRef": {"name": "default"}},
    }


def _kind(found: Found) -> str:
    found.key("apiVersion").must_be(API_VERSION)
    kind = found.key("kind").text()
    if kind not in (ENTRY, ASSOCIATION):
        raise found.wrong(f"is a {kind}, neither {ENTRY} nor {ASSOCIATION}")
    return kind


def _association(delivery: Delivery, found: Found) -> PolicyAssociation:
    provider = found.key("spec").key("forProvider")
    principal, policy = provider.key("principalArn").text(), provider.key("policyArn").text()
    association = association_of(principal, policy, provider.key("accessScope"))
    found.must_be(_association_object(delivery, association))
    return association


def _entry(
    delivery: Delivery, found: Found, associations: dict[str, dict[str, tuple[Found, PolicyAssociation]]]
) -> tuple[Found, Mapped]:
    """Return an entry with its associations, which leave the mapping."""
    provider = found.key("spec").key("forProvider")
    principal = provider.key("principalArn").text()
    entry = AccessEntry(principal, provider.key("userName").text(), once_each(provider.key("kubernetesGroups").texts()))
    own = associations.pop(principal, {})
    one = Mapped(entry, tuple(own[policy][1] for policy in sorted(own)), tags_of(provider.key("tags")))
    found.must_be(_entry_object(delivery, one))
    return found, one
