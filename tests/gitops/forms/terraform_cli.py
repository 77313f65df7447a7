"""The real Terraform with the real AWS provider, pointed at a sandbox; and why a test of it is skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROVIDER = "registry.terraform.io/hashicorp/aws"
MIRRORS = ("/opt/tf-plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins")
# A provider of 700 MB starts with every command, on a machine that is busy with other tests.
TIMEOUT = 300
NO_TERRAFORM = "terraform is not on the PATH"


def mirror() -> Path | None:
    """Return a folder with the AWS provider as `terraform init -plugin-dir` wants it."""
    named = [os.environ[name] for name in ("TF_PLUGIN_MIRROR",) if name in os.environ]
    home = str(Path.home() / ".terraform.d/plugins")
    return next((Path(one) for one in (*named, *MIRRORS, home) if (Path(one) / PROVIDER).is_dir()), None)


def missing() -> str:
    """Return why there is no Terraform with the provider to test with; "" where there is."""
    if shutil.which("terraform") is None:
        return NO_TERRAFORM
    return "" if mirror() else f"no folder with {PROVIDER} (TF_PLUGIN_MIRROR, {', '.join(MIRRORS)})"


needs_program = pytest.mark.skipif(shutil.which("terraform") is None, reason=NO_TERRAFORM)
needs_terraform = pytest.mark.skipif(bool(missing()), reason=missing() or "terraform is there")


@dataclass
class Module:
    """A folder with a module of the user's own, to which our files are added."""

    folder: Path
    url: str
    region: str
    environment: Mapping[str, str]
    files: list[Path] = field(default_factory=list)

    def start(self) -> None:
        """Write the user's part and let Terraform find the provider."""
        (self.folder / "main.tf.json").write_text(json.dumps(self._main()))
        self.run("init", "-input=false", f"-plugin-dir={mirror()}")

    def put(self, files: Mapping[str, str]) -> None:
        """Lay our files, and no older ones, into the module's folder."""
        for file in self.files:
            file.unlink()
        self.files = [self.folder / Path(path).name for path in files]
        for file, text in zip(self.files, files.values(), strict=True):
            file.write_text(text)

    def plan(self) -> dict[str, str]:
        """Return what Terraform, which validates first, would do: address → import, create, update, replace, delete."""
        return _planned(self.run("plan", "-json", "-input=false"))

    def apply(self) -> dict[str, str]:
        """Return what Terraform planned, and did."""
        return _planned(self.run("apply", "-json", "-input=false", "-auto-approve"))

    def destroy(self) -> None:
        self.run("destroy", "-input=false", "-auto-approve")

    def run(self, *arguments: str) -> str:
        """Return what a command printed; the test fails where it fails."""
        command = ["terraform", arguments[0], "-no-color", *arguments[1:]]
        (self.folder / "terraformrc").touch()
        own = {
            "TF_CLI_CONFIG_FILE": str(self.folder / "terraformrc"),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **own},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _main(self) -> dict[str, Any]:
        return {
            "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
            "provider": {
                "aws": {
                    "region": self.region,
                    "endpoints": [dict.fromkeys(("eks", "sts", "iam"), self.url)],
                    "skip_credentials_validation": True,
                    "skip_metadata_api_check": True,
                    "skip_requesting_account_id": True,
                    "skip_region_validation": True,
                }
            },
        }


def _planned(output: str) -> dict[str, str]:
    events: list[Any] = [json.loads(line) for line in output.splitlines()]
    changes = [event["change"] for event in events if event["type"] == "planned_change"]
    return {change["resource"]["addr"]: change["action"] for change in changes}
