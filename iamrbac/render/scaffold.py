"""What `iamrbac init` says."""

from __future__ import annotations

from pathlib import PurePath
from shlex import quote

from iamrbac.render.findings import count
from iamrbac.render.plain import printable
from iamrbac.usecases.scaffold import Scaffolded


def scaffolded_text(folder: PurePath, done: Scaffolded) -> str:
    """Return a line for each file, with = for those that were there, and what to do next."""
    files = dict.fromkeys(done.kept, "=") | dict.fromkeys(done.written, "+")
    kept = f", {len(done.kept)} kept as they were" if done.kept else ""
    there = "" if folder == PurePath() else f"cd {printable(quote(str(folder)))} && "
    total = f"{printable(str(folder))}: {count(len(done.written), 'file')} written{kept}."
    return "\n".join([*(f"{files[path]} {path}" for path in sorted(files)), f"{total} Next: {there}iamrbac validate"])
