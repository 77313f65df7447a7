"""CloudFormation: a template with an AWS::EKS::AccessEntry for each principal.

Properties: the resource's schema in the CloudFormation registry. Limits: "CloudFormation quotas".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import Files
from iamrbac.gitops.forms.form import Mapped, Written
from iamrbac.gitops.forms.found import Found
from iamrbac.gitops.forms.parts import (
    STANDARD,
    association_of,
    by_policy,
    checked,
    digest,
    name_of,
    once,
    once_each,
    origins_of,
)
from iamrbac.gitops.header import header
from iamrbac.gitops.yaml_text import Json, yaml_text
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation

TYPE: Final = "AWS::EKS::AccessEntry"
MOST_RESOURCES: Final = 500
"""In one template."""
LONGEST_TEMPLATE: Final = 1_000_000
"""Bytes; above 51,200 the template must come from a bucket."""
PARTS: Final = 16
"""How many templates there are where one would be too large. Always as many: a principal that comes or goes must not
move another one to another stack, which would delete and create its entry. EKS has at most 3,000 entries."""


class CloudFormation:
    """access-entries.yaml, or access-entries-1.yaml … -16.yaml, below the folder of the cluster's entries."""

    def write(self, delivery: Delivery, mapped: Sequence[Mapped]) -> Written:
        """Return the templates. Raises ValueError for entries that no file can say, or that no template can hold."""
        if not mapped:
            return Written()
        whole = {_path(delivery, ""): _text(delivery, checked(mapped))}
        return Written(files=whole if _fit(whole, len(mapped)) else _parts(delivery, mapped))

    def read(self, delivery: Delivery, values: Mapping[str, object]) -> Iterable[Mapped]:
        """Return the entries of templates, sorted by principal. Raises ValueError (see Form)."""
        return once(pair for file, value in sorted(values.items()) for pair in _read(delivery, Found(file, value)))


def _parts(delivery: Delivery, mapped: Sequence[Mapped]) -> Files:
    buckets: dict[int, list[Mapped]] = {}
    for one in mapped:
        buckets.setdefault(_part(delivery, one), []).append(one)
    files = {_path(delivery, f"-{part}"): _text(delivery, own) for part, own in sorted(buckets.items())}
    if not _fit(files, max(len(own) for own in buckets.values())):
        raise ValueError(
            f"{delivery.cluster}: {len(mapped)} access entries do not fit into {PARTS} CloudFormation templates"
        )
    return files


def _fit(files: Files, most: int) -> bool:
    return most <= MOST_RESOURCES and all(len(text) <= LONGEST_TEMPLATE for text in files.values())


def _part(delivery: Delivery, one: Mapped) -> int:
    """Return the number of the template, from 1, that has the entry where there are several."""
    return int(digest(delivery.arn, one.principal)[-4:], 16) % PARTS + 1


def _path(delivery: Delivery, suffix: str) -> str:
    return f"{delivery.entries_path}/access-entries{suffix}.yaml"


def _text(delivery: Delivery, mapped: Sequence[Mapped]) -> str:
    return header(delivery.instance, origins_of(mapped)) + yaml_text(_template(delivery, mapped))


def _template(delivery: Delivery, mapped: Sequence[Mapped]) -> Mapping[str, Json]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Access entries of the EKS cluster {delivery.eks_name}",
        "Resources": {_logical_id(delivery, one): _resource(delivery, one) for one in mapped},
    }


def _logical_id(delivery: Delivery, one: Mapped) -> str:
    """Return the name as letters and digits, which is all that a logical id can have."""
    return "".join(part.capitalize() for part in name_of(delivery, one.principal).split("-"))


def _resource(delivery: Delivery, one: Mapped) -> Mapping[str, Json]:
    """Return the resource. `Delete`, since what is retained is not revoked; said, since an import wants it said."""
    return {
        "Type": TYPE,
        "DeletionPolicy": "Delete",
        "Properties": {
            "ClusterName": delivery.eks_name,
            "PrincipalArn": one.principal,
            "Type": STANDARD,
            "Username": one.entry.username,
            "KubernetesGroups": list(one.entry.groups),
            "AccessPolicies": [{"PolicyArn": policy.policy, "AccessScope": _scope(policy)} for policy in one.policies],
            "Tags": [{"Key": key, "Value": value} for key, value in one.tags],
        },
    }


def _scope(policy: PolicyAssociation) -> Mapping[str, Json]:
    if policy.scope == "cluster":
        return {"Type": "cluster"}
    return {"Type": "namespace", "Namespaces": list(policy.namespaces)}


def _read(delivery: Delivery, found: Found) -> Iterator[tuple[Found, Mapped]]:
    own: list[Mapped] = []
    resources = found.key("Resources")
    for _, resource in resources.items():
        resource.key("Type").must_be(TYPE)
        own.append(_mapped(resource.key("Properties")))
    if not own:
        raise resources.wrong("is empty")
    found.must_be(_template(delivery, own))
    for one in own:
        if found.file not in (_path(delivery, ""), _path(delivery, f"-{_part(delivery, one)}")):
            raise found.wrong(f"is not the template in which iamrbac writes {one.principal}")
        yield found, one


def _mapped(properties: Found) -> Mapped:
    principal = properties.key("PrincipalArn").text()
    return Mapped(
        AccessEntry(
            principal, properties.key("Username").text(), once_each(properties.key("KubernetesGroups").texts())
        ),
        by_policy(
            association_of(principal, policy.key("PolicyArn").text(), policy.key("AccessScope"), ("Type", "Namespaces"))
            for policy in properties.key("AccessPolicies").elements()
        ),
        tuple(sorted((tag.key("Key").text(), tag.key("Value").text()) for tag in properties.key("Tags").elements())),
    )
