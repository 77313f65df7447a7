"""Plugs in where the access index is kept, and what a developer needs who goes by it; as `wiring`, it imports edges."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.model.index_place import IndexPlace
    from iamrbac.usecases.index_places import IndexStore


def index_store(place: IndexPlace, root: Path | None) -> IndexStore:
    """Return the place of an access index, with the environment's keys; `root` is the repository that a file is of.

    Nothing is asked yet. Raises UsageError for a file without a repository.
    """
    from iamrbac.model.index_place import RepositoryFile, S3Object, SsmParameter
    from iamrbac.state.index_file import FileIndex
    from iamrbac.state.index_s3 import S3Index
    from iamrbac.state.index_ssm import SsmIndex
    from iamrbac.state.index_url import UrlIndex

    def client(service: str, region: str | None = None) -> Any:
        from iamrbac.aws.session import ANY_REGION, CONFIG, session

        aws = session()
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
