"""The report's page in a real browser: no request, no error, usable by keyboard and without script, prints whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from iamrbac.cli.main import run
from tests.report.browser import browser, chromium, opened
from tests.report.repository import AT, make

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_FOUND = chromium()
pytestmark = [
    pytest.mark.skipif(_FOUND is None, reason="no Chromium on the PATH (Debian: apt-get install chromium)"),
    pytest.mark.xdist_group("browser"),
]
SCREENSHOTS = "IAMRBAC_SCREENSHOTS"
"""A folder for pictures of the page, to be looked at by people."""
ROWS = "document.querySelectorAll('tr[data-row]:not([hidden])').length"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert _FOUND is not None
    with browser(_FOUND, tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the sample with a grant whose reason would be a script, elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        repo = make(tmp_path_factory.mktemp("report") / "access")
        policy = repo.folder / "policies" / "temporary" / "inc-4211.yaml"
        hostile = "reason: '<script>window.hit = 1</script><img src=x onerror=\"window.hit = 2\">'"
        policy.write_text(policy.read_text().replace("reason: INC-4211 peak season on-call", hostile))
        repo.commit({}, "<img src=x onerror='window.hit = 3'>")
        out = repo.folder / "report.html"
        people = str(repo.folder / "people.json")
        argv = ["report", "-C", str(repo.folder), "--identities", people, "--at", AT, "-q", "--html", "--out", str(out)]
        assert run(argv) == 0
        return out


def picture(page: Page, name: str) -> None:
    folder = os.environ.get(SCREENSHOTS)
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def status(page: Page) -> str:
    return page.locator("#count").inner_text()


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 380)], ids=["light", "dark", "narrow"]
)
def test_it_asks_for_nothing_and_everybody_can_use_it(
    scheme: str, width: int, running: Browser, page_file: Path
) -> None:
    """Axe looks for what keeps people out: contrast, names, headers, order."""
    from axe_playwright_python.sync_playwright import Axe

    size = {"width": width, "height": 900}
    with opened(running, page_file, color_scheme=scheme, viewport=size) as seen:
        assert seen.page.evaluate("window.hit") is None
        assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        found = Axe().run(seen.page).response
        told = [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found["violations"]]
        assert told == []
        assert found["testEngine"]["version"].startswith("4.")
        picture(seen.page, f"{scheme}-{width}")
        assert (seen.console, seen.requests) == ([], [page_file.as_uri()])


def test_search_filter_and_the_address_that_keeps_them(running: Browser, page_file: Path) -> None:
    with opened(running, page_file) as seen:
        page = seen.page
        total = page.evaluate(ROWS)
        assert status(page) == f"{total} rows"
        page.get_by_label("Person", exact=True).fill("erin")
        page.get_by_label("Cluster", exact=True).select_option("production")
        assert page.url.endswith("#person=erin&cluster=production")
        shown = page.evaluate(ROWS)
        assert status(page) == f"{shown} of {total} rows match"
        text = page.locator("main").inner_text()
        assert "erin" in text
        assert "payments-deployer" not in text
        address = page.url
        page.get_by_role("button", name="Show all").click()
        page.wait_for_function(f"{ROWS} === {total}")
        assert "#" not in page.url
        page.get_by_label("Risk level", exact=True).select_option("error")
        assert page.locator("tr[data-row]:visible").count() == page.evaluate(ROWS)
        assert {"pat", "role vault-sync"} <= set(page.locator("tr[data-row]:visible th").all_inner_texts())
        page.get_by_label("Search", exact=True).fill("no such words")
        assert status(page) == f"0 of {total} rows match"
        assert seen.console == []
    with opened(running, page_file, address.removeprefix(page_file.as_uri())) as again:
        assert again.page.evaluate(ROWS) == shown
        assert again.page.get_by_label("Cluster", exact=True).input_value() == "production"
    with opened(running, page_file, "#namespace=search&q=%3Cb%3E&theme=dark&cluster=gone") as odd:
        assert odd.page.get_by_label("Namespace", exact=True).input_value() == "search"
        assert odd.page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert odd.console == []


def test_a_namespace_shows_what_holds_in_the_whole_cluster_too(running: Browser, page_file: Path) -> None:
    with opened(running, page_file, "#namespace=search&cluster=production") as seen:
        section = seen.page.locator('section[data-cluster="production"]')
        names = section.locator("tr[data-row]:visible th").all_inner_texts()
        assert "pat" in names
        assert "role vault-sync" not in names


def test_by_keyboard_alone(running: Browser, page_file: Path) -> None:
    with opened(running, page_file) as seen:
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Shift+Tab")
        page.evaluate("document.body.focus(); document.querySelector('.skip').focus()")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "theme"
        page.keyboard.press("Space")
        assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
        page.keyboard.press("Tab")
        page.keyboard.type("vault-sync")
        assert "rows match" in status(page)
        names = []
        for _ in range(6):
            page.keyboard.press("Tab")
            names.append(page.evaluate("document.activeElement.name || document.activeElement.type"))
        assert names == ["person", "cluster", "namespace", "role", "level", "reset"]


def test_people_are_folded_and_open_where_one_is_looked_for(running: Browser, page_file: Path) -> None:
    with opened(running, page_file) as seen:
        assert seen.page.locator("details[open]").count() == 0
        seen.page.get_by_label("Person", exact=True).fill("dev-03")
        assert seen.page.get_by_text("dev-02, dev-03").first.is_visible()


def test_without_script_everything_is_there(running: Browser, page_file: Path) -> None:
    with opened(running, page_file, "#q=nothing", java_script_enabled=False) as seen:
        page = seen.page
        assert page.locator("tr[data-row]").count() == page.locator("tr[data-row]:visible").count() > 20
        assert page.get_by_text("dev-02, dev-03").first.is_visible()
        assert not page.locator("form").is_visible()
        assert not page.locator("#theme").is_visible()


def test_it_prints_whole_and_without_controls(running: Browser, page_file: Path) -> None:
    with opened(running, page_file, "#person=erin", color_scheme="dark") as seen:
        page = seen.page
        all_rows = page.locator("tr[data-row]").count()
        page.emulate_media(media="print", color_scheme="dark")
        assert page.locator("tr[data-row]:visible").count() == all_rows
        assert not page.locator("form").is_visible()
        assert not page.locator("nav").is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
        assert page.get_by_text("dev-02, dev-03").first.evaluate("one => one.getBoundingClientRect().height > 0")
        folder = os.environ.get(SCREENSHOTS)
        printed = page.pdf(format="A4", path=Path(folder) / "print.pdf" if folder else None)
        assert printed.startswith(b"%PDF")
