"""One event for one run on one cluster, so that `kubectl describe` of the ApplySet's parent tells its story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from iamrbac.backup.backup import Run
from iamrbac.plan.change import Action, Change
from iamrbac.usecases.home import ConfigMap, Notice

_WORDS: Final[Mapping[Action, str]] = {
    Action.CREATE: "added",
    Action.UPDATE: "changed",
    Action.REPLACE: "replaced",
    Action.DELETE: "removed",
    Action.ADOPT: "adopted",
}
_SHORT: Final = 12


def summary(run: Run, parent: ConfigMap, planned: int, done: Collection[Change]) -> Notice:
    """Return the event about a run that was to write `planned` changes and has written `done`."""
    reason = "RolledBack" if run.doing.startswith("rollback") else "Applied"
    partly = len(done) < planned
    return Notice(
        f"{parent.name}.{run.id}",
        parent,
        "PartlyApplied" if partly else reason,
        "Warning" if partly else "Normal",
        _message(run, planned, done),
        run.at,
        run.host,
    )


def _message(run: Run, planned: int, done: Collection[Change]) -> str:
    counts = Counter(change.action for change in done)
    parts = [f"{counts[action]} {word}" for action, word in _WORDS.items() if counts[action]]
    parts += [f"{planned - len(done)} not done"] if len(done) < planned else []
    commit, plus, _ = run.commit.partition("+")
    from_ = f" from commit {commit[:_SHORT]}{plus}" if commit else ""
    doing = "" if run.doing == "apply" else f"{run.doing}: "
    return f"{doing}{', '.join(parts)} by {run.who}{from_} (run {run.id})"
