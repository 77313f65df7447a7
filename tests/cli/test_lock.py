"""One apply at a time, as a person meets it, on the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from iamrbac.usecases import lock
from iamrbac.usecases.lease import DURATION, Verdict
from tests.conftest import ROOT

APPLY = ["apply", "-C", str(ROOT), "--yes", "-q", "--cluster", "staging"]


@pytest.fixture
def staging(fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Sandbox:
    return fresh_sandbox


def hold(sandbox: Sandbox, duration: int = DURATION) -> None:
    """Let somebody hold staging's lease."""
    store = sandbox.cluster("staging").store
    store.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "iamrbac-system"}})
    store.put(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "iamrbac-apply", "namespace": "iamrbac-system"},
            "spec": {
                "holderIdentity": "erin@runner/2",
                "leaseDurationSeconds": duration,
                "acquireTime": "2026-11-24T12:00:00.000000Z",
                "renewTime": "2026-11-24T12:00:05.000000Z",
                "leaseTransitions": 0,
            },
        }
    )


def leases(sandbox: Sandbox) -> list[dict[str, object]]:
    return [one["spec"] for one in sandbox.cluster("staging").store.list("Lease", "iamrbac-system")]


def test_an_apply_leaves_a_lease_that_is_nobodys(staging: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(APPLY) == 0
    (spec,) = leases(staging)
    assert (spec.get("holderIdentity"), spec["leaseTransitions"]) == ("", 0) or "holderIdentity" not in spec
    assert "lock" not in "".join(capsys.readouterr())
    assert run(["plan", "-C", str(ROOT), "-q", "--detailed-exitcode", "--cluster", "staging"]) == 0


def test_somebody_who_is_not_seen_to_work_but_holds_it_for_long(
    staging: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(staging, 86_400)
    # Nobody waits for a minute here.
    monkeypatch.setattr(lock, "judge", lambda *_: Verdict.GIVE_UP)
    assert run(APPLY) == 1
    assert capsys.readouterr().err == (
        "error: [ERR213] staging: another apply is writing to it: erin@runner/2 holds the lock since "
        "2026-11-24T12:00:00.000000Z (renewed 2026-11-24T12:00:05.000000Z). Next: wait for it, here with "
        "--lock-timeout 10m; the lock of a run that died is free after 86400 seconds\n"
    )
    assert run(["plan", "-C", str(ROOT), "-q", "--detailed-exitcode", "--cluster", "staging"]) == 2


def test_without_a_lock_it_is_said_aloud(staging: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    hold(staging, 86_400)
    assert run([*APPLY, "--no-lock"]) == 0
    assert "warning: no lock is taken (--no-lock)" in capsys.readouterr().err
    (spec,) = leases(staging)
    assert spec["holderIdentity"] == "erin@runner/2"


def test_one_that_has_run_out_is_taken_over_and_the_plan_made_again(
    staging: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(staging, 1)
    assert run([one for one in APPLY if one != "-q"]) == 0
    error = capsys.readouterr().err
    assert "staging: erin@runner/2 holds the lock since" in error
    assert error.count("Reading people") == 2
    (spec,) = leases(staging)
    assert spec["leaseTransitions"] == 1


@pytest.mark.parametrize("options", [["--no-lock", "--lock-timeout", "1m"], ["--lock-timeout", "soon"]])
def test_options_that_mean_nothing(options: list[str], tmp_path: Path) -> None:
    assert run(["apply", "-C", str(tmp_path), *options]) == 64
