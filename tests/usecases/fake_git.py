"""Delivery repositories in memory: branches of files, every commit remembered, faults and other people on demand."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import yaml

from iamrbac.gitops.standing import blob_id
from iamrbac.model.errors import DeliveryError, MovedError
from iamrbac.model.gitops import Author, Forge
from iamrbac.usecases.deliveries import Committed, Landed, Message, PolicyRevision, Proposal, Tip


@dataclass
class FakeRepository:
    """One repository."""

    branches: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Branch → the files after each commit."""
    messages: list[Message] = field(default_factory=list)
    said: dict[str, Message] = field(default_factory=dict)
    """Commit → its message."""
    proposals: dict[str, dict[str, str]] = field(default_factory=dict)
    """Branch of a pull request → its files."""
    unreachable: DeliveryError | None = None
    meanwhile: Callable[[], None] = lambda: None
    """What somebody else does between our fetch and our push."""
    read_blobs: int = 0

    def files(self, branch: str = "main") -> dict[str, str]:
        """What a branch has now."""
        return dict(self.branches[branch][-1]) if self.branches.get(branch) else {}

    def write(self, changes: Mapping[str, str | None], branch: str = "main") -> None:
        """Commit as somebody else."""
        files = self.files(branch)
        for path, text in changes.items():
            files.pop(path, None)
            if text is not None:
                files[path] = text
        self.branches.setdefault(branch, []).append(files)

    def tip(self, branch: str, folders: Sequence[str]) -> Tip:
        if self.unreachable is not None:
            raise self.unreachable
        commits = self.branches.get(branch, [])
        inside = {
            path: blob_id(text)
            for path, text in self.files(branch).items()
            if any(path.startswith(f"{folder}/") for folder in folders)
        }
        return Tip(branch, f"{branch}-{len(commits)}" if commits else None, inside, {})

    def at(self, revision: str, folders: Sequence[str]) -> Tip:
        branch, _, number = revision.rpartition("-")
        if not number.isdigit() or not 0 < int(number) <= len(self.branches.get(branch, [])):
            raise DeliveryError(f"there is no revision {revision} there", where=branch)
        files = self.branches[branch][int(number) - 1]
        inside = {path: blob_id(text) for path, text in files.items()}
        return Tip(branch, revision, inside, {})

    def history(self, commit: str, folders: Sequence[str]) -> Landed | None:
        branch, _, number = commit.rpartition("-")
        commits = [{}, *self.branches[branch]]
        for index in range(int(number), 0, -1):
            before, after = commits[index - 1], commits[index]
            changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
            if any(path.startswith(f"{folder}/") for path in changed for folder in folders):
                said = self.said.get(f"{branch}-{index}")
                lines = said.body.strip().rpartition("\n\n")[2].splitlines() if said is not None else []
                trailers = tuple((key, value) for key, _, value in (line.partition(": ") for line in lines))
                subject = said.subject if said is not None else "by hand"
                return Landed(
                    f"{branch}-{index}", "pat", datetime(2026, 11, 24, 12, index, tzinfo=UTC), subject, trailers
                )
        return None

    def leads_to(self, earlier: str, later: str) -> bool:
        (one, _, first), (other, _, second) = earlier.rpartition("-"), later.rpartition("-")
        return one == other and int(first) <= int(second)

    def read(self, ids: Collection[str]) -> Mapping[str, bytes]:
        self.read_blobs += len(ids)
        every = {
            blob_id(text): text.encode()
            for commits in self.branches.values()
            for one in commits
            for text in one.values()
        }
        return {one: every[one] for one in ids}

    def push(self, tip: Tip, changes: Mapping[str, str | None], message: Message, author: Author | None) -> Committed:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        if self.tip(tip.branch, ()).commit != tip.commit:
            raise MovedError("the branch moved", where=tip.branch)
        self.write(changes, tip.branch)
        self.messages.append(message)
        made = f"{tip.branch}-{len(self.branches[tip.branch])}"
        self.said[made] = message
        return Committed(made)

    commit = push

    def proposal(self, branch: str, base: str, forge: Forge | None) -> Proposal | None:
        return Proposal(f"https://forge/{branch}", branch) if branch in self.proposals else None

    def propose(
        self,
        tip: Tip,
        branch: str,
        changes: Mapping[str, str | None],
        message: Message,
        author: Author | None,
        forge: Forge | None,
    ) -> Committed:
        files = self.files(tip.branch)
        for path, text in changes.items():
            files.pop(path, None)
            if text is not None:
                files[path] = text
        self.proposals[branch] = files
        self.messages.append(message)
        return Committed("proposed", f"https://forge/{branch}")


@dataclass
class FakeDeliveries:
    """All repositories, by what the config calls them."""

    repositories: dict[str, FakeRepository] = field(default_factory=dict)
    policy: PolicyRevision = field(default_factory=lambda: PolicyRevision("f00dcafe", changed=False))
    newer: dict[str, int] = field(default_factory=lambda: {"f00dcafe": 0})
    """Commit of the access repository → how many changed the policies since."""

    def open(self, repository: str, *, local: bool = False) -> FakeRepository:
        return self.repositories.setdefault(repository, FakeRepository())

    def revision(self) -> PolicyRevision:
        return self.policy

    def since(self, commit: str) -> int | None:
        return self.newer.get(commit)

    def parse(self, file: str, content: bytes) -> object:
        try:
            return json.loads(content) if file.endswith(".json") else yaml.safe_load(content)
        except (ValueError, yaml.YAMLError) as error:
            raise ValueError(f"{file}: {error}") from error
