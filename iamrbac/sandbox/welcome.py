"""What a running sandbox says of itself: where it listens, who there is, what a shell needs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence

from iamrbac.sandbox.runner import Sandbox
from iamrbac.sandbox.shell import inherited


def welcome(sandbox: Sandbox) -> str:
    """Return the text for people; it holds no secret."""
    parts = [
        f"AWS (IAM, STS, EKS): {sandbox.aws.url}",
        "",
        "Clusters:",
        *_table(
            (plan.cluster.name, sandbox.cluster(plan.cluster.name).url, plan.mode, ", ".join(plan.namespaces))
            for plan in sandbox.world.clusters
        ),
        "",
        "People (each is an AWS_PROFILE):",
        *_table(_people(sandbox)),
        "",
        "For a shell:",
        *(f"  export {name}={shlex.quote(value)}" for name, value in sandbox.variables().items()),
    ]
    gone = inherited(os.environ, sandbox.variables())
    if gone:
        parts.append(f"  unset {' '.join(gone)}")
    return "\n".join(
        (
            *parts,
            "",
            "Everything listens on this machine only, is gone when it stops, and is for learning: nothing is AWS's.",
            f"Stop it with Ctrl-C, or: kill {os.getpid()}",
        )
    )


def summary(sandbox: Sandbox) -> str:
    """Return one line for somebody who runs a command."""
    names = ", ".join(sandbox.clusters)
    return f"sandbox: AWS at {sandbox.aws.url}, clusters {names}; you are {sandbox.admin}"


def _people(sandbox: Sandbox) -> Iterable[tuple[str, ...]]:
    specs = {person.user: person for person in sandbox.world.people}
    for profile in sandbox.profiles:
        spec = specs[profile.user]
        home = profile.account == sandbox.world.account
        yield (
            profile.name,
            profile.arn,
            ", ".join(spec.groups if home else ()),
            "administrator of every cluster" if spec.admin and home else "administrator" if spec.admin else "",
        )


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    lines = tuple(rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    return [
        ("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))).rstrip()
        for line in lines
    ]
