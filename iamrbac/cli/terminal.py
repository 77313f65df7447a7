"""The terminal: answers on stdout, everything else on stderr, colours only where they are wanted."""

from __future__ import annotations

import json
import os
import sys
from io import TextIOWrapper
from time import monotonic
from typing import Any, TextIO

from iamrbac.model.errors import OutputError

STYLES = {"error": "31", "warning": "33", "good": "32", "change": "33", "bold": "1", "dim": "2"}


class Terminal:
    """Writes for one command. `quiet` silences progress, `verbose` adds times and notes to it."""

    def __init__(
        self,
        *,
        no_color: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        # What a terminal's encoding lacks is shown as its code, never as a traceback.
        for stream in (self.stdout, self.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self._started = monotonic()
        self.quiet = quiet
        self.verbose = verbose
        plain = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self.color = not plain and self.stdout.isatty()
        self.error_color = not plain and self.stderr.isatty()

    def answer(self, text: str) -> None:
        """Write the answer, ending in one newline. Raises OutputError, and BrokenPipeError when nobody reads on."""
        try:
            self.stdout.write(text if text.endswith("\n") else text + "\n")
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            reason = f"the answer cannot be written: {error.strerror}"
            raise OutputError(reason, where="stdout", hint="free some space, or send it elsewhere") from error

    def json(self, value: Any) -> None:
        """Write the answer as JSON, indented, keys in the order given."""
        self.answer(json.dumps(value, indent=2, ensure_ascii=False))

    def line(self, value: Any) -> None:
        """Write one JSON object on one line (a stream of events)."""
        self.answer(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def step(self, text: str) -> None:
        """Say what long work is doing (stderr); to whoever asked for more, also when, in seconds from the start."""
        if not self.quiet:
            when = f"{monotonic() - self._started:6.2f} s  " if self.verbose else ""
            self._say(self.paint(when + text, "dim", error=True))

    def note(self, text: str) -> None:
        """Say a detail to whoever asked for more (stderr, --verbose)."""
        if self.verbose:
            self.step(text)

    def warn(self, text: str) -> None:
        """Say what the person must know before going on (stderr), whatever the verbosity."""
        self._say(self.paint("warning", "warning", error=True) + ": " + text)

    def tell(self, text: str) -> None:
        """Say what an answer rests on (stderr), whatever the verbosity."""
        self._say(text)

    def error(self, text: str) -> None:
        """Say what went wrong (stderr), whatever the verbosity."""
        self._say(self.paint("error", "error", error=True) + ": " + text)

    def detail(self, text: str) -> None:
        """Say one of the things that an error stands for (stderr), below it."""
        self._say(f"  - {text}")

    def paint(self, text: str, style: str, *, error: bool = False) -> str:
        """Return the text with the style's colour, or as it is where colours are not wanted."""
        if not (self.error_color if error else self.color):
            return text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def _say(self, text: str) -> None:
        self.stderr.write(text + "\n")
        self.stderr.flush()
