"""`python -m iamrbac.sandbox.controlplane`: build what is missing of the real servers, once, and say where they are."""

from __future__ import annotations

import sys

from iamrbac.sandbox.controlplane.binaries import BINARIES, find, missing
from iamrbac.sandbox.controlplane.errors import BinaryError


def main() -> int:
    """Return 0 where all servers are there, also where they cannot be had for want of Go; 1 where a build failed."""
    absent = missing(BINARIES)
    if absent:
        sys.stderr.write(f"Without Go there is no {', '.join(absent)}; what needs real servers is left out.\n")
    # One without the others is of no use, but what syncs.
    wanted = () if missing() else tuple(name for name in BINARIES if name not in absent)
    try:
        for name in wanted:
            find(name)
    except BinaryError as error:
        sys.stderr.write(f"error: [{error.code}] {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
