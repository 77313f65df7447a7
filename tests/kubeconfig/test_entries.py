"""What kubectl will run, and what its readers (client-go in kubectl, k9s and others; @kubernetes/client-node) need."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iamrbac.kubeconfig.client import KubeconfigText
from iamrbac.kubeconfig.command import Plugin, aws_command, plugin_of
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import Context, WantedContexts
from tests.kubeconfig.test_merge import DEVELOPMENT, FOREIGN, PLUGIN, STAGING, data, merge

AWS = Plugin(("/usr/local/bin/aws",), aws=True)
ROLE = "arn:aws:iam::111122223333:role/payments"


def plugin(text: str, name: str = "staging") -> Any:
    (user,) = (one for one in data(text)["users"] if one["name"] == name)
    return user["user"]["exec"]


def test_the_aws_cli_in_the_form_of_update_kubeconfig() -> None:
    context = replace(STAGING, profile="alice", role_arn=ROLE)
    assert plugin(merge("", [context], plugin=AWS)) == {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "args": [
            *("--region", "eu-west-1", "eks", "get-token", "--cluster-name", "staging", "--output", "json"),
            *("--role-arn", ROLE),
        ],
        "command": "/usr/local/bin/aws",
        "env": [{"name": "AWS_PROFILE", "value": "alice"}],
        "interactiveMode": "IfAvailable",
    }


def test_a_role_is_an_argument_of_ours_too() -> None:
    assert plugin(merge("", [replace(STAGING, role_arn=ROLE)]))["args"] == [
        *("token", "--cluster-name", "staging", "--region", "eu-west-1", "--role-arn", ROLE),
    ]


def test_from_one_plugin_to_the_other_and_back() -> None:
    ours = merge(FOREIGN, [STAGING, DEVELOPMENT])
    theirs = merge(ours, [STAGING, DEVELOPMENT], plugin=AWS)
    assert plugin(theirs)["command"] == "/usr/local/bin/aws"
    assert merge(theirs, [STAGING, DEVELOPMENT]) == ours


def test_get_token_without_our_mark_is_somebody_elses() -> None:
    text = merge("", [STAGING], plugin=AWS).replace("name: iamrbac.dev/cluster", "name: other")
    with pytest.raises(KubeconfigError, match="user staging is there already, with other credentials"):
        merge(text, [STAGING], plugin=AWS)


def test_commands_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aws").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert plugin_of("aws") == Plugin((str(tmp_path / "aws"),), aws=True)
    assert Path(plugin_of("iamrbac").command[0]).is_absolute()
    (tmp_path / "aws").unlink()
    assert shutil.which("aws") is None
    assert aws_command() == ("aws",)


PRIVATE = replace(
    STAGING, target=replace(STAGING.target, proxy_url="https://proxy.acme.example:3128", tls_server_name="eks.internal")
)


def test_a_private_endpoint() -> None:
    text = merge(FOREIGN, [PRIVATE])
    assert (
        "    proxy-url: https://proxy.acme.example:3128\n"
        "    server: https://staging.example.com\n"
        "    tls-server-name: eks.internal\n"
        "  name: staging\n"
    ) in text
    # What the config does not say any more goes; what a person has put in stays.
    assert merge(text, [STAGING]) == merge(FOREIGN, [STAGING])
    mine = text.replace("    proxy-url: https://proxy.acme.example:3128\n", "    proxy-url: socks5://localhost:1080\n")
    cluster = data(merge(mine, [STAGING]))["clusters"][-1]["cluster"]
    assert (cluster["proxy-url"], "tls-server-name" in cluster) == ("socks5://localhost:1080", False)


def test_a_new_one_in_the_file_of_somebody_elses_proxy() -> None:
    added = merge(merge(FOREIGN, [STAGING]), [PRIVATE])
    assert data(added)["clusters"][-1]["cluster"]["proxy-url"] == "https://proxy.acme.example:3128"
    assert merge(added, [PRIVATE]) == added


def test_a_user_of_its_own_name() -> None:
    before = merge(FOREIGN, [STAGING])
    moved = merge(before, [replace(STAGING, user="team@staging", role_arn=ROLE)])
    assert data(moved)["contexts"][-1]["context"]["user"] == "team@staging"
    assert [one["name"] for one in data(moved)["users"]] == ["me", "staging", "team@staging"]
    foreign = before.replace("    user: staging\n", "    user: me\n").replace(
        "      user: staging\n", "      user: me\n"
    )
    with pytest.raises(KubeconfigError, match="context staging is there already, for cluster staging and user me"):
        merge(foreign, [STAGING])


def test_a_kubeconfig_in_no_file() -> None:
    kubeconfig = KubeconfigText(PLUGIN)
    wanted = WantedContexts((DEVELOPMENT, STAGING), fallback="development")
    assert kubeconfig.preview(wanted).after == merge("", [DEVELOPMENT, STAGING], fallback="development")
    assert (kubeconfig.write(wanted).changed, kubeconfig.write(wanted).current) == (False, "development")


def assert_readable(config: Any) -> None:
    """What loaders ask of any kubeconfig, and client-go's validation of exec plug-ins besides.

    Sources: client-go, tools/clientcmd/validation.go and api/v1/conversion.go (names once); @kubernetes/client-node,
    src/config_types.ts (every entry has its name and its inner part; contexts name a cluster and a user).
    """
    assert (config["apiVersion"], config["kind"]) == ("v1", "Config")
    found = {section: [one["name"] for one in config[section]] for section in ("clusters", "users", "contexts")}
    for section, names in found.items():
        assert len(names) == len(set(names)), section
    for one in config["contexts"]:
        assert one["context"]["cluster"] in found["clusters"]
        assert one["context"]["user"] in found["users"]
    for one in config["clusters"]:
        assert one["cluster"]["server"].startswith("https://")
    for one in config["users"]:
        run = one["user"]["exec"]
        assert run["apiVersion"] in ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
        assert run["interactiveMode"] == "IfAvailable"
        assert Path(run["command"]).is_absolute()
        assert all(isinstance(argument, str) for argument in run["args"])
    assert config.get("current-context", "") in {"", *found["contexts"]}


@pytest.mark.parametrize("how", [PLUGIN, AWS])
@pytest.mark.parametrize("contexts", [[STAGING], [DEVELOPMENT, STAGING], [PRIVATE, replace(PRIVATE, name="a@b")]])
def test_every_reader_gets_what_it_needs(how: Plugin, contexts: list[Context]) -> None:
    assert_readable(data(merge("", contexts, plugin=how)))
