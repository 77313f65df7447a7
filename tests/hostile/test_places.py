"""No file of a pull request leads out of the repository, to Git's own files, or to something that never ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hostile.conftest import Checkout

# Where a document is read from, as a file and by way of a folder.
PLACES = ("policies/more.yaml", "policies/deep/more.yaml", "waivers.yaml", "tests/access/more.yaml", "iamrbac.yaml")


def link(checkout: Checkout, file: str, target: str | Path) -> None:
    place = checkout.root / file
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("how", ["absolute", "upwards", "through", "/etc/passwd", "/proc/self/environ", "/dev/zero"])
def test_a_link_out_of_the_repository_is_not_followed(place: str, how: str, checkout: Checkout) -> None:
    up = "../" * (place.count("/") + 2)
    targets = {"absolute": str(checkout.outside / "secret.yaml"), "upwards": f"{up}outside/secret.yaml"}
    if how == "through":
        # A link that looks as if it stayed, by way of another one that does not.
        link(checkout, "shared", checkout.outside)
        targets[how] = "../" * place.count("/") + "shared/secret.yaml"
    link(checkout, place, targets.get(how, how))
    assert f"{place}: error DOC001: the file is not read: it is a symlink that leads out of the repository" in (
        checkout.refused()
    )


@pytest.mark.parametrize("folder", ["policies", "tests", "tests/access", "policies/deep"])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_folder_out_of_the_repository_is_not_entered(folder: str, absolute: bool, checkout: Checkout) -> None:
    (checkout.outside / "access").mkdir()
    (checkout.outside / "access" / "secret.yaml").write_text((checkout.outside / "secret.yaml").read_text())
    if folder == "policies":
        (checkout.root / "policies" / "payments.yaml").unlink()
        (checkout.root / "policies").rmdir()
    up = "../" * (folder.count("/") + 2)
    link(checkout, folder, checkout.outside if absolute else f"{up}outside")
    said = checkout.refused()
    assert "DOC001: the file is not read: it is a symlink that leads out of the repository" in said
    assert "password" not in said


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("git", [".git/config", ".GIT/config"])
def test_a_link_to_gits_own_files_is_not_followed(place: str, git: str, checkout: Checkout) -> None:
    """Its config holds a token where a checkout keeps one, and messages quote what they are about."""
    if git == ".GIT/config":
        (checkout.root / ".GIT").mkdir()
        (checkout.root / ".GIT" / "config").write_text((checkout.root / ".git" / "config").read_text())
    link(checkout, place, "../" * place.count("/") + git)
    assert f"{place}: error DOC001: the file is not read: it is a symlink to a file of Git's own" in checkout.refused()


@pytest.mark.parametrize("target", ["outside", "git", "/dev/zero", "/proc/self/environ"])
def test_a_role_template_is_a_file_of_the_repository(target: str, checkout: Checkout) -> None:
    targets = {"outside": str(checkout.outside / "secret.yaml.j2"), "git": "../../.git/config"}
    checkout.policy("own")
    link(checkout, "templates/roles/own.yaml.j2", targets.get(target, target))
    code, said = checkout.check("compile")
    assert code == 3
    assert "TPL002" in said
    assert "templates/roles/own.yaml.j2: it is a link" in said


@pytest.mark.parametrize("role", ["../../../outside/secret", "/etc/passwd", "..", "a/../b", "a\\..\\b"])
def test_a_role_is_a_name_and_no_path(role: str, checkout: Checkout) -> None:
    checkout.policy(role)
    assert "policies/payments.yaml:6:" in checkout.refused()
    checkout.policy(f"{{template: '{role}'}}")
    assert "policies/payments.yaml:6:" in checkout.refused()


@pytest.mark.parametrize("place", PLACES)
def test_nobody_waits_for_a_pipe(place: str, checkout: Checkout) -> None:
    path = checkout.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert f"{place}: error DOC001: the file is not read: it is no regular file" in checkout.refused()


@pytest.mark.parametrize("place", PLACES)
def test_a_huge_file_is_not_read(place: str, checkout: Checkout) -> None:
    path = checkout.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(20 * 1024**3)
    assert f"{place}: error DOC001: the file is not read: it is larger than 1 MiB" in checkout.refused()


def test_a_huge_template_is_not_read(checkout: Checkout) -> None:
    checkout.policy("own")
    with checkout.write("templates/roles/own.yaml.j2", "").open("wb") as file:
        file.truncate(20 * 1024**3)
    code, said = checkout.check("compile")
    assert (code, "TPL007" in said) == (3, True)


def test_folders_that_lead_in_circles_end(checkout: Checkout) -> None:
    link(checkout, "policies/again", ".")
    link(checkout, "policies/deep/up", "..")
    already = "error DOC001: the file is not read: it is a symlink to a folder that is read already"
    said = checkout.refused()
    assert f"policies/again: {already}" in said
    assert f"policies/deep/up: {already}" in said


def test_links_that_double_at_every_step_are_followed_once(checkout: Checkout) -> None:
    for level in range(19):
        for name in "abcdefgh":
            link(checkout, f"shared/{level}/{name}", f"../{level + 1}")
    checkout.write("shared/19/more.yaml", "a: [")
    link(checkout, "policies/start", "../shared/0")
    said = checkout.refused()
    assert said.count("more.yaml:2:1: error DOC003") == 1
    assert len(said.splitlines()) < 200


def test_folders_in_one_another_end(checkout: Checkout) -> None:
    checkout.write("policies/" + "a/" * 20 + "more.yaml", "a: [")
    assert "a/more.yaml:2:1: error DOC003" in checkout.refused()
    checkout.write("policies/" + "a/" * 900 + "more.yaml", "a: [")
    deep = f"policies/{'a/' * 20}a: error DOC001: the file is not read: it is in more than 20 folders"
    assert deep in checkout.refused()


@pytest.mark.parametrize("target", ["outside", ".git/config", "/etc/passwd"])
def test_what_git_holds_is_compared_as_data(target: str, checkout: Checkout) -> None:
    """`diff` reads commits, where a link is a file with a path in it."""
    (checkout.root / ".git" / "config").unlink()
    (checkout.root / ".git").rmdir()
    checkout.committed()
    up = checkout.outside / "secret.yaml" if target == "outside" else Path(target)
    link(checkout, "policies/more.yaml", up if up.is_absolute() else Path("..") / up)
    checkout.committed()
    assert checkout.check("diff", "--base", "HEAD^")[0] in (1, 3)
