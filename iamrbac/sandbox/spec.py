"""sandbox.yaml: what the people, groups, roles and clusters look like before iamrbac changes anything (design §7)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from iamrbac.model.values import DnsLabel
from iamrbac.sandbox.errors import SandboxError

FILE = "sandbox.yaml"
Mode: TypeAlias = Literal["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]
IamName: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_+=,.@-]+$", max_length=64)]
IamPath: TypeAlias = Annotated[StrictStr, Field(pattern=r"^/([!-~]+/)?$", max_length=512)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Person(_Part):
    """An IAM user with access keys. An admin is cluster administrator everywhere before iamrbac comes."""

    user: IamName
    path: IamPath = "/"
    groups: tuple[IamName, ...] = ()
    admin: StrictBool = False


class RoleSpec(_Part):
    """An IAM role that anybody of its account may assume."""

    name: IamName
    path: IamPath = "/"


class ClusterSpec(_Part):
    """A cluster as it is before iamrbac; what is left out follows from the config."""

    authentication_mode: Mode | None = Field(default=None, alias="authenticationMode")
    namespaces: tuple[DnsLabel, ...] | None = None
    manifests: StrictStr | None = None
    """A folder of manifests, relative to the access repository."""


class SandboxSpec(_Part):
    """The whole file."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["Sandbox"]
    people: tuple[Person, ...]
    groups: tuple[IamName, ...] = ()
    roles: tuple[RoleSpec, ...] = ()
    clusters: Mapping[StrictStr, ClusterSpec] = Field(default_factory=dict)


def read_spec(root: Path) -> SandboxSpec | None:
    """Read sandbox.yaml in an access repository's root; None where there is none.

    Raises SandboxError with all that is wrong, one line for each fault.
    """
    path = root / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SandboxError(f"cannot be read: {error}", where=FILE, hint="make it a readable UTF-8 file") from error
    return parse_spec(text)


def parse_spec(text: str) -> SandboxSpec:
    """Parse sandbox.yaml. Raises SandboxError."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        value = yaml.load(text, Loader=yaml.CSafeLoader)  # a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{FILE}:{mark.line + 1}:{mark.column + 1}" if mark is not None else FILE
        raise SandboxError(f"is not YAML: {error.problem}", where=where, hint="correct the file") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SandboxError(f"is not YAML: {error}", where=FILE, hint="correct the file") from error
    try:
        spec = SandboxSpec.model_validate(value)
    except ValidationError as error:
        faults = [f"{_place(node, fault['loc'])}: {_say(dict(fault))}" for fault in error.errors()]
    else:
        faults = [*_duplicates(node), *_contradictions(spec)]
        if not faults:
            return spec
    raise SandboxError("\n".join(faults), hint=f"correct {FILE}")


def _contradictions(spec: SandboxSpec) -> Iterator[str]:
    names = [person.user for person in spec.people]
    for kind, found in (("user", names), ("role", [role.name for role in spec.roles])):
        for name in sorted({name for name in found if found.count(name) > 1}):
            yield f"{FILE}: the {kind} {name} is there twice"
    if not any(person.admin for person in spec.people):
        yield f"{FILE}: nobody has `admin: true`; a platform engineer is needed, whose credentials a command gets"


def _duplicates(node: yaml.Node | None) -> Iterator[str]:
    """YAML lets a later key silently replace an earlier one."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                mark = key.start_mark
                yield f"{FILE}:{mark.line + 1}:{mark.column + 1}: the key {key.value} is there twice"
            seen.add(key.value)
            yield from _duplicates(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item)


def _place(node: yaml.Node | None, location: tuple[int | str, ...]) -> str:
    """Return FILE:LINE:COLUMN of a path, or of its nearest parent, and the path itself."""
    for step in location:
        found = _step(node, step)
        if found is None:
            break
        node = found
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")
    if node is None:
        return FILE
    return f"{FILE}:{node.start_mark.line + 1}:{node.start_mark.column + 1}: {path}".removesuffix(": ")


def _step(node: yaml.Node | None, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _say(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] != "extra_forbidden":
        return str(fault["msg"]).removeprefix("Input ").rstrip(".")
    known = {
        name
        for model in (SandboxSpec, Person, RoleSpec, ClusterSpec)
        for name in (field.alias or key for key, field in model.model_fields.items())
    }
    close = difflib.get_close_matches(str(fault["loc"][-1]), sorted(known), n=1)
    return "unknown key" + (f" (did you mean {close[0]}?)" if close else "")
