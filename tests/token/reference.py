"""botocore's own chain on one scenario, with nothing behind it: no network, no instance, no container.

Each cache answers with what its key says, so that two answers are equal only where two keys are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import botocore.credentials
from botocore.credentials import ContainerProvider, Credentials, InstanceMetadataProvider, ProcessProvider
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from iamrbac.token import cache

NOW = 1_800_000_000
ENDS = "2100-01-01T00:00:00Z"


class NetworkNeededError(Exception):
    """botocore would call somebody."""


FAULTS = (BotoCoreError, OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, NetworkNeededError)


@dataclass(frozen=True)
class Scenario:
    """What is on a machine: two files, the environment, and the profile that is asked for."""

    config: str
    shared: str
    environ: Mapping[str, str]
    asked: str | None


@dataclass(frozen=True)
class Answer:
    access_key: str
    secret_key: str
    token: str | None
    method: str


class _Cached(dict[str, object]):
    """A cache in which each key is there, or (one in four) is there no more."""

    def __contains__(self, key: object) -> bool:
        return entry(str(key)) is not None

    def __getitem__(self, key: str) -> object:
        return entry(key)

    def __setitem__(self, key: str, value: object) -> None:
        raise NetworkNeededError


def entry(key: str) -> dict[str, object] | None:
    if key[-1] in "0123":
        return None
    given = {"AccessKeyId": f"ASIA-{key}", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ENDS}
    return {"Credentials": given}


@contextmanager
def machine(scenario: Scenario, home: Path) -> Iterator[dict[str, str]]:
    """Make the scenario this process's own: files, environment, caches."""
    (home / ".aws").mkdir(exist_ok=True)
    (home / ".aws/config").write_text(scenario.config)
    (home / ".aws/credentials").write_text(scenario.shared)
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], **scenario.environ}
    with (
        mock.patch.dict(os.environ, environ, clear=True),
        mock.patch.object(cache, "load", lambda folder, key: entry(key)),
    ):
        yield environ


def ask(scenario: Scenario) -> Answer | Exception | None:
    """Return botocore's answer, None for none, or why it has none. Within `machine`."""
    try:
        session = Session(profile=scenario.asked)
        resolver = session.get_component("credential_provider")
        for name in ("assume-role", "assume-role-with-web-identity", "sso"):
            resolver.get_provider(name).cache = _Cached()
        vars(resolver.get_provider("assume-role"))["_prompter"] = _call
        with _alone():
            found = session.get_credentials()
            if found is None:
                return None
            frozen = found.get_frozen_credentials()
    except FAULTS as error:
        return error
    return Answer(frozen.access_key or "", frozen.secret_key or "", frozen.token or None, str(found.method))


def _call(*args: object, **kwargs: object) -> str:
    raise NetworkNeededError


@contextmanager
def _alone() -> Iterator[None]:
    def container(self: ContainerProvider) -> Credentials | None:
        there = any(name in os.environ for name in (self.ENV_VAR, self.ENV_VAR_FULL))
        return Credentials("CONTAINER", "s", "t", method="container-role") if there else None

    def instance(self: InstanceMetadataProvider) -> Credentials | None:
        off = os.environ.get("AWS_EC2_METADATA_DISABLED", "false").lower() == "true"
        return None if off else Credentials("INSTANCE", "s", "t", method="iam-role")

    def process(self: ProcessProvider, command: str) -> dict[str, str | None]:
        return {"access_key": "PROCESS", "secret_key": "s", "token": None, "expiry_time": None}

    with (
        mock.patch.object(ContainerProvider, "load", container),
        mock.patch.object(InstanceMetadataProvider, "load", instance),
        mock.patch.object(ProcessProvider, "_retrieve_credentials_using", process),
        mock.patch.object(Session, "create_client", _call),
        mock.patch.object(botocore.credentials, "create_nested_client", _call),
        mock.patch.object(botocore.credentials, "EC", object()),
    ):
        yield
