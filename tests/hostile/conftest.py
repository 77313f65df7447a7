"""A pull request of a stranger, checked out: what he wrote, and around it what he must not see."""

from __future__ import annotations

import socket
import subprocess
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from iamrbac.cli.main import run
from tests.ci.workflows import environment

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCY"
CHECKS = ("validate", "compile", "lint", "test")
CONFIG = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {name: acme}
identity: {account: "222233334444", groups: users}
clusters:
  - {name: staging, account: "111122223333", region: eu-west-1, namespaces: [payments]}
"""
POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members: {developers: [{iamGroup: payments-developers}]}
  access: [{clusters: [staging], namespaces: [payments], role: ROLE}]
"""


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("a pull request makes nothing run, and nothing connect")


@dataclass
class Checkout:
    """A repository that is valid until a test makes it hostile."""

    root: Path
    outside: Path
    """A folder beside it, with a secret in secret.yaml."""
    capsys: pytest.CaptureFixture[str]

    def write(self, file: str, text: str | bytes) -> Path:
        """Write a file of the pull request."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        return path

    def policy(self, role: str = "viewer", **changed: str) -> None:
        """Write the policy, with texts replaced."""
        text = POLICY.replace("ROLE", role)
        for old, new in changed.items():
            assert old in text
            text = text.replace(old, new)
        self.write("policies/payments.yaml", text)

    def check(self, command: str = "validate", *options: str) -> tuple[int, str]:
        """Run a command on it and return its code and all that it said, which must be harmless to look at."""
        with pytest.MonkeyPatch.context() as guarded:
            guarded.setattr(socket.socket, "connect", _refuse)
            if command != "diff":
                guarded.setattr(subprocess.Popen, "__init__", _refuse)
            code = run([command, "-C", str(self.root), *options])
        out, err = self.capsys.readouterr()
        said = out + err
        assert SECRET not in said
        assert "Traceback" not in said
        assert not [one for one in said if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one != "\n"]
        return code, said

    def refused(self) -> str:
        """Run every check, each harmless whether it looks there or not; return `validate`'s no."""
        for command in CHECKS[1:]:
            assert self.check(command)[0] in (0, 1, 3), command
        code, said = self.check()
        assert code == 3
        return said

    def committed(self) -> None:
        """Commit what is there."""
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        for words in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message", "x"]):
            subprocess.run(["git", *words], cwd=self.root, env=environment(), check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Checkout]:
    """A valid repository; the environment, a file beside it and Git's own config hold a secret."""
    made = Checkout(tmp_path / "work" / "access", tmp_path / "outside", capsys)
    made.write("iamrbac.yaml", CONFIG)
    made.policy()
    made.write(".git/config", f'[http "https://github.com/"]\n\textraheader = AUTHORIZATION: basic {SECRET}\n')
    made.outside.mkdir()
    (made.outside / "secret.yaml").write_text(f"password: {SECRET}\n")
    (made.outside / "secret.yaml.j2").write_text(f"rules: {SECRET}\n")
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "IAMRBAC_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    assert made.check() == (0, "OK: 1 policy, 0 temporary grants, 1 cluster; 0 warnings.\n")
    yield made
