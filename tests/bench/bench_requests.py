"""HTTP requests of a no-op plan: they grow with pages of 500, not with objects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from math import ceil
from unittest.mock import patch

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from iamrbac.sandbox.spec import read_spec
from iamrbac.usecases.load import load
from iamrbac.wiring import repository
from tests.bench.measure import Row, table
from tests.conftest import ROOT
from tests.recorded import recorded

PAGE = 500
OTHERS = 5_000


def rows() -> list[Row]:
    """Plan a cluster that is as it should be, alone and beside thousands of other people's roles."""
    with _applied() as sandbox:
        few = _requests()
        for index in range(OTHERS):
            metadata = {"name": f"other-{index}", "namespace": "search"}
            role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": []}
            sandbox.cluster("staging").store.put(role)
        many = _requests()
    detail = f"{few} requests, {many} with {OTHERS:,} objects more, which are {ceil(OTHERS / PAGE)} pages"
    return [Row("no-op plan, HTTP requests more / pages more", (many - few) / ceil(OTHERS / PAGE), 1.0, detail)]


@contextmanager
def _applied() -> Iterator[Sandbox]:
    documents = load(repository(ROOT)).documents
    if documents is None:
        raise SystemExit("the sample repository is broken: run `iamrbac validate`")
    with (
        Sandbox(documents, read_spec(ROOT), ROOT) as sandbox,
        patch.dict(os.environ, sandbox.environment(), clear=True),
        redirect_stdout(StringIO()),
    ):
        run(["apply", "-C", str(ROOT), "--yes", "-q"])
        yield sandbox


def _requests() -> int:
    with recorded() as (operations, requests):
        code = run(["plan", "-C", str(ROOT), "--cluster", "staging", "--detailed-exitcode", "-q"])
    if code != 0:
        raise SystemExit("the plan was not a no-op")
    return operations.total() + requests.total()


if __name__ == "__main__":
    print(table(rows()))
