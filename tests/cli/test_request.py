"""`iamrbac request` with real git: what it makes, what it leaves alone, and what it refuses before anything is made."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac import wiring
from iamrbac.cli.main import run
from iamrbac.git.delivery import requests as edge
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT
from tests.git.delivery import World
from tests.git.delivery import world as make_world
from tests.git.forges import TOKEN, forge
from tests.git.repo import Repo
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden" / "request"
AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ERIN = "arn:aws:iam::111122223333:user/staff/erin"
BRANCH = "iamrbac/request/inc-1"
FILE = "policies/temporary/inc-1.yaml"


@dataclass
class Desk:
    """Somebody with a clone of the sample access repository, and its remote."""

    world: World
    clone: Repo
    capsys: pytest.CaptureFixture[str]
    place: str = ""
    out: str = ""
    err: str = ""

    def __call__(self, *more: str, code: int = 0, namespace: str = "payments", role: str = "operator") -> str:
        wish = [
            "-n",
            namespace,
            "--cluster",
            "production",
            "--role",
            role,
            "--for",
            "4h",
            "--reason",
            "INC-1 it is down",
        ]
        assert run(["request", "-C", str(self.clone.folder / self.place), *wish, *more]) == code, (
            self.capsys.readouterr()
        )
        self.out, self.err = self.capsys.readouterr()
        return self.out

    def json(self, *more: str, code: int = 0, namespace: str = "payments") -> Any:
        found = json.loads(self(*more, "-o", "json", code=code, namespace=namespace))
        check("request", found)
        return found

    @property
    def branches(self) -> list[str]:
        return self.world.git("for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()

    def document(self, branch: str = BRANCH, file: str = FILE) -> Any:
        return yaml.safe_load(self.world.git("show", f"{branch}:{file}"))

    def change(self, edit: Callable[[str], str]) -> None:
        """Somebody else changes the config at the remote."""
        text = self.world.git("show", f"main:{self.place}iamrbac.yaml")
        self.world.seed({f"{self.place}iamrbac.yaml": edit(text) + "\n"})


def sample(place: str = "") -> dict[str, str | bytes | None]:
    names = [ROOT / "iamrbac.yaml", *(ROOT / "policies").rglob("*.yaml")]
    return {f"{place}{one.relative_to(ROOT)}": one.read_bytes() for one in names}


@pytest.fixture
def me(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "me", lambda: ERIN)
    monkeypatch.setattr("iamrbac.cli.request.at_now", lambda: AT)


@pytest.fixture
def desk(tmp_path: Path, me: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    world = make_world(tmp_path, monkeypatch)
    world.git("symbolic-ref", "HEAD", "refs/heads/main")
    world.seed(sample())
    return Desk(world, world.clone(), capsys)


def steady(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{12}\b", "COMMIT", text)


def test_the_branch_and_what_is_said(desk: Desk) -> None:
    said = desk()
    compare(steady(said), GOLDEN / "pushed.txt")
    assert desk.branches == [BRANCH, "main"]
    assert desk.world.git("diff", "--name-status", "main", BRANCH) == f"A\t{FILE}"
    compare(desk.world.git("show", f"{BRANCH}:{FILE}") + "\n", GOLDEN / "document.yaml")
    compare(desk.world.git("log", "-1", "--format=%an%n%cn%n%B", BRANCH) + "\n", GOLDEN / "commit.txt")
    assert desk.world.litter() == []


def test_nothing_of_the_person_s_moves(desk: Desk) -> None:
    clone = desk.clone
    clone.git("switch", "--quiet", "-c", "mine")
    clone.write({"iamrbac.yaml": "broken: [", "policies/new.yaml": "x", "staged": "y"})
    clone.git("add", "staged")
    before = (clone.git("status", "--porcelain=v2", "--branch"), clone.git("branch"), clone.git("reflog"))
    desk()
    assert (clone.git("status", "--porcelain=v2", "--branch"), clone.git("branch"), clone.git("reflog")) == before
    assert clone.git("worktree", "list").count("\n") == 0
    assert (clone.folder / "iamrbac.yaml").read_text() == "broken: ["


def test_it_begins_at_the_remote_s_branch_as_it_is_now(desk: Desk) -> None:
    desk.change(lambda text: text.replace("payments-batch, search]", "payments-batch, search, search-new]"))
    found = desk.json(namespace="search-new")
    assert found["team"] == "search"
    assert found["base"] == {"branch": "main", "commit": desk.world.git("rev-parse", "main")}
    assert desk.world.git("rev-parse", f"{BRANCH}^") == found["base"]["commit"]


def test_a_name_that_is_taken_gets_a_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.json()["name"] == "inc-1"
    assert desk.json()["branch"] == f"{BRANCH}-2"
    # Of a file of that name at the base, and of a grant in another file.
    grant = desk.world.git("show", f"{BRANCH}:{FILE}")
    desk.world.seed({FILE: grant, "policies/other.yaml": grant.replace("name: inc-1", "name: inc-1-3")})
    found = desk.json("--role", "deployer")
    assert (found["name"], desk.document(found["branch"], found["file"])["metadata"]) == (
        "inc-1-4",
        {"name": "inc-1-4"},
    )
    assert desk.json("--name", "launch", "--role", "deployer")["name"] == "launch"
    # Somebody pushes the same name between our look and our push.
    monkeypatch.setattr(edge.GitAccessBranches, "taken", lambda *_: frozenset({"inc-1-4"}))
    desk.world.git("branch", f"{BRANCH}-5", "main")
    assert desk.json("--role", "deployer")["name"] == "inc-1-6"


REFUSED = {
    "typos": (("--cluster", "prodution", "--role", "oprator", "--for", "4 hours", "--member", "bob:x"), 64),
    "namespace": (("--namespace", "serch"), 3),
    "consent": (("--team", "search"), 3),
    "team": (("--team", "serch"), 3),
    "name": (("--name", "Not A Name"), 3),
    "template": (("--role", "clusterRole:a/b"), 3),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_wrong_is_said_by_the_options_and_nothing_is_made(desk: Desk, name: str) -> None:
    more, code = REFUSED[name]
    said = desk(*more, code=code)
    compare(said, GOLDEN / f"refused-{name}.txt")
    found = desk.json(*more, code=code)
    assert all(one["file"] is None for one in found["findings"])
    assert desk.branches == ["main"]
    assert desk.world.litter() == []


def test_gates_and_suspension_of_the_base(desk: Desk) -> None:
    desk.change(lambda text: f"{text}\ngates:\n  - {{name: short, clusters: [production], maxDays: 1}}")
    assert "the gate short" in desk("--for", "3d", code=3)
    assert "maxDays" in desk.out or "1 are the most" in desk.out
    desk()
    desk.change(lambda text: text.replace("suspended: []", "suspended: [arn:aws:iam::111122223333:user/erin]"))
    assert desk("--role", "viewer", code=3).startswith("error REQ003: --member: staff/erin is suspended. Next: ")
    assert desk("--member", "erin", code=3).startswith("error REQ003: --member: erin is suspended. Next: ")


def test_what_is_there_already_is_not_asked_for(desk: Desk) -> None:
    desk()
    desk.world.git("update-ref", "refs/heads/main", BRANCH)
    assert desk("--for", "2h", code=3).startswith("error REQ004: --role: this gives nothing that is not there already")
    desk("--for", "5h")


def test_a_base_that_is_not_valid_is_not_the_asker_s_fault(desk: Desk) -> None:
    desk.world.seed({"policies/broken.yaml": "kind: AccessPolicy\n"})
    said = desk(code=1)
    assert "policies/broken.yaml" in said
    assert "the documents of main are invalid" in desk.err
    assert desk.branches == ["main"]


def test_dry_run_and_print_make_nothing(desk: Desk) -> None:
    compare(steady(desk("--dry-run")), GOLDEN / "dry-run.txt")
    found = desk.json("--dry-run")
    assert (found["commit"], found["pushed"], found["next"]) == (None, False, [])
    shutil.rmtree(desk.clone.folder / ".git")
    text = desk("--print")
    assert text == (GOLDEN / "document.yaml").read_text()
    assert (found["document"], desk.json("--print")["base"]) == (text, None)
    assert desk("-q", code=1) == ""
    assert "it is in no git repository. Next: clone the access repository and ask there, or use --print" in desk.err
    assert desk.branches == ["main"]


def test_without_a_remote_the_branch_is_made_here(desk: Desk) -> None:
    desk.clone.git("remote", "remove", "origin")
    head = desk.clone.git("rev-parse", "HEAD")
    said = desk()
    assert f"git push origin {BRANCH}" in said
    assert desk.clone.git("diff", "--name-only", "main", BRANCH) == FILE
    assert (desk.clone.git("rev-parse", "HEAD"), desk.clone.git("status", "--porcelain")) == (head, "")
    found = desk.json()
    assert (found["name"], found["pushed"]) == ("inc-1-2", False)
    assert found["next"] == ["git remote add origin URL", f"git push origin {BRANCH}-2"]


def test_a_folder_of_a_larger_repository(desk: Desk) -> None:
    desk.world.seed({**dict.fromkeys(sample(), None), **sample("access/k8s/"), "README": "x"})
    desk.clone.git("pull", "--quiet", "origin", "main")
    desk.place = "access/k8s/"
    found = desk.json()
    assert found["file"] == FILE
    assert desk.world.git("diff", "--name-only", "main", found["branch"]) == f"access/k8s/{FILE}"


def test_hooks_are_the_person_s_own(desk: Desk) -> None:
    desk.world.hook("pre-commit", "echo no grants on fridays; exit 1", desk.clone.folder / ".git")
    desk(code=1)
    assert "a commit hook refused: no grants on fridays" in desk.err
    assert (desk.branches, desk.world.litter()) == (["main"], [])


def test_a_server_that_refuses(desk: Desk) -> None:
    desk.world.hook("pre-receive", "echo protected branch hook declined >&2; exit 1")
    desk(code=1)
    assert "nothing was pushed" in desk.err
    assert "gitops" not in desk.err
    assert "--print gives the document" in desk.err


def test_an_empty_remote(desk: Desk) -> None:
    desk.world.git("update-ref", "-d", "refs/heads/main")
    desk(code=1)
    assert "push the access repository first" in desk.err


def at_forge(desk: Desk, url: str) -> None:
    """The clone's remote as people know it; git goes to the folder."""
    desk.world.set(f"url.{desk.world.url}.insteadOf", url)
    desk.clone.git("remote", "set-url", "origin", url)


