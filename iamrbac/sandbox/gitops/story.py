"""The demo with delivery by Git: a policy becomes a commit, and something else brings the cluster to it.

The cluster staging of the sample is delivered through a repository in a folder beside it. RBAC goes there, access
entries are written directly: what people with Argo CD and without a controller for EKS have.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from iamrbac.sandbox.demo import CLUSTER, INTRUDER, LEAVER, NAMESPACE, Stage, change_by_hand, developer, nothing_left
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.gitops.repository import AUTHOR, Source, git, make_bare, settings
from iamrbac.sandbox.gitops.standin import StandIn
from iamrbac.sandbox.gitops.syncer import Syncer, Target
from iamrbac.sandbox.runner import Sandbox

HOSTED: Final = "clusters.git"
_FOLDER: Final = f"clusters/{CLUSTER}"
_THEIRS: Final = f"{_FOLDER}/quota.yaml"
_HERE: Final = ("--cluster", CLUSTER)
_PATIENCE_SECONDS: Final = 60.0
_WAITING: Final = 6
"""Exit code of an apply that has left something for later."""
_GITOPS: Final = f"""
# Where clusters with `delivery: gitops` are delivered; Argo CD reads it by its URL.
gitops:
  repository: ../{HOSTED}
  layout: argocd
  accessEntries: direct
  author: {{name: Pat, email: pat@example.com}}
  argocd: {{repoURL: "https://git.example.com/acme/clusters.git"}}
"""
_QUOTA: Final = f"""\
# The platform team's own: iamrbac leaves it alone.
apiVersion: v1
kind: ConfigMap
metadata: {{name: quota, namespace: {NAMESPACE}}}
data: {{pods: "40"}}
"""


def prepare(root: Path) -> None:
    """Make the sample's copy a Git repository whose staging is delivered by Git, and the hosted repository beside it.

    Raises SandboxError where there is no git.
    """
    config = root / "iamrbac.yaml"
    text = config.read_text(encoding="utf-8")
    cluster = f"  - name: {CLUSTER}\n"
    if cluster not in text:
        raise SandboxError(f"has no cluster {CLUSTER}", where=str(config))
    config.write_text(text.replace(cluster, f"{cluster}    delivery: gitops\n") + _GITOPS, encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    _commit(root, "Access of payments and search")
    bare, clone = make_bare(root.parent / HOSTED), _clone(root)
    git(root.parent, "clone", "--quiet", str(bare), str(clone))
    (clone / _FOLDER).mkdir(parents=True)
    (clone / _THEIRS).write_text(_QUOTA, encoding="utf-8")
    _commit(clone, "Quota of payments")
    git(clone, "push", "--quiet", "origin", "HEAD:main")


@contextmanager
def syncing(sandbox: Sandbox, root: Path) -> Iterator[Syncer]:
    """Let Argo CD's engine, or where clusters are embedded its stand-in, follow the hosted repository."""
    source = Source(str(root.parent / HOSTED), "main", _FOLDER)
    cluster = sandbox.cluster(CLUSTER)
    target = Target(cluster.url, cluster.ca_pem, cluster.token)
    syncer = _engine(source, target) if sandbox.kube == "real" else StandIn(source, target)
    try:
        yield syncer
    finally:
        syncer.stop()


def variables(sandbox: Sandbox) -> dict[str, str]:
    """Return what iamrbac needs to leave the person's git settings and caches alone."""
    return settings() | {"XDG_CACHE_HOME": str(sandbox.folder / "cache")}


