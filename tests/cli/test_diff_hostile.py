"""What a stranger's branch may hold: nothing of it gets out of its place in what `iamrbac diff` says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.changes import BASE, policy
from tests.cli.test_diff import diff
from tests.git.repo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """The base alone."""
    made = Repo.init(tmp_path / "repo")
    made.commit(BASE)
    return made


@pytest.mark.parametrize("head", [(), ("--head", "HEAD")], ids=["work tree", "commit"])
def test_a_branch_full_of_symlinks_reads_nothing_outside(
    repo: Repo, head: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("token: do-not-tell\n")
    for name, target in (("a", str(secret)), ("b", "../../secret.yaml"), ("c", "/dev/zero"), ("d", "d.yaml")):
        (repo.folder / "policies" / f"{name}.yaml").symlink_to(target)
    repo.commit({})
    code, out, err = diff(capsys, repo, *head, base="HEAD~1")
    assert code == 3
    assert "do-not-tell" not in out + err
    assert len(re.findall(r"policies/[abcd]\.yaml: error", out)) == 4


def test_no_name_of_a_branch_gets_out_of_its_place(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    members = "{a: [{iamUser: '<b>@org/team'}, {iamUser: 'a`b``c/@acme'}, {iamUser: '|x|/www.evil.example'}]}"
    line = "{clusters: [staging], scope: cluster, role: {clusterRole: '@all:__x__'}, reason: '</details> @me ![](x)'}"
    repo.write({"policies/new.yaml": policy("new", members, line)})
    code, out, _ = diff(capsys, repo, "-o", "markdown")
    assert code == 3
    outside = re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", out)
    assert re.findall(r"@\w|<b>|www\.|\*\*?x|__x|!\[", outside) == []
    assert {*re.findall(r"<(?:!--|/?[a-z]+)", outside)} <= {
        "<!--",
        "<details",
        "</details",
        "<summary",
        "</summary",
        "<b",
        "</b",
    }
    code, page, _ = diff(capsys, repo, "-o", "html")
    known = "html head meta title style body h1 h2 p table tr th td ul li details summary code"
    assert Tags.of(page) <= set(known.split(" "))
    assert "<b>" not in page


class Tags(HTMLParser):
    """The elements of a page; a script, or an attribute that loads or runs something, is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    @classmethod
    def of(cls, page: str) -> set[str]:
        parser = cls()
        parser.feed(page)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href", "style")]


def test_a_comment_always_fits_and_says_what_is_left_out(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    files: dict[str, str | bytes | None] = {}
    for number in range(120):
        long = f"team-{number:03}"
        members = "{" + ", ".join(f"s{one}: [{{iamUser: '{long}/{'x' * 400}/u{one}'}}]" for one in range(9)) + "}"
        lines = [
            f"{{to: [s{one}], clusters: [staging, production], scope: cluster, role: {{clusterRole: r{one}}}}}"
            for one in range(9)
        ]
        files[f"policies/{long}.yaml"] = policy(long, members, *lines)
    repo.write(files)
    code, out, _ = diff(capsys, repo, "-o", "markdown")
    assert code == 3
    assert 40_000 < len(out) < 65_536
    assert out.startswith("<!-- iamrbac-diff -->\n")
    assert re.search(r"and [\d,]+ more", out)
    assert re.search(r"[\d,]+ more changes of access do not fit here", out)
    assert out.count("<details>") == out.count("</details>") > 0
