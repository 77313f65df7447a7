"""GitHub and GitLab as far as pull requests of one project go, in memory; and their command lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.git.smart_http import listening

TOKEN = "ghp_0123456789abcdef"
PROJECT = {"github": "acme/clusters", "gitlab": "acme/platform/clusters"}
_CLI = """#!{python}
import json, os, sys, urllib.error, urllib.request
words = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps(words) + "\\n")
assert words.pop(0) == "api"
assert words[:2] == ["--hostname", {host!r}], words
method, path = words[3], words[4]
body = sys.stdin.buffer.read() if "--input" in words else None
request = urllib.request.Request({url!r} + "/" + path, data=body, method=method, headers={{
    "Authorization": "Bearer {token}", "PRIVATE-TOKEN": "{token}", "Content-Type": "application/json"}})
try:
    sys.stdout.buffer.write(urllib.request.urlopen(request).read())
except urllib.error.HTTPError as error:
    sys.stdout.buffer.write(error.read())
    sys.exit(f"{name}: it failed (HTTP {{error.code}})")
"""


@dataclass
class FakeForge:
    """What was asked of it, what it holds, and how it fails."""

    kind: str
    url: str = ""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    fail: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    """Method → status and body to answer with."""
    redirect: str = ""
    hide: int = 0
    """Lists that come back empty, as for one who was a moment too early."""

    @property
    def project(self) -> str:
        return PROJECT[self.kind]

    def answer(self, method: str, path: str, headers: Any, body: Any) -> tuple[int, Any]:
        url = urlsplit(path)
        self.requests.append((method, unquote(path), body))
        said = headers.get("PRIVATE-TOKEN") if self.kind == "gitlab" else headers.get("Authorization")
        if said != (TOKEN if self.kind == "gitlab" else f"Bearer {TOKEN}"):
            return 401, {"message": "Bad credentials"}
        if method in self.fail:
            return self.fail[method]
        github = self.kind == "github"
        wanted = (
            f"/repos/{self.project}/pulls" if github else f"/projects/{self.project.replace('/', '%2F')}/merge_requests"
        )
        if not url.path.startswith(wanted):
            return 404, {"message": "Not Found"}
        rest = url.path.removeprefix(wanted)
        if method == "GET":
            return 200, self._list({name: values[0] for name, values in parse_qs(url.query).items()})
        if method == "POST":
            return self._open(body)
        assert method == ("PATCH" if github else "PUT"), method
        found = next(one for one in self.pulls if f"/{one['number']}" == rest)
        found.update(title=body["title"], body=body["body" if github else "description"])
        return 200, self._shown(found)

    def open(self, branch: str, base: str, *, fork: bool = False, state: str = "open") -> dict[str, Any]:
        number = len(self.pulls) + 7
        made = {"number": number, "head": branch, "base": base, "fork": fork, "state": state, "title": "", "body": ""}
        self.pulls.append(made)
        return made

    def _list(self, query: dict[str, str]) -> list[dict[str, Any]]:
        if self.hide:
            self.hide -= 1
            return []
        if self.kind == "github":
            assert query["state"] == "open"
            owner, _, branch = query["head"].partition(":")
            assert owner == "acme"
            base = query["base"]
        else:
            assert query["state"] == "opened"
            branch, base = query["source_branch"], query["target_branch"]
        wanted = {"head": branch, "base": base, "state": "open"}
        return [self._shown(one) for one in self.pulls if wanted.items() <= one.items()]

    def _open(self, body: Any) -> tuple[int, Any]:
        github = self.kind == "github"
        branch, base = (body["head"], body["base"]) if github else (body["source_branch"], body["target_branch"])
        if any(one["head"] == branch and one["state"] == "open" and not one["fork"] for one in self.pulls):
            words = "A pull request already exists for acme:x."
            return (422, {"message": "Validation Failed", "errors": [{"message": words}]}) if github else (
                409, {"message": ["Another open merge request already exists"]})  # fmt: skip
        made = self.open(branch, base)
        made.update(title=body["title"], body=body["body" if github else "description"])
        return 201, self._shown(made)

    def _shown(self, one: dict[str, Any]) -> dict[str, Any]:
        if self.kind == "github":
            full = "somebody/clusters" if one["fork"] else self.project
            url = f"https://git.example.com/{self.project}/pull/{one['number']}"
            return {"number": one["number"], "html_url": url, "head": {"ref": one["head"], "repo": {"full_name": full}}}
        return {
            "iid": one["number"],
            "web_url": f"https://git.example.com/{self.project}/-/merge_requests/{one['number']}",
            "source_branch": one["head"],
            "source_project_id": 2 if one["fork"] else 1,
            "target_project_id": 1,
        }

    def cli(self, folder: Path) -> Path:
        """Write its command line into a folder, and return the file that it notes its words in."""
        folder.mkdir()
        name = "gh" if self.kind == "github" else "glab"
        log = folder.parent / f"{name}.log"
        script = folder / name
        host = urlsplit(self.url).netloc
        text = _CLI.format(python=sys.executable, log=str(log), host=host, url=self.url, token=TOKEN, name=name)
        script.write_text(text)
        script.chmod(0o755)
        return log


@contextmanager
def forge(kind: str) -> Iterator[FakeForge]:
    """Run a forge on a free port."""
    fake = FakeForge(kind)

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, value = (301, {}) if fake.redirect else fake.answer(self.command, self.path, self.headers, body)
            data = json.dumps(value).encode()
            self.send_response(status)
            if fake.redirect:
                self.send_header("Location", fake.redirect)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._any()

        def do_POST(self) -> None:
            self._any()

        def do_PATCH(self) -> None:
            self._any()

        def do_PUT(self) -> None:
            self._any()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        fake.url = url
        yield fake
