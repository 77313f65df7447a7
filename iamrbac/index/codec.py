"""The access index as bytes of JSON: the same index always gives the same bytes, and only a whole one is read.

What is read is a stranger's until the place that it came from has vouched for it, and what it says is judged even
then: every value has its form, every list and text a bound, and no endpoint is taken that is not EKS's or this
machine's. Unknown keys mean nothing, so that a later version may say more under the same formatVersion.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any, Final

from iamrbac.index.index import AccessIndex, IndexCluster, IndexGrant, IndexSet
from iamrbac.index.reading import At, IndexFaultError, cluster_of
from iamrbac.model.errors import AccessIndexError

FORMAT_VERSION: Final = 1
KIND: Final = "AccessIndex"
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of an index. A principal on a cluster takes 90 bytes, so there is room for 100 clusters with 5,000 people each."""
ANEW: Final = "whoever applies makes it anew with `iamrbac index`"
Json = dict[str, Any]


def encode(index: AccessIndex) -> bytes:
    """Return an index as JSON with a final newline, sorted."""
    return (json.dumps(index_json(index), indent=1, ensure_ascii=False) + "\n").encode()


def index_json(index: AccessIndex) -> Json:
    """Return an index as a value for JSON."""
    commit = {} if index.commit is None else {"commit": index.commit}
    return {
        "formatVersion": FORMAT_VERSION,
        "kind": KIND,
        "instance": index.instance,
        "written": _time(index.written),
        **commit,
        "clusters": [_cluster_json(one) for one in sorted(index.clusters, key=lambda one: one.name)],
    }


def decode(content: bytes, where: str) -> AccessIndex:
    """Read an index. Raises AccessIndexError, which names `where` and the place in it, for whatever is none."""
    try:
        if len(content) > MOST_BYTES:
            raise IndexFaultError(f"it has more than {MOST_BYTES // 1024**2} MiB")
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_once)
        at = At(value, "")
        version = at.get("formatVersion").value
        if at.get("kind").value != KIND:
            raise IndexFaultError(f"its kind is not {KIND}")
        if version != FORMAT_VERSION or isinstance(version, bool):
            shown = version if type(version) is int and abs(version) < 1000 else "another"
            raise AccessIndexError(
                f"the access index has format {shown}; this version reads {FORMAT_VERSION}",
                where=where,
                hint="use the version of iamrbac that wrote it, or a newer one",
            )
        return _index(at)
    except UnicodeDecodeError as error:
        raise _broken("it is not text", where) from error
    except json.JSONDecodeError as error:
        raise _broken(f"line {error.lineno}, column {error.colno}: {error.msg}", where) from error
    except RecursionError as error:
        raise _broken("it is nested too deeply", where) from error
    except IndexFaultError as error:
        raise _broken(str(error), where) from error
    except ValueError as error:
        # A number with thousands of digits is refused by the parser itself.
        raise _broken("it is not JSON", where) from error


def same(one: AccessIndex, other: AccessIndex) -> bool:
    """Say whether two indexes say the same, whenever and from whichever commit they were made."""
    return _timeless(one) == _timeless(other)


def _timeless(index: AccessIndex) -> Json:
    return {key: value for key, value in index_json(index).items() if key not in ("written", "commit")}


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """Return a mapping: of two equal keys one program takes the first and another the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise IndexFaultError("a key is there twice in one mapping")
    return found


def _broken(what: str, where: str) -> AccessIndexError:
    return AccessIndexError(f"the access index is broken: {what}", where=where, hint=ANEW)


def _index(at: At) -> AccessIndex:
    instance = at.get("instance").label()
    clusters = tuple(cluster_of(one, instance) for one in at.get("clusters").items())
    names = [one.name for one in clusters]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise IndexFaultError(f"clusters: {twice} is there twice")
    commit = at.maybe("commit")
    return AccessIndex(
        instance,
        at.get("written").time(),
        None if commit is None else commit.form(r"[0-9a-f]{40}|[0-9a-f]{64}", "a commit's id"),
        tuple(sorted(clusters, key=lambda one: one.name)),
    )


def _cluster_json(one: IndexCluster) -> Json:
    more: Json = {
        "proxyUrl": one.proxy_url,
        "tlsServerName": one.tls_server_name,
        "external": one.external or None,
    }
    return {
        "name": one.name,
        "eksName": one.eks_name,
        "arn": one.arn,
        "region": one.region,
        "account": one.account,
        "endpoint": one.endpoint,
        "certificateAuthority": base64.b64encode(one.certificate_authority.encode()).decode(),
        **{key: value for key, value in more.items() if value is not None},
        "sets": [_set_json(each) for each in sorted(one.sets, key=lambda each: (each.team, each.name))],
    }


def _set_json(one: IndexSet) -> Json:
    return {
        "team": one.team,
        "set": one.name,
        "group": one.group,
        "principals": sorted(one.principals),
        **({"roles": sorted(one.roles)} if one.roles else {}),
        **({"notAfter": _time(one.not_after)} if one.not_after is not None else {}),
        "grants": [_grant_json(grant) for grant in sorted(one.grants)],
    }


def _grant_json(grant: IndexGrant) -> Json:
    return {"namespace": grant.namespace, "role": grant.role, "because": list(grant.because)}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds" if at.microsecond else "seconds").replace("+00:00", "Z")
