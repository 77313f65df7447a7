"""What the place of the access index asks of whoever reads it, and of whoever writes it.

Which action is judged by which ARN: Service Authorization Reference, "Amazon S3", "AWS Systems Manager", "AWS KMS".
"""

from __future__ import annotations

from typing import Final

from iamrbac.model.index_place import IndexPlace, S3Object, SignedUrl, SsmParameter

LIST: Final = "s3:ListBucket"
"""Without it S3 says "denied" of an object that is not there, and the first index could not be written."""


def index_rights(place: IndexPlace, partition: str, *, writes: bool) -> list[tuple[tuple[str, ...], str]]:
    """Return actions with the ARN that each is about; a file of the repository needs none.

    `partition` is that of a bucket, whose name says none.
    """
    if isinstance(place, S3Object):
        bucket = f"arn:{partition}:s3:::{place.bucket}"
        one = ("s3:GetObject", *(("s3:PutObject",) if writes else ()))
        return [*([((LIST,), bucket)] if writes else []), (one, f"{bucket}/{place.key}")]
    if isinstance(place, SsmParameter):
        return [(("ssm:GetParameter", *(("ssm:PutParameter",) if writes else ())), place.arn)]
    if isinstance(place, SignedUrl):
        return [((*(("kms:Sign",) if writes else ()), "kms:Verify"), place.key)]
    return []
