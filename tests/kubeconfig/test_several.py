"""KUBECONFIG with several files: an entry is changed where it is, and new ones go where kubectl puts its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from iamrbac.kubeconfig.client import KubeconfigFile
from iamrbac.kubeconfig.file import home_of
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import Context, Prune, WantedContexts
from tests.kubeconfig.test_merge import DEVELOPMENT, FOREIGN, PLUGIN, STAGING, merge, names


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [tmp_path / name for name in ("first", "second", "third")]


def kubeconfig(paths: list[Path]) -> KubeconfigFile:
    return KubeconfigFile(paths, PLUGIN, settle=0)


def wanted(*contexts: Context, fallback: str | None = None, prune: Prune | None = None) -> WantedContexts:
    return WantedContexts(contexts, fallback=fallback, prune=prune)


@pytest.mark.parametrize("there", [(), (0,), (1,), (2,), (1, 2), (0, 2)])
def test_new_entries_go_where_kubectl_puts_them(paths: list[Path], there: tuple[int, ...]) -> None:
    """The first file that is there, else the last of all; kubectl, where there is one, is asked."""
    for index in there:
        paths[index].write_text("kind: Config\napiVersion: v1\n")
    home = home_of(paths)
    if kubectl := shutil.which("kubectl"):
        for index in there:
            paths[index].chmod(0o600)
        environment = {**os.environ, "KUBECONFIG": os.pathsep.join(map(str, paths))}
        command = [kubectl, "config", "set-context", "theirs", "--cluster=c", "--user=u"]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        assert [index for index, path in enumerate(paths) if path.exists() and "theirs" in path.read_text()] == [home]
    written = kubeconfig(paths).write(wanted(DEVELOPMENT, fallback="development"))
    assert written.file == str(paths[home])
    assert [index for index, path in enumerate(paths) if path.exists() and "dev-1" in path.read_text()] == [home]
    assert written.current == "development"


def test_an_entry_is_changed_where_it_is(paths: list[Path]) -> None:
    paths[0].write_text(FOREIGN)
    ours = merge("", [STAGING], "staging")
    paths[2].write_text(f"# shared\n{ours}")
    changed = replace(STAGING, target=replace(STAGING.target, certificate_authority="NEW\n"))
    written = kubeconfig(paths).write(wanted(changed, DEVELOPMENT, fallback="development"))
    assert (written.file, written.also, written.changed) == (str(paths[0]), (str(paths[2]),), True)
    assert paths[2].read_text() == f"# shared\n{ours}".replace("UEVNCg==", "TkVXCg==")
    assert names(paths[0].read_text(), "contexts") == ["lab", "development"]
    assert not paths[1].exists()
    # The first file's current context is the one that counts, in whatever file its entries are.
    assert written.current == "lab"
    assert kubeconfig(paths).write(wanted(changed, DEVELOPMENT)).changed is False


def test_what_a_later_file_says_of_somebody_else_is_refused(paths: list[Path]) -> None:
    paths[0].write_text(FOREIGN)
    paths[1].write_text("users:\n- name: development\n  user: {token: hunter2}\n")
    before = [path.read_text() for path in paths[:2]]
    with pytest.raises(KubeconfigError) as caught:
        kubeconfig(paths).write(wanted(DEVELOPMENT))
    assert str(caught.value) == (
        f"{paths[1]}: user development is there already, with other credentials."
        " Next: rename or remove it, or write to another file with --kubeconfig FILE"
    )
    assert [path.read_text() for path in paths[:2]] == before


def test_a_broken_file_of_several_is_named(paths: list[Path]) -> None:
    paths[0].write_text(FOREIGN)
    paths[1].write_text("clusters: [")
    with pytest.raises(KubeconfigError, match=r"second: it is not YAML"):
        kubeconfig(paths).write(wanted(DEVELOPMENT))
    assert (paths[0].read_text(), paths[1].read_text()) == (FOREIGN, "clusters: [")


def test_pruning_looks_at_all_files(paths: list[Path]) -> None:
    paths[0].write_text(FOREIGN)
    paths[1].write_text(f"# shared\n{merge('', [STAGING], 'staging')}")
    paths[2].write_text(merge("", [replace(STAGING, name="mine", instance=None)]).replace("staging.example", "x"))
    written = kubeconfig(paths).write(wanted(DEVELOPMENT, prune=Prune("acme")))
    assert written.removed == ("staging",)
    assert "# shared\n" in paths[1].read_text()
    assert names(paths[1].read_text(), "contexts") == []
    # A context of another file still names them.
    assert names(paths[1].read_text(), "clusters") == names(paths[1].read_text(), "users") == ["staging"]


def test_files_behind_one_link_are_one(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(FOREIGN)
    (tmp_path / "link").symlink_to("config")
    both = [tmp_path / "link", tmp_path / "config"]
    assert kubeconfig(both).write(wanted(DEVELOPMENT, STAGING)).also == ()
    assert kubeconfig(both).write(wanted(STAGING, prune=Prune("acme"))).removed == ("development",)
    assert (tmp_path / "config").read_text() == merge(FOREIGN, [STAGING])
    assert (tmp_path / "link").is_symlink()


def test_a_preview_writes_nothing_and_shows_no_secret(paths: list[Path]) -> None:
    text = FOREIGN.replace("token: |\n      abc\n      def", "token: hunter2 # and hunter2")
    paths[0].write_text(text)
    (paths[0].parent / "first.lock").touch()
    preview = kubeconfig(paths).preview(wanted(DEVELOPMENT, fallback="development"))
    assert paths[0].read_text() == text
    assert preview.file == str(paths[0])
    assert "token: hunter2" not in preview.before + preview.after
    assert "UEVNCg==… (8 characters, SHA-256 " in preview.after
    assert "value: alice" in preview.after
    assert len(set(preview.after.splitlines()) - set(preview.before.splitlines())) > 20
