"""The demo with delivery by Git: from a merged policy to a revert, with the stand-in for Argo CD's engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

CHAPTERS = """\
1. A policy is merged: a plan says who gains, and apply commits what it means
2. The cluster follows: a stand-in for Argo CD's sync engine pulls and syncs
3. A developer makes her kubeconfig from her own AWS keys
4. Somebody changes a RoleBinding by hand
5. The commit is reverted in the hosted repository
6. The policy still says it, so a plan would bring it back
"""


def demo(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "iamrbac", "demo", "--gitops", *words]
    settings = os.environ | {"NO_COLOR": "1"} | environment
    return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=600, check=False)


def test_every_step_holds_and_nothing_of_yours_is_touched(tmp_path: Path) -> None:
    # Settings that would make every commit fail, were they taken.
    (tmp_path / ".gitconfig").write_text("[commit]\n\tgpgsign = true\n[gpg]\n\tprogram = /bin/false\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = demo(HOME=str(tmp_path), TMPDIR=str(temporary), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "All 31 checks held in " in done.stdout
    assert [line.partition(" (with ")[0] for line in done.stdout.splitlines() if line[:1].isdigit()] == (
        CHAPTERS.splitlines()
    )
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "cache").exists()


def test_without_git(tmp_path: Path) -> None:
    done = demo(PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: [ERR601] there is no git on the PATH. Next: install git 2.30 or newer\n"


def test_it_has_its_own_repository(tmp_path: Path) -> None:
    done = demo("-C", str(tmp_path))
    assert done.returncode == 64
    assert "--gitops plays on a copy of the sample repository. Next: leave out -C/--repo" in done.stderr
