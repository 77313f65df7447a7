"""Pull requests of GitHub and GitLab, by their API and by their command lines: opened, updated, and refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from iamrbac.model.errors import MovedError
from iamrbac.model.gitops import Forge
from iamrbac.usecases.deliveries import Committed, DeliveryRepository, Message
from tests.git.delivery import FOLDERS, MESSAGE, World, refusal
from tests.git.forges import TOKEN, FakeForge, forge

CHANGES = {"clusters/staging/a.yaml": "a: 1\n"}
BRANCH = "iamrbac/staging"
NAMES = {"github": "GH_ENTERPRISE_TOKEN", "gitlab": "GITLAB_TOKEN"}


@dataclass
class Case:
    world: World
    fake: FakeForge

    @property
    def forge(self) -> Forge:
        return Forge.model_validate({"kind": self.fake.kind, "api": self.fake.url})

    @property
    def delivery(self) -> DeliveryRepository:
        return self.world.open(f"https://git.example.com/{self.fake.project}.git")

    def propose(self, changes: dict[str, str | None] | None = None, message: Message = MESSAGE) -> Committed:
        delivery = self.delivery
        tip = delivery.tip("main", FOLDERS)
        return delivery.propose(tip, BRANCH, changes or dict(CHANGES), message, None, self.forge)

    def refusal(self) -> str:
        said = refusal(self.propose)
        assert TOKEN not in said
        return said

    @property
    def pushed(self) -> bool:
        return self.world.git("branch", "--list", BRANCH) != ""


@pytest.fixture(params=["github", "gitlab"])
def case(request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    with forge(request.param) as fake:
        world.seed({"README": "x"})
        # The URL that people know; git goes to the folder.
        world.set(f"url.{world.url}.insteadOf", f"https://git.example.com/{fake.project}.git")
        monkeypatch.setenv(NAMES[fake.kind], TOKEN)
        yield Case(world, fake)


@pytest.fixture(params=["token", "command"])
def either(case: Case, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    """With a token, and by `gh` or `glab`."""
    if request.param == "command":
        monkeypatch.delenv(NAMES[case.fake.kind])
        case.fake.cli(case.world.folder / "bin")
        monkeypatch.setenv("PATH", f"{case.world.folder / 'bin'}:/usr/bin:/bin")
    return case


def test_one_is_opened_and_the_open_one_is_updated(either: Case) -> None:
    case, world, fake = either, either.world, either.fake
    base = world.git("rev-parse", "main")
    # Neither a closed one of ours nor one of a fork's branch of the same name is it.
    fake.open(BRANCH, "main", state="closed")
    fake.open(BRANCH, "main", fork=True)
    assert case.delivery.proposal(BRANCH, "main", case.forge) is None
    first = case.propose()
    assert world.git("rev-parse", BRANCH, f"{BRANCH}^", "main") == f"{first.commit}\n{base}\n{base}"
    assert first.url.endswith("/9")
    assert fake.pulls[2] | {"title": "A title", "body": "A *body*"} == fake.pulls[2]
    found = case.delivery.proposal(BRANCH, "main", case.forge)
    assert found is not None
    assert (found.url, found.branch) == (first.url, BRANCH)

    again = case.propose(message=Message("Other", "body", "New title", "new"))
    assert again == first
    assert fake.pulls[2]["title"] == "New title"
    second = case.propose({"clusters/staging/b.yaml": "b"})
    assert (second.url, second.commit != first.commit) == (first.url, True)
    assert world.files(BRANCH) == {"README": "x", "clusters/staging/b.yaml": "b"}

    world.seed({"README": "moved"})
    third = case.propose()
    assert world.git("rev-parse", f"{third.commit}^") == world.git("rev-parse", "main")
    fake.pulls[2]["state"] = "closed"
    assert case.propose().url.endswith("/10")
    assert len(fake.pulls) == 4
    assert world.litter() == []


def test_one_that_came_to_be_at_the_same_time_is_updated(case: Case) -> None:
    case.fake.open(BRANCH, "main")
    case.fake.hide = 1
    assert case.propose().url.endswith("/7")
    assert (len(case.fake.pulls), case.fake.pulls[0]["title"]) == (1, "A title")


def test_without_changes_nothing_is_opened(case: Case) -> None:
    made = case.propose({"README": "x"})
    assert (made.commit, made.url) == (case.world.git("rev-parse", "main"), "")
    assert (case.pushed, case.fake.pulls) == (False, [])


def test_somebody_who_pushed_to_our_branch_meanwhile_is_not_pushed_over(case: Case) -> None:
    delivery = case.delivery
    tip = delivery.tip("main", FOLDERS)
    hooks = case.world.folder / "own" / "hooks"
    hooks.mkdir(parents=True)
    case.world.set("core.hooksPath", str(hooks))
    case.world.hook(
        "pre-commit", f"git -C {case.world.remote} --git-dir=. branch {BRANCH} main", case.world.folder / "own"
    )
    refusal(lambda: delivery.propose(tip, BRANCH, dict(CHANGES), MESSAGE, None, case.forge), MovedError)
    assert case.world.git("rev-parse", BRANCH) == case.world.git("rev-parse", "main")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"message": "Bad credentials"}, "the forge does not accept the token (Bad credentials)"),
        (
            403,
            {"message": "Resource not accessible by integration"},
            "the token may not do this (Resource not accessible",
        ),
        (403, {"message": "API rate limit exceeded"}, "the forge wants fewer requests"),
        (404, {"message": "Not Found"}, "there is no project acme/"),
        (
            422,
            {"message": "Validation Failed", "errors": [{"message": "base is invalid"}]},
            "refused with 422 (Validation Failed; base is invalid)",
        ),
        (503, {}, "the forge has a fault of its own (503)"),
        (200, {"no": "list"}, "is not a pull request"),
    ],
)
def test_refusals_before_anything_is_pushed(case: Case, status: int, body: dict[str, object], words: str) -> None:
    if status == 200:
        case.fake.fail["POST"] = (status, body)
        assert words in case.refusal()
        return
    case.fake.fail["GET"] = (status, body)
    said = case.refusal()
    assert words in said
    assert "open pull requests cannot be listed" in said
    assert not case.pushed
    del case.fake.fail["GET"]
    case.fake.fail["POST"] = (status, body)
    said = case.refusal()
    assert words in said
    assert "the branch is pushed, but its pull request cannot be opened" in said
    pushed = case.world.git("rev-parse", BRANCH)
    del case.fake.fail["POST"]
    assert case.propose().commit == pushed


def test_the_status_of_a_refusal_comes_through_the_command_too(either: Case) -> None:
    either.fake.fail["GET"] = (403, {"message": "Resource not accessible by integration"})
    assert "the token may not do this (Resource not accessible by integration)" in either.refusal()
    assert not either.pushed


def test_a_token_that_is_wrong(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMES[case.fake.kind], "wrong-token")
    said = case.refusal()
    assert "does not accept the token" in said
    assert "wrong-token" not in said
    assert not case.pushed


def test_no_token_is_said_before_anything_is_pushed(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAMES[case.fake.kind])
    monkeypatch.setattr("iamrbac.git.delivery.forge.pulls.which", lambda name: None)
    for other in ("GH_TOKEN", "GITHUB_TOKEN", "CI_JOB_TOKEN"):
        monkeypatch.setenv(other, TOKEN)
    said = case.refusal()
    assert "there is no token for 127.0.0.1:" in said
    assert ("a CI_JOB_TOKEN cannot open merge requests" in said) == (case.fake.kind == "gitlab")
    assert f"set {NAMES[case.fake.kind]}" in said
    assert not case.pushed
    assert case.fake.requests == []


def test_a_token_goes_to_no_other_place(case: Case) -> None:
    with forge("github") as elsewhere:
        case.fake.redirect = f"{elsewhere.url}/repos/acme/clusters/pulls"
        assert "the forge sends us elsewhere, and a token is not carried there" in case.refusal()
        assert elsewhere.requests == []


def test_a_token_is_not_sent_in_the_clear(case: Case) -> None:
    clear = Forge.model_validate({"kind": case.fake.kind, "api": "http://git.example.com/api/v4"})
    said = refusal(lambda: case.delivery.proposal(BRANCH, "main", clear))
    assert "a token is only sent over https" in said


def test_a_forge_that_is_not_there(case: Case) -> None:
    nowhere = Forge.model_validate({"kind": case.fake.kind, "api": "http://127.0.0.1:1"})
    said = refusal(lambda: case.delivery.proposal(BRANCH, "main", nowhere))
    assert "the forge cannot be reached" in said


def test_a_proxy_of_the_environment_is_used(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert "the forge cannot be reached" in case.refusal()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    case.propose()


def test_a_base_that_is_not_there(case: Case) -> None:
    delivery = case.delivery
    tip = delivery.tip("nosuch", FOLDERS)
    said = refusal(lambda: delivery.propose(tip, BRANCH, dict(CHANGES), MESSAGE, None, case.forge))
    assert "there is no branch nosuch that a pull request could go to" in said
    tip = delivery.tip("main", FOLDERS)
    said = refusal(lambda: delivery.propose(tip, "main", dict(CHANGES), MESSAGE, None, case.forge))
    assert "main cannot be proposed to itself" in said


def test_a_command_that_is_not_logged_in(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAMES[case.fake.kind])
    case.fake.cli(case.world.folder / "bin")
    name = "gh" if case.fake.kind == "github" else "glab"
    (case.world.folder / "bin" / name).write_text("#!/bin/sh\necho 'To get started, please run: login' >&2; exit 4\n")
    monkeypatch.setenv("PATH", f"{case.world.folder / 'bin'}:/usr/bin:/bin")
    said = case.refusal()
    assert f"`{name} api` says: To get started, please run: login" in said
    assert f"`{name} auth login`" in said
    assert not case.pushed
