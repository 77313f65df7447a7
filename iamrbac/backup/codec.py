"""A backup as bytes: two gzip members of JSON lines, so that `zcat` shows it and the first is never written again.

The first member is the backup, one line, written before the first change. The second is written at the end: one line
for each change, which says all by itself (the audit trail), and one that ends it. Without a second one the run did not
come to its end.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from iamrbac.backup.backup import Backup, Record, Result, Run, Saved
from iamrbac.backup.specs import mapping, one_of, spec_from_json, text, text_map, texts
from iamrbac.compile.desired import Desired, Key, Kind, Spec
from iamrbac.model.errors import BackupError
from iamrbac.plan.change import Action
from iamrbac.plan.document import spec_json
from iamrbac.plan.observed import Meta, Observed

FORMAT_VERSION: Final = 1
MOST_BYTES: Final = 256 * 1024 * 1024
"""Uncompressed: a cluster of 100,000 changes needs a fifth; more is no backup of ours."""
NOT_BEGUN: Final = "not begun"
"""The outcome of a change that a run which came to its end never began."""
UNKNOWN: Final = "unknown"
"""The outcome of a change of a run that did not come to its end."""
_GZIP: Final = 31
"""zlib's wbits for a gzip member."""
Json = dict[str, Any]


def encode_backup(backup: Backup) -> bytes:
    """Return the first member: the same backup always gives the same bytes."""
    return _packed([backup_json(backup)])


def encode_results(backup: Backup, results: Sequence[Result]) -> bytes:
    """Return the second member: the audit lines of a run that came to its end."""
    lines = audit_lines(Record(backup, tuple(results)))
    return _packed([*lines, {"formatVersion": FORMAT_VERSION, "type": "end", "run": backup.run.id}])


def decode(content: bytes, where: str = "") -> Record:
    """Read one or both members, one behind the other.

    A second member that is cut off is none: the run died while it wrote it. Raises BackupError, which names `where`,
    for everything else that is not a whole backup of a format that this version knows.
    """
    try:
        first, rest = _member(content)
        backup = _backup(_line(first))
        return Record(backup, _results(backup, rest))
    except _NewerError as error:
        raise BackupError(
            f"the backup has format {error}; this version reads {FORMAT_VERSION}",
            where=where,
            hint="use the version of iamrbac that wrote it, or a newer one",
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise BackupError(
            f"the backup is broken: {error}", where=where, hint="look whether another copy is whole (iamrbac history)"
        ) from error


def backup_json(backup: Backup) -> Json:
    """Return the backup as JSON."""
    value = {
        "formatVersion": FORMAT_VERSION,
        "type": "backup",
        "instance": backup.instance,
        "cluster": backup.cluster,
        "arn": backup.arn,
        "run": _run_json(backup.run),
        "changes": [_saved_json(one) for one in backup.changes],
    }
    return value if backup.aws_auth is None else {**value, "awsAuth": dict(backup.aws_auth)}


def audit_lines(record: Record) -> tuple[Json, ...]:
    """Return one line for each change, which says by itself who made which change, why, and what became of it.

    What there is no result for is NOT_BEGUN or, of a run that did not come to its end, UNKNOWN.
    """
    backup, run = record.backup, record.backup.run
    became = {result.key: result for result in record.results or ()}
    missing = NOT_BEGUN if record.finished else UNKNOWN
    lines = []
    for one in backup.changes:
        result = became.get(one.key, Result(one.key, missing))
        line = {
            "type": "change",
            "run": run.id,
            "doing": run.doing,
            "who": run.who,
            "host": run.host,
            "commit": run.commit,
            "cluster": backup.cluster,
            **_key_json(one.key),
            "action": one.action.value,
            "because": list(one.because),
            "before": digest(one.key, one.before.spec) if one.before is not None else None,
            "after": digest(one.key, one.after.spec) if one.after is not None else None,
            "outcome": result.outcome,
            "reason": result.reason,
            "at": result.at,
        }
        lines.append(line)
    return tuple(lines)


def digest(key: Key, spec: Spec) -> str:
    """Return the SHA-256 of what an object says, the same for what is desired and what is observed.

    Over canonical JSON (keys sorted, no blanks, ASCII) of its kind, namespace, name and spec: no labels, which others
    set too.
    """
    content = json.dumps({**_key_json(key), "spec": spec_json(spec)}, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(content.encode()).hexdigest()


class _NewerError(Exception):
    """A format that this version does not know."""


def _packed(lines: Sequence[Json]) -> bytes:
    content = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=True) + "\n" for line in lines)
    return gzip.compress(content.encode("ascii"), mtime=0)


