"""The chart's and the base's rights are those that `iamrbac permissions sync` prints, bound to the ServiceAccount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac.cli.main import run
from tests.conftest import ROOT
from tests.deploy.render import CASES, KUSTOMIZE, NAMESPACE, of_kind, rendered

RBAC = "rbac.authorization.k8s.io"
Rights = Mapping[tuple[str, str], Sequence[Any]]


def printed(folder: Path, home: str, *, manage_namespaces: bool, out: pytest.CaptureFixture[str]) -> Rights:
    """What the command says for a cluster of a config."""
    config = (ROOT / "iamrbac.yaml").read_text().replace(f"namespace: {NAMESPACE}", f"namespace: {home}")
    if manage_namespaces:
        config = config.replace("name: production", "name: production\n    manageNamespaces: true")
    (folder / "iamrbac.yaml").write_text(config)
    (folder / "policies").mkdir()
    assert run(["permissions", "sync", "--form", "rbac", "-C", str(folder), "--cluster", "production"]) == 0
    return rights([one for one in yaml.safe_load_all(out.readouterr().out) if one])


def rights(objects: list[dict[str, Any]]) -> Rights:
    """(kind, namespace) → rules."""
    return {
        (one["kind"], one["metadata"].get("namespace", "")): one["rules"]
        for one in of_kind(objects, "ClusterRole", "Role")
    }


@pytest.mark.helm
@pytest.mark.parametrize("case", [case for case in CASES if case != "cron"])
def test_the_charts_rights_are_what_the_command_prints(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, manages = ("iamrbac-home", True) if case == "ssh" else (NAMESPACE, False)
    assert rights(rendered(case)) == printed(tmp_path, home, manage_namespaces=manages, out=capsys)


def test_so_are_the_bases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no Helm too."""
    objects = list(yaml.safe_load_all((KUSTOMIZE / "base" / "rbac.yaml").read_text()))
    assert rights(objects) == printed(tmp_path, NAMESPACE, manage_namespaces=False, out=capsys)


@pytest.mark.helm
@pytest.mark.parametrize("case", [case for case in CASES if case != "cron"])
def test_each_role_is_bound_to_the_service_account_and_nobody_else(case: str) -> None:
    objects = rendered(case)
    (account,) = of_kind(objects, "ServiceAccount")
    subject = {"kind": "ServiceAccount", "name": account["metadata"]["name"], "namespace": NAMESPACE}
    bound = {}
    for one in of_kind(objects, "ClusterRoleBinding", "RoleBinding"):
        assert one["subjects"] == [subject]
        assert one["roleRef"] == {"apiGroup": RBAC, "kind": one["kind"].removesuffix("Binding"), "name": "iamrbac-sync"}
        bound[one["roleRef"]["kind"], one["metadata"].get("namespace", "")] = one["metadata"]["name"]
    assert bound.keys() == rights(objects).keys()
    assert set(bound.values()) == {"iamrbac-sync"}


@pytest.mark.helm
def test_without_rbac_it_gives_none() -> None:
    assert rights(rendered("cron")) == {}
