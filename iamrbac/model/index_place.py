"""Where an access index is kept, in one text: `index:` of the config, `--index` and IAMRBAC_INDEX say it alike.

Every place is one whose integrity somebody vouches for, since an endpoint that somebody tampered with harvests tokens:
the access repository itself, an S3 bucket of a named account, an SSM parameter of the account in its ARN, or any web
server with a signature by a KMS key. What the parts may look like: S3's naming rules, ssm:PutParameter and kms:Sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from iamrbac.model.arn import PARTITIONS, partition_of

_REGION: Final = "[a-z]{2,}(-[a-z]+)+-[0-9]+"
_PARTITION: Final = f"({'|'.join(PARTITIONS)})"
_ACCOUNT: Final = "[0-9]{12}"
_FILE: Final = r"([0-9A-Za-z_][0-9A-Za-z_.-]*/)*[0-9A-Za-z_][0-9A-Za-z_.-]*\.json"
_S3: Final = rf"s3://[a-z0-9][a-z0-9.-]*[a-z0-9](/[0-9A-Za-z_.=-]+)+(#{_ACCOUNT})?"
_SSM: Final = rf"arn:{_PARTITION}:ssm:{_REGION}:{_ACCOUNT}:parameter(/[0-9A-Za-z_.-]+)+"
_KMS: Final = rf"arn:{_PARTITION}:kms:{_REGION}:{_ACCOUNT}:key/[0-9A-Za-z-]+"
_HTTPS: Final = rf"https://[0-9A-Za-z.-]+(:[0-9]+)?(/[0-9A-Za-z_.~%+=,-]+)+#{_KMS}"
PATTERN: Final = f"^({_FILE}|{_S3}|{_SSM}|{_HTTPS})$"
WORDS: Final = (
    "a place whose integrity somebody vouches for, since a tampered endpoint harvests tokens: a .json file of this "
    "repository, s3://BUCKET/KEY#ACCOUNT, the ARN of an SSM parameter, or https://HOST/PATH#ARN-OF-A-KMS-KEY"
)
EXAMPLE: Final = "access-index.json"


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file of the access repository: whoever may merge there may write it."""

    path: str
    """Relative to the repository's root, with forward slashes."""

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object in a bucket, which S3 gives only while the bucket is of the account."""

    bucket: str
    key: str
    account: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}#{self.account}"


@dataclass(frozen=True, slots=True)
class SsmParameter:
    """A parameter of Systems Manager: whoever may ssm:PutParameter on it may write it."""

    arn: str

    def __str__(self) -> str:
        return self.arn

    @property
    def region(self) -> str:
        """The region that it is in."""
        return self.arn.split(":")[3]

    @property
    def name(self) -> str:
        """Its name; of one in a hierarchy the ARN has the name without doubling its first slash."""
        rest = self.arn.partition(":parameter/")[2]
        return f"/{rest}" if "/" in rest else rest


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A file of any web server, with a signature beside it that a KMS key made."""

    url: str
    key: str
    """The key's ARN."""

    def __str__(self) -> str:
        return f"{self.url}#{self.key}"

    @property
    def region(self) -> str:
        """The region that the key is in."""
        return self.key.split(":")[3]


IndexPlace: TypeAlias = RepositoryFile | S3Object | SsmParameter | SignedUrl


def parse_place(text: str, account: str | None = None) -> IndexPlace:
    """Read a place; `account` is that of a bucket where the place names none.

    Raises ValueError, which says why it is none, or why nobody vouches for it.
    """
    if re.fullmatch(_S3, text):
        address, _, named = text.partition("#")
        bucket, _, key = address.removeprefix("s3://").partition("/")
        owner = named or account
        if owner is None:
            raise ValueError(
                "nothing says whose bucket it must be, so that anybody's of that name would do: write #ACCOUNT behind"
            )
        return S3Object(bucket, key, owner)
    if re.fullmatch(_SSM, text):
        return SsmParameter(_of_its_partition(text))
    if re.fullmatch(_HTTPS, text):
        url, _, arn = text.partition("#")
        return SignedUrl(url, _of_its_partition(arn))
    if re.fullmatch(_FILE, text):
        return RepositoryFile(text)
    raise ValueError(_why(text))


def _of_its_partition(arn: str) -> str:
    _, partition, _, region, _ = arn.split(":", 4)
    if partition != partition_of(region):
        raise ValueError(f"{region} is in the partition {partition_of(region)}, not in {partition}")
    return arn


def _why(text: str) -> str:
    if text.startswith("http://"):
        return "http can be changed by anybody on the way: write https://HOST/PATH#ARN-OF-A-KMS-KEY"
    if text.startswith("https://") and "#" not in text:
        return "nothing proves what a web server answers: write #ARN-OF-A-KMS-KEY behind, whose signature is beside it"
    return f"a place is {WORDS}"