@pytest.mark.parametrize(
    ("url", "page"),
    [
        (
            "git@github.com:acme/access.git",
            f"https://github.com/acme/access/compare/main...{BRANCH}?expand=1",
        ),
        (
            "https://gitlab.com/acme/iam/access.git",
            "https://gitlab.com/acme/iam/access/-/merge_requests/new?merge_request%5Bsource_branch%5D="
            "iamrbac%2Frequest%2Finc-1&merge_request%5Btarget_branch%5D=main",
        ),
        ("https://git.example.com/acme/access.git", ""),
    ],
)
def test_the_page_of_the_pull_request(
    desk: Desk, url: str, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_forge(desk, url)
    # No gh and no glab of this machine.
    (tmp_path / "bin").mkdir()
    git = shutil.which("git")
    assert git is not None
    (tmp_path / "bin" / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = desk.json()
    assert found["pullRequest"] == {"url": page or None, "opened": False, "error": None}
    assert len(found["next"]) == 1


@pytest.mark.parametrize("way", ["token", "command"])
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_the_pull_request_is_opened(desk: Desk, kind: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with forge(kind) as fake:
        at_forge(desk, f"https://git.example.com/{fake.project}.git")
        desk.change(lambda text: f"{text}\ngitops: {{forge: {{kind: {kind}, api: {fake.url}}}}}")
        if way == "token":
            monkeypatch.setenv({"github": "GH_ENTERPRISE_TOKEN", "gitlab": "GITLAB_TOKEN"}[kind], TOKEN)
        else:
            fake.cli(desk.world.folder / "bin")
            monkeypatch.setenv("PATH", f"{desk.world.folder / 'bin'}:/usr/bin:/bin")
        said = desk()
        (pull,) = fake.pulls
        assert (pull["head"], pull["base"]) == (BRANCH, "main")
        compare(f"{pull['title']}\n\n{pull['body']}\n", GOLDEN / "pull-request.md")
        assert re.search(r"^Pull request: https://git\.example\.com/\S+/7$", said, re.MULTILINE)
        fake.fail["POST"] = (403, {"message": "no rights"})
        found = desk.json()
        assert found["pushed"]
        assert found["pullRequest"]["opened"] is False
        assert "no rights" in found["pullRequest"]["error"]
        assert "warning: the branch is pushed, but its pull request cannot be opened" in desk.err
        assert TOKEN not in desk.err + desk.out


def test_a_role_is_for_everybody_who_may_assume_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    role = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann"
    monkeypatch.setattr(wiring, "me", lambda: role)
    assert "note: this is for everybody who has the permission set Dev; for one person alone: --member" in desk()
    assert desk.document()["spec"]["members"] == [{"permissionSet": "Dev"}]


def test_who_i_am_is_what_aws_says(
    fresh_sandbox: Sandbox,
    admin_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in fresh_sandbox.variables("alice").items():
        monkeypatch.setenv(name, value)
    wish = ["request", "-C", str(ROOT), "-n", "payments", "--cluster", "production", "--role", "operator"]
    assert run([*wish, "--for", "4h", "--reason", "INC-1", "--print"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["spec"]["members"] == [{"iamUser": "staff/alice"}]


def test_without_credentials(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    said = desk("--print", code=1)
    assert said.startswith("error ERR201: --member: who asks is not known: ")
    assert "or name who gets it with --member" in said


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["request", "--help"]) == 0
    out = capsys.readouterr().out
    for option in (
        "--namespace",
        "--cluster",
        "--role",
        "--for",
        "--reason",
        "--team",
        "--member",
        "--name",
        "--print",
    ):
        assert option in out
