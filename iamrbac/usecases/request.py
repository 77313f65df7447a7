"""Ask for access that ends by itself: a TemporaryGrant on a new branch of the access repository. No cluster changes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from iamrbac.compile.request.draft import Draft, draft
from iamrbac.compile.request.naming import BRANCHES, FOLDER, branch_of, file_of, free, name_of
from iamrbac.compile.request.wish import NOTHING, SUSPENDED, TEAM, UNCLEAR, Wish, as_option, fault
from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.yaml_text import yaml_text
from iamrbac.identity.suspended import Suspended
from iamrbac.model.documents import Config, TemporaryGrant
from iamrbac.model.errors import MovedError
from iamrbac.model.gitops import Forge
from iamrbac.rbac.objects import RbacState
from iamrbac.usecases.deliveries import Message
from iamrbac.usecases.diff import Invalid, Tree
from iamrbac.usecases.load import load
from iamrbac.usecases.review import Review, Sides, review
from iamrbac.usecases.validate import validate
from iamrbac.usecases.worlds import EVERY_CLUSTER

_ABSENT = "POL009"
"""A namespace that no catalogue has: in a policy it may come later, in a request it is a mistake."""
_OF_TEAM = ("POL003", "POL008")
"""What is said of a team: that there is none, that the owner of a namespace does not accept it."""
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Base:
    """What a request begins at."""

    branch: str
    commit: str
    remote: bool
    """It was fetched, and the request is pushed; else the repository has no remote, and a branch is made in it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the pull request is, or how to open one."""

    url: str = ""
    opened: bool = False
    """It is open; else `url` is the page that opens one, "" where nothing says which forge it is."""
    why: str = ""
    """Why it was not opened, where something stood in the way."""


class AccessBranches(Protocol):
    """The access repository's own git, the person's. Every method raises DeliveryError, and touches no checkout."""

    def base(self) -> Base:
        """Fetch the remote's default branch; without a remote, take the commit that is checked out."""
        ...

    def taken(self, folder: str) -> frozenset[str]:
        """Return the names of the branches that begin with `folder`, without it: the remote's, else our own."""
        ...

    def begin(self, base: Base, branch: str, file: str, text: str, message: Message) -> str:
        """Commit a new file of the access repository on top of the base as a new branch; return the commit.

        Raises MovedError where there is such a branch already.
        """
        ...

    def propose(self, base: Base, branch: str, message: Message, forge: Forge | None) -> Opened:
        """Open a pull request of a branch that was pushed, where there are credentials for it."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The access repository at the base."""

    tree: Tree
    with_file: Callable[[str, str], Tree]
    """Returns the same with one more file, by its path and text. Raises RepositoryError."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be made."""

    name: str
    draft: Draft
    text: str
    """The document."""
    review: Review
    """What it would give."""
    before: Tree
    after: Tree
    config: Config
    findings: tuple[Finding, ...] = ()
    """What to know, none of them an error."""

    @property
    def file(self) -> str:
        """The document's place in the access repository."""
        return file_of(self.name)

    @property
    def branch(self) -> str:
        """The branch that it is on."""
        return branch_of(self.name)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no request. The errors among `findings` are all that is wrong."""

    findings: tuple[Finding, ...]
    base: bool = False
    """It is the access repository that is not valid, whatever is asked for."""

    @property
    def unclear(self) -> bool:
        """Some option means nothing."""
        return any(one.id in (UNCLEAR, TEAM) for one in self.findings)

    @property
    def unknown(self) -> bool:
        """Nothing is wrong but that AWS did not say who asks."""
        return all(one.id.startswith("ERR") for one in self.findings)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was made."""

    request: Request
    commit: str
    opened: Opened | None
    """None where the branch is on this machine only."""


