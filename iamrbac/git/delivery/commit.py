"""A commit as `git add` and `git commit` make it, of some paths on top of a commit."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from iamrbac.git.delivery.blobs import converted, into_index, store
from iamrbac.git.delivery.command import NETWORK, UserGit
from iamrbac.git.delivery.faults import failed
from iamrbac.git.delivery.objects import listed
from iamrbac.git.delivery.words import shown
from iamrbac.git.delivery.worktree import WorkTree
from iamrbac.gitops.standing import blob_id
from iamrbac.model.errors import DeliveryError
from iamrbac.model.gitops import Author
from iamrbac.usecases.deliveries import Message

_KINDS: Final = {"120000": "a symlink", "160000": "a submodule"}
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def stage(tree: WorkTree, changes: Mapping[str, str | None], where: str) -> str:
    """Write and remove files, put just these into the index, and return the id of its tree.

    Files are written for hooks to look at, and where attributes convert them; else git is only given the contents,
    which is far quicker. No symlink is followed. Raises DeliveryError where something that is no file of ours is in
    the way, or where git is told to ignore a path.
    """
    _refuse_odd(tree.index, changes, where)
    removed = [path for path, text in changes.items() if text is None]
    # Folder by folder: git reads the attributes of each as it goes.
    added = {path: text for path, text in sorted(changes.items()) if text is not None}
    _refuse_ignored(tree, [path for path in added if path not in tree.index], where)
    converting = converted(tree.git, added, where)
    _into_index(tree.git, ["--force-remove"], removed, where)
    if tree.checked_out or converting:
        for path in removed:
            (tree.folder / path).unlink(missing_ok=True)
        _write(tree.folder, added, where)
    if converting:
        _into_index(tree.git, ["--add"], added, where)
    else:
        into_index(tree.git, store(tree.git, added, where), where)
    if tree.checked_out:
        # A hook may compare files and index without looking into them.
        tree.git.run(["update-index", "-q", "--refresh"])
    return written_tree(tree.git, where)


def written_tree(git: UserGit, where: str) -> str:
    """Return the id of the tree that the index stands for."""
    said = git.run(["write-tree"])
    if said.code != 0:
        raise failed(said, "its tree cannot be written", where)
    return said.out.decode().strip()


def commit(tree: WorkTree, message: Message, author: Author | None, where: str) -> str:
    """Commit what is in the index, with the person's hooks and signing, and return the commit. Raises DeliveryError."""
    text = f"{message.subject}\n\n{message.body}\n" if message.body else f"{message.subject}\n"
    arguments = ["commit", "--quiet", "--cleanup=whitespace", "--file=-"]
    said = tree.git.run(arguments, text.encode(), timeout=NETWORK, environment=_identity(tree.git, author))
    if said.code != 0:
        if said.code == 1 and tree.checked_out:
            raise _refused(said.out.decode("utf-8", "replace") + said.err, where)
        raise failed(said, "nothing was committed", where)
    head = tree.git.run(["rev-parse", "--verify", "HEAD"])
    if head.code != 0:
        raise failed(head, "the commit cannot be found", where)
    return head.out.decode().strip()


def verify(git: UserGit, made: str, changes: Mapping[str, str | None], where: str) -> None:
    """Refuse a commit that does not hold what was asked for: a hook or a filter changed it, and would at every run.

    Raises DeliveryError.
    """
    files, _ = listed(git, made, sorted({path.rpartition("/")[0] or path for path in changes}), where)
    for path, text in changes.items():
        found = files.get(path)
        if (found is not None) if text is None else found != blob_id(text, like=found or ""):
            raise DeliveryError(
                f"{path} is not committed as it was written: a hook or a filter of the repository changes it, and "
                "every run would see a difference; nothing was pushed",
                where=where,
                hint="except our folders from it (in .gitattributes, or in the hook's own settings)",
            )


