"""Where every run begins. `token` runs on each kubectl call, so it is dispatched before anything else is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    argv = sys.argv[1:]
    if argv[:1] == ["token"]:
        from iamrbac.token.main import run as token

        sys.exit(token(argv[1:]))
    from iamrbac.cli.main import run

    sys.exit(run(argv))


if __name__ == "__main__":
    main()
