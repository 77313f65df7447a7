"""The suspended line: put into iamrbac.yaml as text, every other byte kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.documents.suspend import suspend, with_suspended
from iamrbac.model.errors import OutputError
from tests.conftest import ROOT

DANA = "arn:aws:iam::222233334444:user/staff/dana"
ERIN = "arn:aws:iam::222233334444:user/erin"
HEAD = "kind: Config # ours\nmetadata: {name: acme}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (HEAD, f"{HEAD}suspended:\n  - {DANA}\n"),
        (HEAD.rstrip("\n"), f"{HEAD}suspended:\n  - {DANA}"),
        (HEAD.replace("\n", "\r\n"), f"{HEAD}suspended:\n  - {DANA}\n".replace("\n", "\r\n")),
        (f"{HEAD}# the end\n", f"{HEAD}suspended:\n  - {DANA}\n# the end\n"),
        (f"suspended: [] # nobody\n{HEAD}", f'suspended: ["{DANA}"] # nobody\n{HEAD}'),
        (f"suspended:\n{HEAD}", f'suspended: ["{DANA}"]\n{HEAD}'),
        (f"suspended: ~\n{HEAD}", f'suspended: ["{DANA}"]\n{HEAD}'),
        (f"suspended: ['{ERIN}']\n{HEAD}", f"suspended: ['{ERIN}', '{DANA}']\n{HEAD}"),
        (f"suspended:\n- {ERIN} # left\n\n{HEAD}", f"suspended:\n- {ERIN} # left\n- {DANA}\n\n{HEAD}"),
        (f"suspended:\n  -  '{ERIN}'\n{HEAD}", f"suspended:\n  -  '{ERIN}'\n  -  '{DANA}'\n{HEAD}"),
        (
            "{kind: Config, metadata: {name: acme}}\n",
            f'{{kind: Config, metadata: {{name: acme}}, suspended: ["{DANA}"]}}\n',
        ),
        (f"---\n{HEAD}...\n", f"---\n{HEAD}suspended:\n  - {DANA}\n...\n"),
        ("\ufeff" + HEAD, f"\ufeff{HEAD}suspended:\n  - {DANA}\n"),
    ],
)
def test_the_line_goes_where_it_belongs(before: str, after: str) -> None:
    assert with_suspended(before, DANA) == after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n",
        "suspended: &all\n  - x\nother: *all\nsuspended: *all\n",
        "a: b: c\n",
        "suspended: dana\n",
        "suspended: {a: b}\n",
    ],
)
def test_what_cannot_be_edited_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        with_suspended(text, DANA)


@given(st.text(alphabet="abc:#-[]{}'\"\n\r ,&*|>\t", max_size=40))
def test_whatever_the_rest_is_like_it_is_kept_or_nothing_is_written(rest: str) -> None:
    text = f"kind: Config\n{rest}"
    try:
        after = with_suspended(text, DANA)
    except ValueError:
        return
    start = next((at for at, (old, new) in enumerate(zip(text, after, strict=False)) if old != new), len(text))
    left = len(after) - len(text)
    assert left > 0
    assert any(after[:cut] + after[cut + left :] == text for cut in range(start + 1)) or "suspended" in text


def test_the_samples_own_config(tmp_path: Path) -> None:
    text = (ROOT / "iamrbac.yaml").read_text()
    (tmp_path / "real.yaml").write_text(text)
    (tmp_path / "real.yaml").chmod(0o640)
    (tmp_path / "iamrbac.yaml").symlink_to("real.yaml")
    suspend(tmp_path, DANA)
    assert (tmp_path / "iamrbac.yaml").is_symlink()
    after = (tmp_path / "real.yaml").read_text()
    assert set(text.splitlines()) <= set(after.splitlines()) | {
        line for line in text.splitlines() if "suspended" in line
    }
    assert DANA in after
    assert stat.S_IMODE((tmp_path / "real.yaml").stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["iamrbac.yaml", "real.yaml"]


def test_no_file_no_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        suspend(tmp_path, DANA)
