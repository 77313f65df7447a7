"""The chart by real Helm: it lints, renders what it should, and refuses values that mean nothing, readably."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

import iamrbac
from tests.conftest import ROOT
from tests.deploy.render import CASES, CHART, NAMESPACE, by_template, helm, of_kind, pod_of, rendered, template

pytestmark = pytest.mark.helm
LOOPS = [case for case in CASES if case not in ("cron", "schedule")]


@pytest.mark.parametrize("case", CASES)
def test_helm_finds_nothing_wrong(case: str) -> None:
    done = helm("lint", "--strict", str(CHART), "--values", str(CHART / "ci" / f"{case}-values.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 chart(s) linted, 0 chart(s) failed" in done.stdout


def test_it_is_for_this_version() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert about["appVersion"] == about["version"] == iamrbac.__version__


@pytest.mark.parametrize("case", CASES)
def test_the_pod_has_no_right_on_its_node(case: str) -> None:
    pod = pod_of(rendered(case))["spec"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & pod.keys()
    assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= {
        "emptyDir",
        "configMap",
        "secret",
    }
    written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert written == {"/var/lib/iamrbac", "/tmp"}
    assert pod["automountServiceAccountToken"] is True


def test_no_secret_is_in_what_is_rendered() -> None:
    """Credentials are named, never said."""
    for case in CASES:
        assert not of_kind(rendered(case), "Secret")
        (container,) = pod_of(rendered(case))["spec"]["containers"]
        assert not any("valueFrom" in one for one in container["env"])


@pytest.mark.parametrize("case", LOOPS)
def test_what_serves_is_what_is_asked(case: str) -> None:
    objects = rendered(case)
    pod = pod_of(objects)
    (container,) = pod["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ports == {"metrics": 8080}
    assert f"--listen=0.0.0.0:{ports['metrics']}" in container["args"]
    probes = {kind: container[kind]["httpGet"] for kind in ("livenessProbe", "readinessProbe")}
    assert probes == {
        "livenessProbe": {"path": "/healthz", "port": "metrics"},
        "readinessProbe": {"path": "/readyz", "port": "metrics"},
    }
    labels = pod["metadata"]["labels"].items()
    for one in of_kind(objects, "Service", "NetworkPolicy", "PodDisruptionBudget", "PodMonitor"):
        spec = one["spec"]
        selector = spec.get("podSelector", spec.get("selector", {}))
        assert selector.get("matchLabels", selector).items() <= labels


def test_a_schedule_has_no_server_and_no_second_run() -> None:
    objects = rendered("cron")
    kinds = sorted(one["kind"] for one in objects)
    assert kinds == ["ConfigMap", "CronJob", "NetworkPolicy", "PrometheusRule"]
    (job,) = of_kind(objects, "CronJob")
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    (container,) = pod_of(objects)["spec"]["containers"]
    assert container["args"][:4] == ["sync", "--once", "--no-leader-election", "--listen="]
    assert not {"ports", "livenessProbe", "readinessProbe"} & container.keys()
    (policy,) = of_kind(objects, "NetworkPolicy")
    assert policy["spec"]["ingress"] == []


def test_the_network_policy_lets_out_what_is_said() -> None:
    def ports(case: str) -> list[Any]:
        (policy,) = of_kind(rendered(case), "NetworkPolicy")
        return [[port["port"] for port in rule["ports"]] for rule in policy["spec"]["egress"]]

    assert ports("base") == [[53, 53], [443], [80]]
    assert ports("ssh") == [[53, 53], [443, 6443, 22], [80], [3128]]
    assert ports("cron") == [[53, 53], [443]]
    assert not of_kind(rendered("least"), "NetworkPolicy")


def test_the_replicas_are_kept_apart_and_one_stays() -> None:
    (budget,) = of_kind(rendered("base"), "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    spread = pod_of(rendered("base"))["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert not of_kind(rendered("least"), "PodDisruptionBudget")


def test_a_change_of_what_is_mounted_restarts_the_pods() -> None:
    def checksum(*more: str) -> str:
        done = template("example", "--show-only", "templates/deployment.yaml", *more)
        assert done.returncode == 0, done.stderr
        return str(yaml.safe_load(done.stdout)["spec"]["template"]["metadata"]["annotations"]["checksum/files"])

    assert checksum("--set", "source.allowedSigners=a ssh-ed25519 AAAA") != checksum()


def test_the_schema_knows_each_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    _same_keys(defaults, schema, "")


def _same_keys(values: Any, schema: dict[str, Any], where: str) -> None:
    """No value without its schema, no schema without its default."""
    if schema.get("additionalProperties") is not False:
        return
    assert set(values) == set(schema["properties"]) - {"global"}, where
    for key, one in schema["properties"].items():
        if key != "global":
            _same_keys(values[key], one, f"{where}.{key}")


WRONG = {
    "additional properties 'replica' not allowed": ["replica=3"],
    "at '/sync': additional properties 'intervall' not allowed": ["sync.intervall=3m"],
    "at '/mode': value must be one of 'loop', 'cron'": ["mode=job"],
    "at '/replicas': got string, want integer": ["replicas=many"],
    "at '/sync/interval': '5x' does not match pattern": ["sync.interval=5x"],
    "at '/cluster': minLength: got 0, want 1": ["cluster="],
    "at '/image/digest': 'sha256:0' does not match pattern": ["image.digest=sha256:0"],
    "source.repository: it must be https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH": [
        "source.repository=/srv/access"
    ],
    "source.repository: no user, no password and no blank may be in it": [
        "source.repository=https://bot:hunter2@git.example.com/x"
    ],
    "source.credentials.kind: SSH always needs a key": ["source.repository=git@git.example.com:x"],
    "source.credentials.kind: ssh is for a source.repository of the form ssh://": [
        "source.credentials.kind=ssh",
        "source.credentials.secret=x",
    ],
    "source.credentials.secret: name the Secret in namespace iamrbac-system": ["source.credentials.kind=https"],
}


@pytest.mark.parametrize("said", WRONG)
def test_values_that_mean_nothing_are_refused(said: str) -> None:
    done = template("base", *(word for one in WRONG[said] for word in ("--set", one)))
    assert done.returncode != 0
    assert said in done.stderr
    assert "hunter2" not in done.stderr
    assert done.stdout == ""


def test_without_any_value_helm_says_which_it_needs() -> None:
    done = helm("template", "iamrbac", str(CHART), "--namespace", NAMESPACE)
    for value in ("/image/repository", "/source/repository", "/cluster"):
        assert f"- at '{value}': minLength: got 0, want 1" in done.stderr


def test_all_templates_are_in_some_case() -> None:
    files = {file.name for file in (CHART / "templates").glob("*.yaml")}
    assert {name for case in CASES for name in by_template(case)} == files


def test_no_value_file_names_a_place_that_could_be_somebodys() -> None:
    for file in (CHART / "ci").glob("*.yaml"):
        image = yaml.safe_load(file.read_text())["image"]["repository"]
        assert image.startswith(("registry.example.com/", "111122223333.dkr.ecr."))
    assert ROOT / "charts" in CHART.parents
