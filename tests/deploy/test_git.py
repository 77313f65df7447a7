"""The Git settings that the chart writes, by real git: credentials go to their host alone, and are never written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.render import of_kind, pod_of, rendered

pytestmark = pytest.mark.helm
MOUNT = "/etc/iamrbac/git"
Git = Callable[..., subprocess.CompletedProcess[str]]


def gitconfig(case: str, secret: Path) -> str:
    """The file of a case, with the Secret mounted at another place."""
    (files,) = of_kind(rendered(case), "ConfigMap")
    text: str = files["data"]["gitconfig"]
    assert MOUNT in text
    return text.replace(MOUNT, str(secret))


def git(folder: Path, case: str) -> Git:
    """Runs git as the Pod does: with that file as the only settings."""
    file = folder / "gitconfig"
    file.write_text(gitconfig(case, folder / "secret"))
    (container,) = pod_of(rendered(case))["spec"]["containers"]
    assert {"name": "GIT_CONFIG_GLOBAL", "value": "/etc/iamrbac/files/gitconfig"} in container["env"]
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = mine | {"GIT_CONFIG_GLOBAL": str(file), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}

    def run(*arguments: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment | more,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_a_token_is_for_its_host_and_stays_as_it_is(tmp_path: Path) -> None:
    run = git(tmp_path, "cron")
    (tmp_path / "secret").mkdir()
    file = tmp_path / "secret" / "credentials"
    file.write_text("https://bot:s3cret@git.example.com\n")
    asked = "protocol=https\nhost=git.example.com\npath=acme/access.git\n\n"
    filled = run("credential", "fill", given=asked)
    assert "username=bot\npassword=s3cret\n" in filled.stdout
    elsewhere = run("credential", "fill", given="protocol=https\nhost=evil.example.com\n\n")
    assert elsewhere.returncode != 0
    assert "s3cret" not in elsewhere.stdout + elsewhere.stderr
    for what in ("approve", "reject"):
        done = run("credential", what, given="protocol=https\nhost=git.example.com\nusername=bot\npassword=new\n\n")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.read_text() == "https://bot:s3cret@git.example.com\n"
    assert [one.name for one in (tmp_path / "secret").iterdir()] == ["credentials"]


@pytest.mark.parametrize("case", ["ssh", "example", "least"])
def test_ssh_gets_the_key_and_knows_the_host_or_refuses(case: str, tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nopen({str(said)!r}, 'w').write('\\n'.join(sys.argv[1:]))\n")
    program.chmod(0o700)
    (container,) = pod_of(rendered(case))["spec"]["containers"]
    (url,) = [one["value"] for one in container["env"] if one["name"] == "SYNC_REPOSITORY"]
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "ssh-privatekey").touch(mode=0o440)
    run = git(tmp_path, case)
    run("ls-remote", url, PATH=f"{program.parent}:{os.environ['PATH']}", GIT_SSH_VARIANT="ssh")
    options = said.read_text().splitlines()
    assert "git-upload-pack" in options[-1]
    _check(options[:-1], tmp_path / "secret")


def _check(options: list[str], secret: Path) -> None:
    """By ssh's own reading of them, where it is there."""
    ssh = shutil.which("ssh")
    if ssh is None:
        pytest.skip("ssh is not on the PATH, which says what its options mean: install openssh-client")
    done = subprocess.run([ssh, "-G", *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    meant: dict[str, str] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        meant.setdefault(key, value)
    assert meant["identityfile"] == str(secret / "ssh-privatekey")
    assert meant["userknownhostsfile"] == str(secret / "known_hosts")
    assert (meant["stricthostkeychecking"], meant["identitiesonly"], meant["batchmode"]) == ("true", "yes", "yes")
    assert meant["user"] == "git"
    assert meant["hostname"] == "git.example.com"


def test_a_public_repository_has_no_settings() -> None:
    assert not of_kind(rendered("base"), "ConfigMap")
    (container,) = pod_of(rendered("base"))["spec"]["containers"]
    assert not any(one["name"].startswith("GIT_") for one in container["env"])
