"""The first check: are there credentials, and does AWS know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iamrbac.diagnosis.clock import breaks_signatures
from iamrbac.diagnosis.facts import Fault, Identity, Refused, Source
from iamrbac.diagnosis.verdict import Cause, Fixer, Verdict, failed, ok, unknown

CHECK: Final = "credentials"
# AWS answers so to a signature whose time is not its own, too.
_SIGNATURE: Final[frozenset[Fault]] = frozenset({"signature", "expired"})


def judge(identity: Identity) -> Verdict:
    """Judge what AWS said of the caller; whether it could be asked at all is unknown, not failed."""
    refused, shown = identity.refused, describe(identity.source)
    if refused is None:
        return ok(CHECK, f"{identity.arn}, from {shown}")
    if refused.fault in _SIGNATURE and breaks_signatures(identity.offset):
        return ok(CHECK, f"from {shown}; AWS refuses their signature, as it must with this clock")
    saw = f"{refused.message} (from {shown})" if identity.source.provider else refused.message
    if refused.fault in ("unreachable", "other", "denied", "not-found"):
        return unknown(CHECK, saw, [_not_asked(refused)])
    return failed(CHECK, saw, [_cause(refused, identity.source)])


def describe(source: Source) -> str:
    """Return the chain from a profile to the keys as one line."""
    steps = [f"{step.name}: {step.how}" if step.how else step.name for step in source.steps]
    return " ← ".join(steps) or source.provider or "no provider"


def _cause(refused: Refused, source: Source) -> Cause:
    profile = f" --profile {source.profile}" if source.profile else ""
    runs: Mapping[Fault, tuple[str, str, str]] = {
        "missing": (
            "credentials-missing",
            "no credentials were found where the AWS CLI looks for them",
            "set AWS_PROFILE, or run `aws configure` or `aws sso login`",
        ),
        "partial": ("credentials-partial", "half of the keys is there", "set the key and its secret, or neither"),
        "no-profile": ("profile-missing", "the profile is not in the AWS files", "aws configure list-profiles"),
        "sso": ("sso-expired", "the sign-in of IAM Identity Center is over", f"aws sso login{profile}"),
        "expired": (
            "credentials-expired",
            "the credentials have expired",
            f"get new ones, then check: aws sts get-caller-identity{profile}",
        ),
        "unknown-key": (
            "key-unknown",
            "AWS does not know the access key: it was deleted or made inactive, or is of another partition",
            f"use another key: aws configure{profile}",
        ),
        "signature": (
            "secret-wrong",
            "the secret is not the one of the access key",
            f"write it again: aws configure{profile}",
        ),
    }
    if refused.fault == "assume-denied":
        return Cause(
            "assume-denied",
            "the role may not be assumed: sts:AssumeRole is not allowed to you, or its trust policy does not name you",
            Fixer.PLATFORM,
            refused.hint or "ask for sts:AssumeRole on the role, and that its trust policy names you",
            sure=True,
        )
    id_, text, run = runs[refused.fault]
    return Cause(id_, text, Fixer.YOU, run, sure=True)


def _not_asked(refused: Refused) -> Cause:
    text = "AWS cannot be asked from here" if refused.fault == "unreachable" else "AWS gave no answer"
    return Cause("aws-not-asked", text, Fixer.YOU, refused.hint or "check the network, the proxy and AWS_ENDPOINT_URL")
