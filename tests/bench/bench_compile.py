"""compile in memory against CSafeLoader on the same policies; `compile --out` against CSafeDumper on its objects."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import yaml

from iamrbac import wiring
from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterFacts, Compiled
from iamrbac.compile.documents import Documents
from iamrbac.compile.manifest import manifest_json
from iamrbac.documents.files import FileRepository
from iamrbac.identity.snapshot import Identities
from iamrbac.usecases.load import load
from tests.bench.generate import generate, policy_bytes
from tests.bench.measure import Row, best_of, child, iamrbac, table

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DUMPED = 10
"""Only every tenth object is dumped for the baseline and the time multiplied: all of them take minutes."""


def rows(root: Path) -> list[Row]:
    """Measure on a repository that `generate` wrote."""
    loading, _ = best_of(3, lambda: [yaml.load(content, yaml.CSafeLoader) for content in policy_bytes(root)])
    documents = load(FileRepository(root)).documents
    if documents is None:
        raise RuntimeError("the generated repository is not valid")
    compiling, compiled = best_of(3, lambda: _compile(documents, root))
    objects = [manifest_json(item) for cluster in compiled.clusters.values() for item in cluster.objects]
    dumping = DUMPED * best_of(1, lambda: [yaml.dump(value, Dumper=yaml.CSafeDumper) for value in objects[::DUMPED]])[0]
    out = root.parent / "out"
    command = iamrbac("compile", "-C", str(root), "--out", str(out), "--quiet")
    # The shortest of three into an empty folder: how long a file system takes for this many files varies widely.
    writing, memory = min(_fresh(out, command) for _ in range(3))
    again, _ = child(command)
    count = f"{len(objects)} objects"
    return [
        Row(
            "compile in memory / CSafeLoader of the policies",
            compiling / loading,
            5,
            f"{compiling:.2f} s / {loading:.2f} s, {count}",
        ),
        Row(
            "compile --out, whole process / CSafeDumper of the objects",
            writing / dumping,
            1,
            f"{writing:.2f} s / {dumping:.2f} s; a second run, which writes nothing: {again:.2f} s",
        ),
        Row("compile --out, peak memory", memory, 300, count, "MB"),
    ]


def _fresh(out: Path, command: list[str]) -> tuple[float, float]:
    shutil.rmtree(out, ignore_errors=True)
    return child(command)


def _compile(documents: Documents, root: Path) -> Compiled:
    """Compile with fresh caches: a template is read, rendered and parsed anew."""
    facts = {
        cluster.name: ClusterFacts("neutral", frozenset(cluster.namespaces or ()))
        for cluster in documents.config.document.clusters
    }
    return compile_documents(documents, Identities(), facts, NOW, wiring.roles(root).render)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "repository")
        print(table(rows(Path(folder) / "repository")))
