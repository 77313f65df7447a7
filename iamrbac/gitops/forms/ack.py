"""AWS Controllers for Kubernetes: an AccessEntry for each principal (eks.services.k8s.aws/v1alpha1).

Fields: the CRD of aws-controllers-k8s/eks-controller. Annotations: ACK's guides to regions, adoption and deletion.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Resource
from iamrbac.gitops.forms.form import Mapped, Written
from iamrbac.gitops.forms.found import Found
from iamrbac.gitops.forms.parts import (
    STANDARD,
    association_of,
    by_policy,
    checked,
    name_of,
    once,
    once_each,
    scope_json,
    tags_of,
    without_layout,
)
from iamrbac.gitops.yaml_text import Json
from iamrbac.mapping.objects import AccessEntry

API_VERSION: Final = "eks.services.k8s.aws/v1alpha1"
KIND: Final = "AccessEntry"
_ADOPTION: Final = "services.k8s.aws/adoption-policy"


class Ack:
    """AccessEntry objects in the namespace that the config names."""

    def write(self, delivery: Delivery, mapped: Sequence[Mapped]) -> Written:
        """Return an object for each entry. Raises ValueError for entries that no file can say."""
        return Written(tuple(Resource(_object(delivery, one), one.origins) for one in checked(mapped)))

    def read(self, delivery: Delivery, values: Mapping[str, object]) -> Iterable[Mapped]:
        """Return the entries of AccessEntry objects, sorted by principal. Raises ValueError (see Form)."""
        return once(_read(delivery, without_layout(Found(file, value))) for file, value in sorted(values.items()))


def _object(delivery: Delivery, one: Mapped) -> Mapping[str, Json]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": name_of(delivery, one.principal),
            "namespace": delivery.entries_namespace,
            "annotations": _annotations(delivery, one),
        },
        "spec": {
            "clusterName": delivery.eks_name,
            "principalARN": one.principal,
            "type": STANDARD,
            "username": one.entry.username,
            # Written where empty too: ACK leaves what EKS has when there is no such field.
            "kubernetesGroups": list(one.entry.groups),
            "accessPolicies": [
                {"policyARN": policy.policy, "accessScope": scope_json(policy)} for policy in one.policies
            ],
            "tags": dict(one.tags),
        },
    }


def _annotations(delivery: Delivery, one: Mapped) -> Mapping[str, Json]:
    """Region and deletion are said, not left to the controller's defaults: `retain` would revoke nothing.

    `adopt-or-create` and not `adopt`, which would put what EKS has in place of what the file says.
    """
    own = {"services.k8s.aws/deletion-policy": "delete", "services.k8s.aws/region": delivery.region}
    if not one.taken_over:
        return own
    fields = json.dumps({"clusterName": delivery.eks_name, "principalARN": one.principal})
    return {"services.k8s.aws/adoption-fields": fields, _ADOPTION: "adopt-or-create", **own}


def _read(delivery: Delivery, found: Found) -> tuple[Found, Mapped]:
    found.key("apiVersion").must_be(API_VERSION)
    found.key("kind").must_be(KIND)
    spec = found.key("spec")
    principal = spec.key("principalARN").text()
    one = Mapped(
        AccessEntry(principal, spec.key("username").text(), once_each(spec.key("kubernetesGroups").texts())),
        by_policy(
            association_of(principal, policy.key("policyARN").text(), policy.key("accessScope"))
            for policy in spec.key("accessPolicies").elements()
        ),
        tags_of(spec.key("tags")),
        taken_over=found.key("metadata").key("annotations").get(_ADOPTION) is not None,
    )
    found.must_be(_object(delivery, one))
    return found, one
