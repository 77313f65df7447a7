"""The Kubeconfig port: the file that kubectl writes to, and how kubectl will run iamrbac."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iamrbac.kubeconfig.file import read, rewrite
from iamrbac.kubeconfig.text import current_context, merge
from iamrbac.usecases.ports import Preview, WantedContexts, Written


class KubeconfigFile:
    """One kubeconfig. `command` is a program and its first arguments."""

    def __init__(self, path: Path, command: Sequence[str]) -> None:
        self._path = path
        self._command = command

    def write(self, wanted: WantedContexts) -> Written:
        """Put contexts in, or bring them up to date; nothing else changes. Raises KubeconfigError."""
        merged = [""]

        def change(text: str) -> str:
            merged[0] = self._merged(text, wanted)
            return merged[0]

        changed = rewrite(self._path, change)
        return Written(str(self._path), changed, current_context(merged[0]))

    def preview(self, wanted: WantedContexts) -> Preview:
        """Say what `write` would do. Raises KubeconfigError."""
        before = read(self._path)
        return Preview(str(self._path), before, self._merged(before, wanted))

    def _merged(self, text: str, wanted: WantedContexts) -> str:
        return merge(text, wanted.contexts, self._command, wanted.current, wanted.fallback)
