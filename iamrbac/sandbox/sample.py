"""The sample repository that comes with iamrbac, and a sandbox for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import iamrbac
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.runner import KubeKind, Sandbox
from iamrbac.sandbox.spec import read_spec
from iamrbac.usecases.load import load
from iamrbac.usecases.ports import Repository

SAMPLE = Path(iamrbac.__file__).parent / "sample"


@contextmanager
def copied() -> Iterator[Path]:
    """Copy the sample into a folder of its own: in a checkout it is links, which a repository may not follow."""
    with TemporaryDirectory(prefix="iamrbac-sample-") as folder:
        root = Path(folder) / "acme"
        shutil.copytree(SAMPLE, root)
        yield root


@contextmanager
def open_sandbox(repository: Repository, kube: KubeKind = "embedded") -> Iterator[Sandbox]:
    """Run a sandbox for a repository. Raises SandboxError when its documents do not load."""
    loaded = load(repository)
    if loaded.documents is None:
        raise SandboxError("the documents are invalid", where=str(repository.root), hint="run `iamrbac validate` there")
    root = Path(repository.root)
    with Sandbox(loaded.documents, read_spec(root), root, kube) as sandbox:
        yield sandbox
