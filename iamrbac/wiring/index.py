"""Plugs in where the access index is kept, and what a developer needs who goes by it; as `wiring`, it imports edges."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from iamrbac import wiring
from iamrbac.model.errors import RepositoryError, UsageError

if TYPE_CHECKING:
    from iamrbac.model.config import Config
    from iamrbac.model.index_place import IndexPlace
    from iamrbac.usecases.index_places import IndexStore
    from iamrbac.usecases.kubeconfig import Found, KubeconfigRequest
    from iamrbac.usecases.ports import Progress, Repository

    Find = Callable[[KubeconfigRequest, Progress], Found]

VARIABLE: Final = "IAMRBAC_INDEX"
"""Names the place of the access index for whoever has no clone of the access repository."""


def index_store(place: IndexPlace, root: Path | None, profile: str | None = None) -> IndexStore:
    """Return the place of an access index, with the environment's keys or a profile's; a file is one of `root`.

    Nothing is asked yet. Raises UsageError for a file without a repository.
    """
    from iamrbac.model.index_place import RepositoryFile, S3Object, SsmParameter
    from iamrbac.state.index_file import FileIndex
    from iamrbac.state.index_s3 import S3Index
    from iamrbac.state.index_ssm import SsmIndex
    from iamrbac.state.index_url import UrlIndex

    def client(service: str, region: str | None = None) -> Any:
        from iamrbac.aws.session import ANY_REGION, CONFIG, session

        aws = session(profile)
        # Which service it is only the place knows; all of boto3's clients come from one method.
        make: Any = aws.client
        return make(service, region_name=region or aws.region_name or ANY_REGION, config=CONFIG)

    if isinstance(place, S3Object):
        return S3Index(cache(lambda: client("s3")), place)
    if isinstance(place, SsmParameter):
        return SsmIndex(cache(lambda: client("ssm", place.region)), place)
    if isinstance(place, RepositoryFile):
        if root is None:
            raise UsageError(
                f"the access index {place} is a file of the access repository, and there is none here",
                hint="go there, or name it with --repo DIR",
            )
        return FileIndex(root, place)
    return UrlIndex(cache(lambda: client("kms", place.region)), place)


def index_file(file: Path, place: IndexPlace | None) -> IndexStore:
    """Return a file for whoever brings an access index to its place; a KMS key signs it where that place wants it."""
    from iamrbac.model.index_place import SignedUrl
    from iamrbac.state.index_file import NamedFile
    from iamrbac.usecases.index_places import Signed

    return NamedFile(file, index_store(place, None).seal if isinstance(place, SignedUrl) else Signed)


def contexts_finder(
    repo: Path | None, named: str | None, regions: Sequence[str], profile: str | None, role_arn: str | None
) -> Find:
    """Return what finds a developer's contexts: an access index where one is named, else the clusters themselves.

    The index is `named` (--index), or the config's, or without a repository that of IAMRBAC_INDEX. Without an index,
    the clusters of the config are asked, and without a config those that EKS has in the regions. Raises UsageError,
    RepositoryError, AwsError for a profile that is not there.
    """
    from iamrbac.usecases.kubeconfig import Found, find_contexts
    from iamrbac.usecases.load import load

    files = repository_here(repo)
    readable = None
    if files is not None:
        loaded = load(files)
        if loaded.readable is None:
            return lambda *_: Found((), loaded.findings)
        readable = loaded.readable.config.document
    text = named or (readable.index if readable is not None else os.environ.get(VARIABLE) or None)
    if regions and (text is not None or files is not None):
        raise UsageError("--region is for work without an access repository and without an index", hint="leave it out")
    if text is None and files is not None:
        return partial(find_contexts, wiring.own_edges(repo, profile=profile, role_arn=role_arn))
    if text is None:
        return _discovery(regions, profile, role_arn)
    return _by_index(text, readable, Path(files.root) if files is not None else None, profile, role_arn)


def repository_here(repo: Path | None) -> Repository | None:
    """Return the access repository; None where none is named and there is none here. Raises RepositoryError."""
    try:
        return wiring.repository(repo)
    except RepositoryError:
        if repo is not None:
            raise
        return None


def place_of(text: str, config: Config | None) -> IndexPlace:
    """Return the place of an access index as it was named. Raises UsageError for one that is none."""
    from iamrbac.model.index_place import parse_place

    try:
        return parse_place(text, config.people if config is not None else None)
    except ValueError as error:
        raise UsageError(f"the access index cannot be at {text}: {error}", hint="ask whoever applies for it") from error


def _by_index(text: str, config: Config | None, root: Path | None, profile: str | None, role_arn: str | None) -> Find:
    from iamrbac.aws.accounts import Accounts
    from iamrbac.aws.session import session
    from iamrbac.aws.tries import Tries
    from iamrbac.token.chain import session_name
    from iamrbac.usecases.own_index import IndexEdges, index_contexts

    place = place_of(text, config)
    aws = Accounts(session(profile))
    opener = wiring.kube_opener(aws, wiring.named_role(role_arn))
    edges = IndexEdges(
        index_store(place, root, profile), config, aws.caller, Tries(aws, session_name).may_assume, opener
    )
    return partial(index_contexts, edges)


def _discovery(regions: Sequence[str], profile: str | None, role_arn: str | None) -> Find:
    from iamrbac.aws.accounts import Accounts
    from iamrbac.aws.eks import EksApi
    from iamrbac.aws.session import session
    from iamrbac.aws.tries import Tries
    from iamrbac.token.chain import session_name
    from iamrbac.usecases.discover import DiscoveryEdges, discovered_contexts

    of = session(profile)
    wanted = tuple(dict.fromkeys(regions or filter(None, (of.region_name,))))
    if not wanted:
        raise UsageError(
            "there is no access repository here, no index is named, and nothing says in which region to look",
            hint="name one with --region or AWS_REGION, the repository with --repo, or an access index with --index",
        )
    aws = Accounts(of)
    opener = wiring.kube_opener(aws, wiring.named_role(role_arn))
    edges = DiscoveryEdges(EksApi(aws, assume=False), Tries(aws, session_name).clusters, opener, wanted)
    return partial(discovered_contexts, edges)
