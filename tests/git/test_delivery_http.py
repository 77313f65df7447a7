"""Delivery over http, as from a forge: credential helpers, passwords that are wrong, servers that fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iamrbac.model.errors import MovedError
from tests.git.delivery import FOLDERS, MESSAGE, World, refusal
from tests.git.smart_http import Dropped, serve

PASSWORD = "correct-horse-battery"
CHANGES = {"clusters/staging/a.yaml": "a: 1\n"}


@pytest.fixture
def url(world: World) -> Iterator[str]:
    world.git("config", "http.receivepack", "true")
    world.seed({"README": "x"})
    with serve(world.folder, PASSWORD) as at:
        yield f"{at}/remote.git"


def helper(world: World, password: str) -> None:
    world.set("credential.helper", f"!f() {{ echo username=robot; echo password={password}; }}; f")


def test_a_credential_helper_of_the_person_is_asked(world: World, url: str) -> None:
    helper(world, PASSWORD)
    delivery = world.open(url)
    tip = delivery.tip("main", FOLDERS)
    # More than git sends in one piece.
    changes = {f"clusters/staging/{number}.yaml": f"{number}" * 3000 for number in range(400)}
    made = delivery.push(tip, changes, MESSAGE, None)
    assert world.git("rev-parse", "main") == made.commit
    assert len(delivery.tip("main", FOLDERS).files) == 400
    refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None), MovedError)


def test_credentials_in_the_url_work_and_are_not_shown(world: World, url: str) -> None:
    with_them = url.replace("http://", f"http://robot:{PASSWORD}@")
    delivery = world.open(with_them)
    tip = delivery.tip("main", FOLDERS)
    world.hook("pre-receive", f"echo 'see https://robot:{PASSWORD}@example.com'; exit 1")
    said = refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None))
    assert said.startswith("http://***@127.0.0.1:")
    assert "see https://***@example.com" in said
    assert PASSWORD not in said


def test_a_wrong_password_and_none(world: World, url: str) -> None:
    for password in ("", "wrong"):
        if password:
            helper(world, password)
        said = refusal(lambda: world.open(url).tip("main", FOLDERS))
        assert "the server does not let git in" in said, said
        assert "Next: give git credentials" in said


def test_a_repository_that_is_not_there(world: World, url: str) -> None:
    helper(world, PASSWORD)
    said = refusal(lambda: world.open(url.replace("remote", "nosuch")).tip("main", FOLDERS))
    assert "there is no such repository, or the credentials may not see it" in said


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "does not let git in"), (500, "cannot be reached, or broke off"), (503, "cannot be reached")],
)
def test_a_server_that_fails(world: World, status: int, words: str) -> None:
    with serve(world.folder, status=status) as at:
        assert words in refusal(lambda: world.open(f"{at}/remote.git").tip("main", FOLDERS))


def test_one_who_may_only_read(world: World, url: str) -> None:
    helper(world, PASSWORD)
    delivery = world.open(url)
    tip = delivery.tip("main", FOLDERS)
    world.git("config", "http.receivepack", "false")
    assert "the server does not let git in" in refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None))


@pytest.mark.parametrize("forever", [False, True])
def test_a_push_whose_answer_is_lost(world: World, url: str, forever: bool) -> None:
    """It has happened: that it is there is looked up, and where it cannot be, nobody says that nothing was pushed."""
    lost = Dropped("/git-receive-pack", forever)
    with serve(world.folder, dropped=lost) as at:
        delivery = world.open(f"{at}/remote.git")
        tip = delivery.tip("main", FOLDERS)
        if forever:
            said = refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None))
            assert "whether it was pushed is not known" in said
            assert "nothing was pushed" not in said
        else:
            made = delivery.push(tip, CHANGES, MESSAGE, None)
            assert made.commit == world.git("rev-parse", "main")
    assert lost.lost >= 1
    assert sorted(world.files()) == ["README", "clusters/staging/a.yaml"]
    assert world.litter() == []
