"""Pulumi YAML: a program with an aws:eks:AccessEntry for each principal and its aws:eks:AccessPolicyAssociation's.

Properties: the schema of the AWS provider. Language: "Pulumi YAML reference": `${…}` refers to a resource, `$$` is a
dollar, in every text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.forms.form import Mapped, Written
from iamrbac.gitops.forms.found import Found
from iamrbac.gitops.forms.parts import (
    STANDARD,
    association_of,
    checked,
    digest,
    name_of,
    name_part,
    once,
    once_each,
    origins_of,
    policy_name,
)
from iamrbac.gitops.header import header
from iamrbac.gitops.yaml_text import Json, yaml_text
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation

ENTRY: Final = "aws:eks:AccessEntry"
ASSOCIATION: Final = "aws:eks:AccessPolicyAssociation"
PROVIDER: Final = "pulumi:providers:aws"
_PROVIDER_NAME: Final = "aws"


class Pulumi:
    """Pulumi.yaml below the folder of the cluster's entries."""

    def write(self, delivery: Delivery, mapped: Sequence[Mapped]) -> Written:
        """Return the program. Raises ValueError for entries that it cannot say."""
        if not mapped:
            return Written()
        text = header(delivery.instance, origins_of(mapped)) + yaml_text(_program(delivery, checked(mapped)))
        return Written(files={_path(delivery): text})

    def read(self, delivery: Delivery, values: Mapping[str, object]) -> Iterable[Mapped]:
        """Return the entries of a program, sorted by principal. Raises ValueError (see Form)."""
        return once(
            (found, one)
            for found in (Found(file, value) for file, value in sorted(values.items()))
            for one in _read(delivery, found)
        )


def _path(delivery: Delivery) -> str:
    return f"{delivery.entries_path}/Pulumi.yaml"


def _program(delivery: Delivery, mapped: Sequence[Mapped]) -> Mapping[str, Json]:
    """Return the program. Its provider is a resource, so that no stack's configuration can give another region.

    The hash in the project's name (of at most 100 characters) keeps clusters apart: two that shared a project and a
    stack's name would share a state, and remove each other's entries.
    """
    provider: Mapping[str, Json] = {
        "type": PROVIDER,
        "defaultProvider": True,
        "properties": {"region": delivery.region},
    }
    resources: dict[str, Json] = {_PROVIDER_NAME: provider}
    for one in mapped:
        resources.update(_resources(delivery, one))
    return {
        "name": f"iamrbac-{name_part(delivery.cluster)}-{digest(delivery.instance, delivery.arn)}",
        "runtime": "yaml",
        "description": f"Access entries of the EKS cluster {delivery.eks_name}",
        "resources": resources,
    }


def _resources(delivery: Delivery, one: Mapped) -> Iterator[tuple[str, Json]]:
    name = _name(name_of(delivery, one.principal))
    entry: Mapping[str, Json] = {
        "clusterName": _literal(delivery.eks_name),
        "principalArn": _literal(one.principal),
        "type": STANDARD,
        "userName": _literal(one.entry.username),
        "kubernetesGroups": [_literal(group) for group in one.entry.groups],
        "tags": {_literal(key): _literal(value) for key, value in one.tags},
    }
    yield name, _resource(ENTRY, entry, f"{delivery.eks_name}:{one.principal}" if one.taken_over else "")
    for policy in one.policies:
        known = one.taken_over and policy.policy in one.policies_taken_over
        outside = f"{delivery.eks_name}#{one.principal}#{policy.policy}" if known else ""
        yield (
            f"{name}_{_name(policy_name(policy))}",
            _resource(ASSOCIATION, _association(delivery, name, policy), outside),
        )


def _association(delivery: Delivery, name: str, policy: PolicyAssociation) -> Mapping[str, Json]:
    """Return an association, which waits for the entry since it takes the principal from there."""
    scope: Mapping[str, Json] = {"type": policy.scope}
    if policy.scope == "namespace":
        scope = {**scope, "namespaces": [_literal(namespace) for namespace in policy.namespaces]}
    return {
        "clusterName": _literal(delivery.eks_name),
        "principalArn": f"${{{name}.principalArn}}",
        "policyArn": _literal(policy.policy),
        "accessScope": scope,
    }


def _resource(kind: str, properties: Mapping[str, Json], outside: str) -> Mapping[str, Json]:
    resource: Mapping[str, Json] = {"type": kind, "properties": properties}
    return {**resource, "options": {"import": _literal(outside)}} if outside else resource


def _name(name: str) -> str:
    """Return a name as `${…}` can hold it, where a hyphen would end it."""
    return name.replace("-", "_")


def _literal(text: str) -> str:
    return text.replace("$", "$$")


def _text(found: Found) -> str:
    return found.text().replace("$$", "$")


def _read(delivery: Delivery, found: Found) -> Iterator[Mapped]:
    associations: dict[str, list[tuple[PolicyAssociation, bool]]] = {}
    entries: dict[str, Found] = {}
    for name, resource in found.key("resources").items():
        kind = resource.key("type").text()
        if kind == ASSOCIATION:
            owner, policy = _association_of(resource.key("properties"))
            associations.setdefault(owner, []).append((policy, resource.get("options") is not None))
        elif kind == ENTRY:
            entries[name] = resource
        elif name != _PROVIDER_NAME:
            raise resource.wrong(f"is a {kind}, which iamrbac does not write")
    mapped = [_mapped(resource, associations.get(name, [])) for name, resource in entries.items()]
    if not mapped:
        raise found.key("resources").wrong("has no access entry")
    if found.file != _path(delivery):
        raise found.wrong(f"lies where iamrbac does not write it, which is {_path(delivery)}")
    found.must_be(_program(delivery, mapped))
    return iter(mapped)


def _association_of(properties: Found) -> tuple[str, PolicyAssociation]:
    """Return an association, without its principal yet, and the name of the entry that has it."""
    owner = properties.key("principalArn").text().removeprefix("${").removesuffix(".principalArn}")
    scope = association_of("", _text(properties.key("policyArn")), properties.key("accessScope"))
    return owner, replace(scope, namespaces=once_each(namespace.replace("$$", "$") for namespace in scope.namespaces))


def _mapped(resource: Found, associations: Sequence[tuple[PolicyAssociation, bool]]) -> Mapped:
    properties = resource.key("properties")
    principal = _text(properties.key("principalArn"))
    groups = once_each(_text(group) for group in properties.key("kubernetesGroups").elements())
    tags = tuple(sorted((key.replace("$$", "$"), _text(value)) for key, value in properties.key("tags").items()))
    own = sorted(associations, key=lambda pair: pair[0].policy)
    return Mapped(
        AccessEntry(principal, _text(properties.key("userName")), groups),
        tuple(replace(policy, principal=principal) for policy, _ in own),
        tags,
        taken_over=resource.get("options") is not None,
        policies_taken_over=tuple(policy.policy for policy, known in own if known),
    )
