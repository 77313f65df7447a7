"""What the history of a repository says: which commit changed some folders last, and which comes before which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from iamrbac.git.delivery.command import UserGit
from iamrbac.git.delivery.faults import failed
from iamrbac.usecases.deliveries import Landed

_FORMAT: Final = "%H%x00%an%x00%cI%x00%s%x00%(trailers:only,unfold)"


def last_change(git: UserGit, commit: str, folders: Sequence[str], where: str) -> Landed | None:
    """Return the last commit, at or before one, that changed something below some folders. Raises DeliveryError."""
    paths = [f":(top,literal){folder}" for folder in folders]
    # Mailmaps and signatures of a person's configuration would change or add lines.
    said = git.run(["log", "-1", "--no-show-signature", "--no-mailmap", f"--format={_FORMAT}", commit, "--", *paths])
    if said.code != 0:
        raise failed(said, "its history cannot be read", where)
    text = said.out.decode("utf-8", "replace")
    if not text.strip():
        return None
    id_, author, at, subject, trailers = text.split("\0", 4)
    pairs = (line.partition(":") for line in trailers.splitlines() if ":" in line)
    told = tuple((key.strip(), value.strip()) for key, _, value in pairs)
    return Landed(id_.strip(), author, datetime.fromisoformat(at), subject, told)


def is_ancestor(git: UserGit, earlier: str, later: str, where: str) -> bool:
    """Say whether a commit is another one, or in its history. Raises DeliveryError."""
    said = git.run(["merge-base", "--is-ancestor", earlier, later])
    if said.code not in (0, 1):
        raise failed(said, "its history cannot be read", where)
    return said.code == 0
