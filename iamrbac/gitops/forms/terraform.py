"""Terraform: a .tf.json for each principal, to be part of a module that has the provider and the backend.

Arguments and import ids: the documentation of hashicorp/aws for aws_eks_access_entry and
aws_eks_access_policy_association. Syntax: Terraform's "JSON Configuration Syntax"; `import` needs Terraform 1.5.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from iamrbac.gitops.delivery import Delivery
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
    policy_name,
    scope_json,
)
from iamrbac.gitops.forms.template import literal, text_of
from iamrbac.gitops.header import JSON_HEADER, json_header
from iamrbac.gitops.yaml_text import Json
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation

ENTRY: Final = "aws_eks_access_entry"
ASSOCIATION: Final = "aws_eks_access_policy_association"


class Terraform:
    """Files NAME.tf.json below the folder of the cluster's entries."""

    def write(self, delivery: Delivery, mapped: Sequence[Mapped]) -> Written:
        """Return a file for each entry. Raises ValueError for entries that no file can say."""
        files = {}
        for one in checked(mapped):
            value = {JSON_HEADER: json_header(delivery.instance, one.origins), **_module(delivery, one)}
            files[_file(delivery, one)] = json.dumps(value, indent=2) + "\n"
        return Written(files=files)

    def read(self, delivery: Delivery, values: Mapping[str, object]) -> Iterable[Mapped]:
        """Return the entries of .tf.json files, sorted by principal. Raises ValueError (see Form)."""
        return once(_read(delivery, Found(file, value)) for file, value in sorted(values.items()))


def _file(delivery: Delivery, one: Mapped) -> str:
    return f"{delivery.entries_path}/{name_of(delivery, one.principal)}.tf.json"


def _module(delivery: Delivery, one: Mapped) -> Mapping[str, Json]:
    name = _address(name_of(delivery, one.principal))
    entry: Mapping[str, Json] = {
        "cluster_name": literal(delivery.eks_name),
        "principal_arn": literal(one.principal),
        "type": STANDARD,
        "user_name": literal(one.entry.username),
        "kubernetes_groups": [literal(group) for group in one.entry.groups],
        "tags": {literal(key): literal(value) for key, value in one.tags},
    }
    resources: dict[str, Json] = {ENTRY: {name: entry}}
    if one.policies:
        resources[ASSOCIATION] = {
            _association_name(name, policy): _association(delivery, name, policy) for policy in one.policies
        }
    imports: list[Json] = _imports(delivery, name, one) if one.taken_over else []
    return {**({"import": imports} if imports else {}), "resource": resources}


def _association(delivery: Delivery, name: str, policy: PolicyAssociation) -> Mapping[str, Json]:
    """Return an association, which waits for the entry since it takes the principal from there."""
    scope = scope_json(replace(policy, namespaces=tuple(literal(namespace) for namespace in policy.namespaces)))
    return {
        "cluster_name": literal(delivery.eks_name),
        "principal_arn": f"${{{ENTRY}.{name}.principal_arn}}",
        "policy_arn": literal(policy.policy),
        "access_scope": scope,
    }


def _imports(delivery: Delivery, name: str, one: Mapped) -> list[Json]:
    imports: list[Json] = [
        {"to": f"{ENTRY}.{name}", "id": literal(f"{delivery.eks_name}:{one.principal}")},
    ]
    for policy in one.policies:
        if policy.policy in one.policies_taken_over:
            to = f"{ASSOCIATION}.{_association_name(name, policy)}"
            known = f"{delivery.eks_name}#{one.principal}#{policy.policy}"
            imports.append({"to": to, "id": literal(known)})
    return imports


def _address(name: str) -> str:
    return name.replace("-", "_")


def _association_name(name: str, policy: PolicyAssociation) -> str:
    return f"{name}_{_address(policy_name(policy))}"


def _read(delivery: Delivery, found: Found) -> tuple[Found, Mapped]:
    whose = found.key(JSON_HEADER).texts()
    if whose[:2] != tuple(json_header(delivery.instance)):
        raise found.key(JSON_HEADER).wrong("does not say that iamrbac wrote the file")
    module = Found(found.file, {name: item.value for name, item in found.items() if name != JSON_HEADER})
    resources = module.key("resource")
    entries = tuple(resources.key(ENTRY).items())
    if len(entries) != 1:
        raise resources.key(ENTRY).wrong("has not exactly one resource")
    _, entry = entries[0]
    principal = _text(entry.key("principal_arn"))
    groups = once_each(_text(group) for group in entry.key("kubernetes_groups").elements())
    tags = tuple(sorted((text_of(key), _text(value)) for key, value in entry.key("tags").items()))
    associations = resources.get(ASSOCIATION)
    policies = by_policy(_association_of(principal, item) for _, item in (associations.items() if associations else ()))
    imports = module.get("import")
    known = [_text(item.key("id")) for item in imports.elements()] if imports else []
    one = Mapped(
        AccessEntry(principal, _text(entry.key("user_name")), groups),
        policies,
        tags,
        taken_over=bool(known),
        policies_taken_over=tuple(
            policy.policy for policy in policies if f"{delivery.eks_name}#{principal}#{policy.policy}" in known
        ),
    )
    module.must_be(_module(delivery, one))
    if found.file != _file(delivery, one):
        raise found.wrong(f"lies where iamrbac does not write it, which is {_file(delivery, one)}")
    return found, one


def _association_of(principal: str, found: Found) -> PolicyAssociation:
    policy = association_of(principal, _text(found.key("policy_arn")), found.key("access_scope"))
    return replace(policy, namespaces=once_each(text_of(namespace) for namespace in policy.namespaces))


def _text(found: Found) -> str:
    return text_of(found.text())