def _identity(git: UserGit, author: Author | None) -> dict[str, str]:
    """Return the author's name; the committer stays the person, and is the author where git knows nobody."""
    if author is None:
        return {}
    roles = ["AUTHOR"] if git.run(["var", "GIT_COMMITTER_IDENT"]).code == 0 else ["AUTHOR", "COMMITTER"]
    names = {f"GIT_{role}_NAME": author.name for role in roles}
    return names | {f"GIT_{role}_EMAIL": author.email for role in roles}


def _refused(said: str, where: str) -> DeliveryError:
    """Return the error for a hook that refuses: git itself says nothing then, and its own failures end with 128."""
    hint = "correct what the hook asks for; it is one of the repository's or of your git's (core.hooksPath)"
    return DeliveryError(f"a commit hook refused: {shown(said) or 'it said nothing'}", where=where, hint=hint)


def _refuse_odd(index: Mapping[str, str], changes: Mapping[str, str | None], where: str) -> None:
    """Refuse paths that leave the work tree or that something else than a file of ours stands in the way of."""
    kept = {path: mode for path, mode in index.items() if changes.get(path, "") is not None}
    folders = _parents(kept)
    for path, text in changes.items():
        parts = path.split("/")
        if any(part in ("", ".", "..") or part.lower() in (".git", "git~1") for part in parts) or "\0" in path:
            raise DeliveryError(f"{path!r} is no path of a file", where=where, hint="correct gitops.path")
        mode = index.get(path, "")
        if mode in _KINDS:
            raise _in_the_way(path, _KINDS[mode], where)
        if text is not None and path in folders:
            raise _in_the_way(path, "a folder", where)
    for parent in _parents([path for path, text in changes.items() if text is not None]) & kept.keys():
        raise _in_the_way(parent, _KINDS.get(kept[parent], "a file"), where)


def _parents(paths: Collection[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        above = path.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def _in_the_way(path: str, kind: str, where: str) -> DeliveryError:
    message = f"{path} is {kind} there, which nothing is written through or over"
    return DeliveryError(message, where=where, hint="remove it from the repository, or choose another gitops.path")


def _refuse_ignored(tree: WorkTree, paths: Collection[str], where: str) -> None:
    if not paths:
        return
    # What is tracked is never ignored; that these are not is known, so git need not look for each in the index.
    arguments = ["check-ignore", "--no-index", "--verbose", "-z", "--stdin"]
    # With ./ before it no path is a pattern.
    asked = b"".join(b"./" + os.fsencode(path) + b"\0" for path in paths)
    said = tree.git.run(arguments, asked, most=len(asked) * 8 + 65536)
    if said.code == 1:
        return
    if said.code != 0:
        raise failed(said, "what is ignored cannot be known", where)
    fields = [os.fsdecode(field) for field in said.out.split(b"\0")]
    for source, line, pattern, path in zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=False):
        if not pattern.startswith("!"):
            rule = f"{Path(source).name if source.startswith('/') else source}:{line}"
            message = f"git is told to ignore {path.removeprefix('./')}, by `{pattern}` in {rule}"
            hint = "remove the pattern, or write one after it that begins with ! and takes the folder back"
            raise DeliveryError(message, where=where, hint=hint)


def _write(folder: Path, files: Mapping[str, str], where: str) -> None:
    made: set[str] = set()
    for path, text in files.items():
        above = path.rpartition("/")[0]
        try:
            if above not in made:
                (folder / above).mkdir(parents=True, exist_ok=True)
                made.add(above)
            with os.fdopen(os.open(folder / path, _WRITE, 0o666), "wb") as file:
                file.write(text.encode())
        except OSError as error:
            message = f"{path} cannot be written into the temporary work tree: {error.strerror}"
            hint = "free some space, or set TMPDIR to a folder that has it"
            raise DeliveryError(message, where=where, hint=hint) from error


def _into_index(git: UserGit, options: list[str], paths: Collection[str], where: str) -> None:
    if not paths:
        return
    # By names on stdin: `git add` compares each file with each of its pathspecs.
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    said = git.run(["update-index", *options, "-z", "--stdin"], asked)
    if said.code != 0:
        raise failed(said, "its files cannot be added", where)
