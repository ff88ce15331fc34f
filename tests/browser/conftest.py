"""Fixtures of the browser tests: a Streamlit server for any script, and a headless Chromium.

Chromium is used where it is, installed where it is missing; what cannot be had fails with a sentence.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from explore_page import APP, BASE, PATIENT, drawn, engine, is_at, shows
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from server import ROOT, end, start_server, wait_until_healthy

from explorer import Settings, encode_link

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def installed_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


def install_chromium() -> None:
    """As root on Debian from its own packages; otherwise Playwright's build with its own downloader."""
    if os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False, env=environment)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:

        def chromium() -> str | None:
            bundled = playwright.chromium.executable_path
            return installed_chromium() or (bundled if Path(bundled).exists() else None)

        if chromium() is None:
            install_chromium()
        executable = chromium()
        if executable is None:
            pytest.fail("no Chromium was found and none could be installed: install the package 'chromium', "
                        "or run 'python -m playwright install chromium'")
        launched = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[Callable[[str | Path], str]]:
    """app(path of a script, from the repository's root) → address; one server a script, ended with the session."""
    servers: dict[Path, tuple[subprocess.Popen, str]] = {}

    def address(path: str | Path) -> str:
        script = ROOT / path
        if script not in servers:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            server, url = start_server(script, log)
            servers[script] = server, url
            wait_until_healthy(server, url, log)
        return servers[script][1]

    yield address
    for server, _ in servers.values():
        server.terminate()
    for server, _ in servers.values():
        end(server)


@pytest.fixture
def fresh_app(tmp_path) -> Iterator[str]:
    """The address of the page on a server of its own that nobody has visited."""
    log = tmp_path / "log.txt"
    server, url = start_server(ROOT / "components" / "app.py", log)
    wait_until_healthy(server, url, log)
    yield url
    server.terminate()
    server.wait(10)


def watch_console(page: Page) -> list[str]:
    """The list that errors on the console and uncaught exceptions of `page` are collected in.

    Streamlit looks for its server under the path of a page first, /about/_stcore/…, before it asks at the root.
    """
    errors: list[str] = []

    def hear(message) -> None:
        looking = "404" in message.text and re.search(r"//[^/]+/[^/]+/_stcore/", message.location["url"])
        if message.type == "error" and not looking:
            errors.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


DESKTOP = {"viewport": {"width": 1440, "height": 900}, "locale": "en-US", "reduced_motion": "reduce", "color_scheme": "light"}


@pytest.fixture
def open_page(browser) -> Iterator[Callable[..., Page]]:
    """open_page(**context options) → a page in a context of its own; the test fails if its console shows an error."""
    opened = []

    def new_page(**options) -> Page:
        page = browser.new_context(**DESKTOP | options).new_page()
        page.set_default_timeout(20_000)
        opened.append((page, watch_console(page)))
        return page

    yield new_page
    for page, _ in opened:
        page.context.close()
    errors = [error for _, found in opened for error in found]
    assert not errors, f"the browser's console shows errors: {errors}"


@pytest.fixture(scope="session")
def desktop(browser) -> Iterator[BrowserContext]:
    """One context for all plain pages, so that Streamlit's scripts are fetched once."""
    context = browser.new_context(**DESKTOP)
    yield context
    context.close()


@pytest.fixture
def page(desktop) -> Iterator[Page]:
    """A page of 1440 × 900 in light colours; the test fails if its console shows an error."""
    page = desktop.new_page()
    page.set_default_timeout(20_000)
    errors = watch_console(page)
    yield page
    page.close()
    assert not errors, f"the browser's console shows errors: {errors}"


@pytest.fixture(scope="session")
def _explore(desktop) -> tuple[Page, list[str]]:
    page = desktop.new_page()
    page.set_default_timeout(PATIENT)
    return page, watch_console(page)


@pytest.fixture
def explore(app, _explore) -> Callable[..., Page]:
    """explore(settings, **view) → the Explore page with their result, one page for the whole session.

    It is opened anew unless it is there already: a test may leave it where it found it, by Back.
    """
    page, errors = _explore

    def show(settings: Settings = BASE, **view) -> Page:
        link = f"{app(APP)}/{encode_link(settings, view)}"
        if not is_at(page, link):
            page.goto(link)
        shows(page, engine(settings), view.get("pic", "sqnr"))
        drawn(page)
        return page

    yield show
    seen = errors[:]
    errors.clear()
    assert not seen, f"the browser's console shows errors: {seen}"
