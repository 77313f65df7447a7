"""The Kubeconfig port: the files that kubectl reads and writes, and how kubectl will get a token."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from iamrbac.kubeconfig.command import Plugin
from iamrbac.kubeconfig.file import Texts, home_of, read, rewrite
from iamrbac.kubeconfig.shown import shown
from iamrbac.kubeconfig.text import Document, Result, merge, undone
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import FileChange, Preview, WantedContexts, Written

SETTLE: Final = 0.2
"""Seconds after which a change is looked at again."""
_TRIES: Final = 5


class KubeconfigFile:
    """The kubeconfigs of KUBECONFIG, or one that is named."""

    def __init__(self, paths: Sequence[Path], plugin: Plugin, settle: float = SETTLE) -> None:
        self._paths = tuple(paths)
        self._plugin = plugin
        self._settle = settle

    def write(self, wanted: WantedContexts) -> Written:
        """Put contexts in, or bring them up to date, and prune. Raises KubeconfigError.

        kubectl reads before it takes its lock, and removes what came in between (client-go, ModifyConfig compares with
        what it read first). So a change is looked at again, and made again where it was undone.
        """
        first: Result | None = None
        touched: set[int] = set()
        for _ in range(_TRIES):
            results: dict[Texts, Result] = {}

            def change(texts: Texts, results: dict[Texts, Result] = results) -> Texts:
                # What was worked out before the lock was taken is as good under it: kubectl does not wait for locks.
                results[texts] = results.get(texts) or self._merged(texts, wanted)
                return results[texts].texts

            before, after = rewrite(self._paths, change)
            touched |= {index for index, text in enumerate(after) if text != before[index]}
            first = first or results[before]
            if before == after or not self._undone(before, after):
                return self._written(results[before], first, touched)
        raise KubeconfigError(
            "another program puts its old state back again and again",
            where=str(self._paths[home_of(self._paths)]),
            hint="end it, and try again",
        )

    def preview(self, wanted: WantedContexts) -> Preview:
        """Say what `write` would do, without credentials and long data. Raises KubeconfigError."""
        home = home_of(self._paths)
        before = read(self._paths)
        result = self._merged(before, wanted)
        changes = [
            FileChange(str(path), *((was, will) if was == will else (shown(was), shown(will))))
            for path, was, will in zip(self._paths, before, result.texts, strict=True)
        ]
        also = tuple(one for one in changes if one.before != one.after and one != changes[home])
        here = changes[home]
        return Preview(here.file, here.before, here.after, result.removed, result.current, result.unset, also)

    def _merged(self, texts: Texts, wanted: WantedContexts) -> Result:
        documents = [Document(str(path), text) for path, text in zip(self._paths, texts, strict=True)]
        return merge(documents, home_of(self._paths), wanted, self._plugin)

    def _undone(self, before: Texts, after: Texts) -> bool:
        time.sleep(self._settle)
        try:
            return undone(before, after, read(self._paths))
        except KubeconfigError:
            # Somebody is writing it right now: what it says then is read under the lock.
            return True

    def _written(self, last: Result, first: Result, touched: set[int]) -> Written:
        home = home_of(self._paths)
        also = tuple(str(self._paths[index]) for index in sorted(touched - {home}))
        file = str(self._paths[home])
        return Written(file, bool(touched), last.current, first.removed, first.unset, also)


class KubeconfigText:
    """A kubeconfig that is in no file: ours alone."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin

    def write(self, wanted: WantedContexts) -> Written:
        """Write nothing."""
        return Written("-", False, self.preview(wanted).current)

    def preview(self, wanted: WantedContexts) -> Preview:
        """Say what a new file would be. Raises KubeconfigError."""
        result = merge([Document("-", "")], 0, wanted, self._plugin)
        return Preview("-", "", result.texts[0], current=result.current)
