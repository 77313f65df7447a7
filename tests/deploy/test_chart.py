"""The chart by real Helm: it lints, renders what it should, and refuses values that mean nothing, readably."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

import iamrbac
from iamrbac.cli.main import run
from tests.conftest import ROOT
from tests.deploy.render import CASES, CHART, by_template, helm, of_kind, pod_of, rendered, template

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
        "persistentVolumeClaim",
    }
    written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert written == {"/var/lib/iamrbac", "/tmp"}
    assert pod["automountServiceAccountToken"] is True


@pytest.mark.parametrize("case", CASES)
def test_iamrbac_takes_the_arguments(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All that they say is known to its command line: --help comes last, so that nothing runs."""
    (container,) = pod_of(rendered(case))["spec"]["containers"]
    values = {one["name"]: one["value"] for one in container["env"]}
    arguments = [argument.replace("$(", "{").replace(")", "}").format(**values) for argument in container["args"]]
    assert arguments[0] == "sync"
    assert not any("{" in argument or "$" in argument for argument in arguments)
    options = _options()
    for argument in arguments[1:]:
        name = argument.partition("=")[0]
        assert name in options, argument
        assert options[name] == ("=" in argument), f"{argument}: a flag has no value, and an option has one"
    assert run([*arguments, "--help"]) == 0
    assert "round" in capsys.readouterr().out


def _options() -> dict[str, bool]:
    """Option of `iamrbac sync` → whether it takes a value."""
    import typer

    from iamrbac.cli.sync import command

    app = typer.Typer(add_completion=False)
    app.command()(command)
    return {
        name: not (getattr(option, "is_flag", False))
        for option in typer.main.get_command(app).params
        for name in (*option.opts, *option.secondary_opts)
    }


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


def test_a_kept_clone_is_nobodys_while_pods_change() -> None:
    """A volume that one node has cannot be on another yet."""
    (kept,) = of_kind(rendered("least"), "Deployment")
    assert kept["spec"]["strategy"] == {"type": "Recreate"}
    volumes = {one["name"]: one.get("persistentVolumeClaim") for one in pod_of([kept])["spec"]["volumes"]}
    assert volumes["state"] == {"claimName": "iamrbac"}
    (other,) = of_kind(rendered("base"), "Deployment")
    assert other["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_a_change_of_what_is_mounted_restarts_the_pods() -> None:
    def checksum(*more: str) -> str:
        done = template("example", "--show-only", "templates/deployment.yaml", *more)
        assert done.returncode == 0, done.stderr
        return str(yaml.safe_load(done.stdout)["spec"]["template"]["metadata"]["annotations"]["checksum/files"])

    assert checksum("--set", "source.allowedSigners=a ssh-ed25519 AAAA") != checksum()


def test_all_templates_are_in_some_case() -> None:
    files = {file.name for file in (CHART / "templates").glob("*.yaml")}
    assert {name for case in CASES for name in by_template(case)} == files


def test_no_value_file_names_a_place_that_could_be_somebodys() -> None:
    for file in (CHART / "ci").glob("*.yaml"):
        image = yaml.safe_load(file.read_text())["image"]["repository"]
        assert image.startswith(("registry.example.com/", "111122223333.dkr.ecr."))
    assert ROOT / "charts" in CHART.parents
