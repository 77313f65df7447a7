"""Plugs in where audit logs are kept; as `wiring`, it imports edges."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iamrbac.usecases.audit_log import AuditLog


def audit_logs(places: Iterable[str]) -> tuple[AuditLog, ...]:
    """Return the logs of files, folders, `-` and s3://BUCKET/PREFIX. Raises UsageError for an S3 place that is none."""
    from iamrbac.documents.audit import entries
    from iamrbac.state.audit_files import FilesLog
    from iamrbac.state.audit_s3 import SCHEME, S3Log

    @cache
    def client() -> Any:
        from iamrbac.aws.session import ANY_REGION, CONFIG, session

        aws = session()
        make: Any = aws.client
        return make("s3", region_name=aws.region_name or ANY_REGION, config=CONFIG)

    # typeshed has stdin.buffer as any binary stream; it is what open() makes.
    stdin: Any = sys.stdin.buffer
    return tuple(
        S3Log(client, place, entries) if place.startswith(SCHEME) else FilesLog(place, entries, stdin)
        for place in places
    )
