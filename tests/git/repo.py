"""A real git repository in a folder, with settings of its own only."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "dana",
    "GIT_AUTHOR_EMAIL": "dana@example.com",
    "GIT_AUTHOR_DATE": "2026-06-01T12:00:00Z",
    "GIT_COMMITTER_NAME": "dana",
    "GIT_COMMITTER_EMAIL": "dana@example.com",
    "GIT_COMMITTER_DATE": "2026-06-01T12:00:00Z",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


@dataclass
class Repo:
    """A clone with a work tree."""

    folder: Path

    @classmethod
    def init(cls, folder: Path, *options: str) -> Repo:
        folder.mkdir(parents=True, exist_ok=True)
        repo = cls(folder)
        repo.git("init", "--quiet", "--initial-branch=main", *options)
        return repo

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        """Run git; what it says on stdout, without the last newline."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=ENVIRONMENT, input=given, capture_output=True, check=False
        )
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout.decode().rstrip("\n")

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files, or remove those that are None."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "change") -> str:
        """Write files, commit everything, and return the commit."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def clone(self, folder: Path, *options: str) -> Repo:
        """Clone over the file protocol, so that --depth and --filter mean something."""
        self.git("clone", "--quiet", *options, f"file://{self.folder}", str(folder))
        return Repo(folder)

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=content)

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """Store a tree of (mode, name, id), however malformed."""
        raw = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(id_) for mode, name, id_ in entries)
        return self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)

    def commit_tree(self, tree: str) -> str:
        return self.git("commit-tree", tree, "-m", "a tree", given=b"")
