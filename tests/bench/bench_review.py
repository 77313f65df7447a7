"""All that a pull request is asked (validate, lint, test, diff) against `kubectl apply --dry-run=client` of it all.

The revision under review adds 200 renderings of a template of its own, so that no step can say "nothing changed".
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from iamrbac.sandbox.controlplane.binaries import missing
from iamrbac.sandbox.controlplane.files import StaticUser, kubeconfig
from iamrbac.sandbox.controlplane.server import ControlPlane
from tests.bench.bench_expect import write_tests
from tests.bench.generate import CLUSTERS, generate
from tests.bench.measure import Row, child, iamrbac, table
from tests.git.repo import Repo

RENDERINGS = 200
_CLUSTER = "cluster-00"
_TEMPLATE = """\
rules:
  - {apiGroups: [""], resources: [configmaps], resourceNames: ["{{ parameters.name }}"], verbs: [get, update, patch]}
"""


def rows(root: Path) -> list[Row]:
    """Measure on a copy, with a history, of a repository that `generate` wrote."""
    repo = _revised(root)
    steps = [["validate"], ["lint", "--fail-on", "never"], ["test", "-q"], ["diff", "--base", "main", "-o", "markdown"]]
    measured = {step[0]: child(iamrbac(*step, "-C", str(repo))) for step in steps}
    seconds = sum(time for time, _ in measured.values())
    memory = max(peak for _, peak in measured.values())
    detail = ", ".join(f"{name} {time:.1f} s" for name, (time, _) in measured.items())
    found = [Row("validate, lint, test and diff, peak memory", memory, 300, detail, "MB")]
    if missing() or shutil.which("kubectl") is None:
        print("kubectl's own check is not measured: Go (or the servers) and kubectl are needed", file=sys.stderr)
        return found
    theirs = _dry_run(repo) * CLUSTERS
    compared = f"{seconds:.1f} s / {theirs:.0f} s, which is {CLUSTERS} times that of one cluster"
    name = "validate, lint, test and diff / kubectl apply --dry-run=client"
    return [Row(name, seconds / theirs, 0.5, compared), *found]


def _revised(root: Path) -> Path:
    repo = Repo(root.parent / "review")
    shutil.copytree(root, repo.folder)
    if not (repo.folder / "tests").exists():
        write_tests(repo.folder)
    repo.git("init", "--quiet", "--initial-branch=main")
    repo.commit({})
    lines = "".join(
        f"    - {{clusters: [cluster-{number % CLUSTERS:02}], namespaces: [team-{number:04}],"
        f" role: {{template: scoped, parameters: {{name: config-{number}}}}}}}\n"
        for number in range(RENDERINGS)
    )
    policy = (
        "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {name: scoped}\n"
        f"spec:\n  owners: [scoped@example.com]\n  members: {{all: [{{iamGroup: scoped}}]}}\n  access:\n{lines}"
    )
    repo.write({"templates/roles/scoped.yaml.j2": _TEMPLATE, "policies/scoped.yaml": policy})
    return repo.folder


def _dry_run(root: Path) -> float:
    """Seconds of kubectl over one cluster's objects, against an API server that has none of them."""
    out = root.parent / "dry"
    child(iamrbac("compile", "-C", str(root), "--cluster", _CLUSTER, "--out", str(out), "-q"))
    (out / _CLUSTER / "principals.yaml").unlink()
    admin = StaticUser("admin", ("system:masters",))
    with ControlPlane("bench", [admin]) as plane:
        ca, config = root.parent / "ca.pem", root.parent / "kubeconfig"
        ca.write_text(plane.ca_pem)
        config.write_text(kubeconfig(plane.url, str(ca), plane.tokens["admin"]))
        command = ["kubectl", "--kubeconfig", str(config), "apply", "--dry-run=client", "--recursive", "-f", str(out)]
        return child(command)[0]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "repository")
        print(table(rows(Path(folder) / "repository")))
