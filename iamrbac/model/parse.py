"""From a YAML file's plain value to a typed document, or to everything that is wrong with its shape."""

from __future__ import annotations

from typing import Final, TypeAlias

from pydantic import ValidationError

from iamrbac.model.access_tests import TESTS_FOLDER, AccessTest
from iamrbac.model.base import API_VERSION
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant
from iamrbac.model.faults import (
    MISSING_KEY,
    UNKNOWN_KIND,
    WRONG_PLACE,
    WRONG_TYPE,
    Written,
    describe,
    faults,
)
from iamrbac.model.origin import Fault, Path
from iamrbac.model.suggest import did_you_mean
from iamrbac.model.waivers import WAIVERS_FILE, Waivers

Parsed: TypeAlias = AccessPolicy | TemporaryGrant | Config | Waivers | AccessTest
Model: TypeAlias = type[AccessPolicy] | type[TemporaryGrant] | type[Config] | type[Waivers] | type[AccessTest]

CONFIG_FILE: Final = "iamrbac.yaml"
_MODELS: Final[dict[str, Model]] = {
    "AccessPolicy": AccessPolicy,
    "TemporaryGrant": TemporaryGrant,
    "Config": Config,
    "Waivers": Waivers,
    "AccessTest": AccessTest,
}
_HOMES: Final = {
    "Config": f"{CONFIG_FILE}; a repository has one",
    "Waivers": f"{WAIVERS_FILE} beside {CONFIG_FILE}",
    "AccessTest": f"a file in {TESTS_FOLDER}/",
    "AccessPolicy": "a file in policies/",
    "TemporaryGrant": "a file in policies/",
    "Sandbox": f"sandbox.yaml beside {CONFIG_FILE}, where iamrbac sandbox reads it",
}


def _nowhere(_path: Path) -> None:
    return None


def parse(value: object, file: str, written: Written = _nowhere) -> Parsed | tuple[Fault, ...]:
    """Return the document that a file's value is, or all faults of its shape.

    `file` is relative to the repository, and says which kinds belong there: iamrbac.yaml holds the Config,
    waivers.yaml the Waivers, tests/access/ AccessTests, every other file a policy or a grant.
    `written` gives a scalar as the file has it, so that a fault can show `no` where YAML made a boolean of it.
    """
    if not isinstance(value, dict):
        message = f"the document is {describe(value, None)}, and a mapping is needed"
        return (Fault(WRONG_TYPE, (), message, f"begin with apiVersion: {API_VERSION} and kind:"),)
    kind, version = value.get("kind"), value.get("apiVersion")
    misplaced = _kind_fault(value, file)
    if misplaced is not None:
        return (misplaced,)
    if "apiVersion" in value and version != API_VERSION:
        message = f"apiVersion is {describe(version, written(('apiVersion',)))}, which this version does not know"
        return (Fault(UNKNOWN_KIND, ("apiVersion",), message, f"write apiVersion: {API_VERSION}"),)
    model = _MODELS[str(kind)]
    try:
        return model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        return faults(error, model, written)


def _kinds(file: str) -> tuple[str, ...]:
    if file == CONFIG_FILE:
        return ("Config",)
    if file == WAIVERS_FILE:
        return ("Waivers",)
    return ("AccessTest",) if file.startswith(f"{TESTS_FOLDER}/") else ("AccessPolicy", "TemporaryGrant")


def _kind_fault(value: dict[str, object], file: str) -> Fault | None:
    """Say what is wrong with the kind: missing, unknown, or in a file where it does not belong."""
    allowed = _kinds(file)
    words = " or ".join(allowed)
    if "kind" not in value:
        return Fault(MISSING_KEY, ("kind",), "the key kind is missing", f"write kind: {words}")
    kind = value["kind"]
    if kind in allowed:
        return None
    if isinstance(kind, str) and kind in _HOMES:
        article = "an" if kind.startswith("A") else "a"
        message = f"{article} {kind} does not belong here, where {words} is expected"
        return Fault(WRONG_PLACE, ("kind",), message, f"move it to {_HOMES[kind]}")
    message = f"kind is {describe(kind, None)}, and {words} is expected here"
    hint = did_you_mean(kind, allowed, f"write kind: {words}") if isinstance(kind, str) else f"write kind: {words}"
    return Fault(UNKNOWN_KIND, ("kind",), message, hint)
