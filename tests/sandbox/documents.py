"""Documents made by hand, as the repository's loader gives them."""

from __future__ import annotations

from typing import Any

import yaml

from iamrbac.compile.documents import Documents, Sourced
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant


def config(text: str) -> Config:
    value: dict[str, Any] = yaml.safe_load(text)
    head = {"apiVersion": "iamrbac.dev/v1alpha1", "kind": "Config", "metadata": {"name": "acme"}}
    return Config.model_validate(head | value)


def policy(text: str) -> AccessPolicy:
    head = {"apiVersion": "iamrbac.dev/v1alpha1", "kind": "AccessPolicy", "metadata": {"name": "team"}}
    return AccessPolicy.model_validate(head | {"spec": yaml.safe_load(text)})


def grant(text: str) -> TemporaryGrant:
    head = {"apiVersion": "iamrbac.dev/v1alpha1", "kind": "TemporaryGrant", "metadata": {"name": "grant"}}
    return TemporaryGrant.model_validate(head | {"spec": yaml.safe_load(text)})


def documents(config_text: str, policy_text: str = "", *grants: str) -> Documents:
    return Documents(
        Sourced("iamrbac.yaml", config(config_text)),
        (Sourced("policies/team.yaml", policy(policy_text)),) if policy_text else (),
        tuple(Sourced(f"policies/{number}.yaml", grant(text)) for number, text in enumerate(grants)),
    )
