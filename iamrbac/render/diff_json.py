"""A change of access as `diff -o json` writes it (design §7)."""

from __future__ import annotations

from typing import Any

from iamrbac.access.effective import Delta, Effect, Giver
from iamrbac.access.gates import NewDanger
from iamrbac.rbac.wire import rule_to_json
from iamrbac.render.changes import Counts, Diff, by_cluster, counts, time_text
from iamrbac.render.rules import Line


def diff_json(diff: Diff) -> dict[str, Any]:
    """Return everything that the other views tell, and what they leave out for brevity."""
    review, one = diff.review, diff.compared
    return {
        "formatVersion": 1,
        "valid": True,
        "base": {"revision": one.base, "commit": one.tip, "mergeBase": one.start},
        # Nobody can name a work tree.
        "head": {"revision": one.head, "commit": one.commit if one.head is not None else None},
        "summary": {
            **_counts(counts(review.change.deltas)),
            "dangers": len(review.change.dangers),
            "refused": len(review.refusals),
            "accepted": sum(len(accepted.findings) for accepted in review.accepted),
            "clusters": [{"name": name, **_counts(some)} for name, some in by_cluster(diff).items()],
            "compared": list(review.change.clusters),
        },
        "access": [_delta(delta, diff) for delta in review.change.deltas],
        "dangers": [_danger(danger) for danger in review.change.dangers],
        "refusals": [finding.to_json() for finding in review.refusals],
        "accepted": [
            {
                "rule": accepted.waiver.rule,
                "reason": accepted.waiver.reason,
                "notAfter": accepted.waiver.not_after,
                "findings": [finding.to_json() for finding in accepted.findings],
            }
            for accepted in review.accepted
        ],
        "findings": [finding.to_json() for finding in review.warnings],
        "notes": list(review.notes),
    }


def _counts(one: Counts) -> dict[str, int]:
    return {"gain": one.gain, "lose": one.lose}


def _delta(delta: Delta, diff: Diff) -> dict[str, Any]:
    return {
        "cluster": delta.cluster,
        "principal": delta.principal,
        "login": delta.login or None,
        "changes": [_effect(effect, diff.gained if effect.change == "gain" else diff.lost) for effect in delta.effects],
    }


def _effect(effect: Effect, line: Line) -> dict[str, Any]:
    return {
        "change": effect.change,
        "namespaces": [namespace or None for namespace in effect.namespaces],
        "rules": [rule_to_json(rule) for rule in effect.rules],
        "unknown": list(effect.unknown),
        "starts": time_text(effect.starts) if effect.starts is not None else None,
        "until": time_text(effect.until) if effect.until is not None else None,
        "elsewhere": list(effect.elsewhere),
        "by": [_giver(giver, line) for giver in effect.givers],
    }


def _giver(giver: Giver, line: Line) -> dict[str, Any]:
    return {
        "role": giver.role,
        "team": giver.team or None,
        "whole": giver.whole,
        "temporary": giver.ends is not None,
        "because": [line(origin) for origin in giver.origins],
    }


def _danger(new: NewDanger) -> dict[str, Any]:
    return {
        "cluster": new.cluster,
        "principal": new.principal,
        "rule": new.danger.rule,
        "becomes": new.danger.becomes,
        "ability": new.danger.ability,
        "namespace": new.danger.namespace or None,
        "path": list(new.danger.path),
    }
