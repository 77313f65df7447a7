"""A stand-in for Argo CD's sync engine, where only Python and git are needed: what it does, without its own code.

It applies what a folder's .yaml, .yml and .json files say in the order of their waves, prunes what it applied before
and the folder has no more, and heals with every round. It does not have Argo CD's hooks, health checks or diffs.
"""

from __future__ import annotations

import http.client
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from iamrbac.sandbox.controlplane.objects import Objects
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.gitops.repository import Checkout, Source
from iamrbac.sandbox.gitops.syncer import Synced, Target
from iamrbac.sandbox.kube.kinds import BY_KIND
from iamrbac.sandbox.kube.values import metadata_of

_MANAGER: Final = "gitops-stand-in"
_WAVE: Final = "argocd.argoproj.io/sync-wave"
_OPTIONS: Final = "argocd.argoproj.io/sync-options"
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_FIRST: Final = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
"""Within a wave, as Argo CD orders kinds (gitops-engine, pkg/sync/sync_tasks.go)."""


@dataclass(frozen=True, slots=True)
class _Key:
    kind: str
    namespace: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class StandIn:
    """See Syncer."""

    name = "a stand-in for Argo CD's sync engine"

    def __init__(self, source: Source, target: Target) -> None:
        self._source = source
        self._objects = Objects(target.url, target.ca_pem, target.token)
        self._folder: Path | None = None
        self._checkout: Checkout | None = None
        self._applied: dict[_Key, int] = {}

    def round(self) -> Synced:
        """Pull and sync. Raises SandboxError for git, or where the cluster cannot be reached."""
        if self._checkout is None:
            self._folder = Path(tempfile.mkdtemp(prefix="iamrbac-gitops-"))
            self._checkout = Checkout(self._source, self._folder / "repository")
        commit = self._checkout.pull()
        if commit is None:
            return Synced(None)
        try:
            manifests = sorted(_read(self._checkout.folder / self._source.path), key=_order)
        except ValueError as error:
            return Synced(commit, (), str(error))
        try:
            return self._sync(commit, manifests)
        except (OSError, http.client.HTTPException) as error:
            raise SandboxError(f"the cluster cannot be reached: {error}") from error

    def stop(self) -> None:
        """Remove the working copy."""
        self._checkout = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _sync(self, commit: str, manifests: list[dict[str, Any]]) -> Synced:
        wanted = {_key(manifest) for manifest in manifests}
        orphans = [key for key in self._applied if key not in wanted]
        if not manifests and orphans:
            # As Argo CD has it (allowEmpty: false).
            return Synced(commit, (), "auto-sync will wipe out all resources")
        said: list[str] = []
        for manifest in manifests:
            key = _key(manifest)
            try:
                changed = self._apply(key, manifest)
            except SandboxError as error:
                return Synced(commit, tuple(said), f"{key}: {error}")
            if changed:
                said.append(f"{key}: {changed}")
        # What is applied last goes first.
        for key in sorted(orphans, key=lambda key: self._applied[key], reverse=True):
            said += self._prune(key)
        return Synced(commit, tuple(said))

    def _apply(self, key: _Key, manifest: dict[str, Any]) -> str | None:
        if key.kind not in BY_KIND:
            raise SandboxError(f"this cluster has no kind {key.kind}")
        before = self._objects.get(key.kind, key.namespace, key.name)
        after = self._objects.apply(manifest, _MANAGER)
        self._applied[key] = _wave(manifest)
        if before is None:
            return "created"
        same = metadata_of(before)["resourceVersion"] == metadata_of(after)["resourceVersion"]
        return None if same else "changed"

    def _prune(self, key: _Key) -> list[str]:
        live = self._objects.get(key.kind, key.namespace, key.name)
        if live is not None and "Prune=false" in _options(live):
            return []
        self._objects.delete(key.kind, key.namespace, key.name)
        del self._applied[key]
        return [] if live is None else [f"{key}: pruned"]


def _read(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield every object. Raises ValueError where one of the files cannot be understood."""
    if not folder.is_dir():
        raise ValueError(f"{folder.name}: app path does not exist")
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file()):
        where = path.relative_to(folder).as_posix()
        try:
            documents = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ValueError(f"{where}: {' '.join(str(error).split())}") from error
        for document in documents:
            if document is None:
                continue
            if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
                raise ValueError(f"{where}: an object has no kind")
            if not isinstance(metadata_of(document).get("name"), str):
                raise ValueError(f"{where}: an object has no name")
            yield document


def _key(manifest: dict[str, Any]) -> _Key:
    kind, metadata = manifest["kind"], metadata_of(manifest)
    namespaced = kind not in BY_KIND or BY_KIND[kind].namespaced
    return _Key(kind, metadata.get("namespace", "default") if namespaced else None, metadata["name"])


def _order(manifest: dict[str, Any]) -> tuple[int, int, str]:
    kind = manifest["kind"]
    return _wave(manifest), _FIRST.index(kind) if kind in _FIRST else len(_FIRST), str(_key(manifest))


def _wave(manifest: dict[str, Any]) -> int:
    text = (metadata_of(manifest).get("annotations") or {}).get(_WAVE, "0")
    try:
        return int(text)
    except ValueError:
        return 0


def _options(live: dict[str, Any]) -> list[str]:
    text = (metadata_of(live).get("annotations") or {}).get(_OPTIONS, "")
    return [one.strip() for one in text.split(",")]
