"""eksctl: a ClusterConfig with the cluster's name, region and access entries, and nothing else of the cluster.

Fields: eksctl's own JSON schema. An access entry has no tags there; the file's metadata.tags reach every entry that
eksctl makes from it, through its CloudFormation stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.forms.form import Mapped, Written
from iamrbac.gitops.forms.found import Found
from iamrbac.gitops.forms.parts import (
    STANDARD,
    association_of,
    by_policy,
    checked,
    once,
    once_each,
    origins_of,
    scope_json,
    tags_of,
)
from iamrbac.gitops.header import header
from iamrbac.gitops.yaml_text import Json, yaml_text
from iamrbac.mapping.objects import AccessEntry

API_VERSION: Final = "eksctl.io/v1alpha5"
KIND: Final = "ClusterConfig"


class Eksctl:
    """access-entries.yaml below the folder of the cluster's entries. It has no word for taking an entry over."""

    def write(self, delivery: Delivery, mapped: Sequence[Mapped]) -> Written:
        """Return the file. Raises ValueError for entries that it cannot say, also where their tags differ."""
        if not mapped:
            return Written()
        for one in checked(mapped):
            if one.tags != mapped[0].tags:
                raise ValueError(f"{one.principal}: eksctl tags all entries of a file alike, and its tags are others")
        text = header(delivery.instance, origins_of(mapped)) + yaml_text(_config(delivery, mapped))
        return Written(files={_path(delivery): text})

    def read(self, delivery: Delivery, values: Mapping[str, object]) -> Iterable[Mapped]:
        """Return the entries of a ClusterConfig, sorted by principal. Raises ValueError (see Form)."""
        return once(
            (found, one)
            for found in (Found(file, value) for file, value in sorted(values.items()))
            for one in _read(delivery, found)
        )


def _path(delivery: Delivery) -> str:
    return f"{delivery.entries_path}/access-entries.yaml"


def _config(delivery: Delivery, mapped: Sequence[Mapped]) -> Mapping[str, Json]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": delivery.eks_name, "region": delivery.region, "tags": dict(mapped[0].tags)},
        "accessConfig": {"accessEntries": [_entry(one) for one in mapped]},
    }


def _entry(one: Mapped) -> Mapping[str, Json]:
    return {
        "principalARN": one.principal,
        "type": STANDARD,
        "kubernetesGroups": list(one.entry.groups),
        "kubernetesUsername": one.entry.username,
        "accessPolicies": [{"policyARN": policy.policy, "accessScope": scope_json(policy)} for policy in one.policies],
    }


def _read(delivery: Delivery, found: Found) -> Sequence[Mapped]:
    tags = tags_of(found.key("metadata").key("tags"))
    entries = found.key("accessConfig").key("accessEntries")
    mapped = sorted((_mapped(entry, tags) for entry in entries.elements()), key=lambda one: one.principal)
    if not mapped:
        raise entries.wrong("is empty")
    found.must_be(_config(delivery, mapped))
    if found.file != _path(delivery):
        raise found.wrong(f"lies where iamrbac does not write it, which is {_path(delivery)}")
    return mapped


def _mapped(entry: Found, tags: tuple[tuple[str, str], ...]) -> Mapped:
    principal = entry.key("principalARN").text()
    return Mapped(
        AccessEntry(
            principal, entry.key("kubernetesUsername").text(), once_each(entry.key("kubernetesGroups").texts())
        ),
        by_policy(
            association_of(principal, policy.key("policyARN").text(), policy.key("accessScope"))
            for policy in entry.key("accessPolicies").elements()
        ),
        tags,
    )
