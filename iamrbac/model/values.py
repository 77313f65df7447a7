"""The scalars of documents: what a name, a pattern, an account or a time may look like, and how to say so to a person.

Each form is a regular expression that Rust (pydantic), Python (jsonschema) and ECMAScript (editors) read the same way:
ASCII classes only, no look-around.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field, StrictInt, StrictStr

from iamrbac.model import index_place
from iamrbac.model.arn import NAME, PARTITIONS


@dataclass(frozen=True, slots=True)
class Form:
    """How a text must look: the pattern, and the same in words."""

    pattern: str
    words: str
    example: str


_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DATE: Final = (
    "(2[0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    "|(2[0-9](0[48]|[2468][048]|[13579][26])|2[048]00)-02-29)"
)
_TIME: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
# In a path of IAM any printable character may stand; a colon would make a broken ARN look like a name with a path.
_IAM_PATH: Final = "([!-.0-9;-~]+/)*"

LABEL = Form(f"^{_LABEL}$", "lower-case letters, digits and hyphens, no hyphen at either end", "payments")
CLUSTER = Form("^[0-9A-Za-z][A-Za-z0-9_-]*$", "letters, digits, hyphens and underscores", "production")
CLUSTER_PATTERN = Form("^[A-Za-z0-9*?_-]+$", "a cluster's name, or a pattern with * and ?", "prod-*")
NAMESPACE_RULE = Form(r"^[a-z0-9*?-]+$", "a namespace's name, or a pattern with * and ?", "payments-*")
NAMESPACE = Form(
    f"^({_LABEL}|[a-z0-9-]+[*?][a-z0-9*?-]*|[*?]+[a-z0-9-][a-z0-9*?-]*)$",
    "a namespace's name, or a pattern with * and ? and at least one other character",
    "payments-*",
)
ACCOUNT = Form("^[0-9]{12}$", "an AWS account, 12 digits in quotes", "111122223333")
REGION = Form("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", "an AWS region", "eu-west-1")
PRINCIPAL = Form(
    f"^(arn:({'|'.join(PARTITIONS)}):(iam|sts)::[0-9]{{12}}:[!-~]+|{_IAM_PATH}{NAME})$",
    "a name, with its path if it has one, or an ARN",
    "ci/deployer",
)
ROLE_ARN = Form(
    f"^arn:({'|'.join(PARTITIONS)}):iam::[0-9]{{12}}:role/{_IAM_PATH}{NAME}$",
    "the ARN of an IAM role",
    "arn:aws:iam::111122223333:role/iamrbac",
)
EXTERNAL_ID = Form("^[0-9A-Za-z_+=,.@:/-]+$", "letters, digits and _+=,.@:/-", "iamrbac-acme")
SESSION_NAME = Form("^[0-9A-Za-z_+=,.@-]+$", "letters, digits and _+=,.@-", "iamrbac")
PERMISSION_SET = Form(f"^{NAME}$", "the name of a permission set", "PaymentsDeveloper")
CLUSTER_ROLE = Form("^[A-Za-z0-9][A-Za-z0-9_@+=,.:-]*$", "the name of a ClusterRole, without / and blanks", "view")
EKS_POLICY = Form("^[A-Za-z0-9]+$", "the name of an EKS access policy, not its ARN", "AmazonEKSViewPolicy")
TIME = Form(f"^{_DATE}T{_TIME}$", "a time of RFC 3339 with its offset", "2026-12-24T18:00:00Z")
RULE = Form(
    f"^(IAM[0-9]{{3}}|gate/{_LABEL})$", "a rule of lint, or gate/ and the name of a gate of the config", "IAM042"
)
SET_PATH = Form(f"^{_LABEL}(/{_LABEL})?$", "a team, or a team's set", "payments/oncall")
ACTION = Form("^[^ \t\r\n]+ [^ \t\r\n]+$", "verbs and resources with a blank between them", "get,list pods,pods/log")
BRANCH = Form("^[0-9A-Za-z_]([.]?[0-9A-Za-z_-])*(/[0-9A-Za-z_]([.]?[0-9A-Za-z_-])*)*$", "the name of a branch", "main")
FOLDER = Form(
    r"^([0-9A-Za-z_{][0-9A-Za-z_.{}-]*)(/[0-9A-Za-z_{][0-9A-Za-z_.{}-]*)*$",
    "a folder below the repository's top: names with / between them, none beginning with a dot",
    "clusters/{cluster}",
)
REPOSITORY = Form(
    r"^([.]|[.]{0,2}/[!-~]+|(https?|ssh|file|git)://[!-~]+|[0-9A-Za-z_.-]+@[0-9A-Za-z.-]+:[!-~]+)$",
    "what git clones from: https://, ssh://, git@HOST:PATH, file://, or a path that begins with / or .",
    "git@git.example.com:platform/clusters.git",
)
DURATION = Form("^([0-9]+(h|m|s))+$", "a duration", "10m")
SPAN = Form("^([0-9]{1,6}[dhms])+$", "a span of time", "30s")
TIMEOUT = Form("^[1-9][0-9]{0,5}[dhms]([0-9]{1,6}[dhms])*$", "a span of time, not 0", "5m")
BUCKET = Form(
    "^s3://[a-z0-9][a-z0-9.-]*[a-z0-9](/[0-9A-Za-z_.=-]+)*/?$",
    "a bucket in S3, with a prefix or without one",
    "s3://acme-iamrbac/backups",
)
INDEX = Form(index_place.PATTERN, index_place.WORDS, index_place.EXAMPLE)
SUBDOMAIN = Form(f"^{_LABEL}([.]{_LABEL})*$", "lower-case letters, digits, hyphens and dots", "flux-system")
PROXY = Form(
    r"^(https?|socks5)://([0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?$",
    "a proxy's URL, http://, https:// or socks5:// with host and port, without user and password",
    "https://proxy.acme.example:3128",
)
ROLE_NAME = Form(
    r"^([A-Za-z0-9_+=,.@-]|[{](instance|team|set)[}])+$",
    "a name for IAM with {instance}, {team} and {set} in it",
    "{instance}.{team}.{set}",
)
TEXT = Form("[^ \t\r\n]", "a text that is not blank", "INC-4211")

FORMS: Final = {
    form.pattern: form
    for form in (
        LABEL,
        CLUSTER,
        CLUSTER_PATTERN,
        NAMESPACE_RULE,
        NAMESPACE,
        ACCOUNT,
        REGION,
        PRINCIPAL,
        ROLE_ARN,
        EXTERNAL_ID,
        SESSION_NAME,
        PERMISSION_SET,
        CLUSTER_ROLE,
        EKS_POLICY,
        TIME,
        RULE,
        SET_PATH,
        ACTION,
        BRANCH,
        FOLDER,
        REPOSITORY,
        DURATION,
        SPAN,
        TIMEOUT,
        BUCKET,
        INDEX,
        SUBDOMAIN,
        PROXY,
        ROLE_NAME,
        TEXT,
    )
}
"""Every form by its pattern, as validation errors name it."""


def whole(value: object) -> object:
    """Return an integer as one: JSON Schema counts 1.0 as an integer, so it is one here too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# A team's and an instance's name are parts of labels, groups and object names.
