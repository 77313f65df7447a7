"""Where every run begins. `token` runs on each kubectl call, so it is dispatched before anything else is imported."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> None:
    """Run the command line and exit with its code."""
    argv = sys.argv[1:]
    _open_streams()
    if argv[:1] == ["token"]:
        from iamrbac.token.main import run as token

        _end(token(argv[1:]))
    import gc

    from iamrbac.cli.main import run

    # Next to nothing here is in a cycle: to look for them as often as Python does would be a third of the time on a
    # large repository.
    gc.set_threshold(50_000, 20, 100)
    _end(run(argv))


def _end(code: int) -> NoReturn:
    """End the process at once: to take apart what boto3 and kubernetes have built would cost a quarter of a second."""
    for stream in (sys.stdout, sys.stderr):
        # What a stream does not take (a closed pipe, a full disk) was told where it was written.
        try:  # noqa: SIM105  contextlib takes longer to import than all that `token` needs
            stream.flush()
        except OSError:
            pass
    os._exit(code)


def _open_streams() -> None:
    """Open the standard streams that the caller closed, or the next file or socket would take their place."""
    for name, flag, mode in (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flag), mode, encoding="utf-8"))


if __name__ == "__main__":
    main()
