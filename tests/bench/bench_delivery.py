"""Delivery by Git: a commit of many files against git's own commands, and a plan that has nothing to do."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from iamrbac import wiring
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.compile import CompileRequest, compile_repository
from iamrbac.usecases.deliveries import DeliveryRepository, Message, Tip
from iamrbac.usecases.plan import PlanRequest, make_plan
from tests.bench.generate import generate
from tests.bench.measure import Row, best_of, table

FILES = 10_000
_TIMES = 3
_FOLDER = "clusters/staging"
_MESSAGE = Message("Give alice developer", "In payments.", "Give alice developer", "In payments.")
_GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_NAME": "bench" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "bench@example.com" for role in ("AUTHOR", "COMMITTER")},
}


def rows() -> list[Row]:
    """Measure on remotes and checkouts that are made here."""
    with (
        tempfile.TemporaryDirectory(prefix="iamrbac-bench-") as folder,
        patch.dict(os.environ, _GIT | {"XDG_CACHE_HOME": f"{folder}/cache"}),
    ):
        here = Path(folder).resolve()
        return [*_rows(here), *_plans(here)]


def _rows(folder: Path) -> Iterator[Row]:
    files = {f"{_FOLDER}/n{number % 500:03}/role-{number:05}.yaml": _manifest(number) for number in range(FILES)}
    baseline = min(_by_hand(folder / f"hand{number}", files) for number in range(_TIMES))
    ours = []
    for number in range(_TIMES):
        delivery = _remote(folder / f"remote{number}.git")
        tip = delivery.tip("main", [_FOLDER])
        ours.append(_pushed(delivery, tip, files))
    yield Row(
        f"commit and push {FILES:,} files / git add -A && git commit",
        min(ours) / baseline,
        3,
        f"{min(ours):.2f} s / {baseline:.2f} s",
    )
    hooks = folder / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\n")
    (hooks / "pre-commit").chmod(0o755)
    hook = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": str(hooks)}
    with patch.dict(os.environ, hook):
        hooked = _remote(folder / "hooked.git")
        seconds = _pushed(hooked, hooked.tip("main", [_FOLDER]), files)
    detail = f"{seconds:.2f} s / {baseline:.2f} s; all files are written, for the hook to see"
    yield Row("the same with a pre-commit hook", seconds / baseline, 3, detail)
    checkout = folder / "hand0"
    listing, _ = best_of(_TIMES, lambda: _git(checkout, "ls-tree", "-r", "HEAD"))
    fetched, found = best_of(_TIMES, lambda: delivery.tip("main", [_FOLDER]))
    if found.files.keys() != files.keys():
        raise RuntimeError("not everything was pushed")
    yield Row("tip that did not move", fetched, 0.5, f"{fetched:.2f} s; git ls-tree alone {listing:.2f} s", unit="s")
    reading, read = best_of(_TIMES, lambda: delivery.read(found.files.values()))
    yield Row("contents of all of them", reading, 1, f"{len(read):,} blobs", unit="s")
    few = dict.fromkeys(list(files)[:10])
    small, _ = best_of(1, lambda: delivery.push(found, few, _MESSAGE, None))
    yield Row("commit and push 10 of them", small, 1, f"in a repository of {FILES:,} files", unit="s")


def _plans(folder: Path) -> Iterator[Row]:
    """A plan with nothing to do on all the clusters of a large repository, against reading and compiling it."""
    root = folder / "access"
    root.mkdir()
    generate(root)
    config = (root / "iamrbac.yaml").read_text(encoding="utf-8")
    config = config.replace("    region:", "    delivery: gitops\n    mapping: external\n    region:")
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "clusters.git")
    (root / "iamrbac.yaml").write_text(config + "gitops: {repository: ../clusters.git}\n", encoding="utf-8")
    at = datetime.now(UTC)
    edges = wiring.edges(root)
    first = make_plan(edges, PlanRequest(at), _Silent()).plan
    if first is None or any(one.reason for one in apply_plan(edges, first, Applying(_Silent(), time.sleep))):
        raise RuntimeError("not everything was delivered")
    baseline, compiled = best_of(_TIMES, lambda: _compiled(root, at))
    planning, planned = best_of(_TIMES, lambda: make_plan(wiring.edges(root), PlanRequest(at), _Silent()))
    if planned.plan is None or planned.plan.changed:
        raise RuntimeError("there is something to do")
    yield Row(
        "plan of what is delivered already / read and compile",
        planning / baseline,
        2,
        f"{planning:.2f} s / {baseline:.2f} s, {compiled:,} objects on 20 clusters",
    )


def _compiled(root: Path, at: datetime) -> int:
    result = compile_repository(wiring.repository(root), wiring.roles(root), wiring.people, CompileRequest(at))
    return sum(len(one.objects) for one in result.compiled.clusters.values()) if result.compiled is not None else 0


class _Silent:
    """Progress that nobody reads."""

    def step(self, text: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


def _pushed(delivery: DeliveryRepository, tip: Tip, files: Mapping[str, str]) -> float:
    seconds, _ = best_of(1, lambda: delivery.push(tip, files, _MESSAGE, None))
    return seconds


def _by_hand(folder: Path, files: dict[str, str]) -> float:
    """Seconds of git's own two commands in a checkout where the files are written already."""
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    adding, _ = best_of(1, lambda: _git(folder, "add", "-A"))
    committing, _ = best_of(1, lambda: _git(folder, "commit", "--quiet", "-m", "all of them"))
    return adding + committing


def _remote(folder: Path) -> DeliveryRepository:
    _git(folder.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(folder))
    return wiring.deliveries(folder.parent).open(folder.as_uri())


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE).stdout


def _manifest(number: int) -> str:
    rules = "".join(
        f"  - apiGroups: ['']\n    resources: [r{number}-{rule}]\n    verbs: [get, list]\n" for rule in range(5)
    )
    return (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n"
        f"metadata:\n  name: role-{number:05}\n  namespace: n{number % 500:03}\nrules:\n{rules}"
    )


if __name__ == "__main__":
    print(table(rows()))
