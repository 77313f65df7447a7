"""A real API server takes what Helm and kustomize make, strictly; Helm installs, upgrades and uninstalls it there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conformance.conftest import Target
from tests.conformance.http import Client
from tests.conftest import ROOT
from tests.deploy.conftest import path_of
from tests.deploy.render import CASES, CHART, NAMESPACE, NO_KUBECTL, Object, helm, kustomized, pod_of, rendered

# One server is enough for them all.
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("deploy")]
STRICT = {"dryRun": "All", "fieldValidation": "Strict"}


@pytest.mark.helm
@pytest.mark.parametrize("case", CASES)
def test_the_server_takes_what_helm_renders(case: str, admin: Client) -> None:
    for one in rendered(case):
        answer = admin.apply(f"{path_of(admin, one)}/{one['metadata']['name']}", one, **STRICT)
        assert answer.code == 201, answer.json
        assert "Warning" not in answer.headers, answer.headers["Warning"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason=NO_KUBECTL)
@pytest.mark.parametrize("folder", ["base", "overlays/example", "cron"])
def test_the_server_takes_what_kustomize_makes(folder: str, admin: Client) -> None:
    for one in kustomized(folder):
        answer = admin.apply(f"{path_of(admin, one)}/{one['metadata']['name']}", one, force="true", **STRICT)
        assert answer.code in (200, 201), answer.json
        assert "Warning" not in answer.headers, answer.headers["Warning"]


@pytest.mark.helm
def test_an_unknown_field_is_refused(admin: Client) -> None:
    """Or its consent would say nothing."""
    for one in rendered("ssh"):
        broken = {**one, "bogus": {"x": 1}} if "spec" not in one else {**one, "spec": {**one["spec"], "bogus": 1}}
        answer = admin.post(path_of(admin, one), broken, **STRICT)
        assert answer.code == 400, one["kind"]
        assert "bogus" in answer.refusal[2]


@pytest.mark.helm
@pytest.mark.parametrize("case", CASES)
def test_the_pod_is_let_in_where_only_restricted_ones_are(case: str, admin: Client) -> None:
    """By the API server's own PodSecurity, as the base's namespace asks for it."""
    namespace = "restricted"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    admin.post("/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}})
    template = pod_of(rendered(case))
    pod = {"metadata": {"name": "sync", "labels": template["metadata"]["labels"]}, "spec": template["spec"]}
    # Its class may be there or not.
    pod["spec"] = {key: value for key, value in pod["spec"].items() if key != "priorityClassName"}
    path = f"/api/v1/namespaces/{namespace}/pods"
    answer = admin.post(path, pod, **STRICT)
    assert answer.code == 201, answer.json
    pod["spec"] = {key: value for key, value in pod["spec"].items() if key != "securityContext"}
    assert admin.post(path, pod, **STRICT).refusal[:2] == (403, "Forbidden")


@pytest.mark.helm
def test_the_notes_are_those_of_the_docs(real_target: Target, tmp_path: Path) -> None:
    docs = (ROOT / "docs" / "deploy.md").read_text()
    (tmp_path / "values.yaml").write_text(docs.split("```yaml\n# values.yaml\n")[1].split("```")[0])
    values = ["--values", str(tmp_path / "values.yaml"), "--dry-run=server"]
    done = helm("install", "iamrbac", str(CHART), *values, *_reach(real_target, tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("NOTES:\n")[1].strip() in docs


def _reach(target: Target, folder: Path) -> list[str]:
    """How Helm gets to the server."""
    (folder / "ca.pem").write_text(target.ca_pem)
    reach = ["--kube-apiserver", target.url, "--kube-ca-file", str(folder / "ca.pem")]
    return [*reach, "--kube-token", target.tokens["admin"], "--namespace", NAMESPACE]


@pytest.mark.helm
def test_helm_installs_upgrades_and_leaves_nothing_but_what_iamrbac_wrote(
    real_target: Target, admin: Client, tmp_path: Path
) -> None:
    """A release of its own name: what a cluster has of its kinds before is there after."""
    reach = _reach(real_target, tmp_path)
    values = ["--values", str(CHART / "ci" / "ssh-values.yaml"), "--set", "home="]
    before = _names(admin)
    done = helm("install", "access", str(CHART), *values, *reach)
    assert done.returncode == 0, done.stderr
    notes = done.stdout.split("NOTES:\n")[1]
    assert "the role arn:aws:iam::111122223333:role/iamrbac-sync (IRSA)" in notes
    assert "deployment/access-iamrbac" in notes
    made = _names(admin) - before
    assert {kind for kind, _ in made} == {kind for kind, _ in _of(rendered("ssh"))}
    done = helm("upgrade", "access", str(CHART), *values, "--set", "mode=cron", *reach)
    assert done.returncode == 0, done.stderr
    assert ("cronjobs", f"{NAMESPACE}/access-iamrbac") in _names(admin)
    assert ("deployments", f"{NAMESPACE}/access-iamrbac") not in _names(admin)
    record = {"metadata": {"name": "iamrbac-acme"}}
    assert admin.post(f"/api/v1/namespaces/{NAMESPACE}/configmaps", record).code == 201
    done = helm("uninstall", "access", *reach)
    assert done.returncode == 0, done.stderr
    left = _names(admin) - before
    assert left == {("configmaps", f"{NAMESPACE}/iamrbac-acme")}
    admin.delete(f"/api/v1/namespaces/{NAMESPACE}/configmaps/iamrbac-acme")


_PLURALS = {
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Service": ("/api/v1", "services"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "CronJob": ("/apis/batch/v1", "cronjobs"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "PodMonitor": ("/apis/monitoring.coreos.com/v1", "podmonitors"),
    "PrometheusRule": ("/apis/monitoring.coreos.com/v1", "prometheusrules"),
    **{
        kind: ("/apis/rbac.authorization.k8s.io/v1", f"{kind.lower()}s")
        for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
    },
}


def _of(objects: list[Object]) -> set[tuple[str, str]]:
    return {(_PLURALS[one["kind"]][1], one["metadata"]["name"]) for one in objects}


def _names(client: Client) -> set[tuple[str, str]]:
    """(plural, namespace/name) of all objects of the chart's kinds."""
    found = set()
    for base, plural in _PLURALS.values():
        for one in client.get(f"{base}/{plural}").json["items"]:
            found.add((plural, "/".join(filter(None, (one["metadata"].get("namespace"), one["metadata"]["name"])))))
    return found
