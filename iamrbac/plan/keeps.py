"""How it is written down what an adopted mapping keeps of before: tags of an entry, an annotation for rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from iamrbac.compile import names
from iamrbac.plan.change import Change
from iamrbac.plan.observed import AwsAuth


@dataclass(frozen=True, slots=True)
class Kept:
    """What a mapping keeps."""

    groups: frozenset[str] = frozenset()
    username: bool = False

    def __bool__(self) -> bool:
        return bool(self.groups) or self.username


def tags_of(kept: Kept) -> dict[str, str]:
    """Return the tags that say it. A tag's value has fewer letters than a group's name: the others are written =7B."""
    tags = {f"{names.KEEPS}{index}": _encoded(group) for index, group in enumerate(sorted(kept.groups))}
    return {**tags, f"{names.KEEPS}username": "true"} if kept.username else tags


def kept_by(labels: Mapping[str, str]) -> Kept:
    """Read the tags back; those of others do not count."""
    found = {key.removeprefix(names.KEEPS): value for key, value in labels.items() if key.startswith(names.KEEPS)}
    username = found.pop("username", "") == "true"
    return Kept(frozenset(unquote(value.replace("=", "%")) for value in found.values()), username)


def kept_tags(labels: Mapping[str, str]) -> dict[str, str]:
    """Return those of the labels that say what is kept."""
    return {key: value for key, value in labels.items() if key.startswith(names.KEEPS)}


def kept_rows(aws_auth: AwsAuth, instance: str) -> dict[str, dict[str, str]]:
    """Return the tags of rows by ARN, as the annotation has them; {} where it says nothing that can be read.

    Nothing is kept then, which takes from nobody what our policies give.
    """
    try:
        value = json.loads(aws_auth.annotations.get(names.keeps_annotation(instance), "{}"))
    except ValueError:
        return {}
    if not isinstance(value, dict):
        return {}
    return {
        arn: {key: text for key, text in tags.items() if isinstance(text, str)}
        for arn, tags in value.items()
        if isinstance(tags, dict)
    }


def rows_after(aws_auth: AwsAuth, instance: str, rows: Iterable[Change]) -> str | None:
    """Return what the annotation says after the changes of rows; None for no annotation."""
    kept = kept_rows(aws_auth, instance)
    for change in rows:
        kept.pop(change.key.name, None)
        if change.after is not None and not change.after.released and (tags := kept_tags(change.after.labels)):
            kept[change.key.name] = tags
    return json.dumps(kept, sort_keys=True) if kept else None


def _encoded(group: str) -> str:
    # Letters of a tag's value: https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html
    return quote(group, safe="/:.@+-_").replace("~", "%7E").replace("%", "=")