def _member(content: bytes) -> tuple[bytes, bytes]:
    """Return a gzip member unpacked, and what is behind it. Raises ValueError, zlib.error."""
    unpack = zlib.decompressobj(_GZIP)
    plain = unpack.decompress(content, MOST_BYTES)
    if unpack.unconsumed_tail:
        raise ValueError(f"it is larger than {MOST_BYTES} bytes")
    if not unpack.eof:
        raise ValueError("it is cut off")
    return plain, unpack.unused_data


def _line(plain: bytes) -> Json:
    value = mapping(json.loads(plain), "line")
    version = value.get("formatVersion")
    if version != FORMAT_VERSION:
        raise _NewerError(repr(version)) if isinstance(version, int) else ValueError("it has no formatVersion")
    return dict(value)


def _results(backup: Backup, packed: bytes) -> tuple[Result, ...] | None:
    if not packed:
        return None
    unpack = zlib.decompressobj(_GZIP)
    plain = unpack.decompress(packed, MOST_BYTES)
    if not unpack.eof and not unpack.unconsumed_tail:
        return None
    *lines, last = plain.splitlines()
    end = _line(last)
    if end.get("type") != "end" or end.get("run") != backup.run.id:
        raise ValueError("the results are not this run's")
    results = (_result(backup.cluster, mapping(json.loads(line), "result")) for line in lines)
    return tuple(result for result in results if result.outcome != NOT_BEGUN)


def _result(cluster: str, value: Mapping[str, Any]) -> Result:
    return Result(_key(cluster, value), text(value, "outcome"), text(value, "reason"), text(value, "at"))


def _run_json(run: Run) -> Json:
    return {
        "id": run.id,
        "at": run.at,
        "doing": run.doing,
        "who": run.who,
        "host": run.host,
        "commit": run.commit,
        "policy": run.policy,
        "allowed": [{"name": name, "value": said} for name, said in run.allowed],
    }


def _saved_json(one: Saved) -> Json:
    before, after = one.before, one.after
    return {
        **_key_json(one.key),
        "action": one.action.value,
        "before": None if before is None else {"spec": spec_json(before.spec), **_meta_json(before.meta)},
        "after": None if after is None else {"spec": spec_json(after.spec), "labels": dict(after.labels)},
        "because": list(one.because),
    }


def _meta_json(meta: Meta) -> Json:
    return {
        "labels": dict(meta.labels),
        "annotations": dict(meta.annotations),
        "owners": list(meta.owners),
        "version": meta.version,
    }


def _key_json(key: Key) -> Json:
    return {"kind": key.kind, "namespace": key.namespace or None, "name": key.name}


def _key(cluster: str, value: Mapping[str, Any]) -> Key:
    namespace = "" if value["namespace"] is None else text(value, "namespace")
    return Key(cluster, cast(Kind, one_of(Kind, value, "kind")), namespace, text(value, "name"))


def _backup(value: Json) -> Backup:
    if value.get("type") != "backup":
        raise ValueError("it does not begin with a backup")
    cluster = text(value, "cluster")
    return Backup(
        _run(mapping(value["run"], "run")),
        text(value, "instance"),
        cluster,
        text(value, "arn"),
        tuple(_saved(cluster, one) for one in _objects(value, "changes")),
        text_map(value, "awsAuth") if "awsAuth" in value else None,
    )


def _run(value: Mapping[str, Any]) -> Run:
    names = ("id", "at", "doing", "who", "host", "commit", "policy")
    allowed = tuple((text(one, "name"), text(one, "value")) for one in _objects(value, "allowed"))
    return Run(**{name: text(value, name) for name in names}, allowed=allowed)


def _objects(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = value[name]
    if not isinstance(found, list):
        raise ValueError(f"{name}: expected a list")
    return [mapping(one, name) for one in found]


def _saved(cluster: str, value: Mapping[str, Any]) -> Saved:
    key = _key(cluster, value)
    before, after = value["before"], value["after"]
    return Saved(
        key,
        Action(text(value, "action")),
        None if before is None else _observed(key, mapping(before, "before")),
        None if after is None else _desired(key, mapping(after, "after")),
        texts(value, "because"),
    )


def _observed(key: Key, value: Mapping[str, Any]) -> Observed:
    version = None if value["version"] is None else text(value, "version")
    meta = Meta(text_map(value, "labels"), text_map(value, "annotations"), texts(value, "owners"), version)
    return Observed(key, spec_from_json(key, value["spec"]), meta)


def _desired(key: Key, value: Mapping[str, Any]) -> Desired:
    return Desired(key, spec_from_json(key, value["spec"]), text_map(value, "labels"))
