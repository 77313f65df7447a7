"""RBAC objects in a file or folder of Kubernetes manifests: YAML or JSON, several documents and Lists too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from iamrbac.model.errors import UsageError
from iamrbac.rbac.objects import Binding, Role
from iamrbac.rbac.wire import binding_from_json, role_from_json

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_RBAC: Final = "rbac.authorization.k8s.io/"


def read_manifests(path: Path) -> tuple[Role | Binding, ...]:
    """Return all RBAC objects in a file, or in all files below a folder; other kinds are passed over.

    Raises UsageError with file and reason for what cannot be read: it must not look like a role that is not there.
    """
    files = sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES) if path.is_dir() else [path]
    if not files:
        raise UsageError("holds no manifest (*.yaml, *.yml, *.json)", where=str(path), hint="name another folder")
    return tuple(item for file in files for item in _objects(file))


def _objects(file: Path) -> Iterator[Role | Binding]:
    for value in _documents(file):
        yield from _read(value, file)


def _documents(file: Path) -> list[Any]:
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            return [json.loads(text)]
        return list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(file), hint="correct the path") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise UsageError(f"is no manifest: {why}", where=str(file), hint="correct the file, or leave it out") from error


def _read(value: Any, file: Path) -> Iterator[Role | Binding]:
    if not isinstance(value, dict):
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    if kind == "List" or (isinstance(kind, str) and kind.endswith("List")):
        # Items of a list that a server gave have no kind of their own.
        one = {"kind": kind.removesuffix("List"), "apiVersion": version} if kind != "List" else {}
        for item in value.get("items") or ():
            yield from _read({**one, **item} if isinstance(item, dict) else item, file)
    elif isinstance(version, str) and version.startswith(_RBAC):
        try:
            if kind in ("Role", "ClusterRole"):
                yield role_from_json(value)
            elif kind in ("RoleBinding", "ClusterRoleBinding"):
                yield binding_from_json(value)
        except ValueError as error:
            raise UsageError(f"a {kind} is malformed: {error}", where=str(file), hint="correct it") from error
