"""Fixtures of the browser tests: a Streamlit server for any script, and a headless Chromium.

Chromium is used where it is, installed where it is missing; what cannot be had fails with a sentence.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parents[2]
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(script: Path, log: Path) -> tuple[subprocess.Popen, str]:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", "--server.address=127.0.0.1",
               "--server.headless=true", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    return server, f"http://127.0.0.1:{port}"


def wait_until_healthy(server: subprocess.Popen, url: str, log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    server.kill()
    pytest.fail(f"the Streamlit server did not start: {log.read_text(errors='replace')[-2000:]}")


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
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


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
    """The list that errors on the console and uncaught exceptions of `page` are collected in."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
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
