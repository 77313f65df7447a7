"""What a shell needs to work with a sandbox and with nothing else: variables, and files in a private folder."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

from iamrbac.sandbox.people import Profile

_NO_PROXY = "127.0.0.1,localhost"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read (0600 from its first byte on)."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def write_files(folder: Path, profiles: Iterable[Profile], roles: Mapping[str, str], admin: str, region: str) -> None:
    """Write the credentials and config files of the AWS CLI: a profile per person, and one per role (name → ARN)."""
    found = tuple(profiles)
    credentials = "\n".join(
        f"[{one.name}]\naws_access_key_id = {one.access_key}\naws_secret_access_key = {one.secret_key}\n"
        for one in found
    )
    config = [f"[default]\nregion = {region}\n"]
    config += [f"[profile {one.name}]\nregion = {region}\n" for one in found]
    config += [
        f"[profile {name}]\nregion = {region}\nrole_arn = {arn}\nsource_profile = {admin}\n"
        # The AWS CLI and iamrbac keep sessions by what they were asked for with: never one of another sandbox's role.
        f"role_session_name = {admin}\nexternal_id = {folder.name}\n"
        for name, arn in roles.items()
        if all(one.name != name for one in found)
    ]
    write_private(folder / "credentials", credentials)
    write_private(folder / "config", "\n".join(config))


def variables(folder: Path, url: str, person: str, region: str, kubeconfig: str) -> dict[str, str]:
    """Return what has to be set. What has to be absent is every other AWS_* variable: see `inherited`."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_PROFILE": person,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "KUBECONFIG": str(folder / kubeconfig),
    }


def inherited(environment: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[str, ...]:
    """Return the AWS_* variables that must go: they would lead to other credentials or to AWS itself."""
    return tuple(sorted(name for name in environment if name.startswith("AWS_") and name not in wanted))


def environment(base: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return a whole environment: `base` without other AWS settings, with ours, and with this iamrbac on the PATH."""
    gone = inherited(base, wanted)
    result = {name: value for name, value in base.items() if name not in gone} | dict(wanted)
    for name in ("NO_PROXY", "no_proxy"):
        result[name] = ",".join(part for part in (base.get(name, ""), _NO_PROXY) if part)
    result["PATH"] = os.pathsep.join(dict.fromkeys((*_own_folders(), *base.get("PATH", os.defpath).split(os.pathsep))))
    return result


def _own_folders() -> tuple[str, ...]:
    """Return where the running iamrbac and its Python are."""
    return str(Path(sysconfig.get_path("scripts"))), str(Path(sys.executable).parent)
