"""What contexts are called: after their cluster, after namespace and cluster, or as a template says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import Final

from iamrbac.model.errors import UsageError
from iamrbac.model.suggest import did_you_mean
from iamrbac.plan.observed import Target

FIELDS: Final = ("cluster", "namespace", "team", "account", "region")
_CLUSTER: Final = "{cluster}"
_NAMESPACE: Final = "{namespace}@{cluster}"
_SAID: Final = re.compile(r"[A-Za-z0-9{}@:/._ +=,-]+")
"""What a name may consist of: what a shell, a prompt and a YAML reader leave alone when it is quoted."""


@dataclass(frozen=True, slots=True)
class Names:
    """Templates of `{cluster}`, `{namespace}`, `{team}`, `{account}` and `{region}`."""

    cluster: str = _CLUSTER
    """For the context of a whole cluster; has no namespace."""
    namespace: str = _NAMESPACE
    """For the context of one namespace."""

    @classmethod
    def parse(cls, template: str | None, *, namespace_contexts: bool) -> Names:
        """Return the names that `--name-template` asks for: with a namespace in it, those of namespaces.

        Raises UsageError for a template that is none, or that could not tell namespaces apart.
        """
        if template is None:
            return cls()
        fields = _fields(template)
        if "namespace" in fields:
            if not namespace_contexts:
                raise UsageError("--name-template has a {namespace}", hint="use it with --namespace-contexts")
            return cls(namespace=template)
        if namespace_contexts:
            raise UsageError(
                "--name-template has no {namespace}", hint="write e.g. '{namespace}@{cluster}', or no template"
            )
        return cls(cluster=template)

    def of(self, target: Target, namespace: str | None, team: str | None) -> str:
        """Return a context's name. Raises UsageError where it asks for the team, and there is not exactly one."""
        template = self.cluster if namespace is None else self.namespace
        if team is None and "{team}" in template:
            where = target.name if namespace is None else f"namespace {namespace} on {target.name}"
            raise UsageError(
                f"--name-template has a {{team}}, and no single team gives the access to {where}",
                hint="leave {team} out, or see the teams with iamrbac whoami",
            )
        return template.format(
            cluster=target.name,
            namespace=namespace or "",
            team=team or "",
            account=target.account,
            region=target.region,
        )


def _fields(template: str) -> set[str]:
    """Return the fields of a template. Raises UsageError."""
    usage = "write text and fields in braces, e.g. '{namespace}@{cluster}'"
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"--name-template {template!r}: {error}", hint=usage) from error
    fields = [(name, spec, conversion) for _, name, spec, conversion in parts if name is not None]
    for name, spec, conversion in fields:
        if name not in FIELDS:
            hint = did_you_mean(name, FIELDS, f"use {', '.join(FIELDS)}")
            raise UsageError(f"--name-template: there is no field {{{name}}}", hint=hint)
        if spec or conversion:
            raise UsageError(f"--name-template: {{{name}}} stands alone, without a format", hint=usage)
    if not fields or not _SAID.fullmatch(template) or "{{" in template or "}}" in template:
        raise UsageError(f"--name-template {template!r} is no name with fields", hint=usage)
    return {name for name, _, _ in fields}
