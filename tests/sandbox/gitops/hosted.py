"""A hosted repository and somebody's clone of it, to push from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from iamrbac.sandbox.gitops.repository import Source, git, make_bare

FOLDER = "clusters/one"
RBAC = "rbac.authorization.k8s.io"
KEPT = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
WAVE = "argocd.argoproj.io/sync-wave"


class Hosted:
    """`bare` is what is pulled from, `clone` where files are changed."""

    def __init__(self, folder: Path) -> None:
        self.bare = make_bare(folder / "hosted.git")
        self.clone = folder / "clone"
        self.clone.mkdir()
        git(self.clone, "init", "--quiet", "--initial-branch=main")
        git(self.clone, "remote", "add", "origin", str(self.bare))

    @property
    def source(self) -> Source:
        return Source(str(self.bare), "main", FOLDER)

    def write(self, name: str, *objects: dict[str, Any]) -> None:
        """Write a file of the cluster's folder; without objects, remove it."""
        path = self.clone / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if objects:
            path.write_text(yaml.safe_dump_all(objects))
        else:
            path.unlink()

    def push(self, *more: str) -> str:
        """Commit everything and push it; return the commit."""
        git(self.clone, "add", "--all")
        self.commit("--allow-empty", "--message=change")
        git(self.clone, "push", "--quiet", *more, "origin", "main")
        return git(self.clone, "rev-parse", "HEAD")

    def commit(self, *words: str) -> None:
        who = ("-c", "user.name=Pat", "-c", "user.email=pat@example.com")
        git(self.clone, *who, "commit", "--quiet", *words)

    def revert(self, commit: str) -> str:
        """Revert a commit and push that."""
        git(self.clone, "-c", "user.name=Pat", "-c", "user.email=pat@example.com", "revert", "--no-edit", commit)
        git(self.clone, "push", "--quiet", "origin", "main")
        return git(self.clone, "rev-parse", "HEAD")


def namespace(name: str, **annotations: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": KEPT | annotations}}


def role(namespace: str, name: str, *verbs: str, wave: int = 0) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "annotations": {WAVE: str(wave)}}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]
    return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}


def binding(namespace: str, name: str, *groups: str, wave: int = 0) -> dict[str, Any]:
    """A binding of groups to the role of the same name."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace, "annotations": {WAVE: str(wave)}},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "Group", "apiGroup": RBAC, "name": group} for group in groups],
    }
