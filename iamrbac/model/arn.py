"""ARNs of IAM and STS principals, read as AWS writes them (eks-facts §1.2 and §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# The partitions that aws-iam-authenticator knows, each with the regions that begin so; anything else is in `aws`.
_REGION_PREFIXES = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
PARTITIONS = ("aws", *_REGION_PREFIXES.values())
NAME = r"[A-Za-z0-9_+=,.@-]+"
"""What an IAM user, role or group may be called (IAM: [\\w+=,.@-]+ in ASCII)."""
SERVICE_LINKED = "/aws-service-role/"

_ARN = re.compile(rf"arn:({'|'.join(PARTITIONS)}):(iam|sts)::([0-9]{{12}}):([!-~]+)")
_PATH = re.compile(r"/(?:[!-~]+/)?")
_NAME = re.compile(NAME)
# Which resources each service has; the value says whether a path may stand before the name.
_KINDS = {
    ("iam", "user"): True,
    ("iam", "role"): True,
    ("iam", "group"): True,
    ("iam", "instance-profile"): True,
    ("sts", "assumed-role"): False,
    ("sts", "federated-user"): False,
}


@dataclass(frozen=True, slots=True, order=True)
class Arn:
    """A principal's ARN in its parts; `str()` gives it back as it was written."""

    partition: str
    account: str
    kind: str
    """user, role, group, instance-profile, root, assumed-role or federated-user."""
    path: str
    """"/" or "/ci/deploy/"; always "/" for STS, which never shows the path."""
    name: str
    """Without the path; "root" for an account's root user."""
    session: str = ""
    """The session's name of an assumed role, else empty."""

    @classmethod
    @lru_cache(maxsize=32_768)
    def parse(cls, text: str) -> Arn:
        """Read an ARN of IAM or STS. Raises ValueError, which says what is wrong with it."""
        match = _ARN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not the ARN of an IAM or STS principal ({_form_fault(text)})")
        partition, service, account, resource = match.groups()
        if (service, resource) == ("iam", "root"):
            return cls(partition, account, "root", "/", "root")
        kind, _, rest = resource.partition("/")
        has_path = _KINDS.get((service, kind))
        if has_path is None:
            raise ValueError(f"{text!r} is not the ARN of a principal: {service} has no {kind!r}")
        if kind == "assumed-role":
            name, _, session = rest.partition("/")
            _check_name(text, name)
            _check_name(text, session)
            return cls(partition, account, kind, "/", name, session)
        before, _, name = rest.rpartition("/")
        path = f"/{before}/" if before else "/"
        if (before and not has_path) or _PATH.fullmatch(path) is None:
            raise ValueError(f"{text!r} is not the ARN of a principal: the path {path!r} is not one")
        _check_name(text, name)
        return cls(partition, account, kind, path, name)

    def __str__(self) -> str:
        if self.kind == "root":
            return f"arn:{self.partition}:iam::{self.account}:root"
        if self.kind == "assumed-role":
            return f"arn:{self.partition}:sts::{self.account}:assumed-role/{self.name}/{self.session}"
        service = "sts" if self.kind == "federated-user" else "iam"
        return f"arn:{self.partition}:{service}::{self.account}:{self.kind}{self.path}{self.name}"

    @property
    def service_linked(self) -> bool:
        """True for a role that belongs to an AWS service: EKS refuses it as a principal."""
        return self.kind == "role" and self.path.startswith(SERVICE_LINKED)


def canonical(arn: str) -> str:
    """Return an assumed-role session's ARN as its role's ARN (without path: STS never shows it); all else unchanged."""
    parsed = _parsed(arn)
    if parsed is None or parsed.kind != "assumed-role":
        return arn
    return f"arn:{parsed.partition}:iam::{parsed.account}:role/{parsed.name}"


def without_path(arn: str) -> str:
    """Return a role's ARN without its path, as aws-auth wants it; users keep theirs, all else is unchanged."""
    parsed = _parsed(arn)
    if parsed is None or parsed.kind != "role":
        return arn
    return f"arn:{parsed.partition}:iam::{parsed.account}:role/{parsed.name}"


@lru_cache(maxsize=32_768)
def comparable(arn: str) -> str:
    """Return the form in which two spellings of one principal are equal: a session is its role, a role has no path."""
    return without_path(canonical(arn))


def default_username(arn: str) -> str:
    """Return the username that EKS gives a principal where none is asked for.

    A user's own ARN; for a role (or a session of it) `arn:PARTITION:sts::ACCT:assumed-role/NAME/{{SessionName}}`.
    Raises ValueError when it is no ARN of a principal.
    """
    parsed = Arn.parse(arn)
    if parsed.kind not in ("role", "assumed-role"):
        return arn
    return f"arn:{parsed.partition}:sts::{parsed.account}:assumed-role/{parsed.name}/{{{{SessionName}}}}"


def partition_of(region: str) -> str:
    """Return the partition that a region is in."""
    return next((partition for prefix, partition in _REGION_PREFIXES.items() if region.startswith(prefix)), "aws")


def _parsed(arn: str) -> Arn | None:
    try:
        return Arn.parse(arn)
    except ValueError:
        return None


def _check_name(text: str, name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{text!r} is not the ARN of a principal: {name!r} is not a name")


def _form_fault(text: str) -> str:
    parts = text.split(":", 5)
    if parts[0] != "arn" or len(parts) < 6:
        return "it looks like arn:aws:iam::111122223333:role/NAME"
    if parts[1] not in PARTITIONS:
        return f"{parts[1]!r} is not a partition of AWS"
    if parts[2] not in ("iam", "sts"):
        return f"it belongs to {parts[2]!r}"
    if parts[3]:
        return "IAM and STS are global, no region stands between the colons"
    if re.fullmatch(r"[0-9]{12}", parts[4]) is None:
        return f"{parts[4]!r} is not an account of 12 digits"
    return "blanks and control characters cannot stand in it"
