"""Plugs in the access repository as git has it: revisions to compare, and branches for requests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from iamrbac.model.errors import HistoryError
from iamrbac.wiring import repository, roles

if TYPE_CHECKING:
    from iamrbac.git.revisions import History
    from iamrbac.usecases.audit_log import Lines
    from iamrbac.usecases.ports import Repository
    from iamrbac.usecases.report import Approvals
    from iamrbac.usecases.request import AccessBranches, Snapshot
    from iamrbac.usecases.review import Compared

_CONFIG: Final = "iamrbac.yaml"
_DOCUMENTS: Final = (_CONFIG, "policies", "templates/roles", "waivers.yaml", "tests/access")
"""What a revision is read for."""
_RULES: Final = (_CONFIG, "waivers.yaml")
"""What a base is read for that only judges."""


@contextmanager
def revisions(root: Path, base: str, head: str | None) -> Iterator[Compared]:
    """Give two revisions of the access repository around `root` to read; without `head`, its work tree is the head.

    Of the base it is the commit at which the head left it that is compared; what judges is read from the base as it is.
    Raises HistoryError.
    """
    from iamrbac.git.revisions import History
    from iamrbac.usecases.diff import Tree
    from iamrbac.usecases.review import Compared, Sides

    history = History(root)
    tip = history.commit(base)
    own = history.commit(head if head is not None else "HEAD")
    start = history.merge_base(tip, own)
    with tempfile.TemporaryDirectory(prefix="iamrbac-diff-") as temporary:
        folder = Path(temporary).resolve()

        def tree(commit: str, name: str, places: Sequence[str]) -> Tree | None:
            found = _exported(history, commit, places, folder / name)
            return Tree(found, roles(Path(found.root))) if found is not None else None

        after = Tree(repository(root), roles(root)) if head is None else tree(own.id, "head", _DOCUMENTS)
        if after is None:
            raise HistoryError(f"it has no {_CONFIG}", where=own.asked, hint="name a commit of the access repository")
        sides = Sides(tree(start, "base", _DOCUMENTS), after, tree(tip.id, "rules", _RULES))
        yield Compared(sides, tip.asked, tip.id, start, own.asked if head is not None else None, own.id)


@contextmanager
def base_repository(root: Path, base: str) -> Iterator[Repository | None]:
    """Give the config and the waivers of a revision to read; None where it has no config. Raises HistoryError."""
    from iamrbac.git.revisions import History

    history = History(root)
    with tempfile.TemporaryDirectory(prefix="iamrbac-base-") as temporary:
        yield _exported(history, history.commit(base).id, _RULES, Path(temporary).resolve() / "base")


def approvals(root: Path) -> Approvals:
    """Return who changed and approved the files of the access repository at `root`, as far as git says it."""
    from iamrbac.git.approvals import GitApprovals

    return GitApprovals(root)


def lines(root: Path) -> Lines:
    """Return when the lines of the access repository at `root` were written, as far as git says it."""
    from iamrbac.git.lines import GitLines

    return GitLines(root)


def access_branches(root: Path) -> AccessBranches:
    """Return branches of the access repository around `root`. Raises DeliveryError outside of git."""
    from iamrbac.git.delivery.requests import GitAccessBranches

    return GitAccessBranches(root)


@contextmanager
def snapshot(root: Path, commit: str | None) -> Iterator[Snapshot]:
    """Give the access repository around `root` at a commit, or its files as they are, to try a request on.

    Raises HistoryError.
    """
    from iamrbac.documents.copied import with_file
    from iamrbac.git.revisions import History
    from iamrbac.usecases.diff import Tree
    from iamrbac.usecases.request import Snapshot

    def tree(found: Path) -> Tree:
        return Tree(repository(found), roles(found))

    with tempfile.TemporaryDirectory(prefix="iamrbac-request-") as temporary:
        folder = Path(temporary).resolve()
        source = root if commit is None else folder / "base"
        if commit is not None and _exported(History(root), commit, _DOCUMENTS, source) is None:
            raise HistoryError(f"it has no {_CONFIG}", where=commit[:12], hint="push the access repository first")
        yield Snapshot(tree(source), lambda file, text: tree(with_file(source, _DOCUMENTS, folder, file, text)))


def _exported(history: History, commit: str, places: Sequence[str], folder: Path) -> Repository | None:
    """Write some places of a commit into a new folder; None where it is no access repository."""
    from iamrbac.git.export import export

    if not history.has(commit, _CONFIG):
        return None
    folder.mkdir()
    export(history.git, commit, history.prefix, places, folder)
    return repository(folder)