TeamName: TypeAlias = Annotated[StrictStr, Field(pattern=LABEL.pattern, max_length=40)]
SetName: TypeAlias = Annotated[StrictStr, Field(pattern=LABEL.pattern, max_length=40)]
DnsLabel: TypeAlias = Annotated[StrictStr, Field(pattern=LABEL.pattern, max_length=63)]
ClusterName: TypeAlias = Annotated[StrictStr, Field(pattern=CLUSTER.pattern, max_length=100)]
ClusterPattern: TypeAlias = Annotated[StrictStr, Field(pattern=CLUSTER_PATTERN.pattern, max_length=100)]
NamespacePattern: TypeAlias = Annotated[StrictStr, Field(pattern=NAMESPACE.pattern, max_length=63)]
RulePattern: TypeAlias = Annotated[StrictStr, Field(pattern=NAMESPACE_RULE.pattern, max_length=63)]
Account: TypeAlias = Annotated[StrictStr, Field(pattern=ACCOUNT.pattern)]
Region: TypeAlias = Annotated[StrictStr, Field(pattern=REGION.pattern)]
PrincipalName: TypeAlias = Annotated[StrictStr, Field(pattern=PRINCIPAL.pattern, max_length=2048)]
# The lengths are those of sts:AssumeRole (botocore's model of it).
RoleArn: TypeAlias = Annotated[StrictStr, Field(pattern=ROLE_ARN.pattern, max_length=2048)]
ExternalId: TypeAlias = Annotated[StrictStr, Field(pattern=EXTERNAL_ID.pattern, min_length=2, max_length=1224)]
SessionName: TypeAlias = Annotated[StrictStr, Field(pattern=SESSION_NAME.pattern, min_length=2, max_length=64)]
PermissionSetName: TypeAlias = Annotated[StrictStr, Field(pattern=PERMISSION_SET.pattern, max_length=32)]
ClusterRoleName: TypeAlias = Annotated[StrictStr, Field(pattern=CLUSTER_ROLE.pattern, max_length=253)]
EksPolicyName: TypeAlias = Annotated[StrictStr, Field(pattern=EKS_POLICY.pattern, max_length=128)]
Time: TypeAlias = Annotated[StrictStr, Field(pattern=TIME.pattern)]
BranchName: TypeAlias = Annotated[StrictStr, Field(pattern=BRANCH.pattern, max_length=200)]
Folder: TypeAlias = Annotated[StrictStr, Field(pattern=FOLDER.pattern, max_length=200)]
RepositoryPlace: TypeAlias = Annotated[StrictStr, Field(pattern=REPOSITORY.pattern, max_length=500)]
Duration: TypeAlias = Annotated[StrictStr, Field(pattern=DURATION.pattern, max_length=20)]
SpanText: TypeAlias = Annotated[StrictStr, Field(pattern=SPAN.pattern, max_length=20)]
TimeoutText: TypeAlias = Annotated[StrictStr, Field(pattern=TIMEOUT.pattern, max_length=20)]
BucketPlace: TypeAlias = Annotated[StrictStr, Field(pattern=BUCKET.pattern, max_length=500)]
IndexPlaceText: TypeAlias = Annotated[StrictStr, Field(pattern=INDEX.pattern, max_length=1000)]
DnsSubdomain: TypeAlias = Annotated[StrictStr, Field(pattern=SUBDOMAIN.pattern, max_length=253)]
ProxyUrl: TypeAlias = Annotated[StrictStr, Field(pattern=PROXY.pattern, max_length=500)]
RoleNameTemplate: TypeAlias = Annotated[StrictStr, Field(pattern=ROLE_NAME.pattern, max_length=200)]
Text: TypeAlias = Annotated[StrictStr, Field(pattern=TEXT.pattern, max_length=2048)]
RuleId: TypeAlias = Annotated[StrictStr, Field(pattern=RULE.pattern, max_length=68)]
SetPath: TypeAlias = Annotated[StrictStr, Field(pattern=SET_PATH.pattern, max_length=81)]
ActionText: TypeAlias = Annotated[StrictStr, Field(pattern=ACTION.pattern, max_length=2048)]
LabelKey: TypeAlias = Annotated[StrictStr, Field(min_length=1, max_length=63)]
# The bounds stand inside: outside of a validator pydantic's JSON Schema has them by names that no reader knows.
Count: TypeAlias = Annotated[StrictInt, Field(ge=0), BeforeValidator(whole)]
AtLeastOne: TypeAlias = Annotated[StrictInt, Field(ge=1, le=100_000), BeforeValidator(whole)]
Days: TypeAlias = Annotated[StrictInt, Field(ge=1, le=3650), BeforeValidator(whole)]
Fraction: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=1)]
