"""A report as JSON: everything that the page has, with stable keys (schemas/report.json)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iamrbac.model.origin import Origin
from iamrbac.render.report_words import time
from iamrbac.report.grants import Holding
from iamrbac.report.history import Change, FileHistory, Merge
from iamrbac.report.model import ClusterPart, Report, Unknown
from iamrbac.report.standouts import Standout
from iamrbac.report.terms import Temporary, WaiverTerm

_Line = Callable[[Origin], str]


def report_json(report: Report, line: _Line) -> dict[str, Any]:
    """Return the whole report; `line` gives FILE:LINE."""
    head, history = report.head, report.history
    return {
        "formatVersion": 1,
        "instance": head.instance,
        "at": time(head.at),
        "version": head.version,
        "source": head.source,
        "people": head.people,
        "days": head.days,
        "commit": history.commit or None,
        "clusters": [_cluster(one) for one in report.clusters],
        "matrix": [
            {
                "cluster": cluster.name,
                "principals": list(row.principals),
                "namespaces": [namespace or None for namespace in row.namespaces],
                "roles": [_holding(one, line) for one in row.holdings],
            }
            for cluster in report.clusters
            for row in cluster.rows
        ],
        "standouts": [_standout(one) for cluster in report.clusters for one in cluster.standouts],
        "judged": report.judged,
        "findings": [one.to_json() for one in report.findings],
        "waived": [
            {"finding": one.finding.to_json(), "reason": one.reason, "notAfter": one.not_after} for one in report.waived
        ],
        "temporary": [_temporary(one, line, report) for one in report.temporary],
        "waivers": [_waiver(one, line, report) for one in report.waivers],
        "suspended": [
            {"principal": one.arn, "still": list(one.still), "because": line(one.origin)} for one in report.suspended
        ],
        "gates": [{"name": name, "refuses": said} for name, said in report.gates.items()],
        "approvals": [_file(one) for one in history.files.values()],
        "unknown": [_unknown(one) for one in report.unknown],
    }


def _cluster(one: ClusterPart) -> dict[str, Any]:
    return {
        "name": one.name,
        "known": one.failure is None,
        "principals": len(one.principals) if one.failure is None else None,
        "why": one.failure.why if one.failure is not None else None,
    }


def _holding(one: Holding, line: _Line) -> dict[str, Any]:
    return {
        "role": one.role,
        "strength": one.strength.value,
        "groups": list(one.groups),
        "because": list(dict.fromkeys(line(origin) for origin in one.origins)),
        "ends": time(one.ends) if one.ends is not None else None,
    }


def _standout(one: Standout) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "level": one.level.value,
        "cluster": one.cluster,
        "principals": list(one.principals),
        "namespaces": [namespace or None for namespace in one.namespaces],
        "says": one.says,
        "rule": one.rule or None,
        "path": list(one.path),
    }


def _temporary(one: Temporary, line: _Line, report: Report) -> dict[str, Any]:
    return {
        "name": one.name,
        "team": one.team,
        "owners": list(one.owners),
        "members": list(one.members),
        "gives": list(one.gives),
        "clusters": list(one.clusters),
        "notAfter": one.not_after,
        "reason": one.reason,
        "state": one.state,
        "approvedBy": report.history.of(one.origin.file).approval,
        "because": line(one.origin),
    }


def _waiver(one: WaiverTerm, line: _Line, report: Report) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "scope": one.scope,
        "reason": one.reason,
        "notAfter": one.not_after,
        "state": one.state,
        "findings": one.findings,
        "approvedBy": report.history.of(one.origin.file).approval,
        "because": line(one.origin),
    }


def _file(one: FileHistory) -> dict[str, Any]:
    return {
        "file": one.file,
        "approvedBy": list(one.approvers),
        "doubt": one.doubt or None,
        "commits": [_change(change) for change in one.changes],
    }


def _change(one: Change) -> dict[str, Any]:
    return {
        "id": one.id,
        "author": one.author,
        "authored": one.authored,
        "committer": one.committer,
        "committed": one.committed,
        "subject": one.subject,
        "approvals": _approvals(one.approvals),
        "signature": one.signature,
        "merge": _merge(one.merge) if one.merge is not None else None,
    }


def _merge(one: Merge) -> dict[str, Any]:
    return {"id": one.id, "by": one.by, "at": one.at, "subject": one.subject, "approvals": _approvals(one.approvals)}


def _approvals(found: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"trailer": trailer, "who": who} for trailer, who in found]


def _unknown(one: Unknown) -> dict[str, Any]:
    return {"about": one.about, "why": one.why, "hint": one.next or None}
