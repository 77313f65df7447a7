"""A kubeconfig as kubectl reads it: all files of KUBECONFIG together, where the first to say something decides."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from iamrbac.diagnosis.facts import Entry, Plugin
from iamrbac.kubeconfig.entries import MARK
from iamrbac.model.errors import KubeconfigError, UsageError

_BY_HAND: Final = "correct it by hand, or set KUBECONFIG to another file"
_EKS: Final = re.compile(r"arn:[a-z-]+:eks:[a-z0-9-]+:[0-9]{12}:cluster/.+")


class KubeconfigContexts:
    """What kubectl would use. Reads the files once, when it is first asked; raises KubeconfigError then."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._read: tuple[tuple[str, Mapping[str, Any]], ...] | None = None

    def context(self, name: str | None) -> Entry | None:
        """Return a context, without a name the current one; None where there is none.

        Raises KubeconfigError where a file cannot be read, UsageError where the context is not there.
        """
        wanted = name or self._current()
        if wanted is None:
            return None
        found = next((entry for entry in self._entries() if entry.context == wanted), None)
        if found is None:
            names = ", ".join(entry.context for entry in self._entries()) or "none"
            raise UsageError(f"the kubeconfig has no context {wanted}", hint=f"there are: {names}")
        return found

    def of_cluster(self, arn: str, name: str) -> Entry | None:
        """Return the context of a cluster: by its ARN, which our mark and the AWS CLI's entries have, else by its name.

        Where there are several the current one is meant, if it is one of them. Raises KubeconfigError.
        """
        entries = tuple(self._entries())
        found = [one for one in entries if arn and one.arn == arn] or [one for one in entries if one.context == name]
        current = self._current()
        return next((one for one in found if one.context == current), found[0] if found else None)

    def _current(self) -> str | None:
        for _, value in self._files():
            current = value.get("current-context")
            if isinstance(current, str) and current:
                return current
        return None

    def _entries(self) -> Iterator[Entry]:
        clusters, users = self._named("clusters", "cluster"), self._named("users", "user")
        for name, (file, context) in self._named("contexts", "context").items():
            cluster = _text(context, "cluster")
            if cluster in clusters:
                user = users.get(_text(context, "user"))
                yield _entry(file, name, context, cluster, *clusters[cluster], user[1] if user is not None else {})

    def _named(self, section: str, inner: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
        found: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for file, value in self._files():
            items = value.get(section)
            for item in items if isinstance(items, list) else ():
                body = item.get(inner) if isinstance(item, dict) else None
                if isinstance(body, dict) and isinstance(item.get("name"), str):
                    found.setdefault(item["name"], (file, body))
        return found

    def _files(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        if self._read is None:
            self._read = tuple((str(path), value) for path in _paths(self._environ) if (value := _load(path)))
        return self._read


def _paths(environ: Mapping[str, str]) -> tuple[Path, ...]:
    named = [part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    try:
        return tuple(map(Path, named)) or (Path("~/.kube/config").expanduser(),)
    except RuntimeError:
        return ()


def _load(path: Path) -> Mapping[str, Any] | None:
    """Return a file's value; None for one that is not there, which kubectl takes for empty, too."""
    try:
        text = path.read_text(encoding="utf-8")
        value = yaml.safe_load(text)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = "it is a directory" if path.is_dir() else f"it cannot be read: {os.strerror(error.errno or 0)}"
        raise KubeconfigError(reason, where=str(path), hint="set KUBECONFIG to a file") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise KubeconfigError(f"it does not parse{place}", where=str(path), hint=_BY_HAND) from error
    if value is None:
        return None
    if not isinstance(value, dict):
        raise KubeconfigError("it is no kubeconfig", where=str(path), hint=_BY_HAND)
    return value


def _entry(
    file: str,
    name: str,
    context: Mapping[str, Any],
    cluster: str,
    place: str,
    body: Mapping[str, Any],
    user: Mapping[str, Any],
) -> Entry:
    return Entry(
        file=file,
        context=name,
        cluster=cluster,
        server=_text(body, "server").rstrip("/"),
        certificate_authority=_authority(Path(place), body),
        arn=_marked(body) or (cluster if _EKS.fullmatch(cluster) else ""),
        namespace=_text(context, "namespace"),
        proxy_url=_text(body, "proxy-url"),
        tls_server_name=_text(body, "tls-server-name"),
        insecure=body.get("insecure-skip-tls-verify") is True,
        plugin=_plugin(user.get("exec")),
    )


def _authority(file: Path, body: Mapping[str, Any]) -> str:
    """Return the certificate authority as PEM. Raises KubeconfigError where it is none that can be read."""
    data = _text(body, "certificate-authority-data")
    try:
        if data:
            return base64.b64decode(data, validate=True).decode("ascii")
        named = _text(body, "certificate-authority")
        return (file.parent / named).read_text(encoding="ascii") if named else ""
    except (binascii.Error, UnicodeDecodeError, OSError) as error:
        raise KubeconfigError("a certificate authority cannot be read", where=str(file), hint=_BY_HAND) from error


def _marked(body: Mapping[str, Any]) -> str:
    extensions = body.get("extensions")
    for one in extensions if isinstance(extensions, list) else ():
        inner = one.get("extension") if isinstance(one, dict) and one.get("name") == MARK else None
        if isinstance(inner, dict):
            return _text(inner, "arn")
    return ""


def _plugin(exec_: object) -> Plugin | None:
    if not isinstance(exec_, dict):
        return None
    command, given = _text(exec_, "command"), exec_.get("args")
    arguments = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    env = exec_.get("env")
    variables = {
        _text(one, "name"): _text(one, "value")
        for one in (env if isinstance(env, list) else ())
        if isinstance(one, dict)
    }
    return Plugin(
        tool=_tool(command, arguments),
        command=command,
        cluster_name=_option(arguments, "--cluster-name")
        or _option(arguments, "--cluster-id")
        or _option(arguments, "-i"),
        region=_option(arguments, "--region") or variables.get("AWS_REGION", ""),
        profile=_option(arguments, "--profile") or variables.get("AWS_PROFILE") or None,
        role_arn=_option(arguments, "--role-arn") or _option(arguments, "--role") or _option(arguments, "-r") or None,
    )


def _tool(command: str, arguments: Sequence[str]) -> Literal["iamrbac", "aws", "other"]:
    if "get-token" in arguments:
        return "aws"
    return "iamrbac" if "token" in arguments and Path(command).name.startswith(("iamrbac", "python")) else "other"


def _option(arguments: Sequence[str], name: str) -> str:
    for place, one in enumerate(arguments):
        if one == name and place + 1 < len(arguments):
            return arguments[place + 1]
        if one.startswith(f"{name}="):
            return one.removeprefix(f"{name}=")
    return ""


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""
