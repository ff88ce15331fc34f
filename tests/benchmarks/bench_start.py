"""From `python -m explorer` in a fresh process, with an empty cache, to the first metric on a browser's screen.

The browser is open and at rest before, as a person's is. Of six starts the first is not counted: it compiles the
modules, which Python keeps for the later ones (also where PYTHONDONTWRITEBYTECODE would forbid that).
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator

from playwright.sync_api import Browser

from tests.benchmarks.browsing import DESKTOP, PATIENCE, ROOT, chromium, free_port
from tests.benchmarks.timing import Row, milliseconds, seconds

STARTS = 5
REST = 1500  # milliseconds
LIBRARIES = "import streamlit.web.cli, pandas, torch"
METRIC = """() => /\\d/.test(document.querySelector('.figure-metric .figure-value')?.innerText ?? '')
  && document.querySelector('.stBidiComponent [data-testid]')?.shadowRoot?.querySelector('.histogram canvas')?.dataset.lastDrawMs"""


def rows() -> Iterator[Row]:
    imports = [1000 * seconds(lambda: subprocess.run([sys.executable, "-c", LIBRARIES], check=True)) for _ in range(STARTS + 1)][1:]
    yield milliseconds("a fresh process that only loads streamlit, pandas and torch", imports, None)
    with chromium() as browser:
        starts = [start(browser) for _ in range(STARTS + 1)][1:]
    yield milliseconds("fresh process → first result on screen", starts, 3000)


def start(browser: Browser) -> float:
    """Milliseconds from the start of the process until a metric is shown and the pictures are drawn."""
    port, context = free_port(), browser.new_context(**DESKTOP)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.wait_for_timeout(REST)
    with tempfile.TemporaryDirectory() as cache:
        started = time.perf_counter()
        server = subprocess.Popen([sys.executable, "-m", "explorer", f"--port={port}"], cwd=ROOT, stdout=subprocess.DEVNULL,
                                  env=os.environ | {"EXPLORER_CACHE": cache, "PYTHONDONTWRITEBYTECODE": ""})  # fmt: skip
        try:
            while not healthy(port):
                time.sleep(0.02)
            page.goto(f"http://localhost:{port}", wait_until="commit")
            page.wait_for_function(METRIC, polling="raf")
            return 1000 * (time.perf_counter() - started)
        finally:
            context.close()
            server.terminate()
            server.wait()


def healthy(port: int) -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1))
    except OSError:
        return False