@dataclass(frozen=True, slots=True)
class Story:
    """The stage, and who brings the cluster to a commit."""

    stage: Stage
    syncer: Syncer

    def play(self) -> None:
        """Play all chapters. Raises DoesNotHoldError at the first thing that is not as promised."""
        self._merged()
        self._synced()
        developer(self.stage)
        change_by_hand(self.stage)
        self._healed()
        self._reverted()
        self._again()
        self.stage.narrator.end()

    def _merged(self) -> None:
        narrator = self.stage.narrator
        narrator.chapter("A policy is merged: a plan says who gains, and apply commits what it means")
        plan = self.stage.iamrbac("plan", *_HERE)
        narrator.quote(plan.out)
        narrator.check("the plan can be made", plan.code == 0, plan.out + plan.err)
        narrator.check(f"it says that {LEAVER} gains access", f"{LEAVER} gains developer" in plan.out, plan.out)
        narrator.check(f"and that this goes through {HOSTED}", f"to main of ../{HOSTED}" in plan.out, plan.out)
        before = self._tip()
        self._apply("all but the access entries, which wait for the sync", _WAITING)
        narrator.command(self.stage.sandbox.admin, f"git -C ../{HOSTED} log --oneline")
        narrator.quote(self._hosted("log", "--oneline", "main"))
        narrator.check("there is a new commit", self._tip() != before)

    def _synced(self) -> None:
        narrator = self.stage.narrator
        narrator.chapter(f"The cluster follows: {self.syncer.name} pulls and syncs")
        self._sync("the cluster has what was committed")
        self._apply("the access entries follow", 0)
        self._status("the cluster is in sync, object by object", 0, "in sync")
        nothing_left(self.stage, *_HERE)

    def _healed(self) -> None:
        stage = self.stage
        self._status("status says what was changed by hand", 3, "otherwise in subjects")
        self._sync("it is put back, and iamrbac had nothing to do with it")
        stage.get(INTRUDER, "pods", NAMESPACE, f"{INTRUDER} is refused again", 403)

    def _reverted(self) -> None:
        narrator, stage = self.stage.narrator, self.stage
        narrator.chapter("The commit is reverted in the hosted repository")
        clone, commit = _clone(stage.repository), self._tip()
        git(clone, "pull", "--quiet", "origin", "main")
        narrator.command(stage.sandbox.admin, f"git revert --no-edit {commit[:12]} && git push")
        git(clone, *AUTHOR, "revert", "--no-edit", commit)
        git(clone, "push", "--quiet", "origin", "HEAD:main")
        self._sync("what the commit brought is pruned")
        stage.get(LEAVER, "pods", NAMESPACE, f"{LEAVER} is refused", 403)
        theirs = stage.sandbox.cluster(CLUSTER).store.get("ConfigMap", NAMESPACE, "quota")
        narrator.check("what others keep in that folder is as it was", theirs is not None)

    def _again(self) -> None:
        narrator, stage = self.stage.narrator, self.stage
        narrator.chapter("The policy still says it, so a plan would bring it back")
        plan = stage.iamrbac("plan", *_HERE)
        narrator.check(f"the plan says that {LEAVER} gains access", f"{LEAVER} gains developer" in plan.out, plan.out)
        self._apply("it is committed again", 0)
        self._sync("and synced")
        stage.get(LEAVER, "pods", NAMESPACE, f"{LEAVER} works again", 200)
        nothing_left(stage, *_HERE)

    def _apply(self, claim: str, code: int) -> None:
        applied = self.stage.iamrbac("apply", "--yes", "--quiet", *_HERE)
        self.stage.narrator.quote(applied.out.splitlines()[-1] if applied.out else "")
        self.stage.narrator.check(claim, applied.code == code, applied.out + applied.err)

    def _status(self, claim: str, code: int, word: str) -> None:
        """Ask whether the cluster has what Git says, and quote what concerns the claim."""
        status = self.stage.iamrbac("status", *_HERE)
        self.stage.narrator.quote("\n".join(line for line in status.out.splitlines() if word in line))
        held = status.code == code and word in status.out
        self.stage.narrator.check(claim, held, status.out + status.err)

    def _sync(self, claim: str) -> None:
        """Do rounds until one has done something: a change by hand may be seen a moment later."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (done := self.syncer.round()).said and done.problem is None and time.monotonic() < deadline:
            time.sleep(0.1)
        self.stage.narrator.quote("\n".join(done.said), most=6)
        self.stage.narrator.check(claim, done.problem is None and bool(done.said), done.problem or "")

    def _tip(self) -> str:
        return self._hosted("rev-parse", "main")

    def _hosted(self, *words: str) -> str:
        return git(self.stage.repository.parent / HOSTED, *words)


def _engine(source: Source, target: Target) -> Syncer:
    # Not at the top: whoever has the embedded API alone does not wait for it.
    from iamrbac.sandbox.gitops.engine import Engine

    return Engine(source, target, f"iamrbac-acme-{CLUSTER}")


def _clone(root: Path) -> Path:
    return root.parent / "clone"


def _commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, *AUTHOR, "commit", "--quiet", "--message", message)
