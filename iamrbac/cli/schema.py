"""`iamrbac schema`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from iamrbac.cli.terminal import Terminal


class Kind(StrEnum):
    """The documents that have a schema."""

    POLICY = "policy"
    GRANT = "grant"
    CONFIG = "config"
    WAIVERS = "waivers"
    TEST = "test"


def command(
    kind: Annotated[
        Kind,
        typer.Argument(
            help="policy: an AccessPolicy; grant: a TemporaryGrant; config: iamrbac.yaml; waivers: waivers.yaml; "
            "test: an AccessTest."
        ),
    ] = Kind.POLICY,
) -> int:
    """Print the JSON Schema (draft 2020-12) of a kind of document, for editors and other validators.

    Example:
      iamrbac schema config > iamrbac.schema.json
    """
    from iamrbac.model.schema import json_schema

    Terminal().json(json_schema(kind.value))
    return 0
