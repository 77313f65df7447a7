"""`python -m tests.e2e.serve`: the sample's sandbox on real servers, until stdin ends. It says where everything is.

A process of its own, since moto keeps its state in the process, and the tests' process has the embedded sandbox.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from iamrbac.documents.files import FileRepository
from iamrbac.sandbox.controlplane.cluster import RealCluster
from iamrbac.sandbox.process import StoppedError, stoppable
from iamrbac.sandbox.runner import Sandbox
from iamrbac.sandbox.spec import read_spec
from iamrbac.usecases.load import load


def main(root: Path) -> None:
    documents = load(FileRepository(root)).readable
    assert documents is not None
    with stoppable(), Sandbox(documents, read_spec(root), root, "real") as sandbox:
        clusters = {
            name: {"url": cluster.url, "ca_pem": cluster.ca_pem, "token": cluster.token}
            for name, cluster in sandbox.clusters.items()
            if isinstance(cluster, RealCluster)
        }
        people = {profile.name: [profile.arn, profile.access_key, profile.secret_key] for profile in sandbox.profiles}
        said = {"url": sandbox.aws.url, "folder": str(sandbox.folder), "people": people, "clusters": clusters}
        print(json.dumps(said), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except StoppedError:
        sys.exit(1)