def prepare(
    wish: Wish,
    snapshot: Snapshot,
    caller: Callable[[], str],
    builtin: RbacState,
    at: datetime,
    taken: Collection[str] = (),
) -> Request | Refused:
    """Return the request that a wish becomes, judged as `validate` and `diff` would judge the branch; nothing is made.

    `taken` are names that are in use beside those of the base. Raises RepositoryError.
    """
    base = snapshot.tree
    templates = base.roles.names()
    loaded = load(base.repository, templates)
    documents = loaded.documents
    found = validate(base.repository, templates)
    if documents is None or not found.valid:
        return Refused(tuple(one for one in found.findings if one.level is Level.ERROR), base=True)
    made = draft(documents, templates, wish, caller, at)
    used = {one.document.metadata.name for one in documents.grants} | {*taken}
    used |= {file.removeprefix(f"{FOLDER}/").rpartition(".")[0] for file in loaded.files if file.startswith(FOLDER)}
    name = free(wish.name or name_of(wish.reason, f"{made.team}-{wish.role}"), used)
    text = yaml_text(made.document(name))
    file = file_of(name)
    after = snapshot.with_file(file, text)
    judged = _judged(after, file)
    errors = (*made.faults, *(one for one in judged if _counts(one, made)), *_suspended(after, file))
    if errors:
        return Refused(_foremost(errors))
    told = review(Sides(base, after, base), builtin, at)
    if isinstance(told, Invalid):
        return Refused(tuple(as_option(one) for one in told.findings if one.level is Level.ERROR))
    if told.refusals:
        return Refused(tuple(as_option(one) for one in told.refusals))
    if not told.change.deltas:
        hint = "ask for another role, namespace or a longer time; `iamrbac access` lists who holds what"
        judged += (fault("--role", "this gives nothing that is not there already", hint, NOTHING),)
        return Refused((judged[-1],))
    return Request(name, made, text, told, base, after, documents.config.document, judged)


def send(
    branches: AccessBranches,
    base: Base,
    again: Callable[[Collection[str]], Request | Refused],
    message: Callable[[Request], Message],
) -> Sent | Refused:
    """Make a request: a branch with its document, and a pull request where there are credentials for one.

    `again` prepares it with the names that are taken: a name that somebody else took meanwhile gets a number.
    Raises DeliveryError; nothing is pushed then.
    """
    taken = set(taken_names(branches))
    for attempt in range(1, _ATTEMPTS + 1):
        request = again(taken)
        if isinstance(request, Refused):
            return request
        said = message(request)
        try:
            commit = branches.begin(base, request.branch, request.file, request.text, said)
        except MovedError:
            if attempt == _ATTEMPTS:
                raise
            taken |= {request.name, *taken_names(branches)}
            continue
        opened = None
        if base.remote:
            opened = branches.propose(base, request.branch, said, forge_of(request.config))
        return Sent(request, commit, opened)
    raise AssertionError


def taken_names(branches: AccessBranches) -> frozenset[str]:
    """Return the names of requests that are on branches. Raises DeliveryError."""
    return branches.taken(BRANCHES)


def forge_of(config: Config) -> Forge | None:
    """Return the forge that the config names, where it is that of the access repository."""
    gitops = config.gitops
    return gitops.forge if gitops is not None and gitops.repository in (None, ".") else None


def _counts(one: Finding, made: Draft) -> bool:
    """Say whether an error is one of what was asked for, and not of what stands in for something that is unclear."""
    unclear = {fault.object for fault in made.faults}
    return one.level is Level.ERROR and one.object not in unclear and not (one.id in _OF_TEAM and "--team" in unclear)


def _foremost(errors: Collection[Finding]) -> tuple[Finding, ...]:
    """Leave out what follows from another: of a namespace or a team that is not there nobody asks whose it is."""
    found = {one.id for one in errors}
    echoes = {"POL008"} if "POL003" in found else set()
    echoes |= {TEAM, "POL008"} if _ABSENT in found else set()
    return tuple(one for one in errors if one.id not in echoes)


def _judged(after: Tree, file: str) -> tuple[Finding, ...]:
    """Return what validate says to the new document, at the options; an absent namespace as an error."""
    found = validate(after.repository, after.roles.names()).findings
    ours = [one for one in found if one.file == file or one.level is Level.ERROR]
    there = tuple(f"{name} is not" for name in sorted(EVERY_CLUSTER))
    strict = (
        replace(one, level=Level.ERROR) if one.id == _ABSENT and not one.message.startswith(there) else one
        for one in ours
    )
    return tuple(as_option(one) if one.file == file else one for one in strict)


def _suspended(after: Tree, file: str) -> list[Finding]:
    documents = load(after.repository).readable
    grant = next((one.document for one in documents.grants if one.file == file), None) if documents else None
    if documents is None or not isinstance(grant, TemporaryGrant):
        return []
    config = documents.config.document
    suspended = Suspended(config.suspended)
    accounts = {one.account for one in config.clusters}
    hint = f"take it from suspended: in {documents.config.file} first, if that is over"
    return [
        fault("--member", f"{next(iter(one.model_dump(exclude_none=True).values()))} is suspended", hint, SUSPENDED)
        for one in grant.spec.members
        if any(suspended.covers_member(one, config, account) for account in accounts)
    ]
