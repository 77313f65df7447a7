"""What a person calls an object."""

from __future__ import annotations

from iamrbac.compile.desired import Key


def display_key(key: Key) -> str:
    """Return how a person names an object: KIND/NAME or KIND/NAMESPACE/NAME; `--adopt` takes it.

    What is in IAM has its account in the place of the namespace.
    """
    return "/".join(part for part in (key.kind, key.account or key.namespace, key.name) if part)
