"""Headless Chromium, where the machine has it: one browser for all tests of a process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE: Final = 120_000
"""Milliseconds, on a machine that is busy with other tests."""


def chromium() -> str | None:
    """Return where the browser is."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def browser(path: str, home: Path) -> Iterator[Browser]:
    """Give a running browser, which keeps nothing outside of `home`."""
    from playwright.sync_api import sync_playwright

    environment: dict[str, str | float | bool] = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS), env=environment, timeout=PATIENCE)
        try:
            yield running
        finally:
            running.close()


@dataclass
class Seen:
    """An open page, with what it said to the console and what it asked for."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def opened(running: Browser, file: Path, fragment: str = "", **more: Any) -> Iterator[Seen]:
    """Open a page from its file."""
    context = running.new_context(**more)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    seen = Seen(page)
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(f"{file.as_uri()}{fragment}")
    try:
        yield seen
    finally:
        context.close()
